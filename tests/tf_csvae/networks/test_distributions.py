import numpy as np
import pytest
import tensorflow as tf

from tf_csvae.configs import NetworkConfig
from tf_csvae.labels import as_labels
from tf_csvae.networks.distributions import Likelihood, diagonal_normal, standard_normal, tfd
from tf_csvae.networks.priors import FactorizedPrior, JointPrior


def test_a_fresh_posterior_is_the_unit_normal():
    posterior = diagonal_normal(tf.zeros((4, 6)))
    assert posterior.event_shape == (3,)
    np.testing.assert_allclose(tfd.kl_divergence(posterior, standard_normal(3)), 0, atol=1e-5)


def test_log_densities_are_sums_over_all_dimensions_of_an_example():
    x = tf.zeros((5, 4, 4, 3))
    p = Likelihood("gaussian_fixed", scale=2.0)(x)
    np.testing.assert_allclose(p.log_prob(x), -48 * np.log(2.0 * np.sqrt(2 * np.pi)), rtol=1e-5)


def test_the_optimal_scale_is_the_maximum_likelihood_one():
    likelihood = Likelihood("gaussian_optimal")
    random = np.random.default_rng(0)
    x = tf.constant(random.normal(scale=0.3, size=(500, 8)).astype(np.float32))
    best = tf.reduce_mean(likelihood(tf.zeros_like(x), x, training=True).log_prob(x))
    for scale in (0.27, 0.33):
        assert tf.reduce_mean(Likelihood("gaussian_fixed", scale)(tf.zeros_like(x)).log_prob(x)) < best


def test_the_optimal_scale_is_kept_for_after_training():
    likelihood = Likelihood("gaussian_optimal")
    x = tf.constant([[0.5, -0.5]] * 4)
    for _ in range(80):
        likelihood(tf.zeros_like(x), x, training=True)
    assert float(likelihood.scale) == pytest.approx(0.5, rel=1e-2)
    assert likelihood(tf.zeros_like(x)).log_prob(x).shape == (4,)


def test_which_scales_are_trained():
    trained = {
        kind: len(Likelihood(kind).trainable_variables) for kind in ("gaussian_optimal", "gaussian_learned")
    }
    assert trained == {"gaussian_optimal": 0, "gaussian_learned": 1}
    assert Likelihood("bernoulli").scale is None


def test_a_perfect_reconstruction_has_a_finite_density():
    x = tf.ones((2, 3))
    assert np.all(np.isfinite(Likelihood("gaussian_optimal")(x, x, training=True).log_prob(x)))
    assert np.all(np.isfinite(Likelihood("bernoulli")(x).log_prob(x)))


def test_each_subspace_has_a_prior_that_only_its_label_moves():
    prior = FactorizedPrior(as_labels(list("abc")), w_dim=2, separation=1.5)
    off, on = (
        prior(tf.zeros((1, 3))).mean().numpy()[0],
        prior(tf.constant([[0.0, 1.0, 0.0]])).mean().numpy()[0],
    )
    np.testing.assert_allclose(off, -1.5)
    np.testing.assert_allclose(on, [-1.5, -1.5, 1.5, 1.5, -1.5, -1.5])


def test_learned_and_fixed_priors():
    assert len(FactorizedPrior(as_labels(list("ab")), 2).trainable_variables) == 2
    assert not FactorizedPrior(as_labels(list("ab")), 2, learned=False).trainable_variables
    joint = JointPrior(as_labels(list("abc")), 2, NetworkConfig())(tf.zeros((5, 3)))
    assert (joint.batch_shape, joint.event_shape) == ((5,), (6,))
