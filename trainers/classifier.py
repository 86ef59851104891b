"""Trains the attribute classifier, a ResNet (He et al. 2015): the judge of generated images.

python -m trainers.classifier --dataset=celeba --data_dir=FOLDER

Of the epochs it keeps the one that is right most often on the validation data.
"""

import flags
import flags.classifier
import flags.data
import flags.distribute
import flags.labels
import flags.run
import flags.seed
import flags.training
from trainers import training

FLAGS = flags.FLAGS

GROUPS = (flags.run, flags.seed, flags.data, flags.labels, flags.classifier, flags.training, flags.distribute)

OPTIONS = ("width", "stem_stride", "shift", "blur", "noise", "robustness", "dropout", "balance", "seed")


def build(info):
    """Returns the Classifier that the flags describe, for a dataset's ``Info``."""
    from tf_csvae import Classifier

    options = {name: FLAGS[name].value for name in OPTIONS}
    return Classifier(info.shape, info.labels, depth=int(FLAGS.depth), **options)


def compile_model(model, dataset, rate_factor):
    """Compiles it: one learning rate."""
    optimizer = training.optimizer(FLAGS.learning_rate * rate_factor, dataset.steps_per_epoch * FLAGS.epochs)
    model.compile(optimizer, **training.compile_options(dataset))


# Not the balanced accuracy: where the loss is not balanced in full it rises with whatever makes
# the network say yes more often, so it would choose the epoch that does by chance. Not the loss:
# it rises with the certainty of a network whose answers still get better. How rare labels are
# weighed against common ones is for --balance to say, the same in every epoch.
BEST = ("val_accuracy", "max")

TRAINER = training.Trainer("classifier", GROUPS, build, __doc__, compile_model, best=BEST)

if __name__ == "__main__":
    training.main(TRAINER)
