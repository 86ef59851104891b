"""Trains the attribute classifier, a ResNet (He et al. 2015): a judge or a guide.

    python -m trainers.classifier --dataset=celeba --data_dir=FOLDER

The epoch with the best accuracy on the validation data is kept.
"""

import functools

from trainers import train

main = functools.partial(train.main, "classifier", __doc__)

if __name__ == "__main__":
    main()
