import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_csvae import (
    CSVAE,
    Classifier,
    ClassifierConfig,
    CondVAE,
    CondVAEConfig,
    CSVAEConfig,
    InputError,
    Label,
    load_model,
)
from tf_csvae.labels import as_labels
from tf_csvae.networks.label_space import LabelSpace
from tf_csvae.objectives import label_consistency
from tf_csvae.objectives.label_consistency import EXCHANGE_WEIGHT, MAX_WEIGHT, Exchange
from tf_csvae.objectives.term import Step


def test_one_label_of_each_row_is_exchanged_each_as_often():
    y = np.float32(np.random.default_rng(0).random((900, 3)) < 0.2)
    exchanged, changed = label_consistency.exchange_one(
        LabelSpace([Label(name) for name in "abc"]), tf.constant(y), tf.constant([1, 2])
    )
    np.testing.assert_array_equal(changed.numpy().sum(1), 1)
    np.testing.assert_array_equal(exchanged, np.where(changed, 1 - y, y))
    share = changed.numpy().mean(0)
    assert np.all(abs(share - 1 / 3) < 4 * np.sqrt(2 / 9 / 900))


def test_a_request_keeps_all_of_a_row_but_one_subspace_or_is_new():
    config = CSVAEConfig(z_dim=4, w_dim=2, w_prior="fixed", w_separation=50.0)
    model = CSVAE((3,), ("a", "b"), config)
    random = np.random.default_rng(0)
    z, w = (random.normal(size=(6, 4)).astype(np.float32) for _ in range(2))
    y = np.float32(random.random((6, 2)) < 0.5)
    # A guide whose outputs are the features that it gets.
    guide = types.SimpleNamespace(head=lambda features: features)
    outputs = tf.constant(random.normal(size=(6, 2)), tf.float32)
    seen = model.space.means(outputs).numpy()
    step = Step(tf.zeros([6, 3]), tf.constant(y), True, tf.constant([0, 1]), None, z, w, stages=[outputs])
    found = label_consistency.request(model.space, guide, step, model.label_code, model.label_slots)
    np.testing.assert_array_equal(found.seen, seen)
    requested_z, requested_w, requested_y, exchanged, new = (
        part.numpy() for part in (found.z, found.w, found.features, found.changed, found.new)
    )
    np.testing.assert_array_equal(exchanged.sum(1), 1)
    np.testing.assert_array_equal(new[:, 0], [False, True] * 3)
    for row in range(6):
        changed = int(np.argmax(exchanged[row]))
        assert requested_y[row, changed] == 1 - y[row, changed]
        # A label that an edit keeps is to look as before; that of a new example, as the label says.
        kept = (y if row % 2 else seen)[row, 1 - changed]
        assert requested_y[row, 1 - changed] == kept
        if row % 2:
            assert not np.any(requested_z[row] == z[row])
            assert np.all(np.sign(requested_w[row]) == np.repeat(2 * requested_y[row] - 1, 2))
        else:
            np.testing.assert_array_equal(requested_z[row], z[row])
            own, other = (slice(2 * i, 2 * i + 2) for i in (changed, 1 - changed))
            np.testing.assert_array_equal(requested_w[row, other], w[row, other])
            assert np.all(np.sign(requested_w[row, own]) == 2 * requested_y[row, changed] - 1)


SYSTEMS = {
    # Nothing removes the labels from z, and at this price w is not used: so z carries them.
    "csvae": (CSVAE, {"adversarial": False, "beta2": 8.0}),
    "condvae": (CondVAE, {"w_dim": 0}),
}


