"""Random changes of training images, by stateless noise: same seed, same change.

Images are float [n, height, width, channels]; seeds are int [2].
"""

import tensorflow as tf

from tf_csvae.networks import replicas
from tf_csvae.networks.distributions import split_seed


def random_shift(x: tf.Tensor, most: int, seed: tf.Tensor) -> tf.Tensor:
    """Moves each image of a batch by up to ``most`` pixels each way; borders fill the gap."""
    moves = replicas.rows(
        lambda n: tf.random.stateless_uniform((n, 2), seed, -most, most + 1, tf.int32), tf.shape(x)[0]
    )
    for axis, side in ((1, x.shape[1]), (2, x.shape[2])):
        source = tf.clip_by_value(tf.range(side) + moves[:, axis - 1, None], 0, side - 1)
        x = tf.gather(x, source, axis=axis, batch_dims=1)
    return x


def random_blur(x: tf.Tensor, most: float, seed: tf.Tensor) -> tf.Tensor:
    """Blurs half of the images, at random, by a Gaussian of one random width.

    Its standard deviation is at most ``most`` pixels. The border is mirrored.
    """
    width_seed, which_seed = tf.unstack(split_seed(seed, 2))
    deviation = most * tf.random.stateless_uniform((), width_seed, 0.05, 1.0, x.dtype)
    reach = max(1, round(2.5 * most))
    offsets = tf.range(-reach, reach + 1, dtype=x.dtype)
    kernel = tf.nn.softmax(-0.5 * tf.square(offsets / deviation))
    blurred = x
    for axis, side in ((1, x.shape[1]), (2, x.shape[2])):  # as products with banded matrices
        sources = tf.abs(tf.range(side)[:, None] + tf.range(-reach, reach + 1))
        sources = tf.minimum(sources, 2 * (side - 1) - sources)
        matrix = tf.reduce_sum(tf.one_hot(sources, side, dtype=x.dtype) * kernel[:, None], 1)
        blurred = tf.einsum("rs,nsjc->nrjc" if axis == 1 else "rs,njsc->njrc", matrix, blurred)
    return tf.where(uniform_each(x, which_seed) < 0.5, blurred, x)


def random_noise(x: tf.Tensor, most: float, seed: tf.Tensor) -> tf.Tensor:
    """Adds Gaussian noise to examples, to each of a random standard deviation up to ``most``."""
    deviation_seed, noise_seed = tf.unstack(split_seed(seed, 2))
    return x + uniform_each(x, deviation_seed, most) * replicas.normal(x, noise_seed)


def uniform_each(x: tf.Tensor, seed: tf.Tensor, most: float = 1.0) -> tf.Tensor:
    """Returns a number in [0, most) per example of a batch, float [n, 1, ...]."""
    ones = [1] * (len(x.shape) - 1)
    return replicas.rows(
        lambda n: tf.random.stateless_uniform((n, *ones), seed, 0.0, most, x.dtype), tf.shape(x)[0]
    )


def dropout(features: tf.Tensor, rate: float, seed: tf.Tensor) -> tf.Tensor:
    """Drops a share of the features, [n, d], at random; the others grow so that the mean stays."""
    uniform = replicas.rows(
        lambda n: tf.random.stateless_uniform((n, features.shape[1]), seed, dtype=features.dtype),
        tf.shape(features)[0],
    )
    return tf.where(uniform >= rate, features * (1 / (1 - rate)), 0.0)
