import numpy as np
import pytest
import tensorflow as tf

from tf_csvae import CSVAE, CSVAEConfig, InputError, Label
from tf_csvae.networks.erasure import MAX_SCALE, LabelErasure, SameCovariance
from tf_csvae.networks.label_space import LabelSpace


def codes(n=512):
    """Means and deviations of codes that two correlated labels move and spread, and the labels."""
    random = np.random.default_rng(0)
    first = random.random(n) < 0.3
    y = np.float32(np.stack([first, random.random(n) < np.where(first, 0.8, 0.2)], 1))
    scale = np.exp(y @ [[0.0, 0.5, -0.5], [0.0, 0.0, 0.5]])
    mean = 2 + y @ random.normal(size=(2, 3)) * 3 + scale * random.normal(size=(n, 3))
    return tf.constant(mean, tf.float32), 0.1 * tf.ones((n, 3)), tf.constant(y)


def erasure(y, styles=0, covariance=False):
    labels = [Label(f"{i}", float(y[:, i].numpy().mean())) for i in (0, 1)]
    return LabelErasure(3, LabelSpace(labels), styles, covariance)


def followed(batches=400, covariance=False):
    """An erasure that has seen these codes so often, and codes and features."""
    mean, deviation, y = codes()
    layer = erasure(y, covariance=covariance)
    for _ in range(batches):
        layer(mean, deviation, y, training=True)
    return layer, mean, deviation, y


def test_location_and_scale_no_longer_depend_on_the_labels():
    layer, mean, deviation, y = followed()
    found, spread = (part.numpy() for part in layer(mean, deviation, y))
    np.testing.assert_allclose(spread / deviation, (found - layer(mean + 1, deviation, y)[0]) / -1, rtol=1e-4)
    design = np.concatenate([np.ones_like(y[:, :1]), y], 1)
    residual = mean - design @ np.linalg.lstsq(design, mean.numpy(), rcond=None)[0]
    # The averages start at zero: after 400 batches 2 % are missing, and the ridge takes 0.1 % of
    # a variance.
    np.testing.assert_allclose(found * (deviation / spread), residual, atol=0.02)
    logs = np.log(np.square(found) + np.square(spread))
    for before, after in (
        (mean, found),
        (np.log(np.square(residual) + np.square(deviation)), logs),
    ):
        slopes = [np.linalg.lstsq(design, part, rcond=None)[0][1:] for part in (np.asarray(before), after)]
        assert np.abs(slopes[1]).max() < 0.02 < 0.3 < np.abs(slopes[0]).max()


def test_covariances_no_longer_depend_on_the_labels():
    layer, mean, deviation, y = followed(1_000, covariance=True)
    found = layer(mean, deviation, y)[0].numpy()
    design = np.concatenate([np.ones_like(y[:, :1]), y], 1)

    def slopes(code):
        return np.abs(np.linalg.lstsq(design, np.asarray(code), rcond=None)[0][1:]).max()

    def differences(code):
        classes = [np.cov(np.asarray(code)[y[:, i] == value].T) for i in (0, 1) for value in (0, 1)]
        return max(np.abs(classes[0] - classes[1]).max(), np.abs(classes[2] - classes[3]).max())

    # The averages start at zero: after 1,000 batches 0.7 % are missing, and the ridge takes 0.1 %
    # of a variance. The classes of one label are made alike before those of the other.
    assert slopes(found) < 0.05 < 1 < slopes(mean)
    assert differences(found) < 0.15 < 1 < differences(mean - design @ np.linalg.lstsq(design, mean)[0])


