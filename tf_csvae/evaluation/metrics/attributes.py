"""How well predicted labels agree with the true ones."""

from collections.abc import Sequence

import numpy as np
import sklearn.metrics as scores

from tf_csvae.labels import Label, as_labels


def classification(
    predictions: np.ndarray, y: np.ndarray, labels: Sequence[Label | str]
) -> dict[str, dict[str, float]]:
    """Scores the predictions of each label, float [n, columns].

    The columns are: of a binary label the probability of 1, of a categorical label a probability
    per class, of a real label the expected value. y is [n, k] of 0 and 1, indices of classes,
    standardised numbers; NaN: unknown. A label that is only a name is a binary one.

    Returns:
        {label: {score: value}}, without labels that have only one value in y. Binary:
        "accuracy", "balanced_accuracy" and "recall" (of the value 1) at a threshold of 1/2, and
        "auc", the area under the ROC curve. Categorical: "accuracy", "balanced_accuracy", and
        "auc", the mean over the classes of each against the rest. Real: "r2", and
        "mean_absolute_error" in the label's own units.

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
        true = true[known] > 0.5 if label.kind == "binary" else true[known]
        if len(np.unique(true)) > 1:
            by_name = _SCORES[label.kind](predicted[known], true, label)
            found[label.name] = {name: float(score) for name, score in by_name.items()}
    return found


def mean_recall(true: np.ndarray, predicted: np.ndarray) -> float:
    """Returns the mean over the values in ``true`` of the share that ``predicted`` gets right."""
    # balanced_accuracy_score is the same, but warns of predicted values that are not in ``true``.
    return float(scores.recall_score(true, predicted, labels=np.unique(true), average="macro"))


def _binary(p: np.ndarray, true: np.ndarray, label: Label) -> dict:
    p = p[:, 0]
    return {
        "accuracy": scores.accuracy_score(true, p > 0.5),
        "balanced_accuracy": scores.balanced_accuracy_score(true, p > 0.5),
        "recall": scores.recall_score(true, p > 0.5),
        "auc": scores.roc_auc_score(true, p),
    }


def _categorical(p: np.ndarray, true: np.ndarray, label: Label) -> dict:
    present, predicted = np.unique(true).astype(int), np.argmax(p, 1)
    return {
        "accuracy": scores.accuracy_score(true, predicted),
        "balanced_accuracy": mean_recall(true, predicted),
        "auc": scores.roc_auc_score(true[:, None] == present, p[:, present]),
    }


def _real(predicted: np.ndarray, true: np.ndarray, label: Label) -> dict:
    return {
        "r2": scores.r2_score(true, predicted[:, 0]),
        "mean_absolute_error": label.scale * scores.mean_absolute_error(true, predicted[:, 0]),
    }


_SCORES = {"binary": _binary, "categorical": _categorical, "real": _real}
