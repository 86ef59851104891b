"""The divergence between two samples, from distances to nearest neighbours."""

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import digamma


def knn_divergence(p, q, k=10):
    """Estimates KL(P || Q) from samples of both.

    Wang, Kulkarni, Verdu 2009 (IEEE Trans. Inf. Theory 55:2392), with k neighbours:
    with rho the distance from a point of P to its k-th neighbour among the other points of
    P, and nu that to its k-th neighbour in Q,

        (d / n) sum_i log(nu_i / rho_i) + log(m / (n - 1)).

    Where a distance is zero (more than k copies of one point), the ratio of densities comes
    from counting the points of both samples within the larger of the two distances instead,
    as in their estimators with a data-dependent k. So ties and duplicates give a finite
    number: for discrete data, the plug-in estimate.

    Args:
        p: float [n, d], sample of P; n > k.
        q: float [m, d], sample of Q; m >= k.
        k: int > 0; a larger one has less variance and more bias.

    Returns:
        float, nats. May be negative: it is an estimate.

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
        others = in_p.query_ball_point(p[tied], radius, return_length=True) - 1
        strangers = in_q.query_ball_point(p[tied], radius, return_length=True)
        # At least k of each by definition, whatever rounding does at the radius itself.
        terms[tied] = digamma(np.maximum(others, k)) - digamma(np.maximum(strangers, k))
    return float(terms.mean() + np.log(m / (n - 1)))


def label_divergence(codes, label, k=10, shuffles=30, seed=0, kind="binary"):
    """How far a label divides a set of codes, beside what pure chance would give.

    The estimate has a bias and a spread of its own, so the number alone says little: the
    null is the same estimate after the label was shuffled.

    Args:
        codes: float [n, d].
        label: [n] of 0 and 1, of indices of classes, or of numbers; examples that are NaN are left out.
        k: int, neighbours; lowered to what the rarest value allows.
        shuffles: int, number of shuffles for the null.
        seed: int, of the shuffles.
        kind: str, of the label. "categorical": the mean over the classes of each one's divergence from
            the rest; "real": the divergence of the highest third of the examples from the lowest.

    Returns:
        {"kl": KL(codes | 1 || codes | 0) in nats, "null_mean": float, "null_sd": float,
        "k": int}, or None where a value has fewer than three examples.
    """
    codes, label = np.asarray(codes), np.asarray(label)
    codes, label = codes[~np.isnan(label)], label[~np.isnan(label)]
    pairs = _pairs(label, kind)
    rarest = min((part.sum() for pair in pairs for part in pair), default=0)
    if rarest < 3:
        return None
    k = int(min(k, rarest - 1))

    def divergence(order):
        return float(np.mean([knn_divergence(codes[p[order]], codes[q[order]], k) for p, q in pairs]))

    random = np.random.default_rng(seed)
    places = np.arange(len(label))
    # The mean over classes varies less, and of many shuffles costs the more.
    null = [divergence(random.permutation(places)) for _ in range(max(5, shuffles // len(pairs)))]
    return {
        "kl": divergence(places),
        "null_mean": float(np.mean(null)),
        "null_sd": float(np.std(null, ddof=1)),
        "k": k,
    }


def _pairs(label, kind):
    """Returns the pairs of groups, bool [n] each, that a label sets against each other."""
    if kind == "real":
        low, high = np.quantile(label, (1 / 3, 2 / 3)) if len(label) else (0, 0)
        return [(label > high, label < low)]
    if kind == "categorical":
        return [(label == value, label != value) for value in np.unique(label)]
    return [(label > 0.5, label <= 0.5)]
