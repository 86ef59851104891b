"""How well labels can be predicted from codes."""

from collections.abc import Sequence

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import balanced_accuracy_score, r2_score, roc_auc_score
from sklearn.neighbors import KNeighborsRegressor

# Few bins and small trees: on codes as accurate as the defaults, and four times faster.
TREES = {"max_bins": 63, "max_leaf_nodes": 15}


def known(codes: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the examples whose label is known: codes [n, d] and labels, float64 [n]."""
    codes, label = np.asarray(codes), np.asarray(label, np.float64)
    return codes[~np.isnan(label)], label[~np.isnan(label)]


def _auc(label: np.ndarray, p: np.ndarray, values: np.ndarray) -> float:
    """Returns the mean over the values of each one's AUC against the rest; of two the second's."""
    used = slice(len(values) == 2, None)
    return float(roc_auc_score(label[:, None] == values[used], p[:, used]))


def probe(
    train_codes: np.ndarray,
    train_label: np.ndarray,
    test_codes: np.ndarray,
    test_label: np.ndarray,
    seed: int = 0,
    kind: str = "binary",
) -> dict[str, float] | None:
    """Trains boosted trees to predict a label [n] from codes [n, d]; scores them on other codes.

    Trees, because a decoder may use what a linear predictor cannot find. Labels are 0 and 1,
    indices of classes, or numbers; NaN: left out. ``seed`` is of the hold-out for early stopping.

    Returns:
        Binary and categorical: {"auc", "balanced_accuracy"}. Of a binary label both are 0.5 if
        nothing can be predicted; the accuracy is at the threshold that balances the training
        classes. The AUC of a categorical label is the mean over its classes of each against the
        rest. Real: {"r2"}, 0 if nothing can be predicted. None if a split has only one value, or
        not all classes.
    """
    train_codes, train_label = known(train_codes, train_label)
    test_codes, test_label = known(test_codes, test_label)
    if kind == "binary":
        train_label, test_label = train_label > 0.5, test_label > 0.5
    values, counts = np.unique(train_label, return_counts=True)
    if len(values) < 2 or len(np.unique(test_label)) < 2:
        return None
    options = {**TREES, "early_stopping": len(train_label) >= 100, "random_state": seed}
    if kind == "real":
        trees = HistGradientBoostingRegressor(**options).fit(train_codes, train_label)
        return {"r2": float(r2_score(test_label, trees.predict(test_codes)))}
    if counts.min() < 2 or not np.array_equal(np.unique(test_label), values):
        return None
    trees = HistGradientBoostingClassifier(**options, class_weight="balanced")
    p = trees.fit(train_codes, train_label).predict_proba(test_codes)
    predicted = p[:, 1] > 0.5 if kind == "binary" else values[np.argmax(p, 1)]
    return {
        "auc": _auc(test_label, p, values),
        "balanced_accuracy": float(balanced_accuracy_score(test_label, predicted)),
    }


def neighbour_probe(
    train_codes: np.ndarray,
    train_y: np.ndarray,
    test_codes: np.ndarray,
    test_y: np.ndarray,
    k: int = 100,
    kinds: Sequence[str] | None = None,
) -> list[float | None]:
    """Predicts all labels [n, labels] at once from codes [n, d] of few dimensions, by neighbours.

    The prediction is the share of the k nearest training codes with the label, or their mean
    value. In two dimensions it is as accurate as the trees of ``probe``, for eighteen labels in the
    time of one. The columns of y are as of ``probe``; ``kinds`` None: all are binary.

    Returns for each label the area under the ROC curve, 0.5 if nothing can be predicted, or R^2
    of a real label; None if the test labels do not have every value.
    """
    train_y, test_y = np.asarray(train_y, np.float64), np.asarray(test_y, np.float64)
    kinds = kinds or ["binary"] * train_y.shape[1]
    targets, values = [], []
    for column, kind in zip(train_y.T, kinds, strict=True):
        given = ~np.isnan(column)
        values.append(np.unique(column[given]) if kind == "categorical" else None)
        target = np.float64(column[:, None] == values[-1]) if kind == "categorical" else column[:, None]
        targets.append(np.where(given[:, None], target, target[given].mean(0)))
    neighbours = KNeighborsRegressor(min(k, len(train_codes)))
    predicted = neighbours.fit(train_codes, np.concatenate(targets, 1)).predict(test_codes)
    predicted = np.split(predicted, np.cumsum([part.shape[1] for part in targets])[:-1], 1)
    found = []
    for column, kind, classes, p in zip(test_y.T, kinds, values, predicted, strict=True):
        p, column = known(p, column)
        score = None
        if len(np.unique(column)) > 1:
            if kind == "real":
                score = r2_score(column, p[:, 0])
            elif kind == "binary":
                score = roc_auc_score(column > 0.5, p[:, 0])
            elif np.isin(classes, column).all():
                score = _auc(column, p, classes)
        found.append(None if score is None else float(score))
    return found
