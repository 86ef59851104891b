import numpy as np
import pytest
import tensorflow as tf

from tf_csvae.objectives.mmd import KERNEL_SQUARED_WIDTHS, mmd


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
