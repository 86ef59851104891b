"""How long a training takes: its epochs in steps, its learning rate, and when it ends."""

import dataclasses
import math
from collections.abc import Sequence

import keras
import tensorflow as tf

from tf_csvae.configs import TrainingConfig
from tf_csvae.data import Dataset

# The most steps of an epoch where a budget of steps counts, of vectors and of images: few enough to
# see when a training no longer improves, so many that validation takes little of the time.
VECTOR_EPOCH, IMAGE_EPOCH = 100, 200

# A training has stopped improving if its last quarter, but at least so many epochs, brought less
# than this share of all the improvement so far.
LEAST_EPOCHS, LEAST_GAIN = 5, 0.01

# The share of the epochs in which the learning rate falls to zero.
DECAY = 0.4

# What a validation measures of a generative model: the terms of the bound; and of a classifier.
BOUND = ("val_reconstruction", "val_kl_w", "val_kl_z")


def paced(dataset: Dataset, training: TrainingConfig) -> tuple[Dataset, int]:
    """Returns the data in the epochs of a training, and the most epochs that it has.

    With a budget of steps, all epochs have the same number of steps, whatever the number of
    examples. Otherwise an epoch is a pass over the examples.
    """
    if not training.steps:
        return dataset, training.epochs
    epochs = math.ceil(training.steps / (IMAGE_EPOCH if dataset.info.is_image else VECTOR_EPOCH))
    each, own = training.steps // epochs, dataset.steps_per_epoch

    def train_from(
        first: int, rows: slice = slice(None), step: int = 0, scaled: bool = True
    ) -> tf.data.Dataset:
        passes, steps = divmod(first * each + step, own)
        return dataset.train_from(passes, rows, steps, scaled)

    made = dataclasses.replace(dataset, steps_per_epoch=each, train_from=train_from)
    return made, epochs


def improves(values: Sequence[float]) -> bool:
    """Returns whether a loss per epoch still fell in its last quarter; of few epochs: yes."""
    recent = max(LEAST_EPOCHS, math.ceil(len(values) / 4))
    if len(values) <= recent:
        return True
    before, best = min(values[:-recent]), min(values)
    return before - best > LEAST_GAIN * (max(values[0], before) - best)


def validation_losses(history: dict[str, list[float]]) -> list[list[float]]:
    """Returns the losses per epoch, of history.csv, whose improvement counts.

    They are the validation bound and the guide's loss of exchanged labels; of a classifier, its
    errors.
    """
    parts = [history[name] for name in BOUND if name in history]
    found = [[sum(values) for values in zip(*parts, strict=True)]] if parts else []
    if "val_consistency" in history:
        found.append(history["val_consistency"])
    if "val_accuracy" in history:
        found.append([1 - value for value in history["val_accuracy"]])
    return found


def pace_numbers(
    history: dict[str, list[float]], steps_per_epoch: int, training: TrainingConfig, most: int
) -> dict[str, int]:
    """Returns how long a training took: its epochs, its steps, and 1 if it still improved, else 0.

    ``most`` are the epochs of the budget. Under another schedule than "plateau" the last quarter
    of the training decides.
    """
    done = len(history["epoch"])
    if training.schedule == "plateau":
        early = Plan.of(history, most, getattr(training, "kl_warmup", 0.0)).early
    else:
        early = any(improves(values) for values in validation_losses(history))
    return {"epochs": done, "steps": done * steps_per_epoch, "improving": int(early)}


@dataclasses.dataclass(frozen=True)
class Plan:
    """The epochs of a training under the schedule "plateau", as far as it has come.

    Attributes:
        decay_from: the epoch from which on the learning rate falls.
        epochs: all epochs.
        early: the budget ends the training although it still improves.
    """

    decay_from: int
    epochs: int
    early: bool = False

    @classmethod
    def of(cls, history: dict[str, list[float]], most: int, warmup: float) -> "Plan":
        """Returns the plan after the epochs of a history.

        The learning rate stays until nothing improves, then it falls to zero. ``most`` are the
        epochs of the budget, of which ``warmup`` is the share in which the loss changes.
        """
        latest = most - math.floor(DECAY * most)
        first = math.ceil(warmup * most)
        losses = validation_losses(history)
        done = min(map(len, losses), default=0)
        for epoch in range(first + LEAST_EPOCHS, min(done, latest)):
            if not any(improves(values[first:epoch]) for values in losses):
                return cls(epoch, math.ceil(epoch / (1 - DECAY)))
        return cls(latest, most, any(improves(values[first:latest]) for values in losses))

    def factor(self, epoch: int) -> float:
        """Returns the factor on the learning rate in an epoch, counted from 0."""
        return min(1.0, (self.epochs - epoch) / (self.epochs - self.decay_from + 1))


class Pace(keras.callbacks.Callback):
    """Sets the learning rate of each epoch as a ``Plan`` says, and ends the training with it.

    ``history`` is {name: value per epoch} of the epochs done, ``most`` and ``warmup`` are as of
    ``Plan``, and ``rate`` is the first learning rate.
    """

    def __init__(self, history: dict[str, list[float]], most: int, warmup: float, rate: float) -> None:
        super().__init__()
        self.history, self.most, self.warmup, self.rate = dict(history), most, warmup, rate
        self.plan = Plan.of(self.history, most, warmup)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Sets the learning rate."""
        self.model.optimizer.learning_rate = self.rate * self.plan.factor(epoch)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Takes the numbers of the epoch, and ends the training after the last one."""
        for name, value in logs.items():
            self.history[name] = [*self.history.get(name, [])[:epoch], float(value)]
        self.plan = Plan.of(self.history, self.most, self.warmup)
        if epoch + 1 >= self.plan.epochs:
            self.model.stop_training = True
