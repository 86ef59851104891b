"""Benchmark of scaling: what is trained, and how often it is timed."""

from absl import flags

from flags import must_be_whole_numbers

flags.DEFINE_list(
    "replicas", ["1", "2"], "Numbers of replicas on this machine; several workers: all of them."
)
must_be_whole_numbers("replicas")
flags.DEFINE_integer("label_count", 18, "Binary labels of an image.", lower_bound=1)
flags.DEFINE_integer("timed_steps", 10, "Steps that are timed of each.", lower_bound=1)
