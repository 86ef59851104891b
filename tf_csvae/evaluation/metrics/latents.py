"""Which dimensions of a code are in use."""

import numpy as np


def active_units(means: np.ndarray, threshold: float = 0.01) -> int:
    """Counts the dimensions whose posterior mean, [n, d], varies over the data.

    Burda, Grosse, Salakhutdinov 2015 (arXiv:1509.00519, section 5): the variance of E[u|x] is
    above 0.01. A z that is independent of the labels only because it is empty has none.
    """
    return int(np.sum(np.var(np.asarray(means), axis=0) > threshold))
