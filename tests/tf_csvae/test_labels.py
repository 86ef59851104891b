import dataclasses
import json
import math

import numpy as np
import pytest

from tf_csvae import InputError
from tf_csvae.labels import Label, as_labels

SPECIES = Label("species", kind="categorical", classes=("setosa", "virginica"), frequencies=(0.25, 0.75))
DIGIT = Label("digit", kind="categorical", classes=("0", "1", "2"))
AGE = Label("age", kind="real", mean=40.0, scale=10.0)


@pytest.mark.parametrize(
    ("label", "text", "value", "again"),
    [
        (Label("sick"), "yes", 1, "1"),
        (Label("sick"), "False", 0, "0"),
        (Label("sick"), "-1", 0, "0"),
        (Label("sick"), "0.25", 0.25, "0.25"),
        (SPECIES, "virginica", 1, "virginica"),
        (DIGIT, "2", 2, "2"),
        (DIGIT, "2.0", 2, "2"),
        (AGE, "55", 1.5, "55"),
        (AGE, "-3e1", -7, "-30"),
    ],
)
def test_a_label_is_read_and_written_in_its_own_words_and_units(label, text, value, again):
    assert label.value(text) == pytest.approx(value)
    assert label.text(value) == again


@pytest.mark.parametrize(
    ("label", "text"),
    [(Label("sick"), "2"), (SPECIES, "lotus"), (DIGIT, "3"), (AGE, "old"), (AGE, "inf")],
)
def test_what_is_no_value_of_a_label(label, text):
    assert label.value(text) is None
    assert math.isnan(label.value("n/a"))
    assert label.text(math.nan) == ""


def test_labels_go_through_json_and_a_binary_one_is_written_as_ever():
    assert Label("a", 0.3).to_dict() == {"name": "a", "frequency": 0.3, "kind": "binary"}
    labels = (Label("a", 0.3, missing=0.1), SPECIES, DIGIT, AGE)
    assert as_labels(json.loads(json.dumps([label.to_dict() for label in labels]))) == labels


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "ordinal"},
        {"frequency": 2},
        {"kind": "categorical"},
        {"classes": ("a", "b")},
        {"kind": "categorical", "classes": ("a", "a")},
        {"kind": "categorical", "classes": ("a", "b"), "frequencies": (0.5, 0.6)},
        {"kind": "real", "scale": 0.0},
        {"kind": "real", "low": 1.0},
        {"kind": "real", "low": 1.0, "high": 0.0},
        {"kind": "real", "low": 0.0, "high": math.inf},
    ],
)
def test_fields_that_make_no_label_are_refused(fields):
    with pytest.raises(ValueError, match="Received"):
        Label("a", **fields)


def test_points_have_the_mean_and_the_variance_of_the_label():
    for label, mean, variance in (
        (Label("a", 0.3), 0.3, 0.21),
        (SPECIES, 0.75, 0.1875),
        (AGE, 0, 1),
    ):
        values, shares = label.points
        assert shares.sum() == pytest.approx(1)
        assert values @ shares == pytest.approx(mean)
        assert (values - mean) ** 2 @ shares == pytest.approx(variance)


def test_labels_whose_numbers_mean_other_things_are_not_the_same():
    assert AGE.same_values(Label("age", kind="real", mean=40.0001, scale=10.0))
    assert not AGE.same_values(Label("age", kind="real", mean=41, scale=10))
    assert not DIGIT.same_values(Label("digit", kind="categorical", classes=("0", "2", "1")))
    assert Label("a", 0.2).same_values(Label("a", 0.7))
    np.testing.assert_allclose(AGE.in_units(np.array([-1.0, 0.0])), [30, 40])


@pytest.mark.parametrize(
    ("labels", "complaint"),
    [
        (["a", "b", "a"], "Two labels are named 'a'"),
        ([Label("a"), {"name": "a"}], "Two labels are named 'a'"),
        ("Smiling", "must be a list of labels or of their names. Received: 'Smiling'"),
        (3, "must be a list of labels"),
        ([3], "3 is no label"),
        ([None], "None is no label"),
        ([{"name": 3}], "The name of a label must be a text"),
        ([{"nam": "a"}], "is no label"),
        ([{"name": "a", "kind": "real", "mean": 10**400}], "is no label"),
    ],
)
def test_what_makes_no_labels_is_told_in_a_sentence(labels, complaint):
    with pytest.raises(InputError, match=complaint):
        as_labels(labels)


def test_a_real_label_keeps_the_range_of_its_training():
    label = dataclasses.replace(AGE, low=-2.0, high=2.5)
    assert label.plausible == (-6.5, 7)
    assert AGE.plausible == (-math.inf, math.inf)
    assert as_labels(json.loads(json.dumps([label.to_dict()]))) == (label,)
    assert label.same_values(AGE)
    assert "low" not in AGE.to_dict()
