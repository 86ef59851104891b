"""Which dimensions of a code are in use."""

import numpy as np


def active_units(means, threshold=0.01):
    """Counts the dimensions whose posterior mean varies over the data.

    Burda, Grosse, Salakhutdinov 2015 (arXiv:1509.00519, section 5): variance of E[u|x]
    above 0.01. A z that is independent of everything because it is empty has none.

    Args:
        means: float [n, d], posterior means.
        threshold: float, variance above which a dimension counts.

    Returns:
        int.
    """
    return int(np.sum(np.var(np.asarray(means), axis=0) > threshold))
