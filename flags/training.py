"""Training: how long, how fast, where to."""

from absl import flags

flags.DEFINE_integer("epochs", 60, "Passes over the training data.", lower_bound=1)
flags.DEFINE_enum("optimizer", "adam", ["adam", "rmsprop"], "Of every player.")
flags.DEFINE_float("learning_rate", 5e-3, "Learning rate.", lower_bound=0)
flags.DEFINE_float(
    "adversary_learning_rate",
    None,
    "Learning rate of adversaries. Default: --learning_rate.",
    lower_bound=0,
)
flags.DEFINE_enum(
    "schedule",
    "cosine",
    ["cosine", "constant"],
    "Learning rates over the steps: cosine goes to zero at the end.",
)
flags.DEFINE_float(
    "kl_warmup", 0.4, "Share of the steps over which the weight of the KL terms rises from 0.", 0, 1
)
flags.DEFINE_boolean(
    "resume", False, "Go on with the run in --run_dir although its flags differ or it is finished."
)
flags.DEFINE_boolean("overwrite", False, "Remove the run in --run_dir and begin anew.")
flags.DEFINE_float(
    "checkpoint_seconds",
    2.0,
    "Least time between checkpoints, which are written at ends of epochs; 0: every epoch.",
    lower_bound=0,
)
flags.DEFINE_float(
    "checkpoint_minutes",
    10.0,
    "After so long without a checkpoint one is written within an epoch; 0: only at ends of epochs.",
    lower_bound=0,
)
flags.DEFINE_integer("checkpoints_to_keep", 2, "Checkpoints kept, the newest.", lower_bound=1)
flags.DEFINE_boolean(
    "deterministic",
    False,
    "Only operations that give the same bits each time: an interrupted run ends with the weights of one "
    "that was not.",
)
flags.DEFINE_enum(
    "on_nan",
    "stop",
    ["stop", "rollback"],
    "Where a loss is not finite: stop, or go back to the last checkpoint and halve the learning rates.",
)
flags.DEFINE_enum(
    "jit_compile", "auto", ["auto", "true", "false"], "XLA; auto: for vectors and not for images."
)
flags.DEFINE_integer(
    "steps_per_execution",
    0,
    "Steps per call into TensorFlow; 0: an epoch for vectors, 1 for images.",
    lower_bound=0,
)
flags.DEFINE_enum(
    "precision",
    "float32",
    ["float32", "bfloat16", "float16"],
    "Of the networks' inner layers; weights, distributions and losses are float32.",
)
flags.DEFINE_boolean("tensorboard", True, "Write TensorBoard's logs.")
