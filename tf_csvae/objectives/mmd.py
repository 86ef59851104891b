"""A two-sample penalty between the codes of the values of each label."""

from collections.abc import Sequence

import tensorflow as tf

from tf_csvae.networks import replicas
from tf_csvae.networks.label_space import LabelSpace

# Squared widths of the kernels in units of the dimension d of the code. Two points of a unit
# normal have a mean squared distance of 2 d, so the kernels range from local clumps to all points.
KERNEL_SQUARED_WIDTHS = (0.025, 0.1, 0.4, 1.5)


def between_values(space: LabelSpace, y: tf.Tensor, z: tf.Tensor) -> tf.Tensor:
    """Returns the sum over the labels of the squared MMD between the z of their values, float [].

    ``LabelSpace.groups`` divides the batch by y, float [n, k]; z is float [n, d].
    """
    members, others, share = space.groups(replicas.gather(y))
    distances = mmd(replicas.gather(z), members, others)
    return tf.reduce_sum(tf.cast(share, z.dtype) * distances)


def mmd(
    z: tf.Tensor,
    members: tf.Tensor,
    others: tf.Tensor | None = None,
    squared_widths: Sequence[float] = KERNEL_SQUARED_WIDTHS,
) -> tf.Tensor:
    """Squared maximum mean discrepancy between two groups of codes, for each of g pairs.

    The unbiased estimate (Gretton et al. 2012, JMLR 13:723, eq. 3) with a sum of Gaussian kernels
    exp(-|a - b|^2 / (2 s d)), d the dimension of z and s each of ``squared_widths``. It has no
    state and no optimizer, unlike an adversary, and a gradient wherever the groups differ. One
    kernel matrix serves all pairs.

    z is float [n, d]; ``members`` and ``others``, float [n, g], are 1 where an example is in the
    first and in the second group, otherwise 0; ``others`` None: all that are not in the first.

    Returns:
        float [g]; 0 on average if z is independent of the groups, and exactly 0 for a group with
        fewer than two examples in the batch.
    """
    d = float(z.shape[-1])
    norms = tf.reduce_sum(tf.square(z), -1)
    distances = tf.maximum(norms[:, None] - 2 * tf.matmul(z, z, transpose_b=True) + norms[None, :], 0.0)
    kernel = tf.add_n([tf.exp(distances * (-0.5 / (s * d))) for s in squared_widths])
    kernel *= 1 - tf.eye(tf.shape(z)[0], dtype=z.dtype)  # XLA has no gradient of set_diag

    ones, zeros = members, 1 - members if others is None else others
    n1, n0 = tf.reduce_sum(ones, 0), tf.reduce_sum(zeros, 0)
    to_ones, to_zeros = tf.matmul(kernel, ones), tf.matmul(kernel, zeros)  # [n, g]
    within1 = tf.reduce_sum(ones * to_ones, 0) / tf.maximum(n1 * (n1 - 1), 1.0)
    within0 = tf.reduce_sum(zeros * to_zeros, 0) / tf.maximum(n0 * (n0 - 1), 1.0)
    between = tf.reduce_sum(zeros * to_ones, 0) / tf.maximum(n1 * n0, 1.0)
    return tf.where((n1 > 1) & (n0 > 1), within1 + within0 - 2 * between, 0.0)
