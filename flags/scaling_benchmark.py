"""Benchmark of scaling: what is trained, and how often it is timed."""

from absl import flags

flags.DEFINE_list(
    "replicas", ["1", "2"], "Numbers of replicas on this machine; several workers: all of them."
)
flags.register_validator(
    "replicas",
    lambda counts: counts and all(count.isdecimal() and int(count) > 0 for count in counts),
    "must be positive whole numbers, separated by commas",
)
flags.DEFINE_integer("label_count", 18, "Binary labels of an image.", lower_bound=1)
flags.DEFINE_integer("timed_steps", 10, "Steps that are timed of each.", lower_bound=1)
