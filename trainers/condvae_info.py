"""Trains CondVAE-info, the IFCVAE-GAN (Creswell et al. 2017).

    python -m trainers.condvae_info
    python -m trainers.condvae_info --dataset=celeba --data_dir=FOLDER

The encoder predicts the labels beside z. An auxiliary network must not predict them from z. A
discriminator compares generated with real data. z is as large as z and w of CSVAE together.
"""

import functools

from trainers import train

main = functools.partial(train.main, "condvae_info", __doc__)

if __name__ == "__main__":
    main()
