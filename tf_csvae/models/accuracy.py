"""Keras metrics of a classifier of labels of several kinds."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from tf_csvae.labels import Label
from tf_csvae.networks.label_space import LabelSpace


def has_classes(label: Label) -> bool:
    """Returns whether a label has values that an answer can equal; a real label has not."""
    return label.kind != "real"


class Accuracy(keras.metrics.Mean):
    """Share of right answers among all known labels.

    For a real label, which is standardised, an answer counts 1 - error^2: the mean is its R^2.
    """

    def __init__(self, labels: Sequence[Label], name: str = "accuracy") -> None:
        super().__init__(name=name)
        self._labels = labels
        self._space = LabelSpace(labels)

    def update_state(self, y: tf.Tensor, logits: tf.Tensor, sample_weight: None = None) -> None:
        """Adds a batch: y float [n, k], and the outputs for it."""
        y = tf.cast(y, logits.dtype)
        known = ~tf.math.is_nan(y)
        y, seen = tf.where(known, y, 0.0), self._space.decided(self._space.means(logits))
        right = tf.cast(tf.equal(seen, y), y.dtype)
        real = [[not has_classes(label) for label in self._labels]]
        scores = tf.where(real, 1 - tf.square(seen - y), right)
        super().update_state(scores, tf.cast(known, y.dtype))


class BalancedAccuracy(keras.metrics.Metric):
    """Mean over the labels, and over the values of each, of the share of right answers.

    The counts run over all batches, since most batches have no example of a rare value. A value
    without examples is left out, as in scikit-learn. Real labels are left out.
    """

    def __init__(self, labels: Sequence[Label], name: str = "balanced_accuracy") -> None:
        super().__init__(name=name)
        self._columns = [i for i, label in enumerate(labels) if has_classes(label)]
        self._space = LabelSpace(labels)
        most = max(len(labels[i].points[0]) for i in self._columns)
        shape = (most, len(self._columns))
        self.right, self.all = (self.add_variable(shape, "zeros", name=n) for n in ("right", "all"))

    def update_state(self, y: tf.Tensor, logits: tf.Tensor, sample_weight: None = None) -> None:
        """Adds a batch: y float [n, k], and the outputs for it."""
        seen = tf.gather(self._space.decided(self._space.means(logits)), self._columns, axis=1)
        y = tf.gather(tf.cast(y, logits.dtype), self._columns, axis=1)  # NaN is none of the values
        values = tf.range(self.all.shape[0], dtype=y.dtype)[:, None, None]
        of_value = tf.cast(tf.equal(y, values), tf.float32)  # [values, n, k]
        right = tf.cast(tf.equal(seen, y), tf.float32)
        self.all.assign_add(tf.reduce_sum(of_value, 1))
        self.right.assign_add(tf.reduce_sum(of_value * right, 1))

    def result(self) -> tf.Tensor:
        """Returns the mean, float32 []; 0 before any example."""
        share = tf.math.divide_no_nan(self.right.value, self.all.value)
        values = tf.reduce_sum(tf.cast(self.all.value > 0, tf.float32), 0)
        return tf.reduce_mean(tf.math.divide_no_nan(tf.reduce_sum(share, 0), values))