@pytest.mark.parametrize(
    ("system", "weight", "moves"),
    [("csvae", 20.0, True), ("csvae", 0.0, False), ("condvae", 20.0, True)],
)
def test_with_consistency_an_exchange_shows_the_label_and_keeps_the_other(system, weight, moves):
    # Each label moves a coordinate of its own; a third is the object's.
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    y = np.float32(random.random((2048, 2)) < [0.5, 0.2])
    x = np.float32(np.concatenate([2 * y - 1, random.normal(size=(2048, 1))], 1))
    x += 0.1 * random.normal(size=x.shape).astype(np.float32)
    guide = Classifier((3,), ("a", "b"), ClassifierConfig(width=16))
    guide.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    guide.fit(x, y, batch_size=128, epochs=3, verbose=0)
    kind, options = SYSTEMS[system]
    config = kind.config_class(**options, z_dim=3, beta3=0.1, consistency_weight=weight, hidden=[32, 32])
    model = kind((3,), ("a", "b"), config, guide=guide if weight else None)
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
def test_with_minimality_an_edit_changes_no_more_than_the_label(system):
    # The label moves one coordinate. The others are the object's, and an edit need not touch them.
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    y = np.float32(random.random((2048, 1)) < 0.5)
    x = np.float32(np.concatenate([2 * y - 1, random.normal(size=(2048, 3))], 1))
    x[:, 0] += 0.1 * random.normal(size=2048).astype(np.float32)
    guide = Classifier((4,), ("a",), ClassifierConfig(width=16))
    guide.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    guide.fit(x, y, batch_size=128, epochs=3, verbose=0)
    touched = []
    for weight in (0.0, 2.0):
        options = {"w_dim": 2, "beta3": 4.0} if system is CSVAE else {"w_dim": 0}
        config = system.config_class(
            z_dim=3, consistency_weight=20.0, minimality_weight=weight, hidden=[32, 32], **options
        )
        model = system((4,), ("a",), config, guide=guide)
        model.compile(keras.optimizers.Adam(5e-3), jit_compile=False)
        model.fit(x, y, batch_size=128, epochs=12, verbose=0)
        own, made = (model.transfer(x, y, target, seed=1).numpy() for target in (y, 1 - y))
        assert np.mean((made[:, 0] > 0) == (y[:, 0] < 0.5)) > 0.95
        touched.append(np.abs(made - own)[:, 1:].mean())
    assert touched[1] < 0.7 * touched[0]


def test_minimality_is_the_distance_in_standard_deviations_and_needs_an_exchange():
    guide = Classifier((8, 8, 3), ("a",), ClassifierConfig(depth=10, width=4))
    options = {"consistency_weight": 1.0, "minimality_weight": 2.0, "hidden": (8,), "filters": (4,)}
    model = CSVAE((8, 8, 3), ("a",), CSVAEConfig(**options), guide=guide, bounded=True)
    x, y = np.random.default_rng(0).random((8, 8, 8, 3), np.float32), np.zeros((8, 1), np.float32)
    step = model.forward(tf.constant(x), tf.constant(y), False, tf.constant([0, 1]))
    exchange = step.exchange
    edits = ~exchange.new.numpy()[:, 0]
    other = model.generative(exchange.z, exchange.w).mean().numpy()[edits]
    moved = np.abs(other - step.px.mean().numpy()[edits]) / step.px.stddev().numpy()[edits]
    np.testing.assert_allclose(exchange.moved.numpy()[edits], moved.sum((1, 2, 3)), rtol=1e-4)
    assert not exchange.moved.numpy()[~edits].any()
    (term,) = [term for term in model.objective()["generator"] if term.name == "minimality"]
    assert term.weight == 2.0
    np.testing.assert_allclose(term.value(step), moved.sum() / len(x), rtol=1e-4)
    alone = CSVAE((8, 8, 3), ("a",), CSVAEConfig(**{**options, "consistency_weight": 0.0}), guide=guide)
    assert not [term for term in alone.objective()["generator"] if term.name == "minimality" and term.weight]


@pytest.mark.parametrize("system", [CSVAE, CondVAE])
def test_a_guide_predicts_the_labels_that_are_not_given(system):
    guide = Classifier((3,), ("a", "b"), ClassifierConfig(width=8))
    model = system((3,), ("a", "b"), guide=guide)
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    read = np.float32(model.guide.classify(x).numpy() > 0.5)
    np.testing.assert_allclose(model.reconstruct(x), model.reconstruct(x, read), atol=1e-6)
    moved = model.transfer(x, None, [1.0, 0.0])
    np.testing.assert_allclose(moved, model.transfer(x, read, [1.0, 0.0]), atol=1e-6)
    assert model.reads_labels
    assert not system((3,), ("a", "b")).reads_labels


def test_a_guide_must_be_there_and_of_the_same_data():
    with pytest.raises(InputError, match="needs a guide, a trained Classifier"):
        CSVAE((3,), ("a", "b"), CSVAEConfig(consistency_weight=1.0))
    with pytest.raises(InputError, match="The guide has the labels a; these data have a, b"):
        CSVAE((3,), ("a", "b"), guide=Classifier((3,), ("a",)))


