"""Measures a classifier and draws the result."""

import numpy as np
import tensorflow as tf

from tf_csvae.data.dataset import Dataset
from tf_csvae.evaluation import figures, metrics
from tf_csvae.evaluation.figures import Pictures
from tf_csvae.models import Classifier


def measure_classifier(model: Classifier, dataset: Dataset) -> dict:
    """Measures a trained classifier on the test data: the part of metrics.json about the model.

    It has "classification" as of ``metrics.classification``, and its means over the labels:
    "mean_accuracy", "mean_balanced_accuracy", and of real labels "mean_r2".
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


def classifier_pictures(numbers: dict, history: dict[str, list[float]]) -> Pictures:
    """Draws what ``measure_classifier`` returned, and the columns of history.csv."""
    drawn, by_label = {}, numbers["classification"].items()
    with_accuracy = {label: scores for label, scores in by_label if "accuracy" in scores}
    if with_accuracy:
        drawn["accuracy"] = (
            "Accuracy on the test data by label, and balanced accuracy: the mean of the accuracies "
            "of the label's values.",
            figures.label_bars(with_accuracy, ("accuracy", "balanced_accuracy")),
        )
    drawn["training"] = ("Loss and accuracies by epoch.", figures.training_curves(history))
    return drawn
