"""A perceptual term: reconstructions and examples have the same features in the guide."""

import math
from collections.abc import Sequence

import keras
import tensorflow as tf

from tf_csvae.networks import replicas
from tf_csvae.networks.distributions import MIN_SCALE


def stages(guide: keras.Model, x: tf.Tensor) -> list[tf.Tensor]:
    """Returns the outputs of the guide's stages for x (``Classifier.stages``), as constants."""
    return [tf.stop_gradient(stage) for stage in guide.stages(x)]


def perceptual(guide: keras.Model, made: tf.Tensor, wanted: Sequence[tf.Tensor]) -> tf.Tensor:
    """Compares reconstructions with examples in the features of a guide, in nats per example.

    Each stage gives -log of a normal density around the output for the example. Its standard
    deviation is at the maximum-likelihood value for the batch, as in "gaussian_optimal", so no
    stage needs a weight. The result is the mean over the numbers of a stage and over the stages,
    times the numbers of x. It is a learned similarity metric (Larsen et al. 2015,
    arXiv:1512.09300, eq. 7 and 8) with a classifier in place of the discriminator.

    ``made``, float [n, *data_shape], are the reconstructions; ``wanted`` the examples' ``stages``.
    """
    nats = []
    for one, other in zip(guide.stages(made), wanted, strict=True):
        error = tf.reduce_mean(tf.square(tf.cast(one, made.dtype) - tf.cast(other, made.dtype)))
        variance = replicas.mean(error) + MIN_SCALE**2
        nats.append(0.5 * (error / variance + tf.math.log(variance)))
    return math.prod(made.shape[1:]) * tf.add_n(nats) / len(nats)
