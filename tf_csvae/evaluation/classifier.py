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
        "mean_accuracy" and "mean_balanced_accuracy".
    """
    classify = tf.function(model.classify, reduce_retracing=True, autograph=False)
    seen = [(classify(x).numpy(), y.numpy()) for x, y in dataset.test]
    probabilities, y = (np.concatenate(column) for column in zip(*seen, strict=True))
    by_label = metrics.classification(probabilities, y, [label.name for label in dataset.info.labels])
    numbers = {"classification": by_label}
    for name in ("accuracy", "balanced_accuracy"):
        if by_label:
            numbers[f"mean_{name}"] = float(np.mean([scores[name] for scores in by_label.values()]))
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
    if numbers["classification"]:
        drawn["accuracy"] = (
            "Share of right answers on the test data by label: among all of them, and the mean of the "
            "shares among those that have the label and those that have not.",
            figures.label_bars(
                numbers["classification"],
                {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy"},
            ),
        )
    drawn["training"] = ("Loss and accuracies by epoch.", figures.training_curves(history))
    return drawn
