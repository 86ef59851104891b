import numpy as np
import pytest

from tf_csvae.evaluation.metrics import mean_pairwise_distance


def test_it_is_the_mean_over_all_pairs():
    x = np.random.default_rng(0).normal(size=(7, 2, 3))
    pairs = [np.linalg.norm(x[i] - x[j]) for i in range(7) for j in range(i)]
    assert mean_pairwise_distance(x) == pytest.approx(np.mean(pairs))


def test_one_face_repeated_has_none_however_far_from_zero():
    # Of a cancellation at 1e6 squared float64 would leave 1e-2; the mean is taken off first.
    assert mean_pairwise_distance(np.full((5, 12), 1e6)) == 0
    assert mean_pairwise_distance(1e6 + np.eye(3)) == pytest.approx(np.sqrt(2))


def test_one_row_has_no_distance():
    with pytest.raises(ValueError, match=r"two rows\. Received: 1"):
        mean_pairwise_distance([[1.0, 2.0]])
