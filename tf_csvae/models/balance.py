"""Weights for labels whose values are not equally frequent."""

import numpy as np
import tensorflow as tf

# One value of a label weighs at most so many times the other: of a label of a few examples
# a network would learn those by heart.
MAX_RATIO = 50.0


def class_weights(frequencies, balance):
    """Weights of the values 0 and 1 of each label in the loss.

    The value 1 weighs ((1 - p) / p)^balance times as much as the value 0, p its frequency, and
    the mean weight over the training data is 1.

    Args:
        frequencies: list of k floats in [0, 1], the share of the value 1.
        balance: float in [0, 1]. At 0 all weigh the same; at 1 both values of a label weigh the
            same in total, so who knows nothing of x answers 1/2.

    Returns:
        float [2, k]. A label that never varies weighs 1.
    """
    p = np.asarray(frequencies, np.float64)
    p = np.where((p > 0) & (p < 1), p, 0.5)
    ratio = np.clip(((1 - p) / p) ** balance, 1 / MAX_RATIO, MAX_RATIO)
    return np.stack([np.ones_like(p), ratio]) / (1 - p + p * ratio)


def cross_entropy(y, logits, weights):
    """The loss of predicting labels, summed over them.

    Args:
        y: float32 [n, k] in [0, 1].
        logits: float32 [n, k].
        weights: [2, k], from ``class_weights``.

    Returns:
        float32 [n], nats.
    """
    weights = tf.cast(weights, tf.float32)
    of_value = weights[0] * (1 - y) + weights[1] * y
    return tf.reduce_sum(of_value * tf.nn.sigmoid_cross_entropy_with_logits(y, logits), -1)
