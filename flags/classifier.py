"""Classifier: its network, its augmentation and its loss."""

from absl import flags

flags.DEFINE_enum("depth", "34", ["10", "18", "34"], "Layers of the ResNet; images only.")
flags.DEFINE_integer(
    "width",
    64,
    "Channels of the ResNet's first stage, doubled by each of the other three; for vectors the units of "
    "both layers.",
    lower_bound=1,
)
flags.DEFINE_integer("stem_stride", 2, "Stride of the first convolution; images only.", lower_bound=1)
flags.DEFINE_integer(
    "shift", 4, "Move training images at random by up to so many pixels each way.", lower_bound=0
)
flags.DEFINE_float(
    "blur",
    0.0,
    "Blur half of the training images by a Gaussian of up to so many pixels: a judge of generated images must "
    "not take blur for absence.",
    lower_bound=0,
)
flags.DEFINE_float(
    "noise", 0.0, "Add noise of up to this standard deviation to training images.", lower_bound=0
)
flags.DEFINE_float(
    "robustness",
    0.0,
    "Move each training example by up to this length (Euclidean) to where the classifier does worst: a helper that is to "
    "look at what people see.",
    lower_bound=0,
)
flags.DEFINE_float("dropout", 0.0, "Share of the features that are dropped in training.", 0, 0.99)
flags.DEFINE_float(
    "balance",
    0.5,
    "How far the rarer value of a label outweighs the other in the loss: 0 not at all, 1 as if both "
    "were equally frequent.",
    0,
    1,
)
