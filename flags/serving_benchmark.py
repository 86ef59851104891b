"""Benchmark of serving: what is asked, and for how long."""

from absl import flags

flags.DEFINE_list("batches", ["1", "8", "64"], "Rows of a request.")
flags.register_validator(
    "batches",
    lambda sizes: sizes and all(size.isdecimal() and int(size) > 0 for size in sizes),
    "must be positive whole numbers, separated by commas",
)
flags.DEFINE_float("seconds", 2.0, "Time for each signature and batch, on each side.", lower_bound=0.01)
flags.DEFINE_list("signatures", None, "Signatures to ask. Default: all.")
