"""Aggregate prior matching: the codes of all data together are distributed as the prior."""

import tensorflow as tf

from tf_csvae.networks import replicas


def prior_mmd(u: tf.Tensor, again: tf.Tensor | None = None, examples: int = 0) -> tf.Tensor:
    """Squared maximum mean discrepancy, float [], between codes of the data and the unit normal.

    ``u``, float [n, d], is one sample of q per example, in units of the prior. The kernel
    (1 + a.b)^2 compares means and covariances: with m the mean and S the matrix of second moments
    of the codes, the estimate has the mean |S - I|_F^2 + 2 |m|^2. A KL term constrains each example
    alone; this constrains the aggregate, as InfoVAE does (Zhao et al. 2017, arXiv:1706.02262,
    eq. 8). A Gaussian kernel would not do: in a hundred dimensions all samples are equally far from
    each other.

    ``examples`` is the number of training examples, 0 if there is no end of them, and ``again`` a
    second sample of q of the same examples. The codes of N examples are a mixture of N parts, and
    two draws of a mixture are of the same part with probability 1/N. A batch has each example once
    and lacks these pairs. Without them the estimate has no lower bound: of a hundred examples, a
    few codes at right angles and far from all others make it as negative as one likes.
    """
    u = replicas.gather(u)
    n, d = tf.cast(tf.shape(u)[0], u.dtype), float(u.shape[-1])
    norms = tf.reduce_sum(tf.square(u), -1)
    products = tf.matmul(u, u, transpose_b=True)
    among = tf.reduce_sum(products * (products + 2)) - tf.reduce_sum(norms * (norms + 2))
    among /= tf.maximum(n * (n - 1), 1.0)
    if examples:
        own = tf.reduce_sum(u * replicas.gather(again), -1)
        own = tf.reduce_sum(own * (own + 2)) / tf.maximum(n, 1.0)
        among += (own - among) / examples
    found = among - 2 * tf.reduce_sum(norms) / tf.maximum(n, 1.0) + d
    return tf.where(n > 1, found, 0.0)
