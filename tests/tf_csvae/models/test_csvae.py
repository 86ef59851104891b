import numpy as np
import pytest
import tensorflow as tf

from tf_csvae import CSVAE, CSVAEConfig, InputError, Label
from tf_csvae.evaluation.metrics import probe
from tf_csvae.networks.distributions import tfd


def make(bounded=False, seed=0, **options):
    tf.keras.utils.set_random_seed(1)
    config = CSVAEConfig(hidden=[8, 8], **options)
    return CSVAE([4], ["a", "b"], config, bounded=bounded, seed=seed)


def batch(n=16):
    random = np.random.default_rng(0)
    y = (random.random((n, 2)) < 0.5).astype(np.float32)
    return random.normal(size=(n, 4)).astype(np.float32), y


def step(model):
    """Runs one eager training step; returns what each variable moved by."""
    before = {variable.path: variable.numpy() for variable in model.variables}
    model.train_step(tuple(map(tf.constant, batch())))
    return {v.path: np.abs(v.numpy() - before[v.path]).max() for v in model.variables}


def test_losses_are_the_papers_with_the_weights_given():
    weights = {
        "beta1": 2.0,
        "beta2": 3.0,
        "beta3": 5.0,
        "beta4": 7.0,
        "beta5": 11.0,
        "mmd_weight": 13.0,
    }
    model = make(**weights)
    losses, terms = model.player_losses(*map(tf.constant, batch()), False, tf.constant([0, 0]))
    m1 = (
        2 * terms["reconstruction"]
        + 3 * terms["kl_w"]
        + 5 * terms["kl_z"]
        - 7 * terms["entropy"]
        + 13 * terms["mmd"]
    )
    assert float(losses["generator"]) == pytest.approx(float(m1), rel=1e-5)
    assert float(losses["adversary"]) == pytest.approx(11 * float(terms["adversary"]), rel=1e-6)


def test_reconstruction_is_the_negative_log_density_in_nats_per_example():
    model = make(likelihood="gaussian_fixed", likelihood_scale=0.5)
    x, y = map(tf.constant, batch())
    _, terms = model.player_losses(x, y, False, tf.constant([3, 4]))
    mean = model.decode(*model.encode(x, y).sample(tf.constant([3, 4])))
    log_density = -0.5 * ((x - mean) / 0.5) ** 2 - np.log(0.5 * np.sqrt(2 * np.pi))
    assert float(terms["reconstruction"]) == pytest.approx(
        -float(tf.reduce_mean(tf.reduce_sum(log_density, 1))), rel=1e-5
    )


def test_without_adversary_no_term_removes_the_labels():
    model = make(adversarial=False)
    losses, terms = model.player_losses(*map(tf.constant, batch()), True, tf.constant([0, 0]))
    assert list(losses) == ["generator"]
    assert not {"entropy", "adversary", "mmd"} & set(terms)


def test_kl_terms_are_warmed_up_by_the_step():
    model = make()
    model.compile("adam", kl_warmup_steps=4)
    seen = []
    for _ in range(6):
        seen.append(float(model.kl_weight))
        step(model)
    assert seen == pytest.approx([0, 0.25, 0.5, 0.75, 1, 1])


def test_noise_repeats_by_seed_and_differs_by_step():
    def losses(seed):
        model = make(seed=seed)
        model.compile(tf.keras.optimizers.SGD(0.0), run_eagerly=True)
        return [float(model.train_step(tuple(map(tf.constant, batch())))["reconstruction"]) for _ in range(3)]

    assert losses(0) == losses(0)
    assert losses(0) != losses(1)
    assert len(set(losses(0))) == 3


