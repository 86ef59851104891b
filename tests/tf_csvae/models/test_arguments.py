"""What the methods of a model refuse, in a sentence: values of labels, indices, arrays, counts."""

import numpy as np
import pytest
import tensorflow as tf

from tf_csvae import CSVAE, InputError
from tf_csvae.data import Info
from tf_csvae.labels import Label

AGE = Label("age", kind="real", mean=40.0, scale=10.0, low=-2.0, high=2.5)
SPECIES = Label("species", kind="categorical", classes=("cat", "cow", "dog"))
LABELS = (Label("sick"), SPECIES, AGE)
X, Y = np.zeros((2, 3), np.float32), np.float32([[1, 2, 0.5], [0, 0, np.nan]])


@pytest.fixture(scope="module")
def model():
    return CSVAE((3,), LABELS, {"hidden": [4]})


OWN_UNITS = r"age is standardised, and lies between -2 and 2.5 in training. Give \(value - mean\) / scale: "


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda m: m.transfer(X, Y, [0, 1, 55]), f"transfer: label {OWN_UNITS}.value - 40. / 10. Received"),
        (lambda m: m.transfer(X, [0, 1, 55], Y), OWN_UNITS),
        (lambda m: m.sample([0, 1, 55]), f"sample: label {OWN_UNITS}"),
        (lambda m: m.encode(X, [0, 1, 55]), OWN_UNITS),
        (lambda m: m.reconstruct(X, [0, 1, 55]), OWN_UNITS),
        (lambda m: m.interpolate(X, "age", 25, 55, y=Y), f"interpolate, start: label {OWN_UNITS}"),
        (lambda m: m.interpolate(X, "age", y=[0, 1, 55]), OWN_UNITS),
        (lambda m: m.traverse(X, "age", Y, value=55), f"traverse, value: label {OWN_UNITS}"),
        (lambda m: m.style_transfer(X, X, "age", Y, [0, 1, 55]), OWN_UNITS),
        (lambda m: m.interpolate(X, True, y=Y), "No label True. This model's labels: sick, species, age"),
        (lambda m: m.interpolate(X, np.bool_(True), y=Y), "No label"),
        (lambda m: m.interpolate(X, tf.constant(True), y=Y), "No label"),
        (lambda m: m.interpolate(X, 3, y=Y), "No label 3.*or an index from 0 to 2"),
        (lambda m: m.interpolate(X, -1, y=Y), "No label -1"),
        (lambda m: m.interpolate(X, tf.constant(3), y=Y), "No label"),
        (lambda m: m.interpolate(X, 1.0, y=Y), "No label 1.0"),
        (lambda m: m.interpolate(X, None, y=Y), "No label None"),
        (lambda m: m.interpolate(X, ["sick"], y=Y), "No label"),
        (lambda m: m.interpolate(X, np.array([0, 1]), y=Y), "No label"),
        (lambda m: m.interpolate(X, "sick", start=True, y=Y), "start must be a number. Received: start=True"),
        (lambda m: m.interpolate(X, "sick", stop="1", y=Y), "stop must be a number"),
        (lambda m: m.interpolate(X, "sick", stop=float("inf"), y=Y), "must lie between 0 and 1"),
        (lambda m: m.interpolate(X, "species", stop=3, y=Y), "must be the index of a class, 0 to 2"),
        (lambda m: m.interpolate(X, "sick", steps=True, y=Y), "steps must be a positive integer"),
        (lambda m: m.interpolate(X, "sick", steps=float("nan"), y=Y), "steps must be a positive integer"),
        (lambda m: m.interpolate(X, "sick", steps="8", y=Y), "steps must be a positive integer"),
        (lambda m: m.sample(Y, n=True), "n must be a positive integer"),
        (lambda m: m.style_transfer(X, X, True, Y, Y), "No label True"),
        (lambda m: m.traverse(X, True, Y), "No label True"),
        (lambda m: m.transfer(X, True, Y), "y must be numbers, since not all labels are binary"),
        (lambda m: m.transfer(X, Y, True), "y must be numbers"),
        (lambda m: m.transfer(X, Y, 1), r"y must have 3 columns, one per label \(sick, species, age\)"),
        (lambda m: m.transfer(X, Y, "sick"), "transfer: y must be an array of numbers. Received: string"),
        (lambda m: m.transfer(X, Y, [[1], [1, 2]]), "transfer: y must be an array of numbers"),
        (lambda m: m.transfer("x", Y, Y), "transfer: x must be an array of numbers"),
        (lambda m: m.transfer({"x": X}, Y, Y), "transfer: x must be an array of numbers"),
    ],
)
def test_what_cannot_be_meant_is_a_sentence(model, call, complaint):
    with pytest.raises(InputError, match=complaint) as told:
        call(model)
    assert "\n" not in str(told.value)


def test_what_can_be_meant_is_done(model):
    assert model.transfer(X, Y, [0, 1, -6.4]).shape == X.shape  # beyond the training, but not far
    for label in (2, np.int64(2), "age", tf.constant(2), tf.constant([2, 2])):
        assert model.interpolate(X, label, y=Y, steps=3).shape == (2, 3, 3)
    traced = tf.function(lambda x, y, label: model.interpolate(x, label, y=y), autograph=False)
    assert traced(X, Y, tf.constant([2, 2])).shape == (2, 8, 3)
    assert (
        CSVAE((3,), ("a", "b"), {"hidden": [4]}).transfer(X, [True, False], [False, False]).shape == X.shape
    )


def test_two_labels_of_one_name_are_refused():
    counts = dict.fromkeys(("train", "validation", "test"), 1)
    with pytest.raises(InputError, match="Two labels are named 'a'"):
        CSVAE((3,), ("a", "a"))
    with pytest.raises(InputError, match="Two labels are named 'a'"):
        Info("made", (3,), None, (Label("a"), Label("a")), counts)
