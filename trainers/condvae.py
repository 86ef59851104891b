"""Trains a conditional VAE (Kingma et al. 2014; Sohn et al. 2015): encoder and decoder are told y.

    python -m trainers.condvae
    python -m trainers.condvae --dataset=celeba --data_dir=FOLDER

Its z is as large as CSVAE's z and w together.
"""

import flags.consistency
from trainers import generative, training

TRAINER = generative.trainer("condvae", "CondVAE", __doc__, own=(flags.consistency,))

if __name__ == "__main__":
    training.main(TRAINER)
