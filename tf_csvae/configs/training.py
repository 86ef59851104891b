"""Options of training and evaluation."""

import dataclasses

from tf_csvae.configs.data import SEED
from tf_csvae.options import Config, option


@dataclasses.dataclass(frozen=True)
class TrainingConfig(Config):
    """Training: how long, how fast, and on which devices."""

    steps: int = option(
        0, "The most training steps, whatever the number of examples; 0: epochs says it.", low=0
    )
    epochs: int = option(
        60, "Passes over the training data. If given, steps of a preset do not count.", low=1
    )
    optimizer: str = option("adam", "Optimizer of every player.", choices=("adam", "rmsprop"))
    learning_rate: float = option(5e-3, "Learning rate.", low=0)
    schedule: str = option(
        "cosine",
        "Learning rate over the steps. cosine: it falls to zero at the end; plateau: it stays until "
        "the validation no longer improves, then falls to zero, and the training ends.",
        choices=("cosine", "constant", "plateau"),
    )
    precision: str = option(
        "auto",
        "Of the inner layers; weights, distributions and losses are float32. auto: bfloat16 for images "
        "on devices that multiply it fast, else float32.",
        choices=("auto", "float32", "bfloat16", "float16"),
    )
    jit_compile: str = option(
        "auto", "XLA; auto: for vectors, and for images on GPUs.", choices=("auto", "true", "false")
    )
    steps_per_execution: int = option(
        0, "Steps per call of TensorFlow; 0: an epoch for vectors, 1 for images.", low=0
    )
    deterministic: bool = option(
        False, "Deterministic operations: an interrupted run ends with the same bits."
    )
    on_nan: str = option(
        "stop",
        "When a loss is not finite: stop, or rollback to the last checkpoint with half the learning rate.",
        choices=("stop", "rollback"),
    )
    seed: int = option(0, "Seed of weights, order, noise and samples.", low=0, high=SEED)
    distribute: str = option(
        "auto",
        "Devices: one_device; mirrored: all GPUs of this machine; multi_worker: all workers in "
        "TF_CONFIG; auto: chosen by what is there. docs/distributed.md.",
        choices=("auto", "one_device", "mirrored", "multi_worker"),
        recorded=False,
    )
    run_dir: str | None = option(None, "Folder of the run. Default: runs/SYSTEM_DATASET.", recorded=False)
    resume: bool = option(
        False, "Continue the run in run_dir although its flags differ or it is finished.", recorded=False
    )
    overwrite: bool = option(False, "Remove the run in run_dir and begin anew.", recorded=False)
    checkpoint_seconds: float = option(
        2.0, "Least time between checkpoints at ends of epochs; 0: every epoch.", low=0, recorded=False
    )
    checkpoint_minutes: float = option(
        10.0, "Longest time without a checkpoint within an epoch; 0: only at ends of epochs.",
        low=0, recorded=False,
    )  # fmt: skip
    checkpoints_to_keep: int = option(2, "Checkpoints kept, the newest.", low=1, recorded=False)
    tensorboard: bool = option(True, "Write logs for TensorBoard.", recorded=False)


# The options that --minutes chooses.
STEPS = ("steps", "guide_steps", "judge_steps")


@dataclasses.dataclass(frozen=True)
class GenerativeTrainingConfig(TrainingConfig):
    """Training of a generative system: its guide, its start, its adversaries."""

    adversary_learning_rate: float | None = option(
        None, "Learning rate of adversaries. Default: learning_rate.", low=0
    )
    kl_warmup: float = option(
        0.4, "Share of the steps over which the weight of the KL terms rises from 0.", low=0, high=1
    )
    minutes: float = option(
        0.0,
        "Minutes for all: guide, judge, model and measuring. Their steps are measured, and "
        "guide_steps, judge_steps and steps chosen and recorded; 0: these say it.",
        low=0,
        recorded=False,
    )
    guide_steps: int = option(0, "Steps of a guide that is trained; 0: those of its presets.", low=0)
    judge_steps: int = option(0, "Steps of a judge that is trained; 0: those of its presets.", low=0)
    guide: str = option(
        "auto",
        "The classifier that takes part in the training, and later predicts labels that are not "
        "given. auto: one is trained before the model, if a weight needs it; none; or a finished "
        "run of trainers.classifier, which is not the judge.",
    )
    encoder: str | None = option(
        None,
        "Your own encoder, as MODULE:FUNCTION: a function (data_shape, config) that returns a Keras "
        "model from x to features, [n, any].",
    )
    decoder: str | None = option(
        None,
        "Your own decoder, as MODULE:FUNCTION: a function (width of the code, data_shape, config) "
        "that returns a Keras model from the code to the mean of x; of images it lies in [0, 1].",
    )
    track: str | None = option(
        None,
        "Experiment tracker that also gets options, history and results: mlflow:URI or wandb.",
        recorded=False,
    )
    init_from: str | None = option(
        None, "A finished run whose encoder and decoder are the start, layer by layer if they fit."
    )


@dataclasses.dataclass(frozen=True)
class EvaluationConfig(Config):
    """Evaluation: the judge, and how much it is shown."""

    judge: str = option(
        "auto",
        "The classifier that measures generation, transfer and the Fréchet distance, and says "
        "which labels are steered. auto: one is trained before the model; none; or a finished run "
        "of trainers.classifier on the same data.",
        recorded=False,
    )
    samples: int = option(
        1000,
        "Samples per label, its values in turn, and the most transfers per label.",
        low=2,
        recorded=False,
    )
    pictured_labels: tuple[str, ...] | None = option(
        None, "Labels with pictures of their own. Default: the first five.", recorded=False
    )
    seed: int = option(0, "Seed of weights, order, noise and samples.", low=0, high=SEED)