def test_transfer_changes_only_the_subspaces_of_labels_that_change():
    model = make(w_prior="fixed")
    x, y = batch(3)
    target = y.copy()
    target[:, 1] = 1 - y[:, 1]
    z, w = model.encode(x, y).mean()
    new = tf.concat([model.subspace(w, "a"), model.subspace(model.prior(tf.constant(target)).mean(), "b")], 1)
    np.testing.assert_allclose(model.transfer(x, y, target), model.decode(z, new), atol=1e-6)
    drawn = model.transfer(x, y, target, seed=1)
    np.testing.assert_array_equal(drawn, model.transfer(x, y, target, seed=1))
    assert np.any(drawn.numpy() != model.transfer(x, y, target, seed=2).numpy())


def test_without_labels_only_z_is_known():
    model = make()
    x, _ = batch(3)
    code = model.encode(x)
    assert code.w is None
    np.testing.assert_allclose(code.z.mean(), model.encode(x, [0.0, 1.0]).z.mean(), atol=1e-6)
    for call in (
        lambda: model.reconstruct(x),
        lambda: model.interpolate(x, "a"),
    ):
        with pytest.raises(InputError, match="needs the labels y"):
            call()
    with pytest.raises(InputError, match=r"needs w, \[n, 4\]"):
        model.decode(code.z.mean())
    with pytest.raises(InputError, match="sample: give y"):
        model.sample()
    with pytest.raises(InputError, match="one style, or one per example"):
        model.style_transfer(x, x[:2], "a", [0.0, 1.0], [0.0, 1.0])
    with pytest.raises(InputError, match="Received: 2 for 3"):
        model.restyle(x, "a", np.zeros((2, 2)), [0.0, 1.0])


@pytest.mark.parametrize("w_prior", ["factorized", "fixed", "joint"])
@pytest.mark.parametrize("shared_encoder", [False, True])
def test_every_prior_and_encoder_trains_and_is_restored_from_its_config(w_prior, shared_encoder):
    model = make(w_prior=w_prior, shared_encoder=shared_encoder, w_dim=3)
    model.compile("adam", run_eagerly=True)
    moved = step(model)
    prior = [moved[v.path] for v in model.prior.variables]
    assert (max(prior) > 0) == (w_prior != "fixed")
    assert CSVAE.from_config(model.get_config()).get_config() == model.get_config()


@pytest.mark.parametrize("frequency", [0.0, 1.0])
def test_a_label_that_never_varies_trains_without_nan(frequency):
    model = CSVAE([4], [Label("a", frequency)], CSVAEConfig(hidden=[8, 8]))
    model.compile("adam", run_eagerly=True)
    x, _ = map(tf.constant, batch())
    terms = model.train_step((x, tf.fill((16, 1), frequency)))
    assert all(np.isfinite(float(value)) for value in terms.values())


@pytest.mark.parametrize(
    "options", [{"z_dim": 0}, {"w_dim": -1}, {"w_prior": "none"}, {"likelihood": "cauchy"}]
)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ValueError, match="Received"):
        make(**options)


def test_it_learns_to_keep_the_label_out_of_z():
    """A line with a label at one end: z must leave the label to w, and both must be used."""
    random = np.random.default_rng(0)
    t = random.uniform(-1, 1, size=(4000, 2)).astype(np.float32)
    y = (t[:, :1] > 0.4).astype(np.float32)
    tf.keras.utils.set_random_seed(0)
    config = CSVAEConfig(z_dim=2, w_dim=2, hidden=[32, 32])
    model = CSVAE([2], [Label("end", float(y.mean()))], config)
    model.compile(
        tf.keras.optimizers.Adam(5e-3), kl_warmup_steps=480, steps_per_execution=20, jit_compile=False
    )
    dataset = tf.data.Dataset.from_tensor_slices((t, y)).shuffle(4000, seed=0).batch(200)
    model.fit(dataset, epochs=60, verbose=0, shuffle=False)
    z = model.encode(t, y).z.sample(seed=[0, 0]).numpy()
    # Without the two penalties this ends above 0.9.
    assert probe(z[:2000], y[:2000, 0], z[2000:], y[2000:, 0])["auc"] < 0.6
    error = np.mean((model.reconstruct(t, y).numpy() - t) ** 2)
    assert error < 0.1 * np.var(t)


