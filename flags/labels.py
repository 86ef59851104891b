"""Labels: those that the examples have."""

from absl import flags

flags.DEFINE_string(
    "labels",
    None,
    "The labels that the examples have. To train on a folder: a CSV file with a row per image. Where a model is "
    "asked: such a file, or values for all, as in --labels=Male=1,Smiling=0; the others are read by a classifier.",
)
