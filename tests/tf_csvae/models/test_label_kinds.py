"""Labels of all kinds, some of them unknown, in every system."""

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
    CSVAEConfig,
    InputError,
    Label,
    load_data,
    load_model,
)
from tf_csvae.networks import priors
from tf_csvae.networks.label_space import LabelSpace
from tf_csvae.objectives.label_consistency import exchange_one
from tf_csvae.objectives.mmd import mmd

# In an order that keeps no two of a kind together; each is missing in some rows.
LABELS = (
    Label("sick", 0.3, missing=0.1),
    Label(
        "kind",
        kind="categorical",
        classes=("cat", "cow", "dog"),
        frequencies=(0.5, 0.3, 0.2),
        missing=0.1,
    ),
    Label("tall", 0.6),
    Label("age", kind="real", mean=40.0, scale=10.0, missing=0.1),
    Label("size", kind="real"),
)
NAN = float("nan")


def rows(n, known=0.8, seed=0):
    random = np.random.default_rng(seed)
    kind = random.choice(3, n, p=LABELS[1].frequencies)
    y = np.stack([random.random(n) < 0.3, kind, random.random(n) < 0.6, *random.normal(size=(2, n))], 1)
    return np.where(random.random(y.shape) < known, y, NAN).astype(np.float32)


def systems():
    guide = Classifier((4,), LABELS, ClassifierConfig(width=8))

    def make(system, guide=None, **options):
        w_dim = 2 if system is CSVAE else 0
        config = system.config_class(hidden=[8, 8], z_dim=3, w_dim=w_dim, **options)
        return lambda: system((4,), LABELS, config, guide=guide)

    return {
        "vae": make(VAE),
        "condvae": make(CondVAE, guide, consistency_weight=1.0),
        "condvae_info": make(CondVAEInfo),
        "csvae": make(CSVAE, guide, consistency_weight=1.0),
        "csvae_fixed": make(CSVAE, w_prior="fixed", w_posterior="residual"),
        "csvae_joint": make(CSVAE, w_prior="joint"),
    }


@pytest.fixture(params=list(systems()))
def model(request):
    tf.keras.utils.set_random_seed(0)
    return systems()[request.param]()


def test_a_step_with_unknown_labels_moves_every_variable_and_makes_no_nan(model):
    x, y = np.random.default_rng(1).normal(size=(40, 4)).astype(np.float32), rows(40)
    model.compile(tf.keras.optimizers.Adam(1e-2), run_eagerly=True, jit_compile=False)
    before = {v.path: v.numpy() for v in model.trainable_variables}
    for _ in range(2):
        terms = model.train_step((tf.constant(x), tf.constant(y)))
    assert all(np.isfinite(float(value)) for value in terms.values())
    for variable in model.trainable_variables:
        assert np.all(np.isfinite(variable)), variable.path
        assert np.any(variable.numpy() != before[variable.path]), variable.path


def test_every_method_takes_every_kind(model, tmp_path):
    x, y = np.random.default_rng(1).normal(size=(6, 4)).astype(np.float32), rows(6)
    model.compile(jit_compile=False)
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert loaded.labels == LABELS
    np.testing.assert_array_equal(model.reconstruct(x, y), loaded.reconstruct(x, y))
    if not model.label_widths:
        return
    kept = model.transfer(x, y, np.full_like(y, NAN))  # NaN leaves a label as it is
    np.testing.assert_allclose(kept, model.reconstruct(x, y), atol=1e-6)
    target = np.float32([[1, 2, 0, -1.5, 0.5]])
    for made in (
        model.transfer(x, y, target),
        model.sample(y, seed=1),
        model.sample(target, n=6, seed=1),
    ):
        assert made.shape == (6, 4)
        assert np.all(np.isfinite(made))
    whole = rows(6, known=1.0)
    path = model.interpolate(x, "kind", steps=3, y=whole).numpy()
    to_last = np.where(np.arange(5) == 1, 2, whole).astype(np.float32)
    there = whole[:, 1] != 2
    np.testing.assert_allclose(path[there, -1], model.transfer(x, whole, to_last).numpy()[there], atol=1e-5)
    assert model.interpolate(x, "age", steps=2, y=y).shape == (6, 2, 4)
    if isinstance(model, CSVAE):
        assert model.traverse(x, "age", y, steps=3).shape == (6, 3, 3, 4)
        assert model.style_transfer(x, x[::-1], "kind", y, y[::-1]).shape == x.shape


