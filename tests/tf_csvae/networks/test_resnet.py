import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_csvae.networks.resnet import resnet


@pytest.mark.parametrize("shape", [(8, 8, 3), (1, 60, 1), (5, 3, 3)])
def test_a_side_of_one_pixel_is_not_halved(shape):
    # oneDNN leaves parts of such a gradient unwritten in bfloat16.
    network = resnet(shape, depth=10, width=2, stem_stride=1)
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D):
            sides = zip(layer.input.shape[1:3], layer.strides, strict=True)
            assert all(stride == 1 for side, stride in sides if side == 1)


def test_gradients_in_half_precision_are_those_in_full():
    x = np.random.default_rng(0).random((16, 8, 8, 3), np.float32)
    full, half = (resnet(x.shape[1:], 10, 4, 1, dtype) for dtype in ("float32", "mixed_bfloat16"))
    half.set_weights(full.get_weights())
    gradients = []
    for network in (full, half):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.cast(network(x, training=False)[-1], tf.float32))
        gradients.append(tape.gradient(loss, network.trainable_variables))
    for one, other in zip(*gradients, strict=True):
        # bfloat16 has 8 bits; ten layers add up some of their roundings.
        np.testing.assert_allclose(other, one, atol=0.1 * np.abs(one).max() + 1e-6)
