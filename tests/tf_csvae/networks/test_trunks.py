import keras
import numpy as np
import pytest

from tf_csvae.configs import NetworkConfig
from tf_csvae.networks import trunks


@pytest.mark.parametrize("shape", [(28, 28, 1), (48, 64, 3), (68, 56, 4), (5, 3, 3), (1, 60, 1)])
def test_images_of_any_sides_are_encoded_and_decoded(shape):
    config = NetworkConfig(filters=(4, 4, 4), hidden=(6, 5))
    x = np.random.default_rng(0).random((2, *shape), np.float32)
    features = trunks.trunk(shape, config)(x)
    assert features.shape == (2, 6)
    decoder = trunks.decoder(3, shape, config, bounded=True)
    assert decoder(np.zeros((2, 3), np.float32)).shape == (2, *shape)


def test_sides_that_can_be_halved_get_no_margin():
    config = NetworkConfig(filters=(4, 4))
    names = [layer.name for layer in trunks.trunk((16, 8, 3), config).layers]
    assert not any("padding" in name for name in names)


def test_large_images_get_further_convolutions():
    config = NetworkConfig(filters=(32, 64))
    assert trunks.channels((96, 64, 3), config) == (32, 64)
    assert trunks.channels((128, 100, 3), config) == (16, 32, 64)
    # No fewer than 16 channels, unless filters begins with fewer.
    assert trunks.channels((218, 178, 3), config) == (16, 16, 32, 64)
    assert trunks.channels((128, 128, 3), NetworkConfig(filters=(4, 8))) == (4, 4, 8)


@pytest.mark.parametrize("upsampling", ["nearest", "transposed"])
def test_large_images_are_decoded_at_their_size(upsampling):
    config = NetworkConfig(filters=(4, 4), hidden=(5,), upsampling=upsampling)
    x = np.zeros((1, 130, 100, 3), np.float32)
    assert trunks.trunk(x.shape[1:], config)(x).shape == (1, 4 * 17 * 13)
    assert trunks.decoder(3, x.shape[1:], config)(np.zeros((1, 3), np.float32)).shape == x.shape


def test_nearest_upsampling_has_no_pattern_of_its_own():
    """Equal features give equal pixels, away from the border; transposed convolutions do not."""
    spread = {}
    for upsampling in ("nearest", "transposed"):
        config = NetworkConfig(filters=(8,), hidden=(8,), batch_norm=False, upsampling=upsampling)
        keras.utils.set_random_seed(0)
        decoder = trunks.decoder(2, (24, 24, 3), config)
        *_, dense = (layer for layer in decoder.layers if isinstance(layer, keras.layers.Dense))
        constant = np.ones_like(dense.get_weights()[0]) * np.tile(np.arange(8) - 3.5, 144)
        dense.set_weights([constant, dense.get_weights()[1]])
        pixels = decoder(np.ones((1, 2), np.float32)).numpy()[0, 6:-6, 6:-6]
        spread[upsampling] = pixels.std((0, 1)).max() / np.abs(pixels).max()
    assert spread["nearest"] < 1e-5
    assert spread["transposed"] > 1e-2
