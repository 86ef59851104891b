"""Trains CondVAE-info, the IFCVAE-GAN (Creswell et al. 2017): z and labels apart, and sharp images.

    python -m trainers.condvae_info
    python -m trainers.condvae_info --dataset=celeba --data_dir=FOLDER

Its encoder reads the labels beside z, from which an auxiliary network must not be able to read
them; a discriminator tells its images from real ones. Its z is as large as CSVAE's z and w together.
"""

import flags.condvae_info
from trainers import generative, training

TRAINER = generative.trainer("condvae_info", "CondVAEInfo", __doc__, own=(flags.condvae_info,))

if __name__ == "__main__":
    training.main(TRAINER)
