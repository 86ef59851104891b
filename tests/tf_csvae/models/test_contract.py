"""What every system promises, written once and run for each, on vectors and on images."""

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
    load_model,
)

LABELS = ("Smiling", "Male")
SHAPES = {"vectors": (5,), "images": (16, 16, 3)}
SYSTEMS = {"vae": VAE, "condvae": CondVAE, "condvae_info": CondVAEInfo, "csvae": CSVAE}
CONSISTENT = {
    "consistent condvae": {"realism_weight": 1.0},
    "consistent csvae": {
        "erase_labels": True,
        "erase_covariance": True,
        "realism_weight": 1.0,
        "style_weight": 1.0,
    },
}

# With a guide for vectors only: a ResNet takes seconds to build each time.
EVERY = [(system, shape) for system in SYSTEMS for shape in SHAPES]
EVERY += [(system, "vectors") for system in CONSISTENT]


def make(system, shape=SHAPES["vectors"], guide=None, bounded=False, **options):
    """Makes a model whose z has z_dim dimensions, by default 3."""
    w_dim = 2 if system is CSVAE else 0
    config = system.config_class(**{"z_dim": 3, "w_dim": w_dim, "filters": [4, 8], **options})
    return system(shape, LABELS, config, guide=guide, bounded=bounded)


@pytest.fixture(params=EVERY, ids="-".join)
def model(request):
    tf.keras.utils.set_random_seed(0)
    system, shape = request.param
    options, guide = {"hidden": [16, 16]}, None
    if system in CONSISTENT:
        guide = Classifier(SHAPES[shape], LABELS, ClassifierConfig(width=8))
        options |= {"consistency_weight": 1.0, "exchange_target": 0.9, "perceptual_weight": 1.0}
        options |= {"minimality_weight": 0.1, "counterfactual": True, **CONSISTENT[system]}
    kind = SYSTEMS[system.removeprefix("consistent ")]
    return make(kind, SHAPES[shape], guide, bounded=shape == "images", **options)


@pytest.fixture
def steered(model):
    """The model, if labels can steer it."""
    if not model.label_widths:
        pytest.skip("has no labels: test_a_system_without_labels_says_so")
    return model


@pytest.fixture
def batch(model):
    random = np.random.default_rng(0)
    x = random.random((6, *model.data_shape)).astype(np.float32)
    return x, (random.random((6, 2)) < 0.5).astype(np.float32)


def fit(model, batch, steps=2):
    """Trains a model for a few steps, eagerly: to make a graph of them takes longer."""
    if not model.compiled:
        model.compile("adam", run_eagerly=True, jit_compile=False)
    dataset = tf.data.Dataset.from_tensors(batch)
    return model.fit(dataset, epochs=steps, validation_data=dataset, verbose=0, shuffle=False)


def test_players_share_no_variable_and_leave_none_out(model):
    owned = [id(variable) for variables in model.players().values() for variable in variables]
    assert len(owned) == len(set(owned)) == len(model.trainable_variables)
    assert next(iter(model.players())) not in model.adversaries
    assert set(model.adversaries) <= set(model.players())


def test_each_loss_moves_its_own_players_variables_and_no_others(model, batch, monkeypatch):
    losses = model.player_losses
    model.compile("sgd", run_eagerly=True, jit_compile=False)
    for silent in model.players():

        def silenced(*arguments, silent=silent):
            found, terms = losses(*arguments)
            return {**found, silent: 0.0 * found[silent]}, terms

        monkeypatch.setattr(model, "player_losses", silenced)
        before = {player: [v.numpy() for v in of] for player, of in model.players().items()}
        model.train_step(tuple(map(tf.constant, batch)))
        for player, variables in model.players().items():
            pairs = zip(variables, before[player], strict=True)
            # Each step projects to a spectral norm of 1, whatever the loss.
            still = all(np.array_equal(v, was) for v, was in pairs if "spectral" not in v.path)
            assert still == (player == silent) or player == "discriminator"


def test_encode_and_decode(model, batch):
    x, y = batch
    code = model.encode(x, y)
    assert code.z.batch_shape == (6,)
    assert code.z.event_shape == (3,)
    z, w = code.mean()
    beside = y if w is None and model.label_widths else w  # CondVAE's decoder gets the labels
    assert model.decode(z, beside).shape == x.shape
    once = code.sample(seed=1)[0].numpy()
    np.testing.assert_array_equal(once, code.sample(seed=1)[0])
    assert np.any(once != code.sample(seed=2)[0].numpy())


