"""The game of a discriminator of real and generated data."""

from collections.abc import Callable

import tensorflow as tf


def generator_loss(fake: tf.Tensor) -> tf.Tensor:
    """Returns E[softplus(-D)] of logits [n], which does not saturate (Goodfellow et al. 2014)."""
    return tf.reduce_mean(tf.nn.softplus(-fake))


def discriminator_loss(real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
    """Returns E[softplus(-D(real))] + E[softplus(D(fake))], float []."""
    return tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(tf.nn.softplus(fake))


def gradient_penalty(logits: Callable[[tf.Tensor], tf.Tensor], x: tf.Tensor) -> tf.Tensor:
    """Returns E[|dD(x)/dx|^2] on real data (R1, Mescheder et al. 2018, arXiv:1801.04406).

    ``logits`` is a function of x, float [n, *data_shape], to float [n].
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        total = tf.reduce_sum(logits(x))
    squares = tf.square(tape.gradient(total, x))
    return tf.reduce_mean(tf.reduce_sum(tf.reshape(squares, [tf.shape(x)[0], -1]), -1))
