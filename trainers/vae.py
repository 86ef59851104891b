"""Trains a variational autoencoder (Kingma and Welling 2013).

    python -m trainers.vae
    python -m trainers.vae --dataset=celeba --data_dir=FOLDER

It has no labels. z is as large as z and w of CSVAE together.
"""

import functools

from trainers import train

main = functools.partial(train.main, "vae", __doc__)

if __name__ == "__main__":
    main()
