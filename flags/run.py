"""Run: where it is."""

from absl import flags

flags.DEFINE_string("run_dir", None, "Where the run is written. Default: runs/SYSTEM_DATASET.")
