"""How much examples differ from one another."""

import numpy as np


def mean_pairwise_distance(x):
    """Returns the mean Euclidean distance over all pairs of different rows.

    A generator that always makes the same has 0, one as varied as the data what the data have.

    Args:
        x: float [n, ...], n at least 2.

    Returns:
        float, in the units of x.

    Raises:
        ValueError: fewer than two rows.
    """
    x = np.asarray(x, np.float64)
    x = x.reshape(len(x), -1)
    n = len(x)
    if n < 2:
        raise ValueError(f"A distance needs two rows. Received: {n}.")
    # About their mean, so that near-equal rows far from zero keep their digits.
    x = x - x.mean(0)
    norms = np.einsum("nd,nd->n", x, x)
    squares = np.maximum(norms[:, None] + norms - 2 * x @ x.T, 0)
    np.fill_diagonal(squares, 0)
    return float(np.sqrt(squares).sum() / (n * (n - 1)))