def test_a_guide_is_saved_with_the_model_and_does_not_learn(tmp_path):
    guide = Classifier((3,), ("a", "b"), ClassifierConfig(width=8))
    guide.compile()
    model = CSVAE((3,), ("a", "b"), CSVAEConfig(consistency_weight=1.0), guide=guide)
    assert model.count_params() == CSVAE((3,), ("a", "b")).count_params()
    before = guide.get_weights()
    random = np.random.default_rng(0)
    x, y = random.normal(size=(64, 3)), random.integers(0, 2, (64, 2))
    model.compile(jit_compile=False)
    model.fit(np.float32(x), np.float32(y), verbose=0)
    model.save(tmp_path / "model.keras")
    for kept in (model, load_model(tmp_path / "model.keras")):
        for a, b in zip(before, kept.guide.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def exchange(features, changed, new):
    """An exchange, as far as its weights read it."""
    return Exchange(None, None, None, None, features, changed, new, None, None)


def test_an_exchange_weighs_as_much_as_it_takes():
    labels = as_labels(["easy", "hard", Label("number", kind="real")])
    layer = label_consistency.ExchangeWeights(LabelSpace(labels), labels, 0.9)
    # In edits the second label is hard to show, in new examples it is not.
    new = np.arange(30)[:, None] % 2 == 1
    losses = tf.constant(np.where(new, np.float32([0.01, 0.01, 2.0]), np.float32([0.01, 1.5, 2.0])))
    changed = tf.constant(np.eye(3, dtype=bool)[np.arange(30) // 2 % 3])
    requested = exchange(tf.ones((30, 3)), changed, new)

    def weights(losses=losses, **options):
        return layer(losses, exchange=requested, **options)

    start = EXCHANGE_WEIGHT
    np.testing.assert_allclose(weights(), start, rtol=1e-5)  # not in training
    np.testing.assert_allclose(weights(training=True), start, rtol=1e-5)
    rise = np.exp(label_consistency.RATE * (0.9 - np.exp(-1.5)))
    expected = np.where(new, [start, start, start], [start, start * rise, start])
    np.testing.assert_allclose(weights(), expected, rtol=1e-4)
    for _ in range(300):
        weights(training=True)
    expected = np.where(new, [start, start, start], [start, MAX_WEIGHT, start])
    np.testing.assert_allclose(weights(), expected, rtol=1e-4)
    weights(tf.fill((30, 3), 0.01), training=True)
    assert start < weights().numpy()[0, 1] < MAX_WEIGHT


def test_no_exchange_has_to_show_more_than_real_data_do():
    shape = Label("shape", kind="categorical", classes=("a", "b", "c"))
    labels = as_labels(["clear", "vague", shape])
    space = LabelSpace(labels)
    layer = label_consistency.ExchangeWeights(space, labels, 0.9)
    # Half of the data have each binary label. The guide is never certain of the vague one, nor of
    # class c.
    y = np.float32([[0, 0, 0], [0, 1, 1], [1, 0, 2], [1, 1, 2]])
    vague = np.float32([[0, 0.1], [0, 0.3], [1, 0.1], [1, 0.3]])
    classes = np.float32([[1, 0, 0], [0, 1, 0], [0.5, 0, 0.5], [0.7, 0, 0.3]])
    unknown = np.full((1, 3), np.nan, np.float32)
    seen = tf.constant(np.pad(np.hstack([vague, classes]), ((0, 1), (0, 0))))
    for _ in range(200):
        layer.follow(np.concatenate([y, unknown]), seen)
    np.testing.assert_allclose(layer.certainty[1], [1, 0.3, 1, 1, 0.4], atol=0.05)
    np.testing.assert_allclose(layer.certainty[0, :2], [1, 0.9], atol=0.05)
    # All are requested, and the guide gives each 0.45: not enough of the clear one, enough of the
    # others.
    losses = tf.fill((6, 3), -np.log(0.45).astype(np.float32))
    new = np.arange(6)[:, None] % 2 == 1
    changed = tf.constant(np.eye(3, dtype=bool)[np.arange(6) // 2])
    features = space.features(tf.constant(np.tile(np.float32([[1, 1, 2]]), (6, 1))))
    requested = exchange(features, changed, new)
    for _ in range(10):
        layer(losses, exchange=requested, training=True)
    clear, vague, shape = layer(losses, exchange=requested).numpy()[0]
    assert clear > EXCHANGE_WEIGHT * 1.05
    np.testing.assert_allclose([vague, shape], EXCHANGE_WEIGHT, rtol=1e-5)


@pytest.mark.parametrize(
    # Weights that may fall below the start do not grow beyond it.
    ("least", "most"),
    [(0.01, EXCHANGE_WEIGHT), (EXCHANGE_WEIGHT, MAX_WEIGHT)],
)
def test_the_values_of_a_label_have_weights_of_their_own_within_bounds(least, most):
    labels = as_labels(["sick", Label("blood", kind="categorical", classes=("a", "b", "c"))])
    space = LabelSpace(labels)
    layer = label_consistency.ExchangeWeights(space, labels, 1.0, least)
    # The guide sees sick=1 too seldom and sick=0 well enough; of blood only b too seldom.
    layer.certainty.assign(np.float32([[0.7, 1, 1, 1], [0.7, 0.7, 0.7, 0.7]]))
    y = np.float32([[1, 0], [0, 1], [1, 1], [0, 2]])
    changed = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], bool)
    seen = np.float32([[0.2, 0.9], [0.9, 0.9], [0.9, 0.2], [0.9, 0.9]])
    new = np.zeros((4, 1), bool)
    requested = exchange(space.features(tf.constant(y)), tf.constant(changed), tf.constant(new))
    losses = tf.constant(-np.log(seen))
    for _ in range(300):
        weights = layer(losses, exchange=requested, training=True).numpy()
    start = EXCHANGE_WEIGHT
    for row, label in ((0, 0), (2, 1)):
        assert weights[row, label] > 2 * start or most == start
    for row, label in ((1, 0), (3, 1)):
        assert weights[row, label] < start / 2 or least == start
    assert weights[0, 1] == pytest.approx(start)  # nobody asked for a
    for _ in range(3000):
        weights = layer(losses, exchange=requested, training=True).numpy()
    assert weights[1, 0] == pytest.approx(least)
    assert weights[0, 0] == pytest.approx(most)


def test_an_exchange_target_is_a_probability():
    with pytest.raises(InputError, match=r"exchange_target must be .* from 0 to 1\. Received"):
        CondVAEConfig(exchange_target=1.1)


def test_the_guide_sees_every_so_many_examples_and_no_other():
    guide = Classifier((3,), ("a", "b"), ClassifierConfig(width=8))
    config = CSVAEConfig(consistency_weight=1.0, perceptual_weight=1.0, counterfactual=True, guide_every=3)
    model = CSVAE((3,), ("a", "b"), config, guide=guide)
    model.compile(jit_compile=False)
    random = np.random.default_rng(0)
    x, y = (tf.constant(random.random((7, n)).round(), tf.float32) for n in (3, 2))
    step = model.forward(x, y, True, tf.constant([0, 0]))
    np.testing.assert_array_equal(step.exchange.x, x[::3])
    np.testing.assert_array_equal(step.exchange.y, y[::3])
    np.testing.assert_array_equal(step.exchange.new[:, 0], [False, True, False])
    assert {len(each) for each in (*step.stages, step.exchange.made)} == {3}
    assert len(step.px.mean()) == 7
    assert all(np.isfinite(value) for value in model.train_step((x, y)).values())


@pytest.mark.parametrize("system", [CondVAE, CSVAE])
def test_a_discriminator_is_given_examples_and_edits_with_their_labels(system):
    guide = Classifier((3,), ("a", "b"), ClassifierConfig(width=8, noise=0.0))
    config = system.config_class(consistency_weight=1.0, realism_weight=1.0)
    model = system((3,), ("a", "b"), config, guide=guide)
    assert "discriminator" in model.players()
    random = np.random.default_rng(0)
    x, y = (tf.constant(random.random((6, n)).round(), tf.float32) for n in (3, 2))
    step, given = model.forward(x, y, True, tf.constant([0, 0])), []

    def discriminator(inputs, training):
        given.extend(inputs)
        return tf.range(12.0)[:, None]

    label_consistency.tell_apart(model.space, guide, discriminator, step)
    exchange, (images, labels) = step.exchange, given
    np.testing.assert_allclose(images, np.concatenate([x, exchange.made]))
    np.testing.assert_array_equal(labels[:6], y)
    # Of an edit the labels are hard, too, though the guide's view of those that stay is not.
    edited = ~exchange.new[:, 0]
    other = np.where(exchange.changed, 1 - y, y)
    np.testing.assert_array_equal(labels[6:][edited], other[edited])
    assert set(np.unique(labels)) == {0, 1}
    np.testing.assert_array_equal(exchange.real, np.arange(6))
    np.testing.assert_array_equal(exchange.fake, np.arange(6, 12))


def test_realism_needs_label_consistency_and_moves_the_decoder():
    guide = Classifier((3,), ("a", "b"), ClassifierConfig(width=8))
    assert "discriminator" not in CondVAE((3,), ("a", "b"), CondVAEConfig(realism_weight=1.0)).players()
    config = CondVAEConfig(consistency_weight=1e-6, realism_weight=1.0, beta1=0.0, beta3=0.0)
    model = CondVAE((3,), ("a", "b"), config, guide=guide)
    model.compile(keras.optimizers.Adam(1e-2), keras.optimizers.SGD(0.0), jit_compile=False)
    x, y = (tf.zeros((64, n)) for n in (3, 2))
    found = [float(model.train_on_batch(x, y, return_dict=True)["realism"]) for _ in range(40)]
    assert np.mean(found[-5:]) < np.mean(found[:5])