@pytest.mark.parametrize(
    ("column", "value", "complaint"),
    [
        (0, 2, "label sick must lie between 0 and 1. Received"),
        (1, 3, "label kind must be the index of a class, 0 to 2"),
        (1, 0.5, "label kind must be the index of a class, 0 to 2"),
        (3, np.inf, "label age must be finite"),
    ],
)
def test_values_that_a_label_cannot_have_are_refused(column, value, complaint):
    y = np.zeros((1, 5), np.float32)
    y[0, column] = value
    with pytest.raises(InputError, match=complaint):
        systems()["condvae"]().sample(y)


# What networks read and predict.


def test_features_of_an_unknown_label_are_its_mean():
    space = LabelSpace(LABELS)
    assert (space.widths, space.width) == ((1, 3, 1, 1, 1), 7)
    found = space.features(tf.constant([[1, 2, 0, -1.5, 2], [NAN] * 5], tf.float32))
    np.testing.assert_allclose(found, [[1, 0, 0, 1, 0, -1.5, 2], [0.3, 0.5, 0.3, 0.2, 0.6, 0, 0]], rtol=1e-6)
    np.testing.assert_allclose(space.values(found), [[1, 2, 0, -1.5, 2], [0.3, 0, 0.6, 0, 0]], rtol=1e-6)


@pytest.mark.parametrize("spread", [False, True])
def test_losses_are_the_negative_log_density_of_what_is_known(spread):
    space = LabelSpace(LABELS, spread=spread)
    random = np.random.default_rng(0)
    outputs = tf.constant(random.normal(size=(30, space.outputs)), tf.float32)
    whole = rows(30, known=1.0)
    density = space.distribution(outputs).log_prob(space.features(tf.constant(whole)))
    losses = space.losses(tf.constant(whole), outputs).numpy()
    np.testing.assert_allclose(losses.sum(1), -density, rtol=1e-4)
    some = rows(30)
    masked = np.where(np.isnan(some), NAN, whole)
    np.testing.assert_allclose(
        space.losses(tf.constant(masked), outputs), np.where(np.isnan(some), 0, losses), rtol=1e-5
    )
    if spread:
        expected = space.distribution(outputs).entropy()
        np.testing.assert_allclose(space.entropy(outputs), expected, rtol=1e-5)
        # No prediction has more entropy than one without any information.
        standard = 0.5 * np.log(2 * np.pi * np.e)
        huge = tf.fill((1, space.outputs), 50.0)
        assert LabelSpace(LABELS[3:], spread=True).entropy(huge[:, :4]) <= 2 * standard + 1e-4


def test_the_loss_of_soft_features_is_the_expected_one():
    space = LabelSpace(LABELS[:2], balance=0.5)
    outputs = tf.constant(np.random.default_rng(0).normal(size=(1, 4)), tf.float32)
    each = [space.losses(tf.constant([[y, c]]), outputs)[0].numpy() for y in (0.0, 1.0) for c in (0.0, 1, 2)]
    binary, classes = np.reshape(each, (2, 3, 2))[:, 0, 0], np.reshape(each, (2, 3, 2))[0, :, 1]
    found = space.feature_losses(tf.constant([[0.3, 0.2, 0.1, 0.7]]), outputs)[0]
    expected = [np.dot([0.7, 0.3], binary), np.dot([0.2, 0.1, 0.7], classes)]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_balanced_classes_weigh_the_same_in_total():
    label = (LABELS[1],)
    space = LabelSpace(label, balance=1.0)
    outputs = tf.zeros((3, 3))
    losses = space.losses(tf.constant([[0.0], [1], [2]]), outputs).numpy()[:, 0]
    np.testing.assert_allclose(losses * label[0].frequencies, np.log(3) / 3, rtol=1e-5)
    np.testing.assert_allclose(tf.nn.softmax(space.bias()), 1 / 3, rtol=1e-5)


