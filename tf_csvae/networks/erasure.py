"""Erases labels from a code in closed form (after Belrose et al. 2023, arXiv:2306.03819)."""

import math

import keras
import tensorflow as tf

from tf_csvae.networks import replicas
from tf_csvae.networks.distributions import Dtype, outer_dtype

# Of the moving averages over batches: about 3,000 examples at a batch of 32.
MOMENTUM = 0.99
# Added to the second moments of the labels: less than the variance of a rare label, and enough
# for a label that never varies.
RIDGE = 1e-4
# Largest factor between the scale of the codes of some labels and the average scale.
MAX_SCALE = 4.0


class LabelErasure(keras.layers.Layer):
    """Standardises a code by the location and the scale that a regression on its labels predicts.

    The location is linear concept erasure with known labels (the "oracle" case of Belrose et al.
    2023) of a code m and labels y:

        r = m - E[m] - Cov(m, y) Cov(y, y)^-1 (y - E[y])

    Of all codes from which no linear predictor can read y, r is nearest to m. The scale is ours:
    each dimension of r and its deviation are divided by the scale that a regression of
    log(r^2 + deviation^2) on y predicts, relative to the average scale. So y cannot be read from
    the distance to the centre either. The decoder gets the labels, so nothing is lost. Products of
    dimensions are left for the adversary.

    With styles s, what a label looks like in each example, the location is a regression on y and s.
    The scale is not: the styles of a label are 0 where it is absent, so a scale that varies with
    them would tell the label.

    The moments are moving averages over the training batches, constant to every gradient. The code
    has ``codes`` dimensions, the labels have ``features`` columns (``LabelSpace``), and the styles
    ``styles`` columns.
    """

    def __init__(self, codes: int, features: int, styles: int = 0, dtype: Dtype = None, **kwargs) -> None:
        super().__init__(dtype=outer_dtype(dtype), **kwargs)
        # Products of (1, features, styles) with themselves and with the codes, and of (1, features)
        # with log r^2.
        self._styles = styles
        rows = 1 + features + styles
        self.moments, self.locations, self.scales = (
            self.add_weight(name=name, shape=shape, initializer="zeros", trainable=False)
            for name, shape in (
                ("moments", (rows, rows)),
                ("locations", (rows, codes)),
                ("scales", (1 + features, codes)),
            )
        )
        self.built = True

    def call(
        self,
        mean: tf.Tensor,
        deviation: tf.Tensor,
        features: tf.Tensor,
        styles: tf.Tensor | None = None,
        training: bool = False,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns a new mean and deviation, float [n, d] each; ``training`` updates the moments.

        ``features`` is float [n, features]; an unknown label has its mean, which removes nothing.
        ``styles`` is float [n, styles]; None: 0, which removes nothing.
        """
        features = tf.concat([tf.ones_like(features[:, :1]), features], -1)
        none = tf.pad(features, [[0, 0], [0, self._styles]])
        known = none if styles is None else tf.concat([features, styles], -1)

        def follow(average, features, other):
            if training:
                n = tf.cast(tf.maximum(tf.shape(features)[0], 1), features.dtype)
                new = replicas.mean(tf.matmul(features, other, transpose_a=True) / n)
                average.assign(MOMENTUM * average + (1 - MOMENTUM) * new)
            return tf.convert_to_tensor(average)

        moments = follow(self.moments, known, known)
        root = tf.linalg.cholesky(moments + RIDGE * tf.eye(known.shape[-1], dtype=known.dtype))

        def expected(features, average):
            d = features.shape[-1]  # the factor of the first d columns is a part of that of all
            return tf.matmul(features, tf.linalg.cholesky_solve(root[:d, :d], average))

        mean -= expected(known, follow(self.locations, known, mean))
        scales = follow(self.scales, features, tf.math.log(tf.square(mean) + tf.square(deviation)))
        ratio = 0.5 * (expected(features, scales) - scales[0] / (moments[0, 0] + RIDGE))
        most = math.log(MAX_SCALE)
        factor = tf.exp(-tf.clip_by_value(ratio, -most, most))
        return mean * factor, deviation * factor
