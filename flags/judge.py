"""Judge: the classifier beside a generator."""

from absl import flags

flags.DEFINE_string(
    "classifier",
    None,
    "A finished run of trainers.classifier on the same data. In an evaluation it judges what the model "
    "generates: without one there is no generation, transfer or Frechet distance. In an export it reads the "
    "labels that a client leaves out.",
)
