"""Models of which every number is known beforehand."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tf_csvae import InputError, evaluation
from tf_csvae.data.dataset import Dataset, Info
from tf_csvae.evaluation.codes import style_numbers
from tf_csvae.evaluation.judge import by_value
from tf_csvae.labels import Label
from tf_csvae.models import Code

tfd = tfp.distributions

LABELS = (Label("a", 0.5), Label("b", 0.3))
STYLE = 2
TEST = 600


def make_dataset(n=2000, labels=LABELS):
    """Vectors whose first columns are their labels and whose other two are anything."""
    random = np.random.default_rng(0)
    y = (random.random((n + TEST, len(labels))) < [label.frequency for label in labels]).astype(np.float32)
    x = np.concatenate([y, random.normal(size=(len(y), STYLE)).astype(np.float32)], 1)
    train, test = (
        tf.data.Dataset.from_tensor_slices((x[rows], y[rows])).batch(50)
        for rows in (slice(n), slice(n, None))
    )
    names = tuple(f"x{i}" for i in range(x.shape[1]))
    counts = {"train": n, "validation": 0, "test": TEST}
    info = Info("made", (x.shape[1],), None, labels, counts, 0.0, 1.0, names)
    return Dataset(train, test, test, info, lambda epoch: train.repeat(), 50, n // 50)


def near(x):
    return tfd.Independent(tfd.Normal(x, 0.01), 1)


class Perfect:
    """z is the style, the labels are set as asked: nothing is lost and nothing mixed up."""

    label_widths = (1, 1)
    has_subspaces = False
    k = len(LABELS)

    def __init__(self, labels=LABELS):
        self.labels = labels

    def label_index(self, name):
        return [label.name for label in self.labels].index(name)

    def encode(self, x, y=None):
        return Code(near(x[:, self.k :]))

    def reconstruct(self, x, y=None):
        return tf.convert_to_tensor(x)

    def sample(self, y=None, n=1, seed=None):
        style = tf.random.stateless_normal((tf.shape(y)[0], STYLE), seed)
        return tf.concat([tf.cast(y, tf.float32), style], 1)

    def transfer(self, x, y_source, y_target, seed=None):
        return tf.concat([tf.cast(y_target, tf.float32), x[:, self.k :]], 1)


class Ignoring(Perfect):
    """A generator that ignores its labels, always makes the same, and hides y in z."""

    def encode(self, x, y=None):
        return Code(near(x[:, : self.k]))

    def sample(self, y=None, n=1, seed=None):
        return tf.zeros((tf.shape(y)[0], self.k + STYLE))

    def transfer(self, x, y_source, y_target, seed=None):
        return tf.convert_to_tensor(x)


class Unlabelled(Perfect):
    """A VAE: it cannot be steered."""

    label_widths = ()

    def sample(self, y=None, n=1, seed=None):
        assert y is None
        return tf.random.stateless_normal((n, self.k + STYLE), seed)


class Swapped(Perfect):
    """Label subspaces of which each holds the other's label."""

    def encode(self, x, y=None):
        return Code(near(x[:, self.k :]), near(tf.reverse(x[:, : self.k], [1])))

    def prior(self, y):
        return near(y)

    def subspace(self, w, name):
        i = self.label_index(name)
        return w[:, i : i + 1]


class Seeing:
    """A judge that is never wrong, whose features are its input."""

    labels = LABELS
    data_shape = (len(LABELS) + STYLE,)

    def embed(self, x):
        return tf.cast(x, tf.float32)

    def head(self, features):
        return features[:, : len(self.labels)] - 0.5


@pytest.fixture(scope="module")
def dataset():
    return make_dataset()


