"""The divergence between two samples, from distances to nearest neighbours."""

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import digamma

from tf_csvae.evaluation.metrics.probes import known


def knn_divergence(p: np.ndarray, q: np.ndarray, k: int = 10) -> float:
    """Estimates KL(P || Q) in nats from samples of both, float [n, d] and [m, d], n > k, m >= k.

    Wang, Kulkarni, Verdu 2009 (IEEE Trans. Inf. Theory 55:2392), with k neighbours: rho_i is the
    distance of point i of P to its k-th neighbour among the other points of P, nu_i the distance
    to its k-th neighbour in Q, and the estimate, which may be negative, is

        (d / n) sum_i log(nu_i / rho_i) + log(m / (n - 1)).

    A larger k has less variance and more bias. If a distance is zero (more than k copies of one
    point), the ratio of densities comes instead from the numbers of points of both samples within
    the larger of the two distances, as in their estimators with a data-dependent k. So duplicates
    give a finite number: for discrete data the plug-in estimate.

    Raises:
        ValueError: shapes that do not fit, or too few points for k.
    """
    p, q = np.asarray(p, np.float64), np.asarray(q, np.float64)
    if p.ndim != 2 or q.ndim != 2 or p.shape[1] != q.shape[1]:
        raise ValueError(f"p and q must be [n, d] and [m, d]. Received: shapes {p.shape} and {q.shape}.")
    (n, d), m = p.shape, len(q)
    if k < 1 or n <= k or m < k:
        raise ValueError(f"k must be positive, below n and at most m. Received: k={k}, n={n}, m={m}.")
    in_p, in_q = cKDTree(p), cKDTree(q)
    # A point is its own nearest neighbour in P, so the k-th other one is the (k + 1)-th.
    rho = in_p.query(p, [k + 1])[0][:, 0]
    nu = in_q.query(p, [k])[0][:, 0]
    tied = (rho == 0) | (nu == 0)
    terms = np.empty(n)
    terms[~tied] = d * np.log(nu[~tied] / rho[~tied])
    if tied.any():
        radius = np.maximum(rho, nu)[tied]
        near_p = in_p.query_ball_point(p[tied], radius, return_length=True) - 1
        near_q = in_q.query_ball_point(p[tied], radius, return_length=True)
        # Both are at least k by definition; rounding at the radius may lose points.
        terms[tied] = digamma(np.maximum(near_p, k)) - digamma(np.maximum(near_q, k))
    return float(terms.mean() + np.log(m / (n - 1)))


def label_divergence(
    codes: np.ndarray, label: np.ndarray, k: int = 10, shuffles: int = 30, seed: int = 0, kind: str = "binary"
) -> dict[str, float] | None:
    """Measures how far codes [n, d] differ by a label [n], and what the estimate gives by chance.

    The estimate has a bias and a spread of its own. The null shows them: the same estimate after
    the label was shuffled. For a binary label (0 and 1) it is the divergence of codes with 1 from
    codes with 0; for a categorical one (indices of classes) the mean over the classes of the
    divergence of each from the rest; for a real one that of the highest third from the lowest. NaN
    is left out, and k lowered to what the rarest value allows.

    Returns {"kl": the divergence in nats, "null_mean", "null_sd", "k"}, or None if a group has
    fewer than three examples.
    """
    codes, label = known(codes, label)
    pairs = _pairs(label, kind)
    rarest = min((part.sum() for pair in pairs for part in pair), default=0)
    if rarest < 3:
        return None
    k = int(min(k, rarest - 1))

    def divergence(order: np.ndarray) -> float:
        return float(np.mean([knn_divergence(codes[p[order]], codes[q[order]], k) for p, q in pairs]))

    random, places = np.random.default_rng(seed), np.arange(len(label))
    # A mean over several pairs varies less and costs more, so fewer shuffles are enough.
    count = max(5, shuffles // len(pairs))
    null = [divergence(random.permutation(places)) for _ in range(count)]
    mean, spread = float(np.mean(null)), float(np.std(null, ddof=1))
    return {"kl": divergence(places), "null_mean": mean, "null_sd": spread, "k": k}


def _pairs(label: np.ndarray, kind: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Returns the pairs of groups that are compared, as bool [n] each."""
    if kind == "real":
        low, high = np.quantile(label, (1 / 3, 2 / 3)) if len(label) else (0, 0)
        return [(label > high, label < low)]
    if kind == "categorical":
        return [(label == value, label != value) for value in np.unique(label)]
    return [(label > 0.5, label <= 0.5)]
