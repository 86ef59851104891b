"""Penalties on how a latent code is distributed: apart from the labels, and as the prior is."""

import tensorflow as tf

# Squared widths of the kernels in units of the dimension of the code, whose aggregate is
# near the unit normal: two of its points lie a squared distance of 2 d apart on average, so
# these see from local clumps (0.025) to the whole cloud (1.5).
KERNEL_SQUARED_WIDTHS = (0.025, 0.1, 0.4, 1.5)


def mmd(z, members, others=None, squared_widths=KERNEL_SQUARED_WIDTHS):
    """Squared maximum mean discrepancy between the codes of two groups of examples, for each of g pairs.

    The unbiased estimate (Gretton et al. 2012, JMLR 13:723, eq. 3) with a sum of Gaussian
    kernels exp(-|a - b|^2 / (2 s d)), d the dimension of z and s each of
    ``squared_widths``. Unlike an adversary it has no state, no second optimizer, and a
    gradient wherever the groups differ. One kernel matrix serves all.

    Args:
        z: float32 [n, d].
        members: float32 [n, g], 1 where an example is in the one group, 0 where not, as the values of
            binary labels or ``LabelSpace.groups`` are.
        others: float32 [n, g], the same of the other group; None: all that are not in the one.
        squared_widths: floats, in units of d.

    Returns:
        float32 [g]; zero in the mean where z is independent of the group, and exactly zero
        for a group with fewer than two examples in the batch.
    """
    d = float(z.shape[-1])
    norms = tf.reduce_sum(tf.square(z), -1)
    distances = norms[:, None] - 2 * tf.matmul(z, z, transpose_b=True) + norms[None, :]
    distances = tf.maximum(distances, 0.0)
    kernel = tf.add_n([tf.exp(distances * (-0.5 / (s * d))) for s in squared_widths])
    kernel *= 1 - tf.eye(tf.shape(z)[0], dtype=z.dtype)  # not set_diag: XLA has no gradient of it for any n

    ones, zeros = members, 1 - members if others is None else others
    n1, n0 = tf.reduce_sum(ones, 0), tf.reduce_sum(zeros, 0)
    to_ones, to_zeros = tf.matmul(kernel, ones), tf.matmul(kernel, zeros)  # [n, g]
    within1 = tf.reduce_sum(ones * to_ones, 0) / tf.maximum(n1 * (n1 - 1), 1.0)
    within0 = tf.reduce_sum(zeros * to_zeros, 0) / tf.maximum(n0 * (n0 - 1), 1.0)
    between = tf.reduce_sum(zeros * to_ones, 0) / tf.maximum(n1 * n0, 1.0)
    return tf.where((n1 > 1) & (n0 > 1), within1 + within0 - 2 * between, 0.0)


def prior_mmd(u):
    """Squared maximum mean discrepancy between codes of data and the unit normal.

    The unbiased estimate with the kernel (1 + a.b)^2, which compares means and covariances: where m
    and S are the mean and the matrix of second moments of u, its mean is |S - I|_F^2 + 2 |m|^2. A KL
    looks at each example alone; what the codes of all of them are together is looked at as in InfoVAE
    (Zhao et al. 2017, arXiv:1706.02262, eq. 8). Not with a Gaussian kernel, which in a hundred dimensions
    sees no difference: from one sample of a normal to another all is equally far.

    Args:
        u: float32 [n, d], samples of q, one per example, in units of the prior.

    Returns:
        float32 []; zero for fewer than two rows.
    """
    n, d = tf.cast(tf.shape(u)[0], u.dtype), float(u.shape[-1])
    norms = tf.reduce_sum(tf.square(u), -1)
    products = tf.matmul(u, u, transpose_b=True)
    among = tf.reduce_sum(products * (products + 2)) - tf.reduce_sum(norms * (norms + 2))
    found = among / tf.maximum(n * (n - 1), 1.0) - 2 * tf.reduce_sum(norms) / tf.maximum(n, 1.0) + d
    return tf.where(n > 1, found, 0.0)
