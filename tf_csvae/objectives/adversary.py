"""The two sides of the game over the labels in z (Klys et al. 2018, arXiv:1812.06190)."""

import tensorflow as tf

from tf_csvae.networks.label_space import LabelSpace


def entropy(space: LabelSpace, predicted: tf.Tensor) -> tf.Tensor:
    """Returns E[H(q(y|z))] in nats, float [], of the adversary's outputs, float [n, outputs]."""
    return tf.reduce_mean(space.entropy(predicted))


def label_loss(space: LabelSpace, y: tf.Tensor, predicted: tf.Tensor) -> tf.Tensor:
    """Returns -E[log q(y|.)] in nats, float [], summed over the known labels y, float [n, k].

    ``predicted`` are the outputs of a network for them, float [n, outputs].
    """
    return tf.reduce_mean(tf.reduce_sum(space.losses(y, predicted), -1))
