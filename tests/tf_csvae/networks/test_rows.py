import numpy as np
import pytest
import tensorflow as tf
from scipy import special

from tf_csvae import VAE, CondVAE, CondVAEConfig, InputError, VAEConfig
from tf_csvae.features import Feature
from tf_csvae.networks.rows import FeatureSpace, RowLikelihood, Rows

# A number, a category, a number that is mostly 0, which is the score -0.2.
FEATURES = (Feature(), Feature("category", 3), Feature(spike=-0.2, gap=(-1e9, 1.0)))
SPACE = FeatureSpace(FEATURES)


def rows(n, mean=(0.5, 1.5), spike=1.0, logits=(0.0, 1.0, -1.0), scale=(0.5, 0.25)):
    tiled = (np.tile(np.float32(each), (n, 1)) for each in (mean, (0.0, spike), logits))
    mean, spikes, logits = map(tf.constant, tiled)
    return Rows(SPACE, mean, tf.constant(np.float32(scale)), spikes, [logits], tf.zeros((n, 0)))


def drawn(px, n):
    return px.sample(tf.random.stateless_uniform((n, px.space.noise), (1, 2)))


def normal(x, mean, scale):
    return -0.5 * ((x - mean) / scale) ** 2 - np.log(scale * np.sqrt(2 * np.pi))


def test_a_density_is_the_sum_of_the_features_that_are_known():
    nan = np.nan
    x = np.float32(
        [
            [0.1, 0, 1, 0, -0.2],
            [0.1, 0, 1, 0, 2.0],
            [nan, 0, 1, 0, -0.2],
            [0.1, nan, nan, nan, -0.2],
            [nan] * 5,
        ]
    )
    shares = np.exp([0.0, 1.0, -1.0]) / np.exp([0.0, 1.0, -1.0]).sum()
    number, category = normal(0.1, 0.5, 0.5), np.log(shares[1])
    at, off = -np.log1p(np.exp(-1.0)), -np.log1p(np.exp(1.0))
    size = off + normal(2.0, 1.5, 0.25) - np.log(special.ndtr(2.0))  # the normal's share above the gap
    expected = [number + category + at, number + category + size, category + at, number + at, 0]
    np.testing.assert_allclose(rows(5).log_prob(tf.constant(x)), expected, rtol=1e-5, atol=1e-6)


def test_the_means_and_the_likeliest_row():
    share = 1 / (1 + np.exp(-1.0))
    mean = rows(1).mean().numpy()[0]
    assert mean[[0, 4]] == pytest.approx([0.5, -0.2 * share + 1.5 * (1 - share)])
    assert mean[1:4].sum() == pytest.approx(1)
    np.testing.assert_allclose(rows(1).mode(), [[0.5, 0, 1, 0, -0.2]], rtol=1e-6)
    # A size that would be in the gap is at its end.
    np.testing.assert_allclose(rows(1, mean=(0.5, 0.3), spike=-1.0).mode()[0, 4], 1.0)


def test_samples_are_distributed_as_the_features_and_possible():
    x = drawn(rows(20_000), 20_000).numpy()
    shares = np.exp([0.0, 1.0, -1.0]) / np.exp([0.0, 1.0, -1.0]).sum()
    np.testing.assert_allclose(x[:, 1:4].mean(0), shares, atol=0.02)
    assert set(np.unique(x[:, 1:4])) == {0, 1}
    at = np.isclose(x[:, 4], -0.2)
    assert at.mean() == pytest.approx(1 / (1 + np.exp(-1.0)), abs=0.02)
    assert x[~at, 4].min() >= 1.0
    assert (x[:, 0].mean(), x[:, 0].std()) == pytest.approx((0.5, 0.5), abs=0.02)


def test_a_spike_in_the_middle_has_sizes_on_both_sides_and_none_heaped_at_its_gap():
    """Hours of work, of which half are 40."""
    space = FeatureSpace([Feature(spike=0.0, gap=(-0.5, 0.6))])
    one = tf.ones((20_000, 1))
    px = Rows(space, 0.2 * one, tf.ones(1), 0 * one, [], one[:, :0])
    x = drawn(px, 20_000).numpy()[:, 0]
    at = np.isclose(x, 0)
    assert at.mean() == pytest.approx(0.5, abs=0.02)
    below, above = special.ndtr(-0.7), special.ndtr(-0.4)
    assert (x[~at] < 0).mean() == pytest.approx(below / (below + above), abs=0.02)
    assert not ((x[~at] > -0.5) & (x[~at] < 0.6)).any()
    assert (np.isclose(x, -0.5) | np.isclose(x, 0.6)).mean() < 0.01
    both = [float(px.log_prob(tf.fill((20_000, 1), value))[0]) for value in (-0.8, 1.2)]
    assert both[0] - both[1] == pytest.approx(0.0, abs=1e-4)  # as far from the mean


