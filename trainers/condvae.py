"""Trains a conditional VAE (Kingma et al. 2014; Sohn et al. 2015): encoder and decoder are told y.

    python -m trainers.condvae
    python -m trainers.condvae --dataset=celeba --data_dir=FOLDER

Its z is as large as CSVAE's z and w together.
"""

import flags.data
import flags.networks
import flags.training
from trainers import training

GROUPS = (flags.data, flags.networks, flags.training)


def build(info):
    """Returns the CondVAE that the flags describe, for a dataset's ``Info``."""
    from tf_csvae import CondVAE

    return CondVAE(**training.without_subspaces(info))


TRAINER = training.generative("condvae", GROUPS, build, __doc__)

if __name__ == "__main__":
    training.main(TRAINER)