def test_exchanged_labels_are_others_and_unknown_ones_are_drawn_as_often_as_they_occur():
    space, y = LabelSpace(LABELS), rows(4000)
    seed = tf.constant([1, 2])
    other, filled = space.exchanged(y, seed).numpy(), space.filled(tf.constant(y), seed).numpy()
    known = ~np.isnan(y)
    np.testing.assert_array_equal(filled[known], y[known])
    assert not np.any(other == y)
    space.check(other, "exchanged")
    for found in (other, filled):
        assert np.all(np.isfinite(found))
    drawn = filled[~known[:, 1], 1]
    # Some 800 are drawn: three deviations are 0.05.
    np.testing.assert_allclose(np.bincount(drawn.astype(int)) / len(drawn), LABELS[1].frequencies, atol=0.06)
    assert abs(other[:, 3].std() - 1) < 0.06
    exchanged, changed = exchange_one(space, tf.constant(y), seed)
    np.testing.assert_array_equal(changed.numpy().sum(1), 1)
    np.testing.assert_array_equal(exchanged.numpy()[~changed], y[~changed])


def test_groups_are_values_classes_and_thirds_of_those_that_are_known():
    y = rows(300)
    members, others, share = LabelSpace(LABELS).groups(tf.constant(y))
    members, others = members.numpy(), others.numpy()
    assert members.shape == others.shape == (300, 1 + 3 + 1 + 6)
    assert list(share) == [1, *[0.5] * 3, 1, *[0.5] * 6]
    known = ~np.isnan(y)
    np.testing.assert_array_equal((members + others)[:, 0], known[:, 0])
    np.testing.assert_array_equal(members[:, 1:4].sum(1), known[:, 1])
    np.testing.assert_array_equal(members[:, 2], y[:, 1] == 1)
    # The two real labels' lowest thirds, then their middle ones, then the highest.
    for label, columns in ((3, [5, 7, 9]), (4, [6, 8, 10])):
        sizes = members[:, columns].sum(0)
        assert sizes.sum() == known[:, label].sum()
        assert np.ptp(sizes) <= 1
        low, middle, high = (y[members[:, c] > 0, label] for c in columns)
        assert low.max() <= middle.min()
        assert middle.max() <= high.min()


def test_a_code_that_a_label_of_any_kind_moves_is_penalised():
    random = np.random.default_rng(3)
    y = rows(256, known=1.0)
    for column in range(5):
        space = LabelSpace((LABELS[column],))
        members, others, _ = space.groups(tf.constant(y[:, column : column + 1]))
        free = random.normal(size=(256, 2)).astype(np.float32)
        moved = free + 2 * y[:, column : column + 1]
        low, high = (float(tf.reduce_sum(mmd(z, members, others))) for z in (free, moved))
        assert high > 5 * abs(low)


# Priors.


@pytest.mark.parametrize("w_dim", [1, 2, 3])
def test_two_classes_have_the_means_of_a_binary_label(w_dim):
    np.testing.assert_allclose(priors.class_means(2, w_dim, 3.0), [[-3.0] * w_dim, [3.0] * w_dim], atol=1e-5)


@pytest.mark.parametrize(("classes", "w_dim"), [(3, 1), (3, 2), (4, 3), (10, 2), (10, 5), (26, 4)])
def test_no_two_classes_are_nearer_than_two_values(classes, w_dim):
    means = priors.class_means(classes, w_dim, 1.0)
    apart = np.linalg.norm(means[:, None] - means, axis=-1)[np.triu_indices(classes, 1)]
    assert apart.min() == pytest.approx(2 * np.sqrt(w_dim), rel=1e-4)
    np.testing.assert_allclose(means.mean(0), 0, atol=1e-4)


