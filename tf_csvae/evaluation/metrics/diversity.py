"""How much examples differ from one another."""

import numpy as np
from sklearn.metrics import euclidean_distances


def mean_pairwise_distance(x: np.ndarray) -> float:
    """Returns the mean Euclidean distance over all pairs of rows of x [n, ...], in the units of x.

    It is 0 for a generator whose samples are all the same, and that of the data for one whose
    samples vary as the data do.

    Raises:
        ValueError: fewer than two rows.
    """
    x = np.asarray(x, np.float64)
    n = len(x)
    if n < 2:
        raise ValueError(f"A distance needs two rows. Received: {n}.")
    x = x.reshape(n, -1)
    # Centred, since squares of values far from zero would cancel.
    return float(euclidean_distances(x - x.mean(0)).sum() / (n * (n - 1)))
