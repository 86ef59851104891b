"""What a predictor can read from a code that it was not trained on."""

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import balanced_accuracy_score, r2_score, roc_auc_score
from sklearn.neighbors import KNeighborsRegressor


def probe(train_codes, train_label, test_codes, test_label, seed=0, kind="binary"):
    """Trains boosted trees to predict a label from codes and scores them on others.

    Trees, since what a linear predictor cannot read may still be there for a decoder to use.

    Args:
        train_codes: float [n, d].
        train_label: [n] of 0 and 1, of indices of classes, or of numbers; examples that are NaN are
            left out.
        test_codes: float [m, d].
        test_label: [m] of the same.
        seed: int, of the trees' own hold-out for early stopping.
        kind: str, of the label.

    Returns:
        {"auc": float, "balanced_accuracy": float}; of two classes 0.5 of each where nothing can be
        read. The accuracy is at the threshold that balances the training classes; the AUC of a
        categorical label is the mean over its classes of each against the rest. Of a real label
        {"r2": float}, 0 where nothing can be read. None where a split has one value only, or
        lacks a class.
    """
    (train_codes, train_label), (test_codes, test_label) = (
        (np.asarray(codes)[~np.isnan(label)], label[~np.isnan(label)])
        for codes, label in (
            (train_codes, np.asarray(train_label, np.float64)),
            (test_codes, np.asarray(test_label, np.float64)),
        )
    )
    if kind == "binary":
        train_label, test_label = train_label > 0.5, test_label > 0.5
    values, counts = np.unique(train_label, return_counts=True)
    if len(values) < 2 or len(np.unique(test_label)) < 2:
        return None
    # Few bins and small trees: as strong on codes as the defaults, and four times faster.
    options = {
        "max_bins": 63,
        "max_leaf_nodes": 15,
        "early_stopping": len(train_label) >= 100,
        "random_state": seed,
    }
    if kind == "real":
        trees = HistGradientBoostingRegressor(**options).fit(train_codes, train_label)
        return {"r2": float(r2_score(test_label, trees.predict(test_codes)))}
    if counts.min() < 2 or not np.array_equal(np.unique(test_label), values):
        return None
    trees = HistGradientBoostingClassifier(**options, class_weight="balanced").fit(train_codes, train_label)
    scores = trees.predict_proba(test_codes)
    answers = scores[:, 1] > 0.5 if kind == "binary" else values[np.argmax(scores, 1)]
    return {
        "auc": _auc(test_label, scores, values),
        "balanced_accuracy": float(balanced_accuracy_score(test_label, answers)),
    }


def _auc(label, scores, values):
    """Area under the ROC curve; of several values the mean over them, each against the rest."""
    if len(values) == 2:
        return float(roc_auc_score(label == values[1], scores[:, 1]))
    each = [roc_auc_score(label == value, score) for value, score in zip(values, scores.T, strict=True)]
    return float(np.mean(each))


def neighbour_probe(train_codes, train_y, test_codes, test_y, k=100, kinds=None):
    """How well all labels can be read from codes of few dimensions, at one go.

    The score of an example is the share of its nearest training codes that have the label, or their
    mean. In two dimensions it reads as much as ``probe``'s trees, for eighteen labels in the time of one.

    Args:
        train_codes: float [n, d].
        train_y: [n, k], columns as ``probe`` takes them.
        test_codes: float [m, d].
        test_y: [m, k] of the same.
        k: int, neighbours; at most n are taken.
        kinds: list of k str, of the labels; None: all are binary.

    Returns:
        list of k: the area under the ROC curve, 0.5 where nothing can be read, of a real label R^2;
        or None where the test labels lack a value.
    """
    train_y, test_y = np.asarray(train_y, np.float64), np.asarray(test_y, np.float64)
    kinds = kinds or ["binary"] * train_y.shape[1]
    targets, values = [], []
    for column, kind in zip(train_y.T, kinds, strict=True):
        known = column[~np.isnan(column)]
        values.append(np.unique(known) if kind == "categorical" else None)
        own = column[:, None] if values[-1] is None else np.float64(column[:, None] == values[-1])
        targets.append(np.where(np.isnan(column)[:, None], own[~np.isnan(column)].mean(0), own))
    neighbours = KNeighborsRegressor(min(k, len(train_codes)))
    scores = neighbours.fit(train_codes, np.concatenate(targets, 1)).predict(test_codes)
    scores = np.split(scores, np.cumsum([target.shape[1] for target in targets])[:-1], 1)
    found = []
    for column, kind, of_label, score in zip(test_y.T, kinds, values, scores, strict=True):
        known = ~np.isnan(column)
        column, score = column[known], score[known]
        if len(np.unique(column)) < 2:
            found.append(None)
        elif kind == "real":
            found.append(float(r2_score(column, score[:, 0])))
        elif kind == "binary":
            found.append(float(roc_auc_score(column > 0.5, score[:, 0])))
        else:
            found.append(_auc(column, score, of_label) if np.isin(of_label, column).all() else None)
    return found