def test_an_edit_moves_numbers_and_changes_as_few_categories_as_the_probabilities_ask_for():
    n = 20_000
    own, other = rows(n), rows(n, mean=(0.9, 1.9), spike=0.0, logits=(1.0, 0.0, -1.0))
    x = drawn(own, n)
    np.testing.assert_array_equal(own.edited(x, own), x)
    made, x = own.edited(x, other).numpy(), x.numpy()
    np.testing.assert_allclose(made[:, 0], x[:, 0] + 0.4, atol=1e-6)
    shares = np.exp([[0.0, 1.0, -1.0], [1.0, 0.0, -1.0]])
    before, after = shares / shares.sum(1, keepdims=True)
    np.testing.assert_allclose(made[:, 1:4].mean(0), after, atol=0.02)
    changed = (made[:, 1:4] != x[:, 1:4]).any(1)
    assert changed.mean() == pytest.approx(np.maximum(after - before, 0).sum(), abs=0.02)
    was, now = (np.isclose(each[:, 4], -0.2) for each in (x, made))
    assert now.mean() == pytest.approx(0.5, abs=0.02)
    assert not (now & ~was).any()  # the probability of the spike fell
    np.testing.assert_allclose(made[~was, 4], x[~was, 4] + 0.4, atol=1e-6)


def test_an_edit_depends_on_the_row_alone_and_keeps_what_is_missing():
    own, other = rows(200), rows(200, mean=(0.9, 1.9), spike=0.0, logits=(1.0, 0.0, -1.0))
    x = drawn(own, 200).numpy()
    x[::3, 0], x[1::3, 1:4], x[2::3, 4] = np.nan, np.nan, np.nan
    made = own.edited(tf.constant(x), other).numpy()
    np.testing.assert_array_equal(np.isnan(made), np.isnan(x))
    again = own.edited(tf.constant(x[::-1].copy()), other).numpy()
    np.testing.assert_array_equal(again[::-1], made)


def test_a_soft_edit_is_the_edit_and_has_finite_gradients():
    n = 20_000
    own, other = rows(n), rows(n, mean=(0.9, 1.9), spike=0.0, logits=(1.0, 0.0, -1.0))
    x = drawn(own, n)
    hard, soft = own.edited(x, other), own.edited(x, other, soft=True)
    np.testing.assert_allclose(hard, soft, atol=1e-6)
    noise = tf.random.stateless_uniform((n, SPACE.noise), (1, 2))
    np.testing.assert_allclose(own.sample(noise), own.sample(noise, soft=True), atol=1e-6)
    likelihood = RowLikelihood(FEATURES)
    x = tf.constant(np.float32([[np.nan] * 5, [0.1, np.nan, np.nan, np.nan, -0.2], [np.nan, 0, 1, 0, 2.0]]))
    outputs = [tf.Variable(np.random.default_rng(i).normal(size=(3, 6)).astype(np.float32)) for i in range(2)]
    with tf.GradientTape() as tape:
        own, other = (likelihood(output, x, training=True) for output in outputs)
        made = own.edited(x, other, soft=True)
        loss = tf.reduce_sum(own.log_prob(x)) + tf.reduce_sum(tf.where(tf.math.is_nan(made), 0.0, made))
    for gradient in tape.gradient(loss, outputs):
        assert np.all(np.isfinite(gradient))


