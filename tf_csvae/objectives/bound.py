"""The terms of every variational bound (Kingma and Welling 2013, arXiv:1312.6114)."""

import tensorflow as tf

from tf_csvae.networks.distributions import standard_normal, tfd
from tf_csvae.networks.priors import Prior


def reconstruction(px: tfd.Distribution, x: tf.Tensor) -> tf.Tensor:
    """Returns -E[log p(x|code)] for a sample of the code, in nats per example, float []."""
    return -tf.reduce_mean(px.log_prob(x))


def kl_z(z: tfd.Distribution) -> tf.Tensor:
    """Returns KL(q(z|x) || p(z)) in nats per example, float [], p(z) the unit normal."""
    return tf.reduce_mean(tfd.kl_divergence(z, standard_normal(z.event_shape[0], z.dtype)))


def kl_w(prior: Prior, w: tfd.Distribution, y: tf.Tensor) -> tf.Tensor:
    """Returns KL(q(w|x, y) || p(w|y)) in nats per example, float [] (CSVAE, arXiv:1812.06190)."""
    return tf.reduce_mean(prior.kl(w, y))
