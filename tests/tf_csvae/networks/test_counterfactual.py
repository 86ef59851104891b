import numpy as np
import pytest
import tensorflow as tf

from tf_csvae import CSVAE, CondVAE, CondVAEInfo, CSVAEConfig
from tf_csvae.networks.counterfactual import counterfactual
from tf_csvae.networks.distributions import Likelihood

RANDOM = np.random.default_rng(0)


def test_what_a_mean_does_not_explain_is_kept_where_the_change_is_smaller_than_it():
    x, mean = RANDOM.random((2, 3, 8, 8, 3)).astype(np.float32)
    own = Likelihood("gaussian_fixed", 0.1)(tf.constant(mean))
    np.testing.assert_allclose(counterfactual(x, own, mean, True), x, atol=1e-6)  # nothing is changed
    other = mean.copy()
    other[:, :4] += 2.0
    other[:, 4:, :, 0] += 0.1
    made = counterfactual(x, own, other, False).numpy()
    np.testing.assert_allclose(made[:, :4], other[:, :4], atol=1e-5)
    # One standard deviation, in one of a pixel's channels, and what is kept is kept of all three.
    kept = np.exp(-0.5) * (x - mean)[:, 4:]
    np.testing.assert_allclose(made[:, 4:], other[:, 4:] + kept, atol=1e-5)
    bounded = counterfactual(x, own, other, True).numpy()
    np.testing.assert_allclose(bounded, np.clip(made, 0, 1), atol=1e-6)


def test_each_number_of_a_vector_is_kept_by_itself():
    own = Likelihood("gaussian_fixed", 1.0)(tf.zeros((1, 2)))
    made = counterfactual(tf.constant([[0.5, 0.5]]), own, tf.constant([[0.0, 9.0]]), False)
    np.testing.assert_allclose(made, [[0.5, 9.0]], atol=1e-6)


@pytest.mark.parametrize("system", [CSVAE, CondVAE, CondVAEInfo])
def test_a_model_changes_x_and_not_its_reconstruction(system):
    tf.keras.utils.set_random_seed(0)
    model = system((3,), ("a", "b"), system.config_class(counterfactual=True))
    x, y = RANDOM.normal(size=(4, 3)).astype(np.float32), np.float32(RANDOM.random((4, 2)) < 0.5)
    np.testing.assert_allclose(model.transfer(x, y, y), x, atol=1e-6)
    assert not np.allclose(model.reconstruct(x, y), x, atol=0.1)
    assert not np.allclose(model.transfer(x, y, 1 - y), x, atol=1e-4)
    if system is CSVAE:  # whose w says more than the label does, so that a path need not end at a transfer
        return
    path = model.interpolate(x, "a", y=y, steps=2).numpy()
    for value, made in enumerate(np.moveaxis(path, 1, 0)):
        target = np.stack([np.full(4, value), y[:, 1]], 1)
        np.testing.assert_allclose(made, model.transfer(x, y, target), atol=1e-5)


def test_a_style_is_given_to_x_itself():
    tf.keras.utils.set_random_seed(0)
    model = CSVAE((3,), ("a", "b"), CSVAEConfig(counterfactual=True))
    x, y = RANDOM.normal(size=(4, 3)).astype(np.float32), np.ones((4, 2), np.float32)
    np.testing.assert_allclose(model.style_transfer(x, x, "a", y, y), x, atol=1e-6)
    far = model.traverse(x, "a", y, steps=3, extent=2.0)
    config = model.get_config()
    decoded = CSVAE.from_config({**config, "config": {**config["config"], "counterfactual": False}})
    decoded.set_weights(model.get_weights())
    assert far.shape == (4, 3, 3, 3)
    # A traversal of the example itself stays nearer to it than one of its reconstruction.
    assert np.mean(np.square(far - x[:, None, None])) < np.mean(
        np.square(decoded.traverse(x, "a", y, steps=3, extent=2.0) - x[:, None, None])
    )
