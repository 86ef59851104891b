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
