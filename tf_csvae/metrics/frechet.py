"""The Fréchet distance between two sets of features (Heusel et al. 2017, arXiv:1706.08500)."""

import numpy as np


class Moments:
    """Mean and covariance of features, a batch at a time: memory does not grow with their number."""

    def __init__(self):
        self.count, self._sum, self._products = 0, 0.0, 0.0

    def update(self, features):
        """Adds a batch, float [n, d]."""
        features = np.asarray(features, np.float64)
        self.count += len(features)
        self._sum = self._sum + features.sum(0)
        self._products = self._products + features.T @ features

    @property
    def mean(self):
        """Returns float64 [d]."""
        return self._sum / self.count

    @property
    def covariance(self):
        """Returns float64 [d, d], the unbiased estimate; needs two rows."""
        mean = self.mean
        return (self._products - self.count * np.outer(mean, mean)) / (self.count - 1)


def frechet_distance(a, b):
    """Squared Fréchet distance between the normals that have two sets' moments.

    |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)). Its estimate is biased upwards, the more
    the fewer examples: only distances from equally many are comparable.

    Args:
        a: ``Moments`` of at least two rows.
        b: the same of another set.

    Returns:
        float >= 0, in squared units of the features.

    Raises:
        ValueError: fewer than two rows, or features of different widths.
    """
    if min(a.count, b.count) < 2 or a.mean.shape != b.mean.shape:
        raise ValueError(
            "Two sets of at least two rows of equally many features are needed. Received: "
            f"{a.count} and {b.count} rows."
        )
    # tr (C_a C_b)^(1/2) is the sum of the roots of the eigenvalues of the symmetric
    # C_a^(1/2) C_b C_a^(1/2): real, and not negative but for rounding.
    values, vectors = np.linalg.eigh(a.covariance)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    roots = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ b.covariance @ root), 0))
    apart = np.sum((a.mean - b.mean) ** 2)
    return float(max(0.0, apart + np.trace(a.covariance) + np.trace(b.covariance) - 2 * roots.sum()))
