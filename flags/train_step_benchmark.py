"""Benchmark of the training step: what is trained, and how often."""

from absl import flags

from flags import must_be_whole_numbers

flags.DEFINE_list(
    "systems", ["csvae", "vae", "condvae", "condvae_info", "classifier"], "Trainers whose step is timed."
)
flags.DEFINE_list(
    "presets",
    ["celeba_report", "celeba"],
    "Networks: celeba_report, the student report's, and celeba, the default for faces.",
)
flags.DEFINE_list("batch_sizes", ["64", "128"], "Examples of a step.")
must_be_whole_numbers("batch_sizes")
flags.DEFINE_integer("rounds", 5, "Turns of each side.", lower_bound=1)
flags.DEFINE_integer("steps", 3, "Steps of a turn.", lower_bound=1)
flags.DEFINE_boolean("peer", True, "Beside CSVAE its twin in PyTorch, where that is installed.")
