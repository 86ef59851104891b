"""Evaluation: the judge, and how much is made for it. No part of what a run is."""

from absl import flags

flags.DEFINE_integer(
    "samples", 1000, "Samples per label, and the most transfers per label, that are judged.", lower_bound=2
)
flags.DEFINE_list("pictured_labels", None, "Labels that have pictures of their own. Default: the first five.")
