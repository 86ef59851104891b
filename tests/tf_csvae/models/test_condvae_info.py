import numpy as np
import pytest
import tensorflow as tf

from tf_csvae import CondVAEInfo, CondVAEInfoConfig


def make(shape=(4,), bounded=False, **options):
    tf.keras.utils.set_random_seed(1)
    config = CondVAEInfoConfig(w_dim=0, hidden=[8, 8], filters=[4, 8], **options)
    return CondVAEInfo(shape, ["a", "b"], config, bounded=bounded)


def batch(n=16, shape=(4,)):
    random = np.random.default_rng(0)
    x = random.normal(size=(n, *shape)).astype(np.float32)
    return tf.constant(x), tf.constant((random.random((n, 2)) < 0.5).astype(np.float32))


def test_losses_are_the_documented_ones_with_the_weights_given():
    model = make(
        beta1=2.0,
        beta3=3.0,
        label_weight=5.0,
        relabel_weight=7.0,
        auxiliary_weight=11.0,
        gan_weight=13.0,
        r1=17.0,
    )
    losses, t = model.player_losses(*batch(), False, tf.constant([0, 0]))
    losses, t = ({name: float(value) for name, value in part.items()} for part in (losses, t))
    assert losses["encoder"] == pytest.approx(
        2 * t["reconstruction"] + 3 * t["kl_z"] + 5 * t["label"] - 11 * t["entropy"], rel=1e-5
    )
    assert losses["decoder"] == pytest.approx(
        2 * t["reconstruction"] + 7 * t["relabel"] + 13 * t["gan"], rel=1e-5
    )
    assert losses["auxiliary"] == t["auxiliary"]
    assert losses["discriminator"] == pytest.approx(t["discriminator"] + 17 / 2 * t["r1"], rel=1e-5)


def test_labels_that_are_not_given_are_predicted_from_x():
    model = make()
    x, y = batch(3)
    read = model.encode(x).y.mean()
    assert read.shape == (3, 2)
    z = model.encode(x).z.mean()
    np.testing.assert_array_equal(z, model.encode(x, y).z.mean())
    np.testing.assert_allclose(model.reconstruct(x), model.decode(z, read), atol=1e-6)
    np.testing.assert_allclose(model.reconstruct(x, y), model.decode(z, y), atol=1e-6)
    np.testing.assert_allclose(model.transfer(x, None, y), model.decode(z, y), atol=1e-6)
    path = model.interpolate(x, "b", steps=2)
    ends = np.stack([read, read], 1)
    ends[:, :, 1] = [0, 1]
    np.testing.assert_allclose(path[:, 1], model.decode(z, ends[:, 1]), atol=1e-6)


@pytest.mark.parametrize("shape", [(4,), (16, 16, 3)])
def test_every_layer_of_the_discriminator_has_spectral_norm_one(shape):
    model = make(shape, bounded=len(shape) > 1)
    x = batch(4, shape)[0]
    for _ in range(30):  # power iteration, a step each time
        model.discriminate(x, tf.constant([0, 0]), True)
    norms = [
        np.linalg.svd(v.numpy().reshape(-1, v.shape[-1]), compute_uv=False)[0]
        for v in model.players()["discriminator"]
        if "kernel" in v.path
    ]
    assert len(norms) >= 3
    np.testing.assert_allclose(norms, 1, rtol=0.05)


def test_the_gradient_penalty_is_that_of_a_known_discriminator(monkeypatch):
    model = make(r1=1.0)
    slope = tf.constant([1.0, 2.0, 0.0, 2.0])
    monkeypatch.setattr(model, "discriminate", lambda x, seed, training, parts=1: tf.linalg.matvec(x, slope))
    _, terms = model.player_losses(*batch(), False, tf.constant([0, 0]))
    assert float(terms["r1"]) == pytest.approx(9.0)


def test_noise_and_norm_are_options():
    x, _ = batch(4)
    seed = tf.constant([0, 0])
    noisy, plain = make(instance_noise=0.5), make(instance_noise=0.0, spectral_norm=False)
    noisy.discriminate(x, seed, True)  # projects the weights once
    assert np.any(noisy.discriminate(x, seed, True).numpy() != noisy.discriminate(x, seed, False).numpy())
    np.testing.assert_array_equal(plain.discriminate(x, seed, True), plain.discriminate(x, seed, False))
    assert not any("spectral" in v.path for v in plain.variables)


def test_it_learns_to_predict_the_labels_and_to_keep_its_samples_apart():
    """Two clusters by label, a line within each: samples follow the label and fill the line."""
    random = np.random.default_rng(0)
    y = (random.random((2000, 2)) < 0.5).astype(np.float32)
    style = random.uniform(-1, 1, size=(2000, 2)).astype(np.float32)
    x = np.concatenate([2 * y - 1, style], 1)
    tf.keras.utils.set_random_seed(0)
    config = CondVAEInfoConfig(z_dim=2, w_dim=0, hidden=[32, 32], auxiliary_weight=5.0)
    model = CondVAEInfo([4], ["a", "b"], config)
    model.compile(
        tf.keras.optimizers.Adam(5e-3), kl_warmup_steps=200, steps_per_execution=20, jit_compile=False
    )
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(2000, seed=0).batch(100)
    model.fit(dataset, epochs=40, verbose=0, shuffle=False)
    assert np.mean((model.encode(x).y.mean().numpy() > 0.5) == (y > 0.5)) > 0.99
    for requested in ([0.0, 0.0], [1.0, 0.0]):
        made = model.sample(requested, n=500, seed=0).numpy()
        assert np.mean((made[:, :2] > 0) == (np.array(requested) > 0.5)) > 0.95
        # A collapsed generator has none; the line's is 1 / sqrt(3) = 0.58.
        assert np.all(made[:, 2:].std(0) > 0.3)
