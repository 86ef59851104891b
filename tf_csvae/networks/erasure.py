"""Erases labels from a code in closed form (after Belrose et al. 2023, arXiv:2306.03819)."""

import math

import keras
import tensorflow as tf

from tf_csvae.networks import replicas
from tf_csvae.networks.distributions import Dtype, outer_dtype
from tf_csvae.networks.label_space import LabelSpace

# Of the moving averages over batches: about 3,000 examples at a batch of 32.
MOMENTUM = 0.99
# The same of covariances, which have more numbers, and the examples that count as averaged.
COVARIANCE_MOMENTUM, EXAMPLES = 0.995, 6_000
# Added to the second moments of the labels: less than the variance of a rare label, and enough
# for a label that never varies. Also added to correlations between codes.
RIDGE = 1e-4
# Largest factor between the scale of the codes of some labels and the average scale.
MAX_SCALE = 4.0


class LabelErasure(keras.layers.Layer):
    """Removes from a code what its labels predict: location, scale and, if asked, covariance.

    The location is linear concept erasure with known labels (the "oracle" case of Belrose et al.
    2023) of a code m and labels y:

        r = m - E[m] - Cov(m, y) Cov(y, y)^-1 (y - E[y])

    Of all codes from which no linear predictor can read y, r is nearest to m. The rest is ours:
    each dimension of r and its deviation are divided by the scale that a regression of log(r^2 +
    deviation^2) on y predicts, relative to the average scale. So y cannot be read from the distance
    to the centre either. With ``covariance``, ``SameCovariance`` then gives r the same covariance
    in all classes of a label, one label after the other. Otherwise products of dimensions are left
    for the adversary. The decoder gets the labels, so nothing is lost.

    With styles s, what a label looks like in each example, the location is a regression on y and s.
    The scale is not: the styles of a label are 0 where it is absent, so a scale that varies with
    them would tell the label.

    The moments are moving averages over the training batches, constant to every gradient. The code
    has ``codes`` dimensions, the labels are those of ``space``, and the styles have ``styles``
    columns.
    """

    def __init__(
        self,
        codes: int,
        space: LabelSpace,
        styles: int = 0,
        covariance: bool = False,
        dtype: Dtype = None,
        **kwargs,
    ) -> None:
        super().__init__(dtype=outer_dtype(dtype), **kwargs)
        # Products of (1, features, styles) with themselves and with the codes, and of (1, features)
        # with log r^2.
        self._space, self._styles = space, styles
        width, rows = 1 + space.width, 1 + space.width + styles
        self.moments, self.locations, self.scales = (
            self.add_weight(name=name, shape=shape, initializer="zeros", trainable=False)
            for name, shape in (
                ("moments", (rows, rows)),
                ("locations", (rows, codes)),
                ("scales", (width, codes)),
            )
        )
        classes = space.memberships(tf.zeros((1, len(space.widths)))) if covariance else ()
        self.covariances = [SameCovariance(codes, part.shape[1], self.dtype) for part in classes]
        self.built = True

    def call(
        self,
        mean: tf.Tensor,
        deviation: tf.Tensor,
        y: tf.Tensor,
        styles: tf.Tensor | None = None,
        training: bool = False,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns a new mean and deviation, float [n, d] each; ``training`` updates the moments.

        ``y`` is float [n, k]; an unknown label removes nothing. ``styles`` is float [n, styles];
        None: 0, which removes nothing.
        """
        features = tf.concat([tf.ones_like(mean[:, :1]), self._space.features(y)], -1)
        none = tf.pad(features, [[0, 0], [0, self._styles]])
        known = none if styles is None else tf.concat([features, styles], -1)

        def follow(average, features, other):
            total = tf.matmul(features, other, transpose_a=True)
            return _follow(average, total, features, training and MOMENTUM)

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
        mean *= factor
        memberships = self._space.memberships(y) if self.covariances else ()
        for same, members in zip(self.covariances, memberships, strict=True):
            mean = same(mean, members, training=training)
        return mean, deviation * factor


class SameCovariance(keras.layers.Layer):
    """Gives a code the same covariance in all classes of a label.

    A code r of class c becomes L L_c^-1 r. Here L L^T is the covariance of all codes and L_c L_c^T
    that of class c. The latter is mixed with the former, the more the rarer the class is: with a
    share p of the examples and d dimensions, its weight is p / (p + d / EXAMPLES). No direction
    grows by more than ``MAX_SCALE``. ``codes`` have the mean 0 in every class.
    """

    def __init__(self, codes: int, classes: int, dtype: Dtype = None, **kwargs) -> None:
        super().__init__(dtype=dtype, **kwargs)
        self.moments, self.shares = (
            self.add_weight(name=name, shape=(classes, *shape), initializer="zeros", trainable=False)
            for name, shape in (("moments", (codes, codes)), ("shares", ()))
        )
        self.built = True

    def call(self, r: tf.Tensor, members: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns new codes, float [n, d], of codes r.

        ``members``, float [n, classes], say which class an example has. A row of 0 changes nothing.
        """
        products = tf.einsum("nc,nd,ne->cde", members, r, r)
        momentum = training and COVARIANCE_MOMENTUM
        moments = _follow(self.moments, products, r, momentum)
        shares = _follow(self.shares, tf.reduce_sum(members, 0), r, momentum)
        whole = tf.reduce_sum(moments, 0) / tf.maximum(tf.reduce_sum(shares), RIDGE)
        shares = shares[:, None, None]
        d, unit = r.shape[-1], tf.eye(r.shape[-1], dtype=r.dtype)
        weight = tf.minimum(shares / (shares + d / EXAMPLES), 1 - MAX_SCALE**-2)
        each = weight * moments / tf.maximum(shares, RIDGE) + (1 - weight) * whole
        scale = tf.sqrt(tf.linalg.diag_part(whole)) + RIDGE
        both = tf.concat([whole[None], each], 0) / (scale * scale[:, None])
        factors = tf.linalg.cholesky(both + RIDGE * unit)
        inverse = tf.linalg.triangular_solve(factors[1:], unit * tf.ones_like(shares))
        change = tf.matmul(factors[:1], inverse) - unit
        return r + scale * tf.einsum("nc,nd,ced->ne", members, r / scale, change)


def _follow(average: tf.Variable, total: tf.Tensor, rows: tf.Tensor, momentum: float) -> tf.Tensor:
    """Returns a moving average of totals over the rows of batches; a momentum of 0 leaves it."""
    if momentum:
        n = tf.cast(tf.maximum(tf.shape(rows)[0], 1), total.dtype)
        average.assign(momentum * average + (1 - momentum) * replicas.mean(total / n))
    return tf.convert_to_tensor(average)
