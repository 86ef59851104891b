"""The Fréchet distance between two sets of features (Heusel et al. 2017, arXiv:1706.08500)."""

import numpy as np


class Moments:
    """Mean and covariance of features, batch by batch: memory does not grow with their number."""

    def __init__(self) -> None:
        self.count, self._sum, self._products = 0, 0.0, 0.0

    def update(self, features: np.ndarray) -> None:
        """Adds a batch, float [n, d]."""
        features = np.asarray(features, np.float64)
        self.count += len(features)
        self._sum = self._sum + features.sum(0)
        self._products = self._products + features.T @ features

    @property
    def mean(self) -> np.ndarray:
        """The mean, float64 [d]."""
        return self._sum / self.count

    @property
    def covariance(self) -> np.ndarray:
        """The unbiased estimate, float64 [d, d]; needs two rows."""
        mean = self.mean
        return (self._products - self.count * np.outer(mean, mean)) / (self.count - 1)


def frechet_distance(a: Moments, b: Moments) -> float:
    """Returns the squared Fréchet distance between two normals of given moments.

    |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)), at least 0, in squared units of the
    features. The estimate is biased upwards, more so for fewer examples: compare only distances
    of equally many examples.

    Raises:
        ValueError: fewer than two rows, or features of different widths.
    """
    if min(a.count, b.count) < 2 or a.mean.shape != b.mean.shape:
        raise ValueError(
            "Two sets of at least two rows of equally many features are needed. "
            f"Received: {a.count} and {b.count} rows."
        )
    # tr (C_a C_b)^(1/2) is the sum of the square roots of the eigenvalues of the symmetric matrix
    # C_a^(1/2) C_b C_a^(1/2), which are real and, but for rounding, not negative.
    values, vectors = np.linalg.eigh(a.covariance)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    roots = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ b.covariance @ root), 0))
    between = np.sum((a.mean - b.mean) ** 2)
    distance = between + np.trace(a.covariance) + np.trace(b.covariance) - 2 * roots.sum()
    return float(max(0.0, distance))
