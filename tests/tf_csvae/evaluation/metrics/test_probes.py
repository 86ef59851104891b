import numpy as np
import pytest

from tf_csvae.evaluation.metrics import active_units, neighbour_probe, probe


def split(codes, label):
    half = len(label) // 2
    return codes[:half], label[:half], codes[half:], label[half:]


def test_reads_a_label_that_is_there_and_none_that_is_not():
    random = np.random.default_rng(0)
    label = (random.random(4000) < 0.2).astype(float)
    noise = random.normal(size=(4000, 3))
    nothing = probe(*split(noise, label))
    # The AUC of chance on 2,000 examples, 400 of them positive: 0.5 +- 0.016.
    assert nothing["auc"] == pytest.approx(0.5, abs=0.05)
    assert nothing["balanced_accuracy"] == pytest.approx(0.5, abs=0.05)
    noise[:, 1] += 10 * label
    everything = probe(*split(noise, label))
    assert everything["auc"] > 0.999
    assert everything["balanced_accuracy"] > 0.99


def test_reads_what_no_linear_predictor_can():
    random = np.random.default_rng(1)
    codes = random.normal(size=(4000, 2))
    found = probe(*split(codes, codes[:, 0] * codes[:, 1] > 0))
    assert found["auc"] > 0.95


def test_a_label_of_one_value_gives_nothing():
    codes = np.zeros((20, 2))
    assert probe(*split(codes, np.zeros(20))) is None


def test_active_units_are_those_whose_means_vary():
    random = np.random.default_rng(0)
    means = random.normal(size=(1000, 3)) * np.array([1.0, 0.2, 0.05])
    assert active_units(means) == 2
    assert active_units(means, threshold=0.1) == 1


def test_neighbours_read_what_is_there_and_nothing_else():
    random = np.random.default_rng(0)
    codes = random.normal(size=(4000, 2))
    y = np.stack([codes[:, 0] ** 2 > 1, random.random(4000) < 0.3, np.zeros(4000)], 1)
    inside, chance, never = neighbour_probe(codes[:3000], y[:3000], codes[3000:], y[3000:], k=50)
    assert inside > 0.97
    # The deviation of an AUC of 300 against 700 by chance is 0.02.
    assert abs(chance - 0.5) < 0.08
    assert never is None


@pytest.mark.parametrize("kind", ["categorical", "real"])
def test_classes_and_numbers_are_read_where_they_are_there(kind):
    random = np.random.default_rng(0)
    label = random.integers(0, 3, 2000).astype(float) if kind == "categorical" else random.normal(size=2000)
    noise = random.normal(size=(2000, 2))
    told = noise + 5 * label[:, None]
    score, chance = ("auc", 0.5) if kind == "categorical" else ("r2", 0.0)
    label[::10] = np.nan
    nothing, everything = (probe(*split(codes, label), kind=kind) for codes in (noise, told))
    assert nothing[score] == pytest.approx(chance, abs=0.05)
    assert everything[score] > 0.95
    if kind == "categorical":
        assert nothing["balanced_accuracy"] == pytest.approx(1 / 3, abs=0.08)
    y = np.stack([label, label], 1)
    half = slice(1000), slice(1000, None)
    pairs = [(codes[half[0]], y[half[0]], codes[half[1]], y[half[1]]) for codes in (noise, told)]
    (nothing, _), (everything, _) = (neighbour_probe(*pair, k=50, kinds=[kind, kind]) for pair in pairs)
    assert nothing == pytest.approx(chance, abs=0.1)
    assert everything > 0.95
