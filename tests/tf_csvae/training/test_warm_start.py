import numpy as np
import pytest
import tensorflow as tf

from tf_csvae import CSVAE, VAE, CondVAE, InputError
from tf_csvae.training.warm_start import warm_start

NETWORKS = {"hidden": [8, 8], "filters": [4, 8]}
SHAPE = (16, 16, 3)


def make(system, width, seed, **networks):
    """Makes a model whose z has so many dimensions."""
    tf.keras.utils.set_random_seed(seed)
    w_dim = 2 if system is CSVAE else 0
    config = {"z_dim": width, "w_dim": w_dim, **NETWORKS, **networks}
    return system(SHAPE, ["a", "b"], config, bounded=True)


def test_a_csvae_starts_from_encoder_and_decoder_of_a_vae_of_the_same_size():
    source, model = make(VAE, 7, 0), make(CSVAE, 3, 1)
    taken = warm_start(model, source)
    x = np.random.default_rng(0).random((2, *SHAPE)).astype(np.float32)
    for network in (model.trunk, model.w_trunk):
        np.testing.assert_array_equal(network(x), source.trunk(x))
    code = tf.random.stateless_normal((2, 7), [0, 0])
    np.testing.assert_array_equal(model.decode(code[:, :3], code[:, 3:]), source.decode(code))
    assert taken["trunk"][0] == taken["trunk"][1] > 0
    assert taken["decoder"][0] == taken["decoder"][1]
    # The hidden layer fits; the last has other widths.
    assert taken["z_head"] == (1, 2)


def test_a_decoder_with_labels_starts_from_all_but_the_first_layer():
    source, model = make(VAE, 3, 0), make(CondVAE, 3, 1)
    first = model.decoder.layers[1].get_weights()
    taken = warm_start(model, source)
    took, of = taken["decoder"]
    assert took == of - 1
    for before, after in zip(first, model.decoder.layers[1].get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    assert "w_trunk" not in taken


def test_averages_of_batch_normalisation_are_copied_too():
    source, model = make(VAE, 3, 0), make(VAE, 3, 1)
    for variable in source.non_trainable_variables:
        variable.assign(variable + 0.5)
    warm_start(model, source)
    for ours, theirs in zip(model.trunk.weights, source.trunk.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_networks_without_a_fitting_layer_are_refused():
    other = make(VAE, 5, 0, filters=[3, 5], hidden=[7, 7], batch_norm=False, kernel_size=3)
    with pytest.raises(InputError, match="No layer of this CSVAE fits a layer of the VAE"):
        warm_start(make(CSVAE, 3, 0), other)
