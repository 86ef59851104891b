"""Comparison: which runs, and where the page is written."""

from absl import flags

flags.DEFINE_list("run_dirs", None, "The finished runs to lay side by side, separated by commas.")
flags.DEFINE_string("out", "runs/comparison", "Where metrics.json, the figures and the page are written.")
