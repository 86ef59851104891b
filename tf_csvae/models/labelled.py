"""The base of all models: data shape, labels, config, and checks of what users give."""

import json
import math
import numbers
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import keras
import numpy as np
import tensorflow as tf
from keras.src.saving.serialization_lib import deserialize_keras_object

from tf_csvae.devices import choices
from tf_csvae.errors import InputError
from tf_csvae.features import Feature
from tf_csvae.labels import MAX_NUMBERS, Label, Labels, as_labels
from tf_csvae.models.keras_fixes import FixedModel
from tf_csvae.networks import replicas
from tf_csvae.networks.label_space import LabelSpace
from tf_csvae.options import Config, as_config


def check_same(model: "LabelledModel", data_shape: Sequence[int], labels: Sequence[Label], role: str) -> None:
    """Raises ``InputError`` unless a model, in words ``role``, has this data shape and labels."""
    known, wanted = ([label.name for label in of] for of in (model.labels, labels))
    if known != wanted:
        raise InputError(
            f"{role} has the labels {', '.join(known)}; these data have {', '.join(wanted)}. "
            "Give one that was trained on the same labels, in the same order."
        )
    for own, other in zip(model.labels, labels, strict=True):
        if not own.same_values(other):
            raise InputError(
                f"{role} has the label {own.name} as {own.described()}; these data have it as "
                f"{other.described()}. Give one that was trained on the same data."
            )
    if tuple(model.data_shape) != tuple(data_shape):
        raise InputError(
            f"{role} is for data of shape {tuple(model.data_shape)}; these have shape "
            f"{tuple(data_shape)}. Give one that was trained on the same data."
        )


