"""Trains a variational autoencoder (Kingma and Welling 2013): the rival that knows no labels.

    python -m trainers.vae
    python -m trainers.vae --dataset=celeba --data_dir=FOLDER

Its z is as large as CSVAE's z and w together.
"""

import flags.data
import flags.networks
import flags.training
from trainers import training

GROUPS = (flags.data, flags.networks, flags.training)


def build(info):
    """Returns the VAE that the flags describe, for a dataset's ``Info``."""
    from tf_csvae import VAE

    return VAE(**training.without_subspaces(info))


TRAINER = training.generative("vae", GROUPS, build, __doc__)

if __name__ == "__main__":
    training.main(TRAINER)
