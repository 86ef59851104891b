"""Makes and compiles the model that settings describe."""

import keras

from tf_csvae.configs import GenerativeTrainingConfig, TrainingConfig
from tf_csvae.data import Dataset, Info
from tf_csvae.errors import InputError
from tf_csvae.models import SYSTEMS, LabelledModel
from tf_csvae.networks import fused, own
from tf_csvae.settings import Settings


def build_model(settings: Settings, info: Info, guide: LabelledModel | None = None) -> LabelledModel:
    """Returns the new model that settings describe; the guide is a ``Classifier`` or None.

    Raises:
        InputError: networks of the user that do not exist or do not fit.
    """
    kind, seed = SYSTEMS[settings.system], settings.training.seed
    if settings.system == "classifier":
        return kind(info.shape, info.labels, settings.model, features=info.features, seed=seed)
    bounded = info.value_range == (0.0, 1.0)
    given = {"guide": guide, "bounded": bounded, "features": info.features, "seed": seed}
    for role in ("encoder", "decoder"):
        if name := getattr(settings.training, role):
            given[role] = own.named(name, role)
    return kind(info.shape, info.labels, settings.model, **given)


def compile_model(
    model: LabelledModel, training: TrainingConfig, dataset: Dataset, epochs: int, rate_factor: float = 1.0
) -> None:
    """Compiles a model as a training config says; the learning rates are times ``rate_factor``.

    Raises:
        InputError: steps_per_execution is no divisor of the steps of an epoch.
    """
    steps = dataset.steps_per_epoch
    if training.steps_per_execution and steps % training.steps_per_execution:
        raise InputError(
            f"--steps_per_execution={training.steps_per_execution} does not divide the {steps} "
            "steps of an epoch. Give a divisor, or 0 for the default."
        )
    options = {
        "jit_compile": {"auto": "auto", "true": True, "false": False}[training.jit_compile],
        "steps_per_execution": training.steps_per_execution or (1 if dataset.info.is_image else steps),
    }
    total = steps * epochs

    def optimizer(rate):
        rate *= rate_factor
        if training.schedule == "cosine":
            rate = keras.optimizers.schedules.CosineDecay(rate, total)
        return {"adam": fused.Adam, "rmsprop": keras.optimizers.RMSprop}[training.optimizer](rate)

    if isinstance(training, GenerativeTrainingConfig):
        rate = training.adversary_learning_rate
        options["adversary_optimizer"] = optimizer(training.learning_rate if rate is None else rate)
        options["kl_warmup_steps"] = round(training.kl_warmup * total)
        options["examples"] = dataset.info.counts["train"]
    model.compile(optimizer(training.learning_rate), **options)
