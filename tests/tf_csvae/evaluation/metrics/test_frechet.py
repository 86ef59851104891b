import numpy as np
import pytest

from tf_csvae.evaluation.metrics import Moments, frechet_distance


def moments(x, batches=1):
    found = Moments()
    for part in np.array_split(x, batches):
        found.update(part)
    return found


def exactly(mean, covariance, n=1000):
    """Rows whose sample mean and covariance are the given ones."""
    x = np.random.default_rng(0).normal(size=(n, len(mean)))
    x = (x - x.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T))).T
    return x @ np.linalg.cholesky(covariance).T + mean


def test_moments_do_not_depend_on_the_batches():
    x = np.random.default_rng(0).normal(3.0, 2.0, size=(50, 4))
    for batches in (1, 7):
        np.testing.assert_allclose(moments(x, batches).mean, x.mean(0))
        np.testing.assert_allclose(moments(x, batches).covariance, np.cov(x.T))


def test_normals_of_known_distance():
    # Of commuting covariances: |m_a - m_b|^2 + sum (sd_a - sd_b)^2.
    a = moments(exactly(np.array([0.0, 0.0]), np.diag([4.0, 1.0])))
    b = moments(exactly(np.array([3.0, 4.0]), np.diag([1.0, 9.0])))
    assert frechet_distance(a, b) == pytest.approx(25 + (2 - 1) ** 2 + (1 - 3) ** 2)
    assert frechet_distance(b, a) == pytest.approx(frechet_distance(a, b))
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_against_the_matrix_root():
    from scipy.linalg import sqrtm

    random = np.random.default_rng(1)
    a, b = (moments(random.normal(size=(200, 5)) @ random.normal(size=(5, 5))) for _ in range(2))
    root = sqrtm(a.covariance @ b.covariance).real
    expected = np.sum((a.mean - b.mean) ** 2) + np.trace(a.covariance + b.covariance - 2 * root)
    assert frechet_distance(a, b) == pytest.approx(expected)


def test_fewer_rows_than_features_give_a_number():
    random = np.random.default_rng(0)
    a, b = (moments(random.normal(size=(4, 10))) for _ in range(2))
    assert frechet_distance(a, b) > 0


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match="Received: 1 and 3 rows"):
        frechet_distance(moments(np.ones((1, 2))), moments(np.ones((3, 2))))
