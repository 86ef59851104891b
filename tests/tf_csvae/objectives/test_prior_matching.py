import numpy as np
import pytest
import tensorflow as tf

from tf_csvae.objectives.prior_matching import prior_mmd


def test_the_distance_to_the_prior_is_that_of_means_and_second_moments():
    random = np.random.default_rng(3)
    mix, mean = random.normal(size=(4, 4)), np.array([0.5, 0.0, -1.0, 0.0])
    second = mix @ mix.T + np.outer(mean, mean)
    expected = np.sum((second - np.eye(4)) ** 2) + 2 * np.sum(mean**2)
    draws = [prior_mmd(tf.constant(random.normal(size=(64, 4)) @ mix.T + mean)).numpy() for _ in range(400)]
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


def test_the_codes_of_few_examples_cannot_be_nearer_to_the_prior_than_the_prior():
    random = np.random.default_rng(5)
    # Eight far codes at right angles, which no batch pairs with themselves.
    mean = np.concatenate([100 * np.eye(8), 0.1 * random.normal(size=(92, 8))])
    second = mean.T @ mean / 100 + 0.25 * np.eye(8)
    expected = np.sum((second - np.eye(8)) ** 2) + 2 * np.sum(mean.mean(0) ** 2)

    def draw(examples):
        chosen = random.choice(100, 32, replace=False)
        u, again = (mean[chosen] + 0.5 * random.normal(size=(32, 8)) for _ in range(2))
        return prior_mmd(tf.constant(u), tf.constant(again), examples).numpy()

    draws = [draw(100) for _ in range(400)]
    assert abs(np.mean(draws) - expected) < 4 * np.std(draws) / np.sqrt(400)
    assert np.mean([draw(0) for _ in range(400)]) < 0
