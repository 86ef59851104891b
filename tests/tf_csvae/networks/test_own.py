import keras
import numpy as np
import pytest
from keras import layers

from tf_csvae import CSVAE, VAE, CSVAEConfig, InputError, load_model
from tf_csvae.networks import own

SHAPE = (12, 10, 1)


def encoder(shape, config):
    return keras.Sequential(
        [keras.Input(shape), layers.Conv2D(4, 3, 2, activation="relu"), layers.Flatten(), layers.Dense(7)]
    )


def decoder(code, shape, config):
    x = inputs = keras.Input((code,))
    x = layers.Dense(int(np.prod(shape)), activation="sigmoid")(x)
    return keras.Model(inputs, layers.Reshape(shape)(x))


def make(**networks):
    return CSVAE(SHAPE, ["a"], CSVAEConfig(z_dim=2), bounded=True, **networks)


def test_a_model_with_own_networks_trains_and_is_saved(tmp_path):
    model = make(encoder=encoder, decoder=decoder)
    assert model.trunk is not model.w_trunk
    assert model.trunk.output_shape == model.w_trunk.output_shape == (None, 7)
    random = np.random.default_rng(0)
    x, y = random.random((32, *SHAPE), np.float32), random.integers(0, 2, (32, 1)).astype(np.float32)
    model.compile()
    before = [np.array(each) for each in model.trunk.get_weights() + model.w_trunk.get_weights()]
    model.fit(x, y, epochs=1, verbose=0)
    after = model.trunk.get_weights() + model.w_trunk.get_weights()
    assert all(np.any(old != new) for old, new in zip(before, after, strict=True) if old.ndim > 1)
    model.save(tmp_path / "model.keras")
    loaded = load_model(str(tmp_path / "model.keras"))
    np.testing.assert_array_equal(loaded.reconstruct(x, y), model.reconstruct(x, y))


def test_a_keras_model_brings_its_weights():
    given = encoder(SHAPE, None)
    model = VAE(SHAPE, ["a"], bounded=True, encoder=given)
    assert model.trunk is not given
    for own_weights, weights in zip(model.trunk.get_weights(), given.get_weights(), strict=True):
        np.testing.assert_array_equal(own_weights, weights)


@pytest.mark.parametrize(
    ("networks", "complaint"),
    [
        ({"encoder": lambda shape, config: keras.Sequential([layers.Dense(3)])}, "begins with an Input"),
        (
            {"encoder": encoder((3, 3, 1), None)},
            r"shape \(12, 10, 1\) to \(any\). Received: a model from \(3, 3",
        ),
        (
            {"encoder": lambda shape, config: keras.Sequential([keras.Input(shape), layers.Dense(3)])},
            r"to \(12, 10, 3\)",
        ),
        ({"decoder": decoder(5, SHAPE, None)}, r"The decoder must map examples of shape \(4\)"),
        ({"decoder": decoder(4, (2, 2, 1), None)}, r"to \(12, 10, 1\). Received: a model from \(4,\) to \(2"),
    ],
)
def test_networks_that_do_not_fit_are_refused(networks, complaint):
    with pytest.raises(InputError, match=complaint):
        make(**networks)


def test_a_function_is_found_by_its_name():
    assert own.named("tests.tf_csvae.networks.test_own:encoder", "encoder") is encoder
    for name in ("no_such_module:f", "math:no_such_function", "math", ":f"):
        with pytest.raises(InputError, match=f"--encoder={name}: expected MODULE:FUNCTION"):
            own.named(name, "encoder")
    with pytest.raises(InputError, match="is no function"):
        own.named("math:pi", "encoder")
