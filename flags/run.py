"""Run: where it is, and its seed."""

from absl import flags

flags.DEFINE_string("run_dir", None, "Where the run is written. Default: runs/SYSTEM_DATASET.")
flags.DEFINE_integer(
    "seed", 0, "Of the weights, the order of the data and the noise.", lower_bound=0, upper_bound=2**31 - 1
)