def test_under_a_joint_prior_every_label_owns_all_of_w():
    model = make(w_prior="joint")
    x, y = batch(3)
    target = y.copy()
    target[:2, 1] = 1 - y[:2, 1]
    z, w = model.encode(x, y).mean()
    whole = model.decode(z, model.prior(tf.constant(target)).mean()).numpy()
    moved = model.transfer(x, y, target).numpy()
    np.testing.assert_allclose(moved[:2], whole[:2], atol=1e-6)
    np.testing.assert_allclose(moved[2], model.reconstruct(x, y)[2], atol=1e-6)
    assert model.subspace(w, "a").shape == w.shape


def test_bernoulli_needs_data_in_zero_to_one():
    with pytest.raises(InputError, match="needs data in"):
        make(likelihood="bernoulli")
    make(likelihood="bernoulli", bounded=True)


def test_style_transfer_exchanges_one_subspace():
    model = make()
    (x, y), other = batch(3), batch(6)[0][3:]
    y_other = 1 - y
    made = model.style_transfer(x, other, "b", y, y_other)
    code, style = model.encode(x, y).mean(), model.encode(other, y_other).mean()
    w = np.concatenate([code[1][:, :2], style[1][:, 2:]], 1)
    np.testing.assert_allclose(made, model.decode(code[0], w), atol=1e-6)
    np.testing.assert_allclose(model.style_transfer(x, x, "b", y, y), model.reconstruct(x, y), atol=1e-6)


def test_restyle_gives_a_label_the_w_it_is_told():
    model = make()
    x, y = batch(3)
    z, own = model.encode(x, y).mean()
    made = model.restyle(x, "b", [0.5, -1.0], y)
    expected = np.concatenate([own[:, :2], np.tile(np.float32([[0.5, -1.0]]), (3, 1))], 1)
    np.testing.assert_allclose(made, model.decode(z, expected), atol=1e-6)
    each = model.restyle(x, tf.constant([1, 1, 0]), np.stack([own[0, 2:], own[1, 2:], own[2, :2]]), y)
    np.testing.assert_allclose(each, model.reconstruct(x, y), atol=1e-6)
    with pytest.raises(InputError, match=r"w must be \[2\]. Received: \[3\]"):
        model.restyle(x, "b", [1.0, 2.0, 3.0], y)
    with pytest.raises(InputError, match="no label has a subspace of its own"):
        make(w_prior="joint").restyle(x, "b", [0.5, -1.0], y)


@pytest.mark.parametrize("w_posterior", ["free", "residual"])
def test_without_absent_style_examples_without_a_label_have_its_prior(w_posterior):
    model = make(absent_style=False, w_posterior=w_posterior)
    x, y = batch()
    w, prior = model.encode(x, y).w, model.prior(y)
    absent = np.repeat(y == 0, model.config.w_dim, axis=1)
    for found, expected in ((w.mean(), prior.mean()), (w.stddev(), prior.stddev())):
        np.testing.assert_allclose(found.numpy()[absent], expected.numpy()[absent])
        assert not np.isclose(found.numpy()[~absent], expected.numpy()[~absent]).any()
    # Next to no noise that the decoder would have to ignore.
    assert prior.stddev().numpy()[absent].max() < 0.2 < 0.9 < prior.stddev().numpy()[~absent].min()


def test_absent_style_needs_a_prior_of_each_label():
    with pytest.raises(InputError, match="Received: w_prior=joint"):
        make(absent_style=False, w_prior="joint")


