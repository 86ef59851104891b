"""Columns that are labels: their kinds, and mistakes in them."""

import numpy as np
import pytest

from tf_csvae import InputError
from tf_csvae.data import label_columns
from tf_csvae.data.table_files import Problems, Table
from tf_csvae.labels import Label


def table(*values, name="grade"):
    return Table("t.csv", {name: list(values)}, list(range(2, 2 + len(values))))


def read(*values, kind=None):
    problems = Problems()
    label, found = label_columns.read_label(table(*values), "grade", problems, kind)
    return label, found, problems


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (("0", "1", "1.0", ""), "binary"),
        (("yes", "No", "na"), "binary"),
        (("-1", "1"), "binary"),
        (("yes", "no", "yes", "2"), "binary"),  # a mistake, and told as one
        (("0", "1", "2"), "categorical"),
        (("1", "2"), "categorical"),
        (("red", "green", "?"), "categorical"),
        (("1", "2", "high"), "real"),  # a mistake
        (("0.5", "1", "0"), "real"),
        (tuple(map(str, range(11))), "real"),
        (tuple(map(str, range(10))), "categorical"),
    ],
)
def test_what_a_column_looks_like(values, kind):
    known = [value for value in values if value not in ("", "na", "?")]
    assert label_columns.infer_kind(known) == kind


def test_values_of_each_kind_and_missing_ones():
    label, found, problems = read("b", "NA", "c", "a", "b")
    assert (label.kind, label.classes) == ("categorical", ("a", "b", "c"))
    np.testing.assert_array_equal(found, [1, np.nan, 2, 0, 1])
    label, found, problems = read("10", "2", "2.0", "")
    assert label.classes == ("2", "10")  # as numbers, and 2.0 is 2
    np.testing.assert_array_equal(found, [1, 0, 0, np.nan])
    label, found, problems = read("1.5", "", "20")
    assert label.kind == "real"
    np.testing.assert_array_equal(found, [1.5, np.nan, 20])
    label, found, problems = read("yes", "?", "no")
    np.testing.assert_array_equal(found, [1, np.nan, 0])
    assert not problems


@pytest.mark.parametrize(
    ("values", "kind", "complaint"),
    [
        (
            ("0", "1", "2"),
            "binary",
            "t.csv, line 4, column grade: expected a binary label (0 or 1, false or true, no or "
            "yes, -1 or 1). Received: '2'. --label_kinds=grade:categorical takes classes, "
            "grade:real numbers.",
        ),
        (("1.5", "2.5", "tall"), None, "line 4, column grade: expected a number. Received: 'tall'"),
        (("a", "a"), None, "column grade: 1 different values. A categorical label has 2 to 100"),
        (tuple(f"n{i}" for i in range(101)), None, "column grade: 101 different values"),
    ],
)
def test_a_mistake_is_told_by_line_column_and_value(values, kind, complaint):
    _, _, problems = read(*values, kind=kind)
    assert complaint in problems[0]


def test_distributions_are_of_the_training_rows():
    values = np.array([[1, 0, 30.0], [0, 1, 50], [np.nan, 0, np.nan], [1, 2, 70], [0, 2, 999]])
    labels = [
        Label("sick"),
        Label("kind", kind="categorical", classes=("a", "b", "c")),
        Label("age", kind="real"),
    ]
    problems = Problems()
    found, y = label_columns.fit_labels(labels, values, np.arange(4), "t.csv", problems)
    assert not problems
    assert found[0].frequency == pytest.approx(2 / 3)
    assert [label.missing for label in found] == [0.25, 0, 0.25]
    assert found[1].frequencies == (0.5, 0.25, 0.25)
    assert (found[2].mean, found[2].scale) == pytest.approx((50, np.sqrt(800 / 3)))
    np.testing.assert_allclose(y[:4, 2], (values[:4, 2] - 50) / np.sqrt(800 / 3), rtol=1e-6)
    label_columns.fit_labels(labels, values, np.array([0, 2]), "t.csv", problems)
    assert [problem.split(": ", 1)[1].split(",")[0] for problem in problems] == [
        "all training examples have the value 1",
        "all training examples have the value a",
        "no training example has the value 'b'",
        "no training example has the value 'c'",
        "all training examples have the value 30",
    ]


def test_kinds_that_are_asked_for():
    assert label_columns.parse_kinds(["a:b:real", "c:binary"], ["a:b", "c"], "t.csv") == {
        "a:b": "real",
        "c": "binary",
    }
    for given, complaint in (
        ("age", "expected pairs like age:real.*Received: 'age'"),
        ("age:number", "one of binary, categorical, real. Received: 'age:number'"),
        ("Age:real", "Unknown label of t.csv in --label_kinds 'Age'. Did you mean age"),
    ):
        with pytest.raises(InputError, match=complaint):
            label_columns.parse_kinds([given], ["age"], "t.csv")
