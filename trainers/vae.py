"""Trains a variational autoencoder (Kingma and Welling 2013): the rival that knows no labels.

    python -m trainers.vae
    python -m trainers.vae --dataset=celeba --data_dir=FOLDER

Its z is as large as CSVAE's z and w together.
"""

from trainers import generative, training

TRAINER = generative.trainer("vae", "VAE", __doc__)

if __name__ == "__main__":
    training.main(TRAINER)
