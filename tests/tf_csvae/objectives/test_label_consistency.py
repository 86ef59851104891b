import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_csvae import CSVAE, VAE, Classifier, CondVAE, CondVAEInfo, InputError, Label, load_model
from tf_csvae.labels import as_labels
from tf_csvae.models import consistency
from tf_csvae.models.label_space import LabelSpace


def test_one_label_of_each_row_is_exchanged_each_as_often():
    y = np.float32(np.random.default_rng(0).random((900, 3)) < 0.2)
    exchanged, changed = consistency.exchange_one(
        LabelSpace([Label(name) for name in "abc"]), tf.constant(y), tf.constant([1, 2])
    )
    np.testing.assert_array_equal(changed.numpy().sum(1), 1)
    np.testing.assert_array_equal(exchanged, np.where(changed, 1 - y, y))
    share = changed.numpy().mean(0)
    assert np.all(abs(share - 1 / 3) < 4 * np.sqrt(2 / 9 / 900))


def test_what_is_asked_for_keeps_all_of_a_row_but_one_subspace_or_is_new():
    model = CSVAE((3,), ("a", "b"), z_dim=4, w_dim=2, w_prior="fixed", w_separation=50.0)
    random = np.random.default_rng(0)
    z, w = (random.normal(size=(6, 4)).astype(np.float32) for _ in range(2))
    y = np.float32(random.random((6, 2)) < 0.5)
    seen = np.float32(random.random((6, 2)))
    asked_z, asked_w, asked_y, exchanged, new = (
        part.numpy() for part in consistency.asked_for(model, z, w, tf.constant(y), seen, tf.constant([0, 1]))
    )
    np.testing.assert_array_equal(exchanged.sum(1), 1)
    np.testing.assert_array_equal(new[:, 0], [False, True] * 3)
    for row in range(6):
        changed = int(np.argmax(exchanged[row]))
        assert asked_y[row, changed] == 1 - y[row, changed]
        # What stays in an example is to look as before; in a new one, as the label says.
        assert asked_y[row, 1 - changed] == (y if row % 2 else seen)[row, 1 - changed]
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
    judge = Classifier((3,), ("a", "b"), width=16)
    judge.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    judge.fit(x, y, batch_size=128, epochs=3, verbose=0)
    model = SYSTEMS[system](
        *((3,), ("a", "b")),
        z_dim=3,
        beta3=0.1,
        consistency_weight=weight,
        helper=judge if weight else None,
        networks={"hidden": [32, 32]},
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
    model = system((3,), ("a", "b"), helper=Classifier((3,), ("a", "b"), width=8))
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    read = np.float32(model.helper.classify(x).numpy() > 0.5)
    np.testing.assert_allclose(model.reconstruct(x), model.reconstruct(x, read), atol=1e-6)
    moved = model.transfer(x, None, [1.0, 0.0])
    np.testing.assert_allclose(moved, model.transfer(x, read, [1.0, 0.0]), atol=1e-6)
    assert model.reads_labels
    assert not system((3,), ("a", "b")).reads_labels


def test_the_perceptual_term_is_the_density_of_what_the_helpers_stages_see():
    tf.keras.utils.set_random_seed(0)  # without, all four features may be dead in every image
    helper = Classifier((16, 16, 3), ("a", "b"), depth=10, width=4)
    model = CondVAE(
        *((16, 16, 3), ("a", "b")),
        perceptual_weight=1.0,
        helper=helper,
        networks={"filters": [4, 8]},
        bounded=True,
    )
    x, other = np.float32(np.random.default_rng(0).random((2, 4, 16, 16, 3)))
    wanted = consistency.stages(model, x)
    assert len(wanted) == 5  # of four stages, and the features
    variances = [np.mean(np.square(a - b)) for a, b in zip(helper.stages(other), wanted, strict=True)]
    expected = 16 * 16 * 3 * np.mean([0.5 * (1 + np.log(variance)) for variance in variances])
    assert consistency.perceptual(model, tf.constant(other), wanted).numpy() == pytest.approx(
        expected, rel=1e-3
    )
    # The nearer, the less; and not without end.
    near, same = (
        consistency.perceptual(model, x + share * (other - x), wanted).numpy() for share in (0.5, 0.0)
    )
    assert same < near < expected
    assert np.isfinite(same)


@pytest.mark.parametrize("system", [VAE, CondVAE, CondVAEInfo, CSVAE])
def test_every_generator_is_moved_by_what_the_helper_looks_at(system):
    random = np.random.default_rng(0)
    x, y = random.normal(size=(8, 3)).astype(np.float32), np.float32(random.random((8, 1)) < 0.5)
    helper = Classifier((3,), ("a",), width=8)

    def losses(weight):
        tf.keras.utils.set_random_seed(0)
        model = system((3,), ("a",), perceptual_weight=weight, helper=helper)
        assert ("perceptual" in model.term_names) == (weight > 0)
        return model.losses(tf.constant(x), tf.constant(y), False, tf.constant([0, 0]))

    (without, _), (with_it, terms) = losses(0.0), losses(2.0)
    for player, loss in with_it.items():
        makes = player in ("generator", "encoder", "decoder")
        assert float(loss - without[player]) == pytest.approx(
            2 * float(terms["perceptual"]) * makes, abs=1e-4
        )


def test_what_the_helper_looks_at_is_reconstructed_first():
    # The helper sees the smaller of two coordinates alone, and the code has room for one.
    x = np.random.default_rng(0).normal(size=(2048, 2)).astype(np.float32) * [1.0, 1.5]
    tf.keras.utils.set_random_seed(0)
    helper = Classifier((2,), ("a",), width=8)
    first, *_ = helper.trunk.weights
    first.assign(first.numpy() * [[1.0], [0.0]])
    errors = []
    for weight in (0.0, 3.0):
        tf.keras.utils.set_random_seed(0)
        options = {
            "z_dim": 1,
            "perceptual_weight": weight,
            "helper": helper,
            "networks": {"hidden": [32, 32]},
        }
        model = VAE((2,), ("a",), **options)
        model.compile(keras.optimizers.Adam(5e-3), jit_compile=False)
        y = np.zeros((2048, 1), np.float32)
        model.fit(tf.data.Dataset.from_tensor_slices((x, y)).batch(128).repeat(8), verbose=0)
        errors.append(np.mean(np.square(model.reconstruct(x) - x), 0))
    without, with_it = errors
    assert with_it[0] < 0.5 * without[0]


def test_a_vae_with_a_helper_still_knows_no_labels():
    model = VAE((3,), ("a", "b"), perceptual_weight=1.0, helper=Classifier((3,), ("a", "b"), width=8))
    assert not model.reads_labels
    with pytest.raises(InputError, match="knows no labels"):
        model.transfer(np.zeros((2, 3)), None, [1.0, 0.0])


def test_a_helper_must_be_there_and_of_the_same_data():
    with pytest.raises(InputError, match="needs a helper, a trained classifier"):
        CSVAE((3,), ("a", "b"), consistency_weight=1.0)
    with pytest.raises(InputError, match=r"perceptual_weight=2\.0 needs a helper"):
        VAE((3,), ("a", "b"), perceptual_weight=2.0)
    with pytest.raises(InputError, match="The helper knows the labels a; these data have a, b"):
        CSVAE((3,), ("a", "b"), helper=Classifier((3,), ("a",)))


def test_a_helper_is_saved_with_the_model_and_does_not_learn(tmp_path):
    helper = Classifier((3,), ("a", "b"), width=8)
    helper.compile()
    model = CSVAE((3,), ("a", "b"), consistency_weight=1.0, helper=helper)
    assert model.count_params() == CSVAE((3,), ("a", "b")).count_params()
    before = helper.get_weights()
    random = np.random.default_rng(0)
    x, y = random.normal(size=(64, 3)), random.integers(0, 2, (64, 2))
    model.compile(jit_compile=False)
    model.fit(np.float32(x), np.float32(y), verbose=0)
    model.save(tmp_path / "model.keras")
    for kept in (model, load_model(tmp_path / "model.keras")):
        for a, b in zip(before, kept.helper.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_an_exchange_weighs_as_much_as_it_takes():
    labels = as_labels(["easy", "hard", Label("number", kind="real")])
    emphasis = consistency.Emphasis(LabelSpace(labels), labels, 0.9)
    # In faces that were there the second label is hard to show, in new ones it is not.
    new = np.arange(30)[:, None] % 2 == 1
    losses = tf.constant(np.where(new, np.float32([0.01, 0.01, 2.0]), np.float32([0.01, 1.5, 2.0])))
    changed = tf.constant(np.eye(3, dtype=bool)[np.arange(30) // 2 % 3])
    asked = tf.ones((30, 3))

    def weights(losses=losses, **options):
        return emphasis(losses, asked, changed, new, **options)

    start = consistency.EMPHASIS
    np.testing.assert_allclose(weights(), start, rtol=1e-5)  # not in training
    np.testing.assert_allclose(weights(training=True), start, rtol=1e-5)
    rise = np.exp(consistency.RATE * (0.9 - np.exp(-1.5)))
    expected = np.where(new, [start, start, start], [start, start * rise, start])
    np.testing.assert_allclose(weights(), expected, rtol=1e-4)
    for _ in range(300):
        weights(training=True)
    expected = np.where(new, [start, start, start], [start, consistency.MOST_EMPHASIS, start])
    np.testing.assert_allclose(weights(), expected, rtol=1e-4)
    weights(tf.fill((30, 3), 0.01), training=True)
    assert start < weights().numpy()[0, 1] < consistency.MOST_EMPHASIS


def test_no_exchange_has_to_show_more_than_real_data_do():
    labels = as_labels(["clear", "vague", Label("shape", kind="categorical", classes=("a", "b", "c"))])
    space = LabelSpace(labels)
    emphasis = consistency.Emphasis(space, labels, 0.9)
    # Half of the data have each binary label; of the vague one, and of class c, the helper is never sure.
    y = np.float32([[0, 0, 0], [0, 1, 1], [1, 0, 2], [1, 1, 2]])
    vague = np.float32([[0, 0.1], [0, 0.3], [1, 0.1], [1, 0.3]])
    classes = np.float32([[1, 0, 0], [0, 1, 0], [0.5, 0, 0.5], [0.7, 0, 0.3]])
    unknown = np.full((1, 3), np.nan, np.float32)
    for _ in range(200):
        emphasis.look(
            np.concatenate([y, unknown]), tf.constant(np.pad(np.hstack([vague, classes]), ((0, 1), (0, 0))))
        )
    np.testing.assert_allclose(emphasis.sure[1], [1, 0.3, 1, 1, 0.4], atol=0.05)
    np.testing.assert_allclose(emphasis.sure[0, :2], [1, 0.9], atol=0.05)
    # All are asked for, and the helper gives each 0.45: not enough of the clear one, enough of the others.
    losses, new = tf.fill((6, 3), -np.log(0.45).astype(np.float32)), np.arange(6)[:, None] % 2 == 1
    changed = tf.constant(np.eye(3, dtype=bool)[np.arange(6) // 2])
    asked = space.features(tf.constant(np.tile(np.float32([[1, 1, 2]]), (6, 1))))
    for _ in range(10):
        emphasis(losses, asked, changed, new, training=True)
    clear, vague, shape = emphasis(losses, asked, changed, new).numpy()[0]
    assert clear > consistency.EMPHASIS * 1.05
    np.testing.assert_allclose([vague, shape], consistency.EMPHASIS, rtol=1e-5)


def test_an_exchange_target_is_a_probability():
    with pytest.raises(ValueError, match="exchange_target must lie in"):
        CondVAE((3,), ("a",), exchange_target=1.0)
