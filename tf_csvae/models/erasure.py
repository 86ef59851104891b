"""Erases labels from a code in closed form (after Belrose et al. 2023, arXiv:2306.03819)."""

import math

import keras
import tensorflow as tf

from tf_csvae.models import replicas
from tf_csvae.models.distributions import outer_dtype

# Of the moving averages, over batches: some thousand examples at a batch of 32, which so many labels need.
MOMENTUM = 0.99

# Added to the second moments of the labels: less than a rare label varies, enough where one never does.
RIDGE = 1e-4

# How many times wider or narrower than on average the code of some labels may be found.
MOST_SCALE = 4.0


class LabelErasure(keras.layers.Layer):
    """Standardises a code by the location and the scale that its labels let expect.

    Linear concept erasure where the labels are known (the "oracle" case of Belrose et al. 2023), of a
    code m and labels y:

        r = m - E[m] - Cov(m, y) Cov(y, y)^-1 (y - E[y])

    Of all codes that no linear predictor can read y from, r is the nearest to m. The second half is ours:
    each dimension of r, and its deviation, is divided by the scale that a regression of log(r^2 + deviation^2)
    on y expects, relative to the average, so that y cannot be read from how far a code lies from the
    centre either. What is taken out the decoder gets back from the labels themselves, so nothing is lost. An
    adversary's gradient gets there slowly and never quite, and leaves its noise in the encoder;
    this is two regressions. What is left, such as products of dimensions, is for the adversary.

    The moments are moving averages over the batches of the training, constants to every gradient.

    Args:
        codes: int, d, dimensions of the code.
        features: int, columns of the labels' features (``LabelSpace``).
        dtype: Keras dtype policy of the model.
    """

    def __init__(self, codes, features, dtype=None, **kwargs):
        super().__init__(dtype=outer_dtype(dtype), **kwargs)
        # Of the features beside a one, which stands for the mean, with themselves, the codes, and log r^2.
        self.moments, self.locations, self.scales = (
            self.add_weight(
                name=name,
                shape=(1 + features, columns),
                dtype=self.variable_dtype,
                initializer="zeros",
                trainable=False,
            )
            for name, columns in (("moments", 1 + features), ("locations", codes), ("scales", codes))
        )
        self.built = True

    def call(self, mean, deviation, features, training=False):
        """Standardises normals, of which a code is a sample.

        Args:
            mean: float32 [n, d].
            deviation: float32 [n, d].
            features: float32 [n, features]; of a label that is not known its mean, which takes nothing out.
            training: bool, follow the codes with the moments.

        Returns:
            The new mean and deviation, float32 [n, d] each.
        """
        features = tf.concat([tf.ones_like(features[:, :1]), features], -1)

        def follow(average, other):
            if training:
                n = tf.cast(tf.maximum(tf.shape(features)[0], 1), features.dtype)
                new = replicas.mean(tf.matmul(features, other, transpose_a=True) / n)
                average.assign(MOMENTUM * average + (1 - MOMENTUM) * new)
            return tf.convert_to_tensor(average)

        moments = follow(self.moments, features)
        root = tf.linalg.cholesky(moments + RIDGE * tf.eye(features.shape[-1], dtype=features.dtype))

        def expected(average):
            return tf.matmul(features, tf.linalg.cholesky_solve(root, average))

        mean -= expected(follow(self.locations, mean))
        scales = follow(self.scales, tf.math.log(tf.square(mean) + tf.square(deviation)))
        ratio = 0.5 * (expected(scales) - scales[0] / (moments[0, 0] + RIDGE))
        most = math.log(MOST_SCALE)
        factor = tf.exp(-tf.clip_by_value(ratio, -most, most))
        return mean * factor, deviation * factor