def test_a_perfect_model(dataset):
    numbers = evaluation.measure(Perfect(), dataset, Seeing(), samples=300).numbers
    assert numbers["reconstruction"] == {"mse": 0}
    for label in ("a", "b"):
        generation, transfer = numbers["generation"][label], numbers["transfer"][label]
        assert generation["accuracy"] == generation["real_recall"] == generation["reconstruction_recall"] == 1
        assert generation["accuracy_interval"][0] > 0.97  # of 150 of 150
        assert transfer["accuracy"] == transfer["others_kept"] == 1
        assert transfer["mse"] == pytest.approx(1 / 4)  # one of four columns moved by 1
        # Nothing in z: three deviations of the null, and of an AUC, 0.5 / sqrt(600 p (1 - p) 3).
        entry = numbers["divergence"]["z"][label]
        assert abs(entry["kl"] - entry["null_mean"]) < 4 * entry["null_sd"]
        assert abs(numbers["probe"]["z"][label]["auc"] - 0.5) < 0.1
        # The same law as the data: of 500 the mean distance varies by some two percent.
        assert numbers["diversity"][label] == pytest.approx(1, abs=0.1)
    assert numbers["diversity_overall"] == pytest.approx(1, abs=0.1)
    # Like real data: both distances are those of two samples of 300 of one law.
    assert numbers["frechet"] < 5 * numbers["frechet_real"] + 0.05
    for values in numbers["by_value"].values():
        assert set(values) == {"0", "1"}
        for shares in values.values():
            names = ("real", "reconstruction", "generation", "transfer")
            assert [shares[name] for name in names] == [1] * 4
        assert values["0"]["examples"] + values["1"]["examples"] == TEST
    assert "leak" not in numbers
    assert "subspace_kl" not in numbers
    assert "w" not in numbers["probe"]


def test_edits_of_a_perfect_model_can_be_undone(dataset):
    numbers = evaluation.measure(Perfect(), dataset, Seeing(), samples=300).numbers
    assert numbers["composition"]["once"] == numbers["composition"]["ten_times"] == {"l1": 0, "features": 0}
    for label in ("a", "b"):
        assert numbers["reversibility"][label] == {"l1": 0, "features": 0, "share": 0}
        # One of four columns moves by 1, in units of the mean distance of two examples.
        assert numbers["minimality"][label]["l1"] == pytest.approx(1 / 4)
        assert 0.2 < numbers["minimality"][label]["features"] < 1
        assert numbers["style_diversity"][label] == 0  # the other columns stay


def test_edits_that_do_nothing_have_no_share(dataset):
    numbers = evaluation.measure(Ignoring(), dataset, Seeing(), samples=100).numbers
    assert numbers["minimality"]["a"] == {"l1": 0, "features": 0}
    assert "share" not in numbers["reversibility"]["a"]


def test_a_generator_that_ignores_its_labels(dataset):
    numbers = evaluation.measure(Ignoring(), dataset, Seeing(), samples=300).numbers
    for label in ("a", "b"):
        assert numbers["generation"][label]["accuracy"] == 0
        # Where no label is requested, none is seen; a transfer changes nothing either way.
        values = numbers["by_value"][label]
        assert [values[value]["generation"] for value in "01"] == [1, 0]
        assert [values[value]["transfer"] for value in "01"] == [0, 0]
        transfer = numbers["transfer"][label]
        assert (transfer["accuracy"], transfer["others_kept"], transfer["mse"]) == (0, 1, 0)
        assert numbers["probe"]["z"][label]["auc"] > 0.99  # z is y plus noise
        assert numbers["divergence"]["z"][label]["kl"] > 1
        assert numbers["diversity"][label] == 0
    # |mean|^2 + the trace of the real covariance, about 0.25 + 0.09 + 0.25 + 0.21 + 2.
    assert numbers["frechet"] == pytest.approx(2.8, abs=0.4)
    assert numbers["diversity_overall"] == 0


def test_a_model_without_labels_has_no_numbers_of_them(dataset):
    numbers = evaluation.measure(Unlabelled(), dataset, Seeing(), samples=300).numbers
    assert "transfer" not in numbers
    assert "diversity" not in numbers
    for entry in numbers["generation"].values():
        assert "accuracy" not in entry
        assert entry["real_recall"] == 1
    assert numbers["frechet"] > 0


def test_without_a_judge_there_are_no_verdicts(dataset):
    numbers = evaluation.measure(Perfect(), dataset, samples=50).numbers
    assert not {"generation", "transfer", "frechet", "by_value"} & set(numbers)
    assert set(numbers["diversity"]) == {"a", "b"}


