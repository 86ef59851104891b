"""Benchmark of the input pipeline: on how many threads, and how long beside a training."""

import os

from absl import flags

flags.DEFINE_list(
    "threads",
    [str(count) for count in (1, 2, 4, 8, 16, 32) if count <= (os.cpu_count() or 1)],
    "Threads that read images.",
)
flags.register_validator(
    "threads",
    lambda counts: counts and all(count.isdecimal() and int(count) > 0 for count in counts),
    "must be positive whole numbers, separated by commas",
)
flags.DEFINE_integer("train_steps", 100, "Steps of the training that the pipeline feeds.", lower_bound=1)
