"""Benchmark of the swiss roll: which seeds."""

from absl import flags

flags.DEFINE_integer("first_seed", 0, "The first seed.", lower_bound=0)
flags.DEFINE_integer("seed_count", 5, "How many seeds, from the first on.", lower_bound=1)
flags.DEFINE_multi_string(
    "trainer_flag", [], "A flag for every training, as in --trainer_flag=--epochs=2; may be given again."
)