def test_a_subspace_that_holds_another_label_is_found(dataset):
    numbers = evaluation.measure(Swapped(), dataset, samples=50).numbers
    for own, other in (("a", "b"), ("b", "a")):
        assert numbers["leak"][own][other]["auc"] > 0.99
        assert abs(numbers["leak"][own][own]["auc"] - 0.5) < 0.1
        assert numbers["leak"][own][other]["kl"] > numbers["leak"][own][own]["kl"] + 1
        # Means that are 100 deviations apart, where the labels differ.
        y = np.concatenate([y for _, y in dataset.test])
        expected = 100**2 / 2 * np.mean(y[:, 0] != y[:, 1])
        assert numbers["subspace_kl"][own] == pytest.approx(expected, rel=1e-4)


def test_a_request_is_compared_with_real_examples_that_have_the_same_other_labels():
    random = np.random.default_rng(0)
    b = random.random(4000) < 0.5
    a = random.random(4000) < np.where(b, 0.9, 0.1)
    # A label is seen in 0.8 of the examples that have it and the other one, else in 0.3.
    y = np.stack([a, b], 1).astype(np.float32)
    sees = random.random(4000) < np.where(b, 0.8, 0.3)
    seen = np.stack([a & sees, b], 1).astype(np.float32)
    asked = {"generation": np.float32([[1, 0]] * 5), "transfer": np.float32([[1, 0], [1, 1]])}
    made = {name: (rows, rows[:, 0]) for name, rows in asked.items()}
    pairs = {"real": (y[:, 0], seen[:, 0])}
    found = by_value(LABELS, 0, (y, seen), pairs, made)["1"]
    # Within three standard errors of 0.3 in 200 examples, and the prior of the regression.
    assert found["generation_real"] == pytest.approx(0.3, abs=0.12)
    assert found["transfer_real"] == pytest.approx((0.3 + 0.8) / 2, abs=0.07)
    assert found["real"] == pytest.approx(0.9 * 0.8 + 0.1 * 0.3, abs=0.03)


def test_one_label_has_no_others():
    one = LABELS[:1]

    class Judge(Seeing):
        labels = one
        data_shape = (1 + STYLE,)

    class Model(Perfect):
        k = 1

    numbers = evaluation.measure(Model(one), make_dataset(200, one), Judge(), samples=50).numbers
    assert set(numbers["transfer"]["a"]) == {"accuracy", "accuracy_interval", "mse"}


def test_the_same_seed_gives_the_same_numbers(dataset):
    first, again = (
        evaluation.measure(Perfect(), dataset, Seeing(), samples=60, seed=3).numbers for _ in range(2)
    )
    assert first == again


def test_a_judge_of_other_data_is_refused(dataset):
    class OtherLabels(Seeing):
        labels = (Label("a", 0.5), Label("c", 0.5))

    class OtherShape(Seeing):
        data_shape = (7,)

    with pytest.raises(InputError, match="The judge has the labels a, c; these data have a, b"):
        evaluation.measure(Perfect(), dataset, OtherLabels())
    with pytest.raises(InputError, match=r"The judge is for data of shape \(7,\)"):
        evaluation.measure(Perfect(), dataset, OtherShape())


def test_a_known_style_is_read_from_its_own_subspace(dataset):
    """Of codes that are swapped, each label's style lies in the other's subspace."""
    y = np.concatenate([y for _, y in dataset.test])
    random = np.random.default_rng(0)
    factors = {
        label.name: np.where(y[:, i : i + 1] > 0, random.random((TEST, 1)), np.nan)
        for i, label in enumerate(LABELS)
    }
    codes = evaluation.Codes(
        z=random.normal(size=(TEST, 2)),
        w=np.concatenate([np.nan_to_num(factors["b"]), np.nan_to_num(factors["a"])], 1),
        z_mean=None,
        w_mean=None,
        y=y,
        subspaces={"a": np.nan_to_num(factors["b"]), "b": np.nan_to_num(factors["a"])},
        nats={},
    )
    style = style_numbers(codes, factors)["style"]
    for name in ("a", "b"):
        assert set(style[name]) == {"own", "z", "others"}
        assert style[name]["others"] > 0.9
        assert style[name]["own"] < 0.1
        assert style[name]["z"] < 0.1
    without = style_numbers(dataclasses.replace(codes, w=None, subspaces={}), factors)["style"]
    assert set(without["a"]) == {"z"}


KINDS = (
    LABELS[0],
    Label("kind", kind="categorical", classes=("cat", "cow", "dog"), missing=0.1),
    Label("age", kind="real", mean=40.0, scale=10.0, missing=0.1),
)


