"""Fixed features of the rows of a table: those that a model is given, and never makes or changes.

A decoder gets them beside the code, p(x|z, w, f). A sample has the fixed features of a training
row with the labels that are requested, so that ages and sexes come together as they do in the data.
"""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tf_csvae.labels import Label
from tf_csvae.networks import replicas
from tf_csvae.networks.distributions import Dtype, outer_dtype
from tf_csvae.networks.rows import FeatureSpace

# Training rows whose fixed features are kept, the latest ones. A real label that differs by so much
# of its standard deviation counts as another value of a label that is not real.
STOCK, REAL = 1024, 0.1


class FixedFeatures(keras.layers.Layer):
    """The fixed features of the latest training rows, with the labels of these rows.

    Args:
        space: the features.
        labels: the k labels.
    """

    def __init__(self, space: FeatureSpace, labels: Sequence[Label], dtype: Dtype = None, **kwargs) -> None:
        super().__init__(dtype=outer_dtype(dtype), **kwargs)
        self.space = space
        self._units = np.float32([REAL if label.kind == "real" else 1.0 for label in labels])
        options = {"initializer": "zeros", "trainable": False}
        self.features = self.add_weight(name="features", shape=(STOCK, len(space.fixed)), **options)
        self.labels = self.add_weight(name="labels", shape=(STOCK, len(labels)), **options)
        self.count = self.add_weight(name="count", shape=(), dtype="int32", **options)
        self.built = True

    def keep(self, x: tf.Tensor, y: tf.Tensor) -> None:
        """Keeps the rows of a batch x, [n, d], y, [n, k], in place of the oldest ones."""
        parts = [replicas.gather(part) for part in (self.space.given(x), y)]
        for kept, new in zip((self.features, self.labels), parts, strict=True):
            kept.assign(tf.concat([tf.stop_gradient(new), tf.convert_to_tensor(kept)], 0)[:STOCK])
        self.count.assign(tf.minimum(STOCK, tf.convert_to_tensor(self.count) + tf.shape(parts[0])[0]))

    def draw(self, y: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draws x, [n, d], whose fixed features are those of kept rows with labels like y, [n, k].

        All other entries are NaN. ``seed`` is int [2]. A row whose labels no kept row has gets the
        features of one that differs the least.
        """
        labels = tf.convert_to_tensor(self.labels)
        apart = tf.abs(y[:, None] - labels[None]) / self._units
        apart = tf.reduce_sum(tf.where(tf.math.is_nan(apart), 0.0, apart), -1)
        empty = tf.range(STOCK) >= tf.maximum(1, tf.convert_to_tensor(self.count))
        # Among rows that differ as little, chance decides: it is less than the least difference.
        chance = tf.random.stateless_uniform(tf.shape(apart), seed, dtype=apart.dtype)
        place = tf.argmin(tf.where(empty, np.inf, tf.round(apart) + chance), 1)
        fixed = tf.gather(tf.convert_to_tensor(self.features), place)

        def lost(width: int) -> tf.Tensor:
            return tf.fill((tf.shape(y)[0], width), tf.constant(np.nan, fixed.dtype))

        categories = [lost(width) for _, width in self.space.categories]
        return self.space.join(lost(len(self.space.numbers)), categories, fixed)
