import numpy as np
import pytest

from tf_csvae.evaluation import metrics


def test_what_can_be_read_and_what_cannot():
    random = np.random.default_rng(0)
    factors = random.random((1_000, 2))
    bent = np.stack([factors[:, 0] + factors[:, 1], np.sin(3 * (factors[:, 0] - factors[:, 1]))], 1)
    assert metrics.held_out_r2(bent, factors) > 0.9
    assert -0.1 < metrics.held_out_r2(random.normal(size=(1_000, 8)), factors) < 0.05
    half = metrics.held_out_r2(factors[:, :1], factors)  # one of the two
    assert 0.4 < half < 0.55


def test_too_few_and_unequal():
    assert metrics.held_out_r2(np.zeros((19, 2)), np.zeros((19, 1))) is None
    with pytest.raises(ValueError, match="as many rows"):
        metrics.held_out_r2(np.zeros((30, 2)), np.zeros((29, 1)))


def test_a_ridge_reads_what_is_linear():
    random = np.random.default_rng(0)
    codes = random.normal(size=(200, 6))
    factors = codes[:, :2] @ [[1.0, 0.5], [0.0, 1.0]]
    assert metrics.ridge_r2(codes, factors) > 0.99
    assert abs(metrics.ridge_r2(codes, random.normal(size=(200, 2)))) < 0.1
    assert metrics.ridge_r2(codes[:19], factors[:19]) is None


def test_a_slope_says_how_far_and_how_closely_a_style_follows():
    given = np.random.default_rng(0).normal(size=(300, 2))
    assert metrics.slope(given, 3 + given) == pytest.approx({"slope": 1, "r": 1})
    assert metrics.slope(given, 0.5 * given) == pytest.approx({"slope": 0.5, "r": 1})
    assert metrics.slope(given, np.ones_like(given)) == {"slope": 0, "r": 0}


def test_the_donor_of_a_result_is_found_by_what_the_results_share_with_it():
    random = np.random.default_rng(0)
    donors, receivers = random.normal(size=(10, 6, 6, 3)), random.normal(size=(4, 1, 6, 6, 3))
    assert (metrics.retrieval(receivers + 0.1 * donors, donors) == 1).all()
    # Results that do not depend on the donor are at chance: a mean rank of 5.5 of 10.
    assert (metrics.retrieval(np.repeat(receivers, 10, 1), donors) == 5.5).all()
    noise = random.normal(size=(200, 10, 20))
    assert metrics.retrieval(noise, random.normal(size=(10, 20))).mean() == pytest.approx(5.5, abs=0.3)