def make_kinds(n=400):
    """Vectors whose first columns are the labels, of which a tenth are unknown."""
    random = np.random.default_rng(0)
    y = np.stack([random.random(2 * n) < 0.5, random.integers(0, 3, 2 * n), random.normal(size=2 * n)], 1)
    x = np.concatenate([y, random.normal(size=(2 * n, STYLE))], 1).astype(np.float32)
    y = np.where(random.random(y.shape) < [1, 0.9, 0.9], y, np.nan).astype(np.float32)
    train, test = (
        tf.data.Dataset.from_tensor_slices((x[rows], y[rows])).batch(50)
        for rows in (slice(n), slice(n, None))
    )
    names, counts = tuple(f"x{i}" for i in range(5)), {"train": n, "validation": 0, "test": n}
    info = Info("made", (5,), None, KINDS, counts, 0.0, 1.0, names)
    return Dataset(train, test, test, info, lambda epoch: train.repeat(), 50, n // 50)


class Obedient(Perfect):
    """A model of three labels that keeps the labels that are not requested."""

    k = 3
    label_widths = (1, 3, 1)

    def sample(self, y=None, n=1, seed=None):
        return super().sample(tf.where(tf.math.is_nan(y), 0.0, y), n, seed)

    def transfer(self, x, y_source, y_target, seed=None):
        stays = tf.math.is_nan(y_target)
        return super().transfer(x, y_source, tf.where(stays, x[:, : self.k], y_target))


class SeeingKinds(Seeing):
    labels = KINDS
    data_shape = (5,)

    def head(self, features):
        kind = tf.one_hot(tf.cast(tf.round(features[:, 1]), tf.int32), 3)
        return tf.concat([features[:, :1] - 0.5, kind, features[:, 2:3]], 1)


def test_classes_and_numbers_are_requested_and_seen():
    dataset = make_kinds()
    result = evaluation.measure(Obedient(KINDS), dataset, SeeingKinds(), samples=300)
    numbers = result.numbers
    for part in ("generation", "transfer"):
        assert numbers[part]["kind"]["accuracy"] == 1
        assert numbers[part]["age"]["r2"] == pytest.approx(1)
        assert numbers[part]["age"]["mean_absolute_error"] == pytest.approx(0, abs=1e-4)
        assert "accuracy" not in numbers[part]["age"]
    assert numbers["generation"]["kind"]["real_recall"] == 1
    assert numbers["generation"]["age"]["real_r2"] == numbers["generation"]["age"]["reconstruction_r2"] == 1
    assert all(entry["others_kept"] == 1 for entry in numbers["transfer"].values())
    assert numbers["diversity"]["kind"] == pytest.approx(1, abs=0.15)
    assert "age" not in numbers["diversity"]
    assert abs(numbers["probe"]["z"]["kind"]["auc"] - 0.5) < 0.1
    assert numbers["probe"]["z"]["age"]["r2"] < 0.1
    drawn = evaluation.pictures(Obedient(KINDS), result, dataset.info)
    assert {"planes_a", "planes_kind", "planes_age"} <= set(drawn)


def test_a_generator_that_ignores_classes_and_numbers():
    class Stubborn(Obedient):
        def encode(self, x, y=None):
            return Code(near(x[:, : self.k]))

        def sample(self, y=None, n=1, seed=None):
            return tf.zeros((tf.shape(y)[0], 5))

        def transfer(self, x, y_source, y_target, seed=None):
            return tf.convert_to_tensor(x)

    numbers = evaluation.measure(Stubborn(KINDS), make_kinds(), SeeingKinds(), samples=300).numbers
    assert numbers["generation"]["kind"]["accuracy"] == pytest.approx(1 / 3)  # it always makes a cat
    assert numbers["generation"]["age"]["r2"] < 0.1
    assert numbers["transfer"]["kind"]["accuracy"] == 0
    assert numbers["transfer"]["age"]["r2"] < 0
    assert numbers["transfer"]["age"]["mean_absolute_error"] > 5  # years
    assert numbers["probe"]["z"]["kind"]["auc"] > 0.99
    assert numbers["probe"]["z"]["age"]["r2"] > 0.9
    assert numbers["divergence"]["z"]["age"]["kl"] > 1