def test_each_label_moves_its_own_subspace_by_its_kind():
    prior = priors.FactorizedPrior(LABELS, 2, separation=2.0)
    means = prior(tf.constant([[0, 1, 1, 0.5, -2]], tf.float32)).mean().numpy().reshape(5, 2)
    np.testing.assert_allclose(means[0], -2)
    np.testing.assert_allclose(means[1], priors.class_means(3, 2, 2.0)[1], rtol=1e-6)
    np.testing.assert_allclose(means[2], 2)
    np.testing.assert_allclose(means[3], 1)  # the separation times the value
    np.testing.assert_allclose(means[4], -4)


def test_the_term_of_an_unknown_label_is_a_bound_that_one_of_its_values_can_meet():
    """At the prior of one class the term is -log pi of that class; far from all it is larger."""
    prior = priors.FactorizedPrior(LABELS, 2, separation=6.0)
    y = np.float32([[0, 1, 1, 0.5, -2]])
    unknown = np.where(np.arange(5) == 1, NAN, y).astype(np.float32)
    q = prior(tf.constant(y))
    assert float(prior.kl(q, tf.constant(y))[0]) == pytest.approx(0, abs=1e-5)
    assert float(prior.kl(q, tf.constant(unknown))[0]) == pytest.approx(-np.log(0.3), abs=1e-3)
    between = prior(tf.constant(unknown))  # at the mean of the classes
    assert float(prior.kl(between, tf.constant(unknown))[0]) > 10


# What a whole system learns.


def test_transfer_follows_the_law_of_a_class_and_of_a_real_label(tmp_path):
    """A made table: age sets pressure and (not linearly) hearing; the team sets a place.

    A tenth of the labels is unknown.
    """
    random = np.random.default_rng(0)
    places = {"red": (0.0, 5.0), "green": (4.0, -3.0), "blue": (-4.0, -3.0)}

    def law(age):
        return 90 + 0.6 * age, 100 / (1 + np.exp((age - 60) / 10))

    lines = ["pressure,hearing,east,north,luck,team,age"]
    for _ in range(3000):
        team, age = random.choice(list(places)), random.normal(50, 12)
        found = np.array([*law(age), *places[team], random.normal()])
        found += random.normal(size=5) * [1, 2, 0.2, 0.2, 0]
        told = ["" if random.random() < 0.1 else text for text in (team, f"{age:.1f}")]
        lines.append(",".join([*(f"{value:.3f}" for value in found), *told]))
    (tmp_path / "people.csv").write_text("\n".join(lines) + "\n")
    dataset = load_data(
        "table",
        data_path=str(tmp_path / "people.csv"),
        label_columns=["team", "age"],
        batch_size=200,
    )

    tf.keras.utils.set_random_seed(0)
    config = CSVAEConfig(z_dim=2, w_dim=2, w_posterior="residual", hidden=[32, 32])
    info = dataset.info
    model = CSVAE(info.shape, info.labels, config)
    steps = dataset.steps_per_epoch
    optimizer = tf.keras.optimizers.Adam(5e-3)
    model.compile(optimizer, kl_warmup_steps=150, jit_compile=False, steps_per_execution=steps)
    model.fit(dataset.train_from(0), epochs=30, steps_per_epoch=steps, verbose=0, shuffle=False)
    x, y = (np.concatenate(part) for part in zip(*dataset.test, strict=True))
    for team in places:
        for age in (35, 65):
            target = [label.value(text) for label, text in zip(info.labels, (team, str(age)), strict=True)]
            means = {
                name: np.mean(column)
                for name, column in info.to_columns(model.transfer(x, y, target)).items()
            }
            pressure, hearing = law(age)
            assert means["pressure"] == pytest.approx(pressure, abs=2)  # the two ages are 18 apart
            assert means["hearing"] == pytest.approx(hearing, abs=8)  # and 55 here
            np.testing.assert_allclose([means["east"], means["north"]], places[team], atol=0.8)