def test_it_follows_only_in_training():
    layer, mean, deviation, y = followed(3)
    for one, other in zip(layer(mean, deviation, y), layer(mean, deviation, y), strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_unknown_label_removes_nothing_but_the_mean():
    layer, mean, deviation, y = followed()
    found, spread = layer(mean, deviation, tf.fill(y.shape, np.nan))
    np.testing.assert_allclose(found, mean - tf.reduce_mean(mean, 0), atol=0.05)
    np.testing.assert_allclose(spread, deviation, rtol=0.02)


def test_before_any_batch_and_for_a_label_that_never_varies_it_is_finite():
    mean, deviation, y = codes()
    layer = erasure(y)
    for one, other in zip(layer(mean, deviation, y), (mean, deviation), strict=True):
        np.testing.assert_array_equal(one, other)
    for _ in range(3):
        found = layer(mean, deviation, tf.ones_like(y), training=True)
    assert all(np.all(np.isfinite(part)) for part in found)
    assert layer(mean[:0], deviation[:0], y[:0], training=True)[0].shape == (0, 3)


@pytest.mark.parametrize("erase", [False, True])
def test_no_line_through_z_tells_a_label_that_is_erased(erase):
    """Without an adversary: the label is whether a number is large, and z holds the number."""
    tf.keras.utils.set_random_seed(0)
    x = np.random.default_rng(1).normal(size=(2048, 2)).astype(np.float32)
    y = np.float32(x[:, :1] > 0.5)
    config = CSVAEConfig(
        adversarial=False,
        erase_labels=erase,
        erase_covariance=erase,
        beta2=50.0,  # w holds the label and nothing else
        likelihood="gaussian_fixed",
        likelihood_scale=0.1,
        hidden=[32, 32],
    )
    model = CSVAE([2], [Label("a", float(y.mean()))], config)
    rate = tf.keras.optimizers.schedules.CosineDecay(5e-3, 16 * 40)
    model.compile(tf.keras.optimizers.Adam(rate), jit_compile=False)
    model.fit(tf.data.Dataset.from_tensor_slices((x, y)).batch(128).repeat(40), verbose=0)

    def correlation(code):
        return np.abs(np.corrcoef(code.sample([0, 0])[0].numpy().T, y.T)[:-1, -1]).max()

    # Of independent pairs, as many, its deviation is 0.022.
    found = correlation(model.encode(x, y))
    assert found < 0.1 if erase else found > 0.3
    assert np.mean((model.reconstruct(x, y) - x) ** 2) < 0.1
    # Without the label nothing can be removed.
    assert correlation(model.encode(x)) > 0.3


def test_styles_are_erased_and_do_not_move_the_scale():
    mean, deviation, y = codes()
    random = np.random.default_rng(1)
    # A style of the first label only, 0 without it, which moves the code.
    style = np.float32(y[:, :1] * random.normal(size=(len(y), 2)))
    mean += style @ np.float32(random.normal(size=(2, 3)))
    layer = erasure(y, styles=2)
    for _ in range(400):
        layer(mean, deviation, y, style, training=True)
    found, spread = layer(mean, deviation, y, style)
    known = np.concatenate([np.ones_like(y[:, :1]), y, style], 1)

    def slopes(code):
        return np.abs(np.linalg.lstsq(known, np.asarray(code), rcond=None)[0][3:]).max()

    assert slopes(found) < 0.05 < 0.3 < slopes(mean)
    # Rows with the same labels have the same scale, whatever their style.
    alone = np.asarray(spread / deviation)[np.asarray(y[:, 0]) * (1 - np.asarray(y[:, 1])) > 0]
    np.testing.assert_allclose(alone, np.broadcast_to(alone[0], alone.shape), rtol=1e-5)


@pytest.mark.parametrize("erase", [False, True])
def test_no_line_through_z_tells_what_w_holds(erase):
    """A label with a style: x shows it among those that have the label."""
    tf.keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    y = np.float32(random.random((2048, 1)) < 0.5)
    x = np.float32(np.concatenate([y * random.normal(size=(2048, 2)), y], 1))
    config = CSVAEConfig(
        adversarial=False,
        erase_labels=True,
        erase_styles=erase,
        absent_style=False,
        w_prior="fixed",
        w_posterior="residual",
        likelihood="gaussian_fixed",
        likelihood_scale=0.2,
        hidden=[32, 32],
    )
    model = CSVAE([3], [Label("a", 0.5)], config)
    rate = tf.keras.optimizers.schedules.CosineDecay(5e-3, 16 * 60)  # the averages must follow
    model.compile(tf.keras.optimizers.Adam(rate), jit_compile=False)
    model.fit(tf.data.Dataset.from_tensor_slices((x, y)).batch(128).repeat(60), verbose=0)
    has = y[:, 0] == 1
    z, w = (part.numpy()[has] for part in model.encode(x, y).mean())
    found = np.abs(np.corrcoef(z.T, w.T)[: z.shape[1], z.shape[1] :]).max()
    # Of independent pairs, as many, its deviation is 0.03.
    assert found < 0.12 if erase else found > 0.15


def test_styles_need_labels_that_are_erased():
    with pytest.raises(InputError, match="erase_styles needs erase_labels"):
        CSVAEConfig(erase_styles=True, erase_labels=False)


def test_a_rare_class_moves_others_little_and_itself_within_bounds():
    random = np.random.default_rng(0)
    r = tf.constant(random.normal(size=(1_000, 2)), tf.float32)
    classes = np.repeat([[1, 0]], 1_000, 0).astype(np.float32)
    classes[0] = 0, 1  # one example: a covariance of rank 1
    layer = SameCovariance(2, 2)
    for _ in range(300):
        layer(r, classes, training=True)
    found = layer(r, classes).numpy()
    np.testing.assert_allclose(found[1:], r[1:], atol=0.02)
    assert np.linalg.norm(found[0]) <= 1.1 * MAX_SCALE * np.linalg.norm(r[0])
    np.testing.assert_array_equal(layer(r, 0 * classes), r)  # of an unknown label
