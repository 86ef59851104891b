"""How well predictions of labels agree with the labels."""

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    mean_absolute_error,
    r2_score,
    recall_score,
    roc_auc_score,
)

from tf_csvae.labels import as_labels


def classification(predictions, y, labels):
    """Scores the predictions of each label, those of a binary one at a threshold of 1/2 and over all.

    Args:
        predictions: float [n, columns], one column per label, of a categorical one a column per class:
            probabilities, of the value 1 or of the classes; of a real label its expected value.
        y: [n, k] of 0 and 1, indices of classes, standardised numbers; NaN where one is not known.
        labels: the k labels: ``Label``s, or names of binary ones.

    Returns:
        {label: {"accuracy": share of right answers, "balanced_accuracy": mean of that over
        the label's values, "recall": that of the value 1 alone, "auc": area under the ROC
        curve}}, without the labels that have one value only. A categorical label has no recall, and
        the mean over its classes of their AUC against the rest. A real one has {"r2": R^2,
        "mean_absolute_error": in its own units}.

    Raises:
        ValueError: shapes that do not fit.
    """
    predictions, y, labels = np.asarray(predictions), np.asarray(y, np.float64), as_labels(labels)
    widths = [len(label.feature_names) for label in labels]
    if predictions.shape != (len(y), sum(widths)) or y.shape[1:] != (len(labels),):
        raise ValueError(
            f"predictions must be [n, {sum(widths)}] and y [n, k], with k = {len(labels)} labels. "
            f"Received: shapes {predictions.shape} and {y.shape}."
        )
    found = {}
    parts = np.split(predictions, np.cumsum(widths)[:-1], 1)
    for label, predicted, true in zip(labels, parts, y.T, strict=True):
        known = ~np.isnan(true)
        scores = _SCORES[label.kind](predicted[known], true[known], label)
        if scores:
            found[label.name] = {name: float(score) for name, score in scores.items()}
    return found


def _binary(predicted, true, label):
    p, true = predicted[:, 0], true > 0.5
    if true.all() or not true.any():
        return None
    return {
        "accuracy": accuracy_score(true, p > 0.5),
        "balanced_accuracy": balanced_accuracy_score(true, p > 0.5),
        "recall": recall_score(true, p > 0.5),
        "auc": roc_auc_score(true, p),
    }


def _categorical(predicted, true, label):
    there = np.unique(true).astype(int)
    if len(there) < 2:
        return None
    answers = np.argmax(predicted, 1)
    return {
        "accuracy": accuracy_score(true, answers),
        # Not scikit-learn's, which warns of an answer that is true of no example.
        "balanced_accuracy": np.mean([np.mean(answers[true == value] == value) for value in there]),
        "auc": np.mean([roc_auc_score(true == value, predicted[:, value]) for value in there]),
    }


def _real(predicted, true, label):
    if len(np.unique(true)) < 2:
        return None
    return {
        "r2": r2_score(true, predicted[:, 0]),
        "mean_absolute_error": label.scale * mean_absolute_error(true, predicted[:, 0]),
    }


_SCORES = {"binary": _binary, "categorical": _categorical, "real": _real}
