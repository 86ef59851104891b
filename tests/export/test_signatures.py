"""What an exported model is asked about labels of every kind; without writing it."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from export import signatures, steering, warmup
from tests.export.conftest import VECTORS, make
from tf_csvae import InputError
from tf_csvae.labels import Label, as_labels

LABELS = (
    Label("sick", 0.4),
    Label("kind", kind="categorical", classes=("cat", "cow", "dog"), missing=0.1),
    Label("age", kind="real", mean=40.0, scale=10.0),
)
INFO = dataclasses.replace(VECTORS, labels=LABELS)
X = np.float32([[3, 6, 11], [1, 2, 3]])
NAN = np.nan


@pytest.fixture(scope="module")
def served():
    model = make("csvae", INFO)
    return model, signatures.Served(model, INFO).signatures


def call(function, **inputs):
    """Calls without tracing: it is the same code."""
    ordered = [tf.constant(inputs[spec.name], spec.dtype) for spec in function.input_signature]
    return {name: value.numpy() for name, value in function.python_function(*ordered).items()}


def test_classes_are_indices_and_numbers_have_their_own_units(served):
    model, functions = served
    standard = (X - INFO.offset) / INFO.scale
    known, y = [[1, 2, 55], [0, -1, 40]], np.float32([[1, 2, 1.5], [0, NAN, 0]])
    made = call(functions["reconstruct"], x=X, labels=known)["x"]
    np.testing.assert_allclose(made, INFO.unscale(model.reconstruct(standard, y)), rtol=1e-4)
    moved = call(functions["transfer"], x=X, source_labels=known, target_labels=[[-1, 0, NAN], [1, -1, 70]])[
        "x"
    ]
    target = np.float32([[1, 0, 1.5], [1, NAN, 3]])
    np.testing.assert_allclose(moved, INFO.unscale(model.transfer(standard, y, target)), rtol=1e-4)
    # Those that are left open are drawn: by the seed, so the same for the same.
    twice = [
        call(functions["sample"], labels=[[1, -1, NAN]] * 2, seed=seeds)["x"] for seeds in ([1, 2], [1, 3])
    ]
    np.testing.assert_array_equal(twice[0][0], twice[1][0])
    assert np.all(np.isfinite(twice))


@pytest.mark.parametrize(
    "labels",
    [[[1, 3, 40]], [[1, 0.5, 40]], [[1, 0, np.inf]], [[-1, 0, 40]], [[1, 0, NAN]], [[2, 0, 40]]],
)
def test_what_a_label_cannot_be_is_refused(served, labels):
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"labels: expected sick 0 to 1, kind 0 to 2, age a"
    ):
        call(served[1]["reconstruct"], x=X[:1], labels=labels)


def test_a_classifier_says_what_its_columns_are_and_has_own_units():
    model = make("classifier", INFO)
    found = call(signatures.Served(model, INFO).signatures["classify"], x=X)
    names = [b"sick", b"kind=cat", b"kind=cow", b"kind=dog", b"age"]
    assert found["labels"].tolist() == [names] * 2
    seen = model.classify((X - INFO.offset) / INFO.scale).numpy()
    np.testing.assert_allclose(found["probabilities"], seen * [1, 1, 1, 1, 10] + [0, 0, 0, 0, 40], rtol=1e-4)
    np.testing.assert_allclose(found["probabilities"][:, 1:4].sum(1), 1, rtol=1e-5)


def test_every_signature_has_an_example(served):
    asked = warmup.examples(signatures.Served(served[0], INFO), rows=2)
    for name in ("transfer", "interpolate", "traverse", "encode"):
        assert all(np.all(np.isfinite(value)) for value in call(served[1][name], **asked[name]).values())


def test_values_are_given_in_the_labels_own_words():
    assert steering.label_values(["kind=cow", "age=62.5", "sick=yes"], LABELS) == [1, 1, 62.5]
    np.testing.assert_array_equal(steering.label_rows(["age=62.5"], LABELS, 2), [[NAN, NAN, 62.5]] * 2)
    np.testing.assert_array_equal(steering.label_values(["kind=dog"], LABELS, 0.0), [0, 2, NAN])
    for pair, complaint in (
        (
            "kind=horse",
            "'kind=horse' gives no value to the label kind. Expected one of cat, cow, dog, as in kind=cat",
        ),
        ("age=old", "Expected a number"),
        ("sick=", "Expected 0 or 1, as in sick=1"),
        ("weight=1", "No label 'weight'"),
    ):
        with pytest.raises(InputError, match=complaint):
            steering.label_values([pair], LABELS)


def test_names_of_labels_and_classes_may_have_the_signs_of_flags():
    labels = as_labels(
        ["dose", "dose=high", {"name": "kind", "kind": "categorical", "classes": ["red, dark", "a=b", "c"]}]
    )
    for pairs, expected in (
        (["dose=high=1"], [NAN, 1, NAN]),
        (["dose=1", "dose=high=0"], [1, 0, NAN]),
        (["kind=red", "dark", "dose=1"], [1, NAN, 0]),  # as flags cut it
        (["kind=red, dark"], [NAN, NAN, 0]),
        (["kind=a=b"], [NAN, NAN, 1]),
    ):
        np.testing.assert_array_equal(steering.label_values(pairs, labels), expected)
    with pytest.raises(InputError, match=r"'kind=red,pale' gives no value to the label kind"):
        steering.label_values(["kind=red", "pale"], labels)
    with pytest.raises(InputError, match=r"'dose=high' gives no value to the label dose\."):
        steering.label_values(["dose=high"], labels)


def test_a_model_that_was_trained_in_half_precision_is_served_in_full(served):
    full, functions = served
    half = type(full).from_config({**full.get_config(), "dtype": "mixed_bfloat16"})
    half.set_weights(full.get_weights())
    given = {"x": X, "labels": [[1, 2, 55], [0, 1, 40]]}
    made = call(signatures.Served(half, INFO).signatures["reconstruct"], **given)["x"]
    np.testing.assert_allclose(made, call(functions["reconstruct"], **given)["x"], rtol=1e-5)


def test_numbers_with_more_digits_than_float32_has_keep_their_own_units():
    labels = (Label("sick"), Label("time", kind="real", mean=1_700_000_029.5, scale=17.3))
    scaling = {"offset": np.array([5_300_000.0, 2e20, 0]), "scale": np.array([87.0, 1e19, 1])}
    info = dataclasses.replace(VECTORS, labels=labels, **scaling)
    model = make("csvae", info)
    functions = signatures.Served(model, info).signatures
    z, y = np.float32([[0.5, -1, 0.25]]), np.float32([[1, 0.5]])
    given = {"x": info.unscale(z), "labels": [[1, 1_700_000_038.15]]}
    for spec in functions["reconstruct"].input_signature:
        assert spec.dtype == tf.float64
    made = call(functions["reconstruct"], **given)["x"]
    assert made.dtype == np.float64
    np.testing.assert_allclose((made - info.offset) / info.scale, model.reconstruct(z, y), atol=1e-4)
    assert np.abs(made[0] - info.offset).max() > 0
    far = info.unscale(z) + np.array([0, 1e39, 0])
    with pytest.raises(tf.errors.InvalidArgumentError, match="x is too far from the training data"):
        call(functions["reconstruct"], **{**given, "x": far})
    with pytest.raises(tf.errors.InvalidArgumentError, match="labels: expected sick 0 to 1, time a number"):
        call(functions["reconstruct"], **{**given, "labels": [[1, 1e39]]})
    made = call(signatures.Served(make("classifier", info), info).signatures["classify"], x=given["x"])
    assert made["probabilities"].dtype == np.float64
    assert abs(made["probabilities"][0, 1] - 1_700_000_029.5) < 1000
    assert steering.label_rows(["time=1700000039"], labels, 1)[0, 1] == 1_700_000_039
