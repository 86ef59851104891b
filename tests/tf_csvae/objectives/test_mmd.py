import numpy as np
import pytest
import tensorflow as tf

from tf_csvae.objectives.mmd import KERNEL_SQUARED_WIDTHS, mmd
from tf_csvae.objectives.prior_matching import prior_mmd


def slow_mmd(a, b, widths):
    """The estimate of Gretton et al. by its definition, one pair at a time."""

    def kernel(u, v):
        return sum(np.exp(-np.sum((u - v) ** 2) / (2 * s * len(u))) for s in widths)

    def within(c):
        pairs = [kernel(u, v) for i, u in enumerate(c) for j, v in enumerate(c) if i != j]
        return sum(pairs) / (len(c) * (len(c) - 1))

    return within(a) + within(b) - 2 * np.mean([kernel(u, v) for u in a for v in b])


def test_mmd_is_the_unbiased_estimate_for_each_label():
    random = np.random.default_rng(0)
    z = random.normal(size=(12, 3)).astype(np.float32)
    y = (random.random((12, 2)) < 0.4).astype(np.float32)
    found = mmd(tf.constant(z), tf.constant(y)).numpy()
    for i in range(2):
        on = y[:, i] > 0
        expected = slow_mmd(z[on], z[~on], KERNEL_SQUARED_WIDTHS)
        assert found[i] == pytest.approx(expected, abs=1e-5)


def test_mmd_is_zero_on_average_without_dependence_and_large_with_it():
    random = np.random.default_rng(1)
    draws = []
    for _ in range(50):
        z = random.normal(size=(64, 2)).astype(np.float32)
        y = (random.random((64, 1)) < 0.3).astype(np.float32)
        draws.append([mmd(z, y)[0], mmd(z + 3 * y, y)[0]])
    free, told = np.array(draws).T
    assert abs(free.mean()) < 4 * free.std() / np.sqrt(50)
    assert told.min() > 10 * abs(free.mean())


@pytest.mark.parametrize("ones", [0, 1, 7, 8])
def test_mmd_of_too_few_examples_of_a_class_is_zero(ones):
    y = (np.arange(8) < ones).astype(np.float32)[:, None]
    z = np.random.default_rng(2).normal(size=(8, 2)).astype(np.float32)
    assert mmd(z, y).numpy() == [0]


def test_mmd_of_equal_points_has_a_finite_gradient():
    z = tf.zeros((6, 2))
    with tf.GradientTape() as tape:
        tape.watch(z)
        loss = tf.reduce_sum(mmd(z, tf.constant([[0.0], [1.0]] * 3)))
    assert np.all(np.isfinite(tape.gradient(loss, z)))


def test_the_distance_to_the_prior_is_that_of_means_and_second_moments():
    random = np.random.default_rng(3)
    mix, mean = random.normal(size=(4, 4)), np.array([0.5, 0.0, -1.0, 0.0])
    second = mix @ mix.T + np.outer(mean, mean)
    expected = np.sum((second - np.eye(4)) ** 2) + 2 * np.sum(mean**2)
    draws = [
        prior_mmd(tf.constant(random.normal(size=(64, 4)) @ mix.T + mean)).numpy()
        for _ in range(400)
    ]
    assert abs(np.mean(draws) - expected) < 4 * np.std(draws) / np.sqrt(400)
    of_prior = [prior_mmd(tf.constant(random.normal(size=(64, 4)))).numpy() for _ in range(400)]
    assert abs(np.mean(of_prior)) < 4 * np.std(of_prior) / np.sqrt(400)


@pytest.mark.parametrize("n", [0, 1])
def test_the_distance_to_the_prior_of_too_few_examples_is_zero(n):
    u = tf.ones((n, 3))
    with tf.GradientTape() as tape:
        tape.watch(u)
        distance = prior_mmd(u)
    assert distance == 0
    assert np.all(np.isfinite(tape.gradient(distance, u)))
