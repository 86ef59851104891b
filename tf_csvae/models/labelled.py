"""What the generative systems and the classifier share: data shape, labels, configuration."""

import json
import numbers

import keras
import tensorflow as tf
from keras.src.saving.serialization_lib import deserialize_keras_object

from tf_csvae.errors import InputError
from tf_csvae.labels import as_labels
from tf_csvae.models import fused, replicas
from tf_csvae.models.label_space import LabelSpace


def check_same(model, data_shape, labels, who):
    """Raises ``InputError``, which says ``who`` the model is, unless it is of such data and labels."""
    known, wanted = ([label.name for label in of] for of in (model.labels, labels))
    if known != wanted:
        raise InputError(
            f"{who} knows the labels {', '.join(known)}; these data have {', '.join(wanted)}. "
            "Give one that was trained on the same labels, in the same order."
        )
    for own, other in zip(model.labels, labels, strict=True):
        if not own.same_values(other):
            described = [
                f"{label.kind}"
                + (f" ({', '.join(label.classes)})" if label.classes else "")
                + (f" (mean {label.mean:g}, scale {label.scale:g})" if label.kind == "real" else "")
                for label in (own, other)
            ]
            raise InputError(
                f"{who} knows the label {own.name} as {described[0]}; these data have it as {described[1]}. "
                "Give one that was trained on the same data."
            )
    if tuple(model.data_shape) != tuple(data_shape):
        raise InputError(
            f"{who} reads data of shape {tuple(model.data_shape)}; these have shape {tuple(data_shape)}. "
            "Give one that was trained on the same data."
        )


class LabelledModel(replicas.Replicated):
    """What the generative systems and the classifier share: shape, labels, configuration.

    Args:
        data_shape: shape of one example: [d] or [height, width, channels].
        labels: the columns of y: ``Label``s, dicts of their fields, or names.
    """

    def __init__(self, data_shape, labels, **kwargs):
        super().__init__(**kwargs)
        self.data_shape = tuple(int(side) for side in data_shape)
        self.labels = as_labels(labels)
        self.space = LabelSpace(self.labels)
        self._config = {
            "data_shape": list(self.data_shape),
            "labels": [label.to_dict() for label in self.labels],
        }

    def blank_batch(self, n):
        """As of the base."""
        return tf.zeros((n, *self.data_shape)), tf.zeros((n, len(self.labels)))

    def configure(self, **options):
        """Keeps arguments of the constructor, plain values, as attributes and for ``get_config``."""
        self.record(**options)
        for name, value in options.items():
            setattr(self, name, value)

    def record(self, **options):
        """Keeps arguments of the constructor, plain values, for ``get_config``."""
        self._config.update(options)

    def get_config(self):
        """Returns the constructor's arguments as plain values."""
        # Keras wraps the containers that a model holds; JSON gives plain ones back.
        return {"name": self.name, "dtype": self.dtype_policy.name, **json.loads(json.dumps(self._config))}

    def in_full_precision(self):
        """Returns the model itself, or of one that computes in half precision a copy that does not, not compiled."""
        if self.compute_dtype == self.variable_dtype:
            return self
        model = type(self).from_config({**self.get_config(), "dtype": self.variable_dtype})
        model.set_weights(self.get_weights())
        return model

    def compile(self, optimizer="adam", jit_compile="auto", **kwargs):
        """Configures training.

        Args:
            optimizer: Keras optimizer or its name.
            jit_compile: bool or "auto": compile the step with XLA; "auto" does for vectors,
                where it pays, and not for images, where on the CPU it costs.
            **kwargs: for ``keras.Model.compile``.
        """
        if jit_compile == "auto":
            jit_compile = len(self.data_shape) == 1 and not replicas.synchronized()
        super().compile(optimizer=optimizer, jit_compile=jit_compile, **kwargs)

    def get_compile_config(self):
        """Returns the arguments of ``compile`` as plain values; None before it was called."""
        if not self.compiled:
            return None
        return {
            "optimizer": keras.optimizers.serialize(unscaled(self.optimizer)),
            "jit_compile": self.jit_compile,
            "steps_per_execution": self.steps_per_execution,
        }

    def compile_from_config(self, config):
        """Compiles as ``get_compile_config`` recorded; ``keras.models.load_model`` calls it."""
        self.compile(**{name: deserialize_keras_object(value) for name, value in config.items()})

    def make_train_function(self, force=False):
        """As of the base, but under XLA the steps of an execution are one program."""
        if self.train_function is not None and not force:
            return
        super().make_train_function(force)
        alone = self._distribute_strategy is None and not self.run_eagerly
        if self.jit_compile and self.steps_per_execution > 1 and alone:
            self.train_function = fused.train_function(
                self.train_step, self.get_metrics_result, self.steps_per_execution, self.train_function
            )

    def check_x(self, x, where):
        """Returns x as float32 [n, *data_shape] or raises ``InputError`` naming ``where``."""
        x = tf.convert_to_tensor(x, dtype_hint=self.variable_dtype)
        if x.shape.rank != 1 + len(self.data_shape) or tuple(x.shape[1:]) != self.data_shape:
            expected = ", ".join(map(str, ("n", *self.data_shape)))
            raise InputError(
                f"{where}: x must have shape ({expected}). Received: x of shape {tuple(x.shape)}."
            )
        return tf.cast(x, self.variable_dtype)

    def label_index(self, label):
        """Returns the column of a label given by name or index; raises ``InputError``.

        A tensor, as in an exported graph, is taken to be an index, or one for each row.
        """
        if tf.is_tensor(label):
            return label
        names = [known.name for known in self.labels]
        if label in names:
            return names.index(label)
        if isinstance(label, numbers.Integral) and 0 <= label < len(names):
            return int(label)
        raise InputError(f"No label {label!r}. This model's labels: {', '.join(names)}.")

    def label_mask(self, label):
        """Returns bool [1, k], or [n, k] of a tensor of n indices: True in the label's column."""
        return tf.one_hot(tf.reshape(self.label_index(label), [-1]), len(self.labels)) > 0


def positive(name, value):
    """Returns a positive whole number as int, or raises ``ValueError`` naming it.

    A tensor, as in an exported graph, is returned as it is.
    """
    if tf.is_tensor(value):
        return value
    if int(value) != value or value < 1:
        raise ValueError(f"{name} must be a positive integer. Received: {name}={value}")
    return int(value)


def unscaled(optimizer):
    """Returns the optimizer within one that scales the loss, which ``compile`` would wrap again."""
    return getattr(optimizer, "inner_optimizer", optimizer)
