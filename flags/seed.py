"""Seed: of all that is drawn."""

from absl import flags

flags.DEFINE_integer(
    "seed",
    0,
    "Of the weights, the order of the data, the noise and the samples.",
    lower_bound=0,
    upper_bound=2**31 - 1,
)
