import numpy as np
import pytest

from tf_csvae import Label
from tf_csvae.evaluation.metrics import classification


def test_scores_by_hand():
    y = np.array([[1, 1], [1, 0], [0, 0], [0, 0], [0, 1]])
    p = np.array([[0.9, 0.9], [0.2, 0.1], [0.1, 0.1], [0.6, 0.1], [0.1, 0.8]])
    found = classification(p, y, ["Smiling", "Male"])
    assert found["Male"] == {"accuracy": 1, "balanced_accuracy": 1, "recall": 1, "auc": 1}
    # One of two smiles found, two of three others; of the six pairs five are in order.
    assert found["Smiling"] == pytest.approx(
        {"accuracy": 3 / 5, "balanced_accuracy": (1 / 2 + 2 / 3) / 2, "recall": 1 / 2, "auc": 5 / 6}
    )


def test_a_label_of_one_value_is_absent():
    p = np.full((4, 3), 0.7)
    y = np.array([[0, 1, 0], [0, 1, 1], [0, 1, 0], [0, 1, 1]])
    assert set(classification(p, y, ["never", "always", "sometimes"])) == {"sometimes"}


def test_a_label_that_is_never_seen_has_high_accuracy_and_no_more():
    y = (np.arange(100) < 3)[:, None]
    assert classification(np.full((100, 1), 0.1), y, ["Bald"])["Bald"] == {
        "accuracy": 0.97,
        "balanced_accuracy": 0.5,
        "recall": 0,
        "auc": 0.5,
    }


@pytest.mark.parametrize(("p", "y"), [((4, 2), (4, 1)), ((4, 1), (4, 1)), ((4,), (4,)), ((3, 2), (4, 2))])
def test_refuses_shapes_that_do_not_fit(p, y):
    with pytest.raises(ValueError, match="Received: shapes"):
        classification(np.zeros(p), np.zeros(y), ["Smiling", "Male"])


def test_classes_and_numbers_by_hand_and_without_what_is_not_known():
    labels = [
        Label("kind", kind="categorical", classes=("a", "b", "c")),
        Label("age", kind="real", mean=50.0, scale=10.0),
    ]
    y = np.array([[0, -1], [0, 1], [1, np.nan], [2, 0], [np.nan, 2]])
    predictions = np.array(
        [[0.8, 0.1, 0.1, -1], [0.1, 0.8, 0.1, 0], [0.2, 0.7, 0.1, 9], [0.1, 0.1, 0.8, 0], [0.3, 0.3, 0.4, 2]]
    )
    found = classification(predictions, y, labels)
    # Pairs of one of the class and one of the rest in order: 2.5 (a tie) of 4, 2 of 3, 3 of 3.
    assert found["kind"] == pytest.approx(
        {"accuracy": 3 / 4, "balanced_accuracy": (0.5 + 1 + 1) / 3, "auc": (2.5 / 4 + 2 / 3 + 1) / 3}
    )
    assert found["age"] == pytest.approx({"r2": 1 - 1 / 5, "mean_absolute_error": 10 / 4})
