"""Trains a Conditional Subspace VAE (Klys, Snell, Zemel 2018).

    python -m trainers.csvae
    python -m trainers.csvae --dataset=celeba --data_dir=FOLDER

The defaults are those of the dataset: --help shows them for the one given beside it.
"""

import flags
import flags.data
import flags.networks
import flags.subspaces
import flags.training
from trainers import training

FLAGS = flags.FLAGS

GROUPS = (flags.data, flags.networks, flags.subspaces, flags.training)

OPTIONS = (
    "w_dim",
    "w_prior",
    "w_separation",
    "shared_encoder",
    "beta2",
    "beta4",
    "beta5",
    "adversarial",
    "balanced",
    "mmd_weight",
)


def build(info):
    """Returns the CSVAE that the flags describe, for a dataset's ``Info``."""
    from tf_csvae import CSVAE

    options = {name: FLAGS[name].value for name in OPTIONS}
    return CSVAE(**training.network_options(info), **options)


TRAINER = training.generative("csvae", GROUPS, build, __doc__)

if __name__ == "__main__":
    training.main(TRAINER)