@pytest.mark.parametrize("absent_style", [True, False])
def test_the_width_of_the_prior_favours_no_value_of_an_unknown_label(absent_style):
    labels = [Label("a", frequency=0.5, missing=0.3), Label("b", frequency=0.5)]
    config = CSVAEConfig(w_dim=1, w_separation=3.0, w_prior="fixed", absent_style=absent_style)
    model = CSVAE((4,), labels, config)
    unknown = tf.constant([[np.nan, 1.0]])
    prior = model.prior(unknown)
    at, expected = [tf.constant([[-3.0, 3.0]]), tf.constant([[3.0, 3.0]])], np.log(2)
    for mean in at:
        code = tfd.Independent(tfd.Normal(mean, prior.stddev()), 1)
        assert model.prior.kl(code, unknown).numpy() == pytest.approx([expected], abs=1e-3)
    # Its w_i is at one of two places, so it has no distance to one prior.
    assert model.standardised(tf.zeros((1, 2)), at[0], unknown).shape == (1, 3)


@pytest.mark.parametrize(("w_dim", "rows"), [(1, 1), (2, 5), (3, 5)])
def test_a_traversal_is_a_grid_around_the_priors_mean(w_dim, rows):
    model = make(w_dim=w_dim)
    x, y = batch(2)
    grid = model.traverse(x, "b", y, steps=5, extent=1.5)
    assert grid.shape == (2, rows, 5, 4)
    z, own = (part.numpy() for part in model.encode(x, y).mean())
    prior = model.prior(tf.constant(np.stack([y[:, 0], np.ones(2)], 1), tf.float32))
    corner, middle = own.copy(), own.copy()
    middle[:, w_dim:] = prior.mean()[:, w_dim:]
    corner[:, w_dim:] = middle[:, w_dim:]
    axes = np.eye(w_dim)[None, :2]
    if w_dim > 2:  # the directions in which what is decoded changes most
        steps = np.pad(np.eye(w_dim), [(0, 0), (w_dim, 0)])[:, None] * prior.stddev().numpy()
        changes = [model.decode(z, middle + step) - model.decode(z, middle - step) for step in steps]
        axes = np.linalg.svd(np.stack(changes, -1))[2][:, :2]
        largest = np.take_along_axis(axes, np.abs(axes).argmax(-1, keepdims=True), -1)
        axes = axes * np.sign(largest)
    corner[:, w_dim:] -= 1.5 * prior.stddev().numpy()[:, w_dim:] * axes.sum(1)
    np.testing.assert_allclose(grid[:, rows // 2, 2], model.decode(z, middle), atol=1e-6)
    np.testing.assert_allclose(grid[:, 0, 0], model.decode(z, corner), atol=1e-6)


def test_a_traversal_of_many_dimensions_follows_what_changes_most():
    model = make(w_dim=4)
    x, y = batch(2)
    # Of the dimensions of b only the third reaches the decoder.
    kernel = next(each for each in model.decoder.trainable_variables if each.shape[0] == model.z_dim + 8)
    kernel.assign(kernel * np.array([1.0] * (model.z_dim + 4) + [0.0, 0.0, 1.0, 0.0])[:, None])
    prior = model.prior(tf.constant([[0.0, 1.0]]))
    mean, deviation = (part.numpy()[0, -4:] for part in (prior.mean(), prior.stddev()))
    grid = model.traverse(x, "b", y, steps=3, extent=1.5)
    for place, offset in enumerate((-1.5, 0.0, 1.5)):
        w = mean + offset * deviation * [0, 0, 1, 0]
        for up in range(3):
            np.testing.assert_allclose(grid[:, up, place], model.restyle(x, "b", w, y), atol=1e-5)
    assert np.ptp(grid[:, 0], axis=1).max() > 0.01


@pytest.mark.parametrize("w_dim", [1, 2, 4])
def test_rows_of_a_graph_traverse_labels_of_their_own(w_dim):
    model = make(w_dim=w_dim)
    x, y = batch(2)
    traverse = tf.function(lambda *given: model.traverse(*given, steps=3))
    grid = traverse(tf.constant(x), tf.constant([1, 0], tf.int64), tf.constant(y))
    for row, label in enumerate("ba"):
        one = slice(row, row + 1)
        np.testing.assert_allclose(grid[one], model.traverse(x[one], label, y[one], steps=3), atol=1e-5)