def test_reconstruct_is_deterministic_and_of_the_shape_of_x(model, batch):
    first = model.reconstruct(*batch)
    assert first.shape == batch[0].shape
    np.testing.assert_array_equal(first, model.reconstruct(*batch))


def test_a_system_without_labels_says_so(batch):
    x, y = batch
    model = VAE(x.shape[1:], LABELS, VAEConfig(hidden=[8], filters=[4, 8]))
    for call in (
        lambda: model.sample(y),
        lambda: model.transfer(x, y, 1 - y),
        lambda: model.interpolate(x, "Male", y=y),
    ):
        with pytest.raises(InputError, match="VAE has no labels in its code"):
            call()
    first = model.sample(n=4, seed=1)
    assert first.shape == (4, *x.shape[1:])
    np.testing.assert_array_equal(first, model.sample(n=4, seed=1))


def test_sample_repeats_by_seed_and_has_n_per_row(steered):
    model = steered
    y = [[0.0, 1.0], [1.0, 1.0]]
    first = model.sample(y, n=3, seed=7)
    assert first.shape == (6, *model.data_shape)
    np.testing.assert_array_equal(first, model.sample(y, n=3, seed=7))
    assert np.any(first.numpy() != model.sample(y, n=3, seed=8).numpy())
    assert np.any(model.sample(y).numpy() != model.sample(y).numpy())
    assert model.sample([1, 0]).shape == (1, *model.data_shape)


def test_transfer_to_the_same_labels_is_the_reconstruction_or_x_itself(steered, batch):
    model, (x, y) = steered, batch
    same = x if model.config.counterfactual else model.reconstruct(x, y).numpy()
    np.testing.assert_allclose(model.transfer(x, y, y), same, atol=1e-6)
    moved = model.transfer(x, y, 1 - y)
    assert np.all(np.any(abs(moved.numpy() - same) > 1e-6, axis=tuple(range(1, moved.ndim))))


def test_an_edit_remembers_what_it_covers(steered, batch):
    model, (x, y) = steered, batch
    edit = model.edit(x, y)
    moved = edit.set(1 - y)
    np.testing.assert_allclose(moved.x, model.transfer(x, y, 1 - y), atol=1e-6)
    np.testing.assert_array_equal(moved.set(y).x, x)
    # By way of another label, and one at a time: the order does not count.
    first, second = np.stack([1 - y[:, 0], np.full(6, np.nan)], 1), np.stack([y[:, 0], 1 - y[:, 1]], 1)
    np.testing.assert_allclose(edit.set(first).set(second).x, edit.set(second).x, atol=1e-6)
    np.testing.assert_array_equal(edit.set(first).y[:, 1], y[:, 1])
    # A label that is unknown stays so, and its part of the code as it is.
    unknown = np.full_like(y, np.nan)
    np.testing.assert_array_equal(model.edit(x, unknown).set(unknown).x, x)


def test_interpolation_ends_at_the_values(steered, batch):
    model, (x, y) = steered, batch
    path = model.interpolate(x, "Male", start=0, stop=1, steps=5, y=y)
    assert path.shape == (6, 5, *model.data_shape)
    start, middle, stop = path[:, 0].numpy(), path[:, 2].numpy(), path[:, -1].numpy()
    assert np.any(start != stop)
    assert np.any(middle != stop)
    off = y[:, 1] == 0
    to_one = model.transfer(x, y, np.stack([y[:, 0], np.ones(6)], 1)).numpy()
    np.testing.assert_allclose(stop[off], to_one[off], atol=1e-5)


def test_a_system_without_subspaces_says_so(model, batch):
    x, y = batch
    if isinstance(model, CSVAE):
        assert model.style_transfer(x, x[::-1], "Male", y, y[::-1]).shape == x.shape
        assert model.traverse(x, "Male", y, steps=3).shape == (6, 3, 3, *x.shape[1:])
        return
    for call in (
        lambda: model.style_transfer(x, x, "Male", y, y),
        lambda: model.traverse(x, "Male", y),
    ):
        with pytest.raises(InputError, match="has no label subspaces"):
            call()


