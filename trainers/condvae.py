"""Trains a conditional VAE (Kingma et al. 2014; Sohn et al. 2015).

    python -m trainers.condvae
    python -m trainers.condvae --dataset=celeba --data_dir=FOLDER

Encoder and decoder get the labels. z is as large as z and w of CSVAE together.
"""

import functools

from trainers import train

main = functools.partial(train.main, "condvae", __doc__)

if __name__ == "__main__":
    main()
