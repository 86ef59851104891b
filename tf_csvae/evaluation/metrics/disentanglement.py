"""How far dimensions of a code and known factors of the data belong to each other, one to one."""

import numpy as np
from scipy.stats import entropy
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.metrics import mutual_info_score

# Bins of a histogram (Locatello et al. 2019), examples that a factor needs, and trees of a forest.
BINS, LEAST, TREES = 20, 40, 50

TINY = 1e-12


def disentanglement(codes: np.ndarray, factors: dict[str, np.ndarray], seed: int = 0) -> dict[str, float]:
    """Scores codes [n, d] against known factors {name: [n]}; NaN: the example has no such factor.

    Returns:
        "dci_disentanglement": 1 if each dimension of the code predicts one factor only;
        "dci_completeness": 1 if each factor is predicted by one dimension only;
        "dci_informativeness": the mean over the factors of the accuracy, or R^2, on held-out
        examples (Eastwood and Williams 2018, https://openreview.net/forum?id=By-7dz-AZ);
        "sap": the mean difference between the two dimensions that predict a factor best, each
        alone (Kumar et al. 2018, arXiv:1711.00848, sec. 3);
        "mig": the same of their mutual information, as a share of the factor's entropy (Chen et al.
        2018, arXiv:1802.04942, eq. 6). Empty for a code of one dimension, and for fewer than two
        factors with ``LEAST`` examples.
    """
    codes, importances, scores, saps, migs = np.asarray(codes), [], [], [], []
    for factor in factors.values() if codes.shape[1] > 1 else ():
        has = np.isfinite(factor)
        code, values = codes[has], np.asarray(factor, np.float64)[has]
        if len(values) < LEAST or len(np.unique(values)) < 2:
            continue
        half, discrete = len(values) // 2, len(np.unique(values)) <= 2
        # All dimensions at each branch, so that one without use is never taken for want of others.
        options = {"min_samples_leaf": 3, "max_features": None, "random_state": seed}
        forest = (RandomForestClassifier if discrete else RandomForestRegressor)(TREES, **options)
        forest.fit(code[:half], values[:half])
        scores.append(forest.score(code[half:], values[half:]))
        importances.append(forest.feature_importances_)
        alone = np.sort(np.square(np.corrcoef(code.T, values)[-1, :-1]))
        saps.append(alone[-1] - alone[-2])
        shared, own = _information(code, values)
        shared.sort()
        migs.append((shared[-1] - shared[-2]) / own)
    if len(importances) < 2:
        return {}
    matrix = np.stack(importances, 1)  # [d, factors]
    d, k = matrix.shape
    weight = matrix.sum(1) / matrix.sum()
    return {
        # ``entropy`` makes each row, or column, sum to 1; a dimension without use has weight 0.
        "dci_disentanglement": float(weight @ (1 - entropy(matrix + TINY, axis=1) / np.log(k))),
        "dci_completeness": float(np.mean(1 - entropy(matrix + TINY, axis=0) / np.log(d))),
        "dci_informativeness": float(np.mean(scores)),
        "sap": float(np.mean(saps)),
        "mig": float(np.mean(migs)),
    }


def _information(code: np.ndarray, factor: np.ndarray) -> tuple[np.ndarray, float]:
    """Returns the mutual information of each dimension and a factor, and its entropy, in nats."""
    binned = _binned(factor)
    shared = np.array([mutual_info_score(binned, _binned(column)) for column in code.T])
    return shared, float(entropy(np.unique(binned, return_counts=True)[1]))


def _binned(values: np.ndarray) -> np.ndarray:
    return np.digitize(values, np.histogram_bin_edges(values, BINS)[1:-1])
