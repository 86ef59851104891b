"""Trains a Conditional Subspace VAE (Klys, Snell, Zemel 2018).

    python -m trainers.csvae
    python -m trainers.csvae --dataset=celeba --data_dir=FOLDER

The defaults are those of the dataset: --help shows them for the one given beside it.
"""

import flags.consistency
import flags.subspaces
from trainers import generative, training

TRAINER = generative.trainer(
    "csvae", "CSVAE", __doc__, own=(flags.subspaces, flags.consistency), subspaces=True
)

if __name__ == "__main__":
    training.main(TRAINER)
