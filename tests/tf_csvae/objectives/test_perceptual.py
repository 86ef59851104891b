import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_csvae import (
    CSVAE,
    VAE,
    Classifier,
    ClassifierConfig,
    CondVAE,
    CondVAEInfo,
    InputError,
    VAEConfig,
)
from tf_csvae.objectives.perceptual import perceptual, stages


def test_the_perceptual_term_is_the_density_of_the_features_of_the_guides_stages():
    tf.keras.utils.set_random_seed(0)  # without, all four features may be dead in every image
    guide = Classifier((16, 16, 3), ("a", "b"), ClassifierConfig(depth=10, width=4))
    x, other = np.float32(np.random.default_rng(0).random((2, 4, 16, 16, 3)))
    wanted = stages(guide, x)
    assert len(wanted) == 5  # of four stages, and the features
    pairs = zip(guide.stages(other), wanted, strict=True)
    variances = [np.mean(np.square(a - b)) for a, b in pairs]
    expected = 16 * 16 * 3 * np.mean([0.5 * (1 + np.log(variance)) for variance in variances])
    found = perceptual(guide, tf.constant(other), wanted).numpy()
    assert found == pytest.approx(expected, rel=1e-3)
    # The nearer, the less; but it stays finite.
    near, same = (perceptual(guide, x + share * (other - x), wanted).numpy() for share in (0.5, 0.0))
    assert same < near < expected
    assert np.isfinite(same)


@pytest.mark.parametrize("system", [VAE, CondVAE, CondVAEInfo, CSVAE])
def test_the_term_is_in_the_loss_of_every_generator_and_of_no_adversary(system):
    random = np.random.default_rng(0)
    x, y = random.normal(size=(8, 3)).astype(np.float32), np.float32(random.random((8, 1)) < 0.5)
    guide = Classifier((3,), ("a",), ClassifierConfig(width=8))

    def losses(weight):
        tf.keras.utils.set_random_seed(0)
        config = system.config_class(perceptual_weight=weight)
        model = system((3,), ("a",), config, guide=guide)
        model.compile(jit_compile=False)
        assert ("perceptual" in model.term_names) == (weight > 0)
        return model.player_losses(tf.constant(x), tf.constant(y), False, tf.constant([0, 0]))

    (without, _), (with_it, terms) = losses(0.0), losses(2.0)
    for player, loss in with_it.items():
        makes = player in ("generator", "encoder", "decoder")
        assert float(loss - without[player]) == pytest.approx(
            2 * float(terms["perceptual"]) * makes, abs=1e-4
        )


def test_what_the_guide_reads_is_reconstructed_first():
    # The guide reads only the smaller of two coordinates, and the code has room for one.
    x = np.random.default_rng(0).normal(size=(2048, 2)).astype(np.float32) * [1.0, 1.5]
    tf.keras.utils.set_random_seed(0)
    guide = Classifier((2,), ("a",), ClassifierConfig(width=8))
    first, *_ = guide.trunk.weights
    first.assign(first.numpy() * [[1.0], [0.0]])
    errors = []
    for weight in (0.0, 3.0):
        tf.keras.utils.set_random_seed(0)
        config = VAEConfig(z_dim=1, w_dim=0, perceptual_weight=weight, hidden=[32, 32])
        model = VAE((2,), ("a",), config, guide=guide)
        model.compile(keras.optimizers.Adam(5e-3), jit_compile=False)
        y = np.zeros((2048, 1), np.float32)
        data = tf.data.Dataset.from_tensor_slices((x, y)).batch(128).repeat(8)
        model.fit(data, verbose=0)
        errors.append(np.mean(np.square(model.reconstruct(x) - x), 0))
    without, with_it = errors
    assert with_it[0] < 0.5 * without[0]


def test_a_vae_with_a_guide_still_has_no_labels():
    guide = Classifier((3,), ("a", "b"), ClassifierConfig(width=8))
    model = VAE((3,), ("a", "b"), VAEConfig(perceptual_weight=1.0), guide=guide)
    assert not model.reads_labels
    with pytest.raises(InputError, match="VAE has no labels in its code"):
        model.transfer(np.zeros((2, 3)), None, [1.0, 0.0])


def test_the_term_needs_a_guide():
    with pytest.raises(InputError, match="perceptual_weight=2 needs a guide"):
        VAE((3,), ("a", "b"), VAEConfig(perceptual_weight=2.0))
