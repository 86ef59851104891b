"""How well probabilities of labels agree with the labels."""

import numpy as np
from sklearn.metrics import accuracy_score, balanced_accuracy_score, recall_score, roc_auc_score


def classification(probabilities, y, labels):
    """Scores the predictions of each label, at a threshold of 1/2 and over all thresholds.

    Args:
        probabilities: float [n, k], of the value 1.
        y: [n, k] of 0 and 1.
        labels: names of the k labels.

    Returns:
        {label: {"accuracy": share of right answers, "balanced_accuracy": mean of that over
        the label's two values, "recall": that of the value 1 alone, "auc": area under the ROC
        curve}}, without the labels that have one value only.

    Raises:
        ValueError: shapes that do not fit.
    """
    probabilities, y = np.asarray(probabilities), np.asarray(y) > 0.5
    if probabilities.ndim != 2 or probabilities.shape != y.shape or y.shape[1] != len(labels):
        raise ValueError(
            f"probabilities and y must be [n, k], with k = {len(labels)} labels. "
            f"Received: shapes {probabilities.shape} and {y.shape}."
        )
    found = {}
    for label, p, true in zip(labels, probabilities.T, y.T, strict=True):
        if true.all() or not true.any():
            continue
        found[label] = {
            "accuracy": float(accuracy_score(true, p > 0.5)),
            "balanced_accuracy": float(balanced_accuracy_score(true, p > 0.5)),
            "recall": float(recall_score(true, p > 0.5)),
            "auc": float(roc_auc_score(true, p)),
        }
    return found
