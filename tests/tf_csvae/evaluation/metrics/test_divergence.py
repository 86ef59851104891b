import numpy as np
import pytest

from tf_csvae.evaluation.metrics import knn_divergence, label_divergence


def gaussian_kl(mean, scale):
    """KL(N(0, 1) || N(mean, scale^2)) per dimension."""
    return np.log(scale) + (1 + mean**2) / (2 * scale**2) - 0.5


@pytest.mark.parametrize("k", [1, 10])
@pytest.mark.parametrize(("d", "mean", "scale"), [(1, 1.0, 1.0), (2, 0.5, 1.5), (4, 0.0, 2.0)])
def test_finds_the_known_divergence_of_gaussians(d, mean, scale, k):
    random = np.random.default_rng(d)
    p = random.normal(size=(4000, d))
    q = mean + scale * random.normal(size=(5000, d))
    # The spread over draws is below 0.04 (k = 1, n = 4000); the bias grows with d and k.
    assert knn_divergence(p, q, k) == pytest.approx(d * gaussian_kl(mean, scale), abs=0.15)


def test_is_near_zero_for_the_same_distribution():
    p, q = np.random.default_rng(0).normal(size=(2, 3000, 2))
    assert abs(knn_divergence(p, q)) < 0.05


def test_is_directed():
    random = np.random.default_rng(0)
    part, whole = random.random((3000, 2)), 2 * random.random((3000, 2))
    assert knn_divergence(part, whole) == pytest.approx(np.log(4), abs=0.1)
    assert knn_divergence(whole, part) > 2 * np.log(4)  # infinite in truth


def test_does_not_depend_on_order_shift_rotation_or_scale():
    random = np.random.default_rng(1)
    p, q = random.normal(size=(300, 2)), 1 + random.normal(size=(200, 2))
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    expected = knn_divergence(p, q, 3)
    moved = [5 * a @ turn + 7 for a in (random.permutation(p), random.permutation(q))]
    assert knn_divergence(*moved, 3) == pytest.approx(expected, rel=1e-9)


def test_ties_give_the_plug_in_estimate_of_a_discrete_distribution():
    p, q = np.repeat([0.0, 1.0], [800, 200])[:, None], np.repeat([0.0, 1.0], [500, 500])[:, None]
    expected = 0.8 * np.log(0.8 / 0.5) + 0.2 * np.log(0.2 / 0.5)
    assert knn_divergence(p, q, 5) == pytest.approx(expected, abs=0.01)


def test_duplicated_points_give_a_finite_number():
    random = np.random.default_rng(2)
    p = np.repeat(random.normal(size=(200, 2)), 3, axis=0)
    q = np.concatenate([p[:100], random.normal(size=(300, 2))])
    for k in (1, 2, 10):
        assert np.isfinite(knn_divergence(p, q, k))


def test_all_points_equal_diverge_by_nothing():
    assert knn_divergence(np.zeros((50, 2)), np.zeros((70, 2)), 3) == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize(
    ("p", "q", "k"),
    [((5, 2), (5, 3), 1), ((5,), (5,), 1), ((5, 2), (9, 2), 5), ((9, 2), (5, 2), 6), ((9, 2), (9, 2), 0)],
)
def test_refuses_what_it_cannot_estimate(p, q, k):
    with pytest.raises(ValueError, match="Received"):
        knn_divergence(np.ones(p), np.ones(q), k)


def test_a_label_is_measured_beside_its_own_null():
    random = np.random.default_rng(3)
    label = random.random(3000) < 0.2
    codes = random.normal(size=(3000, 2))
    free = label_divergence(codes, label)
    assert abs(free["kl"] - free["null_mean"]) < 4 * free["null_sd"]
    told = label_divergence(codes + label[:, None], label)
    assert told["kl"] == pytest.approx(1, abs=0.2)  # |shift|^2 / 2
    assert told["null_mean"] == pytest.approx(0, abs=0.1)
    assert told["k"] == 10


def test_a_rare_value_lowers_k_and_an_absent_one_gives_nothing():
    codes = np.random.default_rng(4).normal(size=(100, 2))
    assert label_divergence(codes, np.arange(100) < 6)["k"] == 5
    assert label_divergence(codes, np.zeros(100)) is None


@pytest.mark.parametrize("kind", ["categorical", "real"])
def test_classes_and_thirds_are_set_against_each_other(kind):
    random = np.random.default_rng(0)
    label = random.integers(0, 3, 600).astype(float) if kind == "categorical" else random.normal(size=600)
    codes = random.normal(size=(600, 2))
    moved = codes + 2 * label[:, None]
    label[::7] = np.nan
    free, told = (label_divergence(each, label, shuffles=12, kind=kind) for each in (codes, moved))
    assert abs(free["kl"] - free["null_mean"]) < 4 * free["null_sd"]
    assert told["kl"] > 1
    assert label_divergence(codes, np.full(600, np.nan), kind=kind) is None
