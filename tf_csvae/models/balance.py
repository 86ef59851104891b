"""Weights for labels whose values are not equally frequent."""

import numpy as np

# One value of a label weighs at most so many times another: of a label of a few examples
# a network would learn those by heart.
MAX_RATIO = 50.0


def class_weights(frequencies, balance):
    """Weights of the values of labels in the loss.

    A value of share p weighs in proportion to p^-balance, and the mean weight over the training
    data is 1.

    Args:
        frequencies: list of k floats in [0, 1], the share of the value 1; or [c, k], the shares of
            all c values.
        balance: float in [0, 1]. At 0 all weigh the same; at 1 all values of a label weigh the
            same in total, so who knows nothing of x finds them equally likely.

    Returns:
        float [2, k] or [c, k]. A label that never varies weighs 1.
    """
    p = np.asarray(frequencies, np.float64)
    p = np.stack([1 - p, p]) if p.ndim == 1 else p
    varies = p.max(0) < 1
    p = np.where(varies, np.maximum(p, 1e-12), 1.0)
    weights = (p[0] / p) ** balance
    weights = np.minimum(weights, MAX_RATIO * weights.min(0))
    return np.where(varies, weights / (p * weights).sum(0), 1.0)
