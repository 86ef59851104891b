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