def test_a_model_trains_and_is_saved_and_trains_on_as_if_never_saved(model, batch, tmp_path):
    x, y = batch
    history = fit(model, batch).history
    assert all(np.all(np.isfinite(values)) for values in history.values())
    assert {"loss", "val_loss", "reconstruction", "kl_z"} <= set(history)

    path = str(tmp_path / "model.keras")
    model.save(path)
    loaded = load_model(path)
    assert type(loaded) is type(model)
    assert loaded.get_config() == model.get_config()
    np.testing.assert_array_equal(model.reconstruct(x, y), loaded.reconstruct(x, y))
    rows = y if model.label_widths else None
    np.testing.assert_array_equal(model.sample(rows, seed=3), loaded.sample(rows, seed=3))
    np.testing.assert_array_equal(model.encode(x, y).z.stddev(), loaded.encode(x, y).z.stddev())

    for each in (model, loaded):
        fit(each, batch, steps=1)
    for a, b in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6, err_msg=a.path)


def test_a_model_that_was_never_compiled_is_saved(tmp_path):
    model = make(VAE)
    model.save(tmp_path / "model.keras")
    x = np.ones((2, 5), np.float32)
    np.testing.assert_array_equal(model.reconstruct(x), load_model(tmp_path / "model.keras").reconstruct(x))


@pytest.mark.parametrize("system", SYSTEMS)
def test_samples_of_the_prior_are_as_spread_as_the_codes_of_data(system):
    # Two pairs of equal coordinates, so that a code of two dimensions can be askew.
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    x = np.repeat(random.normal(size=(1024, 2)), 2, 1).astype(np.float32)
    y = np.float32(random.random((1024, 2)) < 0.5)
    model = make(SYSTEMS[system], (4,), z_dim=4, aggregate_weight=1.0, hidden=[32, 32])
    model.compile(keras.optimizers.Adam(5e-3), jit_compile=False)
    history = model.fit(x, y, batch_size=64, epochs=6, verbose=0).history
    z = model.encode(x, y).sample(0)[0].numpy()
    assert np.sum((z.T @ z / len(z) - np.eye(4)) ** 2) < 0.2
    assert history["aggregate"][-1] < 0.5 * history["aggregate"][0]


def test_half_precision_keeps_losses_and_outputs_in_full(model, batch, tmp_path):
    precision = "float16" if len(model.data_shape) == 1 else "bfloat16"  # each once, to save time
    config = {**model.get_config(), "dtype": f"mixed_{precision}"}
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(f"mixed_{precision}")  # as the trainers do
    try:
        half = type(model).from_config(config)
        assert np.all(np.isfinite(fit(half, batch, steps=1).history["loss"]))
        half.save(tmp_path / "model.keras")
    finally:
        keras.config.set_dtype_policy(policy)
    assert half.reconstruct(*batch).dtype == tf.float32
    assert any(layer.compute_dtype == precision for layer in half._flatten_layers())
    loaded = load_model(str(tmp_path / "model.keras"))
    np.testing.assert_array_equal(half.reconstruct(*batch), loaded.reconstruct(*batch))
    full = loaded.in_full_precision()
    assert all(layer.compute_dtype == "float32" for layer in full._flatten_layers())
    np.testing.assert_allclose(full.reconstruct(*batch), half.reconstruct(*batch), atol=0.1)
    assert full.in_full_precision() is full


@pytest.mark.parametrize("y", [[[1.0]], [[1.0, 0, 1]], [[[1.0, 0]]]])
def test_labels_of_the_wrong_width_are_refused(steered, y):
    model = steered
    with pytest.raises(InputError, match=r"y must have 2 columns, one per label \(Smiling, Male\). Received"):
        model.sample(y)


def test_other_mistakes_are_named(steered, batch):
    model, (x, y) = steered, batch
    with pytest.raises(InputError, match="label Smiling must lie between 0 and 1"):
        model.sample([[7.0, 0.0]])
    with pytest.raises(InputError, match="x must have shape"):
        model.reconstruct(x[..., :-1], y)
    with pytest.raises(InputError, match=r"as many rows. Received: 6 of x and 2 of y"):
        model.reconstruct(x, y[:2])
    with pytest.raises(InputError, match="No label 'Hat'"):
        model.interpolate(x, "Hat", y=y)


def test_a_file_that_is_no_model_is_refused(tmp_path):
    (tmp_path / "model.keras").write_text("no model")
    for path in (tmp_path / "model.keras", tmp_path / "nowhere.keras"):
        with pytest.raises(InputError, match="Cannot load a model from"):
            load_model(str(path))