class LabelledModel(FixedModel):
    """The base of all models.

    Args:
        data_shape: shape of one example: (d,) or (height, width, channels).
        labels: the columns of y: ``Label``s, dicts of their fields, or names.
        config: of the class ``config_class``, or a dict of its values; None: the defaults.
        features: what x consists of, if it is the row of a table (``Feature``s or dicts of their
            fields), in which values may be missing; empty: x is an image, or a vector of numbers.
        seed: of all noise in training.

    Raises:
        InputError: features of another width than x.
    """

    config_class: ClassVar[type[Config]]

    def __init__(
        self,
        data_shape: Sequence[int],
        labels: Labels,
        config: Config | dict | None = None,
        features: Sequence[Feature | dict] = (),
        seed: int = 0,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.data_shape, self.features = _checked_shape(data_shape), Feature.of(features)
        width = sum(each.width for each in self.features)
        if self.features and self.data_shape != (width,):
            raise InputError(f"features have {width} entries. Received: data of shape {self.data_shape}.")
        self.labels = as_labels(labels)
        self.config = as_config(self.config_class, config)
        self.seed = int(seed)
        self.space = LabelSpace(self.labels)

    def blank_batch(self, n: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns (x, y), a batch of n examples that are all zero."""
        return tf.zeros((n, *self.data_shape)), tf.zeros((n, len(self.labels)))

    # Saving.

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain values."""
        plain = {
            "name": self.name,
            "dtype": self.dtype_policy.name,
            "data_shape": list(self.data_shape),
            "labels": [label.to_dict() for label in self.labels],
            "config": self.config.to_dict(),
            "features": [each.to_dict() for each in self.features],
            "seed": self.seed,
        }
        return json.loads(json.dumps(plain))  # plain lists, whatever Keras wrapped them in

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Returns the model of ``get_config``; raises ``InputError`` for an earlier version's."""
        if "config" not in config:
            raise InputError(
                f"This {cls.__name__} was saved by an earlier version of tf_csvae, which this one "
                "cannot read. Train it again."
            )
        return cls(**config)

    def in_full_precision(self) -> Self:
        """Returns the model, or a copy in full precision if it computes in half, not compiled."""
        if self.compute_dtype == self.variable_dtype:
            return self
        model = type(self).from_config({**self.get_config(), "dtype": self.variable_dtype})
        model.set_weights(self.get_weights())
        return model

    def export(self, *args: Any, **kwargs: Any) -> None:
        """Refuses: a served model needs signatures, which ``export.saved_model`` writes."""
        raise InputError(
            "model.export writes no signatures for labels. Use export.saved_model.export(run_dir), "
            "or the command python -m export.saved_model --run_dir=RUN."
        )

    # Compiling.

    def compile(self, optimizer: Any = "adam", jit_compile: Any = "auto", **kwargs: Any) -> None:
        """Configures training as ``keras.Model.compile`` does.

        ``jit_compile="auto"`` compiles the step with XLA for vectors, and for images where
        ``devices.choices`` says so.
        """
        if jit_compile not in (True, False, "auto"):
            raise InputError(f"jit_compile must be True, False or 'auto'. Received: {jit_compile!r}.")
        if jit_compile == "auto":
            pays = len(self.data_shape) == 1 or choices().compile_images
            jit_compile = pays and not replicas.synchronized()
        super().compile(optimizer=optimizer, jit_compile=jit_compile, **kwargs)

    def refuse_objective(self, given: dict[str, Any]) -> None:
        """Raises ``InputError`` where arguments of ``compile`` have an objective or metrics."""
        names = ("loss", "loss_weights", "metrics", "weighted_metrics")
        if any(given.get(name) is not None for name in names):
            own = f"compile: {type(self).__name__} has its own objective and metrics."
            raise InputError(f"{own} Leave {', '.join(names)} out.")

    def get_compile_config(self) -> dict[str, Any] | None:
        """Returns the arguments of ``compile`` as plain values; None before it was called."""
        if not self.compiled:
            return None
        return {
            "optimizer": keras.optimizers.serialize(unscaled(self.optimizer)),
            "jit_compile": self.jit_compile,
            "steps_per_execution": self.steps_per_execution,
        }

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles as ``get_compile_config`` recorded; ``keras.models.load_model`` calls it."""
        self.compile(**{name: deserialize_keras_object(value) for name, value in config.items()})

    # Training by hand.

    def fit(self, x=None, y=None, *args, sample_weight=None, class_weight=None, **kwargs) -> Any:
        """Trains as ``keras.Model.fit`` does; x is float [n, *data_shape] and y float [n, k].

        Raises:
            InputError: weights of examples or classes, or values in the first batch that cannot be
                right, such as labels of -1 and 1 or images of 0 to 255.
        """
        _refuse_weights("fit", sample_weight, class_weight)
        self._check_first("fit", x, y)
        return super().fit(x, y, *args, **kwargs)

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, **kwargs) -> Any:
        """Makes one step, as ``keras.Model.train_on_batch`` does; refuses what ``fit`` refuses."""
        _refuse_weights("train_on_batch", sample_weight, class_weight)
        self._check_first("train_on_batch", x, y)
        return super().train_on_batch(x, y, **kwargs)

    def _check_first(self, where: str, x: Any, y: Any) -> None:
        """Raises ``InputError`` where arrays, or the first batch of a dataset, cannot be right."""
        if isinstance(x, tf.data.Dataset):
            batch = next(iter(x.take(1)), None)
            if batch is None:
                raise InputError(f"{where}: the dataset has no batch.")
        elif isinstance(x, keras.utils.PyDataset):
            batch = x[0]
        elif hasattr(x, "__array__") or isinstance(x, (list, tuple)):
            batch = (x, y)
        else:
            return  # a generator cannot be looked at without losing a batch
        x, y = self.unpacked(batch, where)
        if y is None:
            raise InputError(f"{where}: y, the labels, is missing. Use NaN for unknown labels.")
        is_bytes = np.asarray(x).dtype == np.uint8
        x, y = np.asarray(self.check_x(x, where)), np.asarray(self.check_y(y, where, x))
        if np.isinf(x).any() or (np.isnan(x).any() and not self.features):
            raise InputError(f"{where}: x must be finite. Received: NaN or infinity.")
        # Bicubic resizing overshoots [0, 1] by a little, which does no harm.
        if len(self.data_shape) == 3 and (x.min() < -0.5 or x.max() > 1.5):
            raise InputError(
                f"{where}: images must lie in [0, 1]. Received: {x.min():g} to {x.max():g}. "
                "Divide images of 0 to 255 by 255."
            )
        if len(self.data_shape) == 3 and is_bytes and 0 < x.max() <= 1 / 255:
            raise InputError(f"{where}: images of bytes, uint8, are 0 to 255. Received: at most 1.")

    def unpacked(self, data: Any, where: str) -> tuple[Any, Any]:
        """Returns (x, y) of a batch; raises ``InputError`` if it has weights, too."""
        if not isinstance(data, (list, tuple)):
            return data, None
        x, y, weights = (*data, None, None)[:3]
        _refuse_weights(where, weights)
        return x, y

    # Checks. They look at shapes always, and at values outside of graphs only.

    def check_x(self, x: Any, where: str) -> tf.Tensor:
        """Returns x as float [n, *data_shape], or raises ``InputError`` that names ``where``."""
        x = _as_numbers(x, "x", where)
        if x.shape.rank != 1 + len(self.data_shape) or tuple(x.shape[1:]) != self.data_shape:
            expected = ", ".join(map(str, ("n", *self.data_shape)))
            raise InputError(
                f"{where}: x must have shape ({expected}). Received: x of shape {tuple(x.shape)}."
            )
        return self.as_float(x)

    def as_float(self, x: tf.Tensor) -> tf.Tensor:
        """Returns x in the model's precision; images of bytes, uint8, are scaled to [0, 1]."""
        is_bytes = x.dtype == tf.uint8 and len(self.data_shape) == 3
        x = tf.cast(x, self.variable_dtype)
        return x / 255 if is_bytes else x

    def check_y(self, y: Any, where: str, rows: Any = None) -> tf.Tensor:
        """Returns y, array-like [k] or [n, k], as float [n, k], or raises ``InputError``.

        The first dimension of ``rows`` must be n; a y of one row is repeated to it.
        """
        y = _as_numbers(y, "y", where)
        if y.dtype == tf.bool and any(label.kind != "binary" for label in self.labels):
            raise InputError(f"{where}: y must be numbers, since not all labels are binary. Received: bool.")
        y = tf.cast(y, self.variable_dtype)
        y = y[None] if y.shape.rank == 1 else y
        k = len(self.labels)
        if y.shape.rank != 2 or y.shape[-1] != k:
            names = ", ".join(label.name for label in self.labels)
            raise InputError(
                f"{where}: y must have {k} column{'s' * (k != 1)}, one per label ({names}). "
                f"Received: y of shape {tuple(y.shape)}."
            )
        if tf.executing_eagerly():
            self.space.check(y, where)
        if rows is None:
            return y
        if y.shape[0] == 1:
            return tf.repeat(y, tf.shape(rows)[0], axis=0)
        n, given = rows.shape[0], y.shape[0]
        if None not in (n, given) and n != given:
            raise InputError(f"{where}: x and y must have as many rows. Received: {n} of x and {given} of y.")
        return y

    def label_index(self, label: str | int | tf.Tensor) -> int | tf.Tensor:
        """Returns the column of a label given by name or index; raises ``InputError``.

        A tensor, as in an exported graph, is an index, or one per row.
        """
        names = [known.name for known in self.labels]
        if tf.is_tensor(label):
            is_index = label.dtype.is_integer and label.shape.rank in (None, 0, 1)
            if is_index and (not tf.executing_eagerly() or np.all((label >= 0) & (label < len(names)))):
                return label
        elif isinstance(label, str):
            if label in names:
                return names.index(label)
        elif isinstance(label, numbers.Integral) and not isinstance(label, bool) and 0 <= label < len(names):
            return int(label)
        raise InputError(
            f"No label {label!r}. This model's labels: {', '.join(names)}. Give a name, or an index "
            f"from 0 to {len(names) - 1}."
        )

    def check_value(self, value: Any, label: str | int | tf.Tensor, name: str, where: str) -> Any:
        """Returns a value of one label, or None; raises ``InputError`` if it can be none.

        A tensor is returned as it is; ``name`` is that of the argument.
        """
        if value is None or tf.is_tensor(value):
            return value
        if isinstance(value, bool) or not isinstance(value, (numbers.Real, np.number)):
            raise InputError(f"{where}: {name} must be a number. Received: {name}={value!r}.")
        place = self.label_index(label)
        if not tf.is_tensor(place):
            y = np.full((1, len(self.labels)), np.nan)
            y[0, place] = value
            self.space.check(y, f"{where}, {name}")
        return value

    def label_mask(self, label: str | int | tf.Tensor) -> tf.Tensor:
        """Returns bool [1, k], or [n, k] for n indices: True in the column of the label."""
        return tf.one_hot(tf.reshape(self.label_index(label), [-1]), len(self.labels)) > 0


def _checked_shape(data_shape: Sequence[int]) -> tuple[int, ...]:
    """Returns the shape of an example; raises ``InputError`` for what can be none."""
    sides = tuple(data_shape) if isinstance(data_shape, (list, tuple, tf.TensorShape)) else ()
    valid = all(isinstance(side, numbers.Integral) and 0 < side <= MAX_NUMBERS for side in sides)
    if len(sides) not in (1, 3) or not valid or math.prod(sides) > MAX_NUMBERS:
        raise InputError(
            "data_shape must be (d,) or (height, width, channels), positive and of at most "
            f"{MAX_NUMBERS:,} numbers. Received: {str(data_shape)[:100]}."
        )
    return tuple(int(side) for side in sides)


def _as_numbers(given: Any, what: str, where: str) -> tf.Tensor:
    """Returns an array as a tensor of numbers or bools; raises ``InputError`` for all else."""
    try:
        tensor = tf.convert_to_tensor(given)
    except (ValueError, TypeError, OverflowError) as error:  # rows of several lengths, objects
        reason = str(error).splitlines()[0][:200]
        raise InputError(f"{where}: {what} must be an array of numbers. {reason}") from error
    if not (tensor.dtype.is_floating or tensor.dtype.is_integer or tensor.dtype.is_bool):
        raise InputError(f"{where}: {what} must be an array of numbers. Received: {tensor.dtype.name}.")
    return tensor


def _refuse_weights(where: str, *weights: Any) -> None:
    if any(weight is not None for weight in weights):
        raise InputError(
            f"{where}: sample_weight and class_weight are not supported, since they would not "
            "count in every term. Repeat examples, or use the config's balance options."
        )


def optimizers_of(model: keras.Model) -> list[keras.optimizers.Optimizer]:
    """Returns the optimizers of all players of a compiled model."""
    return [model.optimizer, *getattr(model, "player_optimizers", {}).values()]


def unscaled(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """Returns the optimizer within one that scales the loss, which ``compile`` wraps again."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def constant_rate(optimizer: keras.optimizers.Optimizer) -> float | None:
    """Returns the learning rate of an optimizer, or None if it is a schedule."""
    rate = optimizer.get_config()["learning_rate"]
    return rate if isinstance(rate, float) else None
