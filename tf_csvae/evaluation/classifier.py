"""A trained classifier and its data -> numbers and figures."""

import numpy as np
import tensorflow as tf

from tf_csvae import figures, metrics


def evaluate_classifier(model, dataset):
    """Measures a trained classifier on the test data.

    Args:
        model: a ``Classifier``.
        dataset: the ``Dataset`` it was trained on.

    Returns:
        dict, the part of metrics.json that is about the model and not its training:
        "classification" as ``metrics.classification`` gives it, and over its labels
        "mean_accuracy" and "mean_balanced_accuracy", over the real ones "mean_r2".
    """
    classify = tf.function(model.classify, reduce_retracing=True, autograph=False)
    seen = [(classify(x).numpy(), y.numpy()) for x, y in dataset.test]
    probabilities, y = (np.concatenate(column) for column in zip(*seen, strict=True))
    by_label = metrics.classification(probabilities, y, dataset.info.labels)
    numbers = {"classification": by_label}
    for name in ("accuracy", "balanced_accuracy", "r2"):
        each = [scores[name] for scores in by_label.values() if name in scores]
        if each:
            numbers[f"mean_{name}"] = float(np.mean(each))
    return numbers


def classifier_pictures(numbers, history):
    """Draws what ``evaluate_classifier`` gives, as ``pictures`` does an evaluation.

    Args:
        numbers: dict, from ``evaluate_classifier``.
        history: {name: list of float per epoch}, as history.csv has it.

    Returns:
        {file name without ending: (caption, matplotlib Figure)}.
    """
    drawn = {}
    with_classes = {
        label: scores for label, scores in numbers["classification"].items() if "accuracy" in scores
    }
    if with_classes:
        drawn["accuracy"] = (
            "Share of right answers on the test data by label: among all of them, and the mean of the "
            "shares among those that have the label and those that have not, or those of each class.",
            figures.label_bars(
                with_classes,
                {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy"},
            ),
        )
    drawn["training"] = ("Loss and accuracies by epoch.", figures.training_curves(history))
    return drawn
