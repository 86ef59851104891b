"""Check: which exported model, and how near it must be."""

from absl import flags

flags.DEFINE_string("model_dir", None, "The version's folder, as in models/NAME/1.")
flags.DEFINE_float("tolerance", 1e-4, "Largest absolute difference allowed.", lower_bound=0)
