"""Trains a Conditional Subspace VAE (Klys, Snell, Zemel 2018).

    python -m trainers.csvae
    python -m trainers.csvae --dataset=celeba --data_dir=FOLDER

The defaults depend on the data set. --help shows those of the --dataset given beside it.
"""

import functools

from trainers import train

main = functools.partial(train.main, "csvae", __doc__)

if __name__ == "__main__":
    main()
