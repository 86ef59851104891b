import numpy as np
import pytest
import tensorflow as tf

from tf_csvae import CSVAE, Label
from tf_csvae.models.erasure import RIDGE, LabelErasure


def codes(n=512):
    """Codes that two correlated labels move, and the labels' features."""
    random = np.random.default_rng(0)
    first = random.random(n) < 0.3
    y = np.float32(np.stack([first, random.random(n) < np.where(first, 0.8, 0.2)], 1))
    code = 2 + y @ random.normal(size=(2, 3)) * 3 + random.normal(size=(n, 3))
    return tf.constant(code, tf.float32), tf.constant(y)


def test_what_is_left_is_the_residual_of_a_regression_on_the_labels():
    code, y = codes()
    layer = LabelErasure(3, 2)
    for _ in range(20):
        found = layer(code, y, training=True).numpy()
    design = np.concatenate([np.ones_like(y[:, :1]), y], 1)
    expected = code - design @ np.linalg.lstsq(design, code.numpy(), rcond=None)[0]
    # The averages start at zero: twenty batches weigh 18 % so far, beside which the ridge is not nothing.
    weight = 1 - 0.99**20
    np.testing.assert_allclose(found, expected, atol=40 * RIDGE / weight)
    assert np.abs(np.corrcoef(found.T, y.numpy().T)[:3, 3:]).max() < 0.01
    np.testing.assert_array_equal(layer(code, y), layer(code, y))  # not followed any more


def test_a_label_that_is_not_known_takes_nothing_out_but_the_mean():
    code, y = codes()
    layer = LabelErasure(3, 2)
    for _ in range(400):
        layer(code, y, training=True)
    means = tf.repeat(tf.reduce_mean(y, 0, keepdims=True), len(y), 0)
    np.testing.assert_allclose(layer(code, means), code - tf.reduce_mean(code, 0), atol=1e-2)


def test_before_any_batch_and_for_a_label_that_never_varies_it_is_finite():
    code, y = codes()
    layer = LabelErasure(3, 2)
    np.testing.assert_array_equal(layer(code, y), code)
    constant = tf.ones_like(y)
    for _ in range(3):
        found = layer(code, constant, training=True)
    assert np.all(np.isfinite(found))
    assert layer(code[:0], y[:0], training=True).shape == (0, 3)


@pytest.mark.parametrize("erase", [False, True])
def test_no_line_through_z_tells_a_label_that_is_erased(erase):
    """Without an adversary: x is its label and something else, and z holds both."""
    tf.keras.utils.set_random_seed(0)
    random = np.random.default_rng(1)
    y = np.float32(random.random((2048, 1)) < 0.3)
    x = np.float32(np.concatenate([2 * y, random.normal(size=(2048, 1))], 1) + 0.1 * random.normal(size=(2048, 2)))
    model = CSVAE(
        [2], [Label("a", 0.3)], adversarial=False, erase_labels=erase, beta2=8.0, networks={"hidden": [32, 32]}
    )
    rate = tf.keras.optimizers.schedules.CosineDecay(5e-3, 16 * 20)
    model.compile(tf.keras.optimizers.Adam(rate), jit_compile=False)
    model.fit(tf.data.Dataset.from_tensor_slices((x, y)).batch(128).repeat(20), verbose=0)

    def correlation(code):
        return np.abs(np.corrcoef(code.sample([0, 0])[0].numpy().T, y.T)[:-1, -1]).max()

    # Of independent pairs, as many, its deviation is 0.022.
    found = correlation(model.encode(x, y))
    assert found < 0.1 if erase else found > 0.3
    assert np.mean((model.reconstruct(x, y) - x) ** 2) < 0.1
    # Without the label nobody knows what to take out.
    assert correlation(model.encode(x)) > 0.3
