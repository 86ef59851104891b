import numpy as np
import pytest

from tf_csvae.evaluation.metrics import shares


def test_wilsons_interval():
    # Worked example: 81 of 263 (Newcombe 1998, Stat. Med. 17:857, table I).
    found = shares(accuracy=(81, 263))
    assert found["accuracy"] == pytest.approx(81 / 263)
    np.testing.assert_allclose(found["accuracy_interval"], [0.2553, 0.3662], atol=1e-4)


def test_at_the_ends_it_is_not_empty():
    low, high = shares(all=(10, 10))["all_interval"]
    assert 0.6 < low < 0.8
    assert high == pytest.approx(1)


def test_of_nothing_there_is_no_share():
    assert shares(accuracy=(0, 0)) == {}


def test_it_holds_the_truth_as_often_as_it_says():
    random = np.random.default_rng(0)
    n, p, trials = 50, 0.1, 1000
    inside = 0
    for hits in random.binomial(n, p, trials):
        low, high = shares(x=(hits, n))["x_interval"]
        inside += low <= p <= high
    # Wilson's coverage at n = 50, p = 0.1 is 0.97; three deviations of 1,000 trials are 0.016.
    assert 0.93 < inside / trials < 0.99
