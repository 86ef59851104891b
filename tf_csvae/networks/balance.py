"""Weights for labels whose values are not equally frequent."""

import numpy as np
from numpy.typing import ArrayLike

# Largest ratio of two weights: with more, a network would memorise the examples of a rare value.
MAX_RATIO = 50.0


def class_weights(frequencies: ArrayLike, balance: float) -> np.ndarray:
    """Returns the weights of the values of labels in a loss, float [2, k] or [c, k].

    ``frequencies`` are [k], the shares of the value 1, or [c, k], the shares of all c values. The
    weight of a value of share p is proportional to p^-balance, ``balance`` in [0, 1]: with 1 all
    values of a label have the same total weight. The mean weight over the training data is 1, as
    is the weight of a label that never varies.
    """
    p = np.asarray(frequencies, np.float64)
    p = np.stack([1 - p, p]) if p.ndim == 1 else p
    varies = p.max(0) < 1
    p = np.where(varies, np.maximum(p, 1e-12), 1.0)
    weights = (p[0] / p) ** balance
    weights = np.minimum(weights, MAX_RATIO * weights.min(0))
    return np.where(varies, weights / (p * weights).sum(0), 1.0)