def test_the_scale_of_a_number_is_that_of_its_known_values_beside_the_spike():
    likelihood, random = RowLikelihood(FEATURES), np.random.default_rng(0)
    n = 500
    x = np.zeros((n, 5), np.float32)
    x[:, 0], x[:, 4] = random.normal(0, 0.3, n), random.normal(2, 0.6, n)
    x[: n // 2, 4], x[::2, 0] = -0.2, np.nan
    output = np.zeros((n, 6), np.float32)
    output[:, 4] = 2.0
    for _ in range(200):
        px = likelihood(tf.constant(output), tf.constant(x), training=True)
    np.testing.assert_allclose(px.normal.scale, [0.3, 0.6], rtol=0.1)
    np.testing.assert_allclose(likelihood(tf.constant(output)).normal.scale, px.normal.scale)


def test_features_that_contradict_themselves():
    for wrong in ({"kind": "real"}, {"width": 2}, {"spike": 0.0}, {"spike": 3.0, "gap": (0, 1)}):
        with pytest.raises(ValueError, match=r"no feature|lies in its gap"):
            Feature(**wrong)
    for feature in FEATURES:
        assert Feature.of([feature.to_dict()]) == (feature,)


def test_nothing_that_comes_out_is_outside_the_range():
    space = FeatureSpace([Feature(range=(-1, 1.5)), Feature(range=(-0.5, 3), spike=-0.2, gap=(-1e9, 1.0))])
    far, scale = tf.constant([[7.0, 0.5]] * 200), tf.constant([1.0, 1.0])
    own = Rows(space, far, scale, tf.zeros((200, 2)), [], tf.zeros((200, 0)))
    near = Rows(space, tf.zeros((200, 2)), scale, tf.zeros((200, 2)), [], tf.zeros((200, 0)))
    x = drawn(near, 200)
    for made in (own.mode(), drawn(own, 200), near.edited(x, own)):
        assert np.all((made[:, 0] >= -1) & (made[:, 0] <= 1.5))
        at = np.isclose(made[:, 1], -0.2)
        assert np.all(at | ((made[:, 1] >= 1) & (made[:, 1] <= 3)))
    assert np.all(own.mean()[:, 0] <= 1.5)


def test_a_column_that_a_model_gives_up_still_counts():
    likelihood = RowLikelihood([Feature()])
    for _ in range(300):
        px = likelihood(tf.fill((10, 1), 30.0), tf.zeros((10, 1)), training=True)
    assert px.normal.scale[0] == 1


def test_a_table_may_have_categories_only():
    likelihood = RowLikelihood([Feature("category", 2), Feature("category", 3)])
    x = tf.constant([[1.0, 0, 0, 0, 1]])
    px = likelihood(tf.zeros((1, 5)), x, training=True)
    np.testing.assert_allclose(px.log_prob(x), [-np.log(6)], rtol=1e-6)
    assert drawn(px, 1).shape == px.edited(x, px).shape == (1, 5)
    assert likelihood.scale is None


def test_a_model_of_rows_is_saved_with_its_features_and_refuses_what_does_not_fit():
    model = VAE([5], ["sick"], VAEConfig(hidden=(8, 8)), features=FEATURES)
    again = VAE.from_config(model.get_config())
    again.set_weights(model.get_weights())
    x = np.float32([[0.1, 0, 1, 0, -0.2], [np.nan] * 5])
    np.testing.assert_array_equal(again.reconstruct(x), model.reconstruct(x))
    assert np.all(np.isfinite(model.reconstruct(x)))
    with pytest.raises(InputError, match=r"features have 5 entries\. Received: data of shape \(4,\)"):
        VAE([4], ["sick"], features=FEATURES)
    with pytest.raises(InputError, match="likelihood=gaussian_fixed is for images and vectors"):
        VAE([5], ["sick"], VAEConfig(likelihood="gaussian_fixed"), features=FEATURES)


def test_fixed_features_are_given_and_neither_made_nor_changed():
    # An age and a sex that are fixed; a number, and one that is missing in the first row.
    features = (Feature(fixed=True), Feature(), Feature("category", 2, fixed=True), Feature())
    likelihood = RowLikelihood(features)
    x = tf.constant(np.float32([[3.0, 0.5, 0, 1, np.nan], [np.nan, 0.5, 1, 0, 0.5]]))
    outputs = [tf.constant(np.random.default_rng(i).normal(size=(2, 5)).astype(np.float32)) for i in (0, 1)]
    own, other = (likelihood(output, x) for output in outputs)
    fixed = [0, 2, 3]
    for made in (own.mean(), own.mode(), drawn(own, 2), own.edited(x, other)):
        np.testing.assert_array_equal(made.numpy()[:, fixed], x.numpy()[:, fixed])
    assert (own.edited(x, other).numpy()[:, 1] != 0.5).all()
    only = normal(0.5, outputs[0][1].numpy()[[1, 4]], 1.0).sum()
    np.testing.assert_allclose(own.log_prob(x)[1], only, rtol=1e-5)


def test_a_model_reads_fixed_features_and_samples_have_those_of_rows_with_the_label():
    """Size is age + 2 y, and the old have the label: an edit keeps the age and adds 2."""
    random, n = np.random.default_rng(0), 512
    y = np.float32(random.random((n, 1)) < 0.5)
    age = np.float32(random.normal(size=(n, 1)) + 2 * y)
    x = np.concatenate([age, age + 2 * y + np.float32(0.1 * random.normal(size=(n, 1)))], 1)
    config = CondVAEConfig(z_dim=1, hidden=(32, 32), counterfactual=True)
    model = CondVAE((2,), ["old"], config, features=[Feature(fixed=True), Feature()])
    with pytest.raises(InputError, match="some features are fixed"):
        model.decode(np.zeros((1, 1), np.float32), np.zeros((1, 1), np.float32))
    model.compile("adam")
    model.optimizer.learning_rate = 5e-3
    model.fit(x, y, batch_size=64, epochs=60, verbose=0)
    made = model.transfer(x, y, 1 - y).numpy()
    np.testing.assert_array_equal(made[:, 0], x[:, 0])
    moved = (made - x)[:, 1] * np.where(y[:, 0] > 0.5, -1, 1)
    assert np.median(moved) == pytest.approx(2, abs=0.3)
    for value in (0.0, 1.0):
        samples = model.sample([[value]], n=400, seed=1).numpy()
        known = age[y == value]
        assert set(samples[:, 0]) <= set(known)
        assert samples[:, 0].mean() == pytest.approx(known.mean(), abs=4 / np.sqrt(400))
        assert np.median(samples[:, 1] - samples[:, 0]) == pytest.approx(2 * value, abs=0.3)
