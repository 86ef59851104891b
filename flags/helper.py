"""Helper: a trained classifier that takes part in the training of a generator."""

from absl import flags

flags.DEFINE_string(
    "helper",
    None,
    "A finished run of trainers.classifier that takes part in the training; not the judge, and best one with "
    "--half=second. It also reads labels that are not given later.",
)
flags.DEFINE_float(
    "perceptual_weight",
    0.0,
    "Weight of the helper's view: reconstructions must look to each of its stages as the images do; 0, or no "
    "--helper: none.",
    lower_bound=0,
)
