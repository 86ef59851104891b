import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_csvae import CSVAE, CondVAE
from tf_csvae.models import consistency


def test_the_helper_learns_from_half_of_the_images_and_a_mirror_image_is_in_the_same():
    pixels = np.random.default_rng(0).integers(0, 256, (400, 8, 8, 3), dtype=np.uint8)
    x = tf.cast(pixels, tf.float32) / 255
    half = consistency.in_half(x).numpy()
    assert abs(half.mean() - 0.5) < 4 * 0.5 / np.sqrt(400)
    np.testing.assert_array_equal(half, consistency.in_half(x[:, :, ::-1]))


def test_one_label_of_each_row_is_exchanged_each_as_often():
    y = np.float32(np.random.default_rng(0).random((900, 3)) < 0.2)
    exchanged, changed = consistency.exchange_one(tf.constant(y), tf.constant([1, 2]))
    np.testing.assert_array_equal(changed.numpy().sum(1), 1)
    np.testing.assert_array_equal(exchanged, np.where(changed, 1 - y, y))
    share = changed.numpy().mean(0)
    assert np.all(abs(share - 1 / 3) < 4 * np.sqrt(2 / 9 / 900))


def test_what_is_asked_for_keeps_all_of_a_row_but_one_subspace_or_is_new():
    model = CSVAE((3,), ("a", "b"), z_dim=4, w_dim=2, w_prior="fixed", w_separation=50.0)
    random = np.random.default_rng(0)
    z, w = (random.normal(size=(6, 4)).astype(np.float32) for _ in range(2))
    y = np.float32(random.random((6, 2)) < 0.5)
    asked_z, asked_w, asked_y = (
        part.numpy() for part in consistency.asked_for(model, z, w, tf.constant(y), tf.constant([0, 1]))
    )
    np.testing.assert_array_equal(np.abs(asked_y - y).sum(1), 1)
    for row in range(6):
        changed = int(np.argmax(asked_y[row] != y[row]))
        if row % 2:
            assert not np.any(asked_z[row] == z[row])
            assert np.all(np.sign(asked_w[row]) == np.repeat(2 * asked_y[row] - 1, 2))
        else:
            np.testing.assert_array_equal(asked_z[row], z[row])
            own, other = (slice(2 * i, 2 * i + 2) for i in (changed, 1 - changed))
            np.testing.assert_array_equal(asked_w[row, other], w[row, other])
            assert np.all(np.sign(asked_w[row, own]) == 2 * asked_y[row, changed] - 1)


SYSTEMS = {
    # Nothing drives the labels out of z, and at this price w is not used: so z carries them.
    "csvae": functools.partial(CSVAE, adversarial=False, beta2=8.0),
    "condvae": CondVAE,
}


@pytest.mark.parametrize(
    ("system", "weight", "moves"), [("csvae", 20.0, True), ("csvae", 0.0, False), ("condvae", 20.0, True)]
)
def test_with_consistency_an_exchange_shows_the_label_and_keeps_the_other(system, weight, moves):
    # Each label moves a coordinate of its own; a third is the object's.
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    y = np.float32(random.random((2048, 2)) < [0.5, 0.2])
    x = np.float32(np.concatenate([2 * y - 1, random.normal(size=(2048, 1))], 1))
    x += 0.1 * random.normal(size=x.shape).astype(np.float32)
    model = SYSTEMS[system](
        (3,), ("a", "b"), z_dim=3, beta3=0.1, consistency_weight=weight, networks={"hidden": [32, 32]}
    )
    model.compile(keras.optimizers.Adam(5e-3), jit_compile=False)
    model.fit(tf.data.Dataset.from_tensor_slices((x, y)).batch(128).repeat(12), verbose=0)
    for label, other in ((0, 1), (1, 0)):
        target = y.copy()
        target[:, label] = 1 - y[:, label]
        moved = model.transfer(x, y, target, seed=1).numpy() > 0
        shown, kept = (np.mean(moved[:, i] == (target[:, i] > 0.5)) for i in (label, other))
        assert (shown > 0.95) if moves else (shown < 0.05)
        assert kept > 0.95


@pytest.mark.parametrize("system", [CSVAE, CondVAE])
def test_a_helper_reads_the_labels_that_are_not_given(system):
    model = system((3,), ("a", "b"), consistency_weight=1.0)
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    read = np.float32(model.helper.classify(x).numpy() > 0.5)
    np.testing.assert_allclose(model.reconstruct(x), model.reconstruct(x, read), atol=1e-6)
    moved = model.transfer(x, None, [1.0, 0.0])
    np.testing.assert_allclose(moved, model.transfer(x, read, [1.0, 0.0]), atol=1e-6)
    assert model.reads_labels
    assert not system((3,), ("a", "b")).reads_labels
