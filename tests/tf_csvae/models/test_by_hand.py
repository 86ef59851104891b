"""What ``model.compile`` and ``model.fit`` promise to whoever trains without ``tf_csvae.fit``."""

import json
import zipfile

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
    CondVAEInfoConfig,
    CSVAEConfig,
    InputError,
    Label,
    VAEConfig,
    load_model,
)

LABELS = (Label("tall"), Label("kind", kind="categorical", classes=("cat", "cow", "dog")))
SYSTEMS = {
    "csvae": (CSVAE, CSVAEConfig(hidden=[4])),
    "condvae_info": (CondVAEInfo, CondVAEInfoConfig(hidden=[4], w_dim=0)),
    "classifier": (Classifier, ClassifierConfig(width=4)),
}
GAMES = ("csvae", "condvae_info")


def make(name, **options):
    keras.utils.set_random_seed(0)
    system, config = SYSTEMS[name]
    return system((3,), LABELS, config, **options)


def batch(n=8):
    random = np.random.default_rng(0)
    y = np.stack([random.integers(0, 2, n), random.integers(0, 3, n)], 1)
    return np.float32(random.normal(size=(n, 3))), np.float32(y)


def compiled(name, optimizer="adam", **options):
    model = make(name)
    model.compile(optimizer, **{"jit_compile": False, **options})
    return model


@pytest.fixture(params=SYSTEMS)
def model(request):
    return compiled(request.param, run_eagerly=True)


@pytest.fixture(params=GAMES)
def game(request):
    return compiled(request.param, run_eagerly=True)


@pytest.fixture(scope="module")
def untrained():
    """{name: model}, which no test may train."""
    return {name: compiled(name, run_eagerly=True) for name in SYSTEMS}


def changed(model, train):
    """Whether ``train`` moves all players."""
    players = model.players() if hasattr(model, "players") else {"": model.trainable_variables}
    before = {name: [v.numpy() for v in variables] for name, variables in players.items()}
    train()
    return all(
        any(np.any(v != was) for v, was in zip(variables, before[name], strict=True))
        for name, variables in players.items()
    )


# Learning rates.


def rates(model):
    """The learning rate of each player."""
    first = next(iter(model.players()))
    optimizers = {first: model.optimizer, **model.player_optimizers}
    return {name: float(optimizer.learning_rate) for name, optimizer in optimizers.items()}


def halved():
    """A callback that begins each epoch with half of the learning rate."""
    return keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.5 * rate)


def of_players(model, rate, ratio):
    return {name: rate * (ratio if name in model.adversaries else 1) for name in model.players()}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, {"run_eagerly": True}) for name in GAMES),
        # One program of several steps.
        ("csvae", {"jit_compile": True, "steps_per_execution": 2}),
    ],
)
def test_a_scheduler_of_keras_moves_the_rate_of_every_player(name, options):
    model = make(name)
    model.compile(keras.optimizers.Adam(0.01), keras.optimizers.Adam(0.04), **options)
    assert rates(model) == pytest.approx(of_players(model, 0.01, 4))
    x, y = batch()
    model.fit(x, y, batch_size=4, epochs=2, verbose=0, callbacks=[halved()])
    assert rates(model) == pytest.approx(of_players(model, 0.0025, 4))


def test_without_an_optimizer_of_their_own_adversaries_have_the_same_rate(game):
    game.compile(keras.optimizers.RMSprop(0.01), run_eagerly=True)
    game.fit(*batch(), verbose=0, callbacks=[halved()])
    assert rates(game) == pytest.approx(of_players(game, 0.005, 1))
    assert {type(each) for each in game.player_optimizers.values()} == {keras.optimizers.RMSprop}


def test_the_ratio_of_the_rates_is_kept_by_saving(game, tmp_path):
    game.compile(keras.optimizers.Adam(0.01), keras.optimizers.Adam(0.04), run_eagerly=True)
    game.fit(*batch(), verbose=0, callbacks=[halved()])
    game.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert rates(loaded) == pytest.approx(rates(game))
    loaded.fit(*batch(), verbose=0, callbacks=[halved()])
    assert rates(loaded) == pytest.approx(of_players(game, 0.0025, 4))


def test_schedules_are_followed_by_each_player_itself(game):
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([1], [0.01, 0.001])
    game.compile(keras.optimizers.Adam(schedule), keras.optimizers.Adam(0.04), run_eagerly=True)
    x, y = batch()
    game.fit(x, y, batch_size=4, verbose=0)
    assert rates(game) == pytest.approx(of_players(game, 0.001, 40))


# Moving averages of the weights.


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, {}) for name in GAMES),
        ("classifier", {"jit_compile": True, "steps_per_execution": 3}),
    ],
)
def test_an_optimizer_with_a_moving_average_leaves_it_to_all_players(name, options):
    x, y = batch(12)
    steps = []

    def record(number, logs):
        steps.append([variable.numpy() for variable in plain.trainable_variables])

    recorder = keras.callbacks.LambdaCallback(on_train_batch_end=record)
    # XLA draws other numbers from a seed.
    jit_compile = options.get("jit_compile", False)
    plain = compiled(name, keras.optimizers.SGD(0.02), jit_compile=jit_compile)
    plain.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0, callbacks=[recorder])
    assert len(steps) == 6
    expected = steps[0]
    for step in steps[1:]:
        expected = [0.8 * mean + 0.2 * new for mean, new in zip(expected, step, strict=True)]

    averaged = keras.optimizers.SGD(0.02, use_ema=True, ema_momentum=0.8)
    model = compiled(name, averaged, **options)
    model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    far = 0
    for variable, mean, last in zip(model.trainable_variables, expected, steps[-1], strict=True):
        np.testing.assert_allclose(variable, mean, rtol=1e-3, atol=1e-5, err_msg=variable.path)
        far = max(far, np.abs(mean - last).max())
    assert far > 1e-3  # they are not the weights of the last step


# What is refused.


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("method", ["fit", "train_on_batch"])
@pytest.mark.parametrize("weights", ["sample_weight", "class_weight"])
def test_weights_of_examples_are_refused(untrained, name, method, weights):
    given = np.ones(8) if weights == "sample_weight" else {0: 1.0, 1: 2.0}
    with pytest.raises(InputError, match=f"{method}: sample_weight and class_weight are not"):
        getattr(untrained[name], method)(*batch(), **{weights: given})


@pytest.mark.parametrize("name", SYSTEMS)
def test_weights_in_a_dataset_are_refused(untrained, name):
    data = tf.data.Dataset.from_tensor_slices((*batch(), np.ones(8, np.float32))).batch(4)
    with pytest.raises(InputError, match="fit: sample_weight and class_weight are not supported"):
        untrained[name].fit(data, verbose=0)


@pytest.mark.parametrize("name", GAMES)
def test_weights_are_refused_in_an_evaluation(untrained, name):
    with pytest.raises(InputError, match="evaluate: sample_weight and class_weight are not"):
        untrained[name].evaluate(*batch(), sample_weight=np.ones(8), verbose=0)


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize(
    "given",
    [
        {"loss": "mse"},
        {"metrics": ["mae"]},
        {"loss_weights": [1.0]},
        {"weighted_metrics": ["mae"]},
    ],
    ids=lambda given: next(iter(given)),
)
def test_another_objective_is_refused(untrained, name, given):
    with pytest.raises(InputError, match=r"^compile: \w+ has its own objective .*Leave loss"):
        untrained[name].compile("adam", **given)


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_order_of_arguments_of_keras_is_no_silent_mistake(untrained, name):
    with pytest.raises(ValueError, match=r"mse"):
        untrained[name].compile("adam", "mse")


@pytest.mark.parametrize("name", SYSTEMS)
def test_export_says_what_to_use(untrained, name, tmp_path):
    with pytest.raises(InputError, match=r"Use export\.saved_model\.export\(run_dir\), or the"):
        untrained[name].export(tmp_path / "model")
    assert not list(tmp_path.iterdir())


def wrong(x=None, y=None):
    """The batch, with other values in its first row."""
    batch_x, batch_y = batch()
    if x is not None:
        batch_x[0] = x
    if y is not None:
        batch_y[0] = y
    return batch_x, batch_y


WRONG = {
    "-1/+1": (wrong(y=(-1, 0)), "label tall must lie between 0 and 1"),
    "class 7 of 3": (wrong(y=(1, 7)), "label kind must be the index of a class, 0 to 2"),
    "infinite label": (wrong(y=(np.inf, 0)), "label tall must"),
    "NaN in x": (wrong(x=(0, np.nan, 0)), "x must be finite. Received: NaN or infinity"),
    "infinite x": (wrong(x=(0, np.inf, 0)), "x must be finite. Received: NaN or infinity"),
    "shape of x": ((batch()[0][:, :2], batch()[1]), r"x must have shape \(n, 3\)"),
    "columns of y": ((batch()[0], batch()[1][:, :1]), "y must have 2 columns, one per label"),
    "rows": ((batch()[0], batch()[1][:3]), "Received: 8 of x and 3 of y"),
    "no y": ((batch()[0], None), "y, the labels, is missing"),
}


@pytest.mark.parametrize("mistake", WRONG)
@pytest.mark.parametrize("method", ["fit", "train_on_batch"])
@pytest.mark.parametrize("name", SYSTEMS)
def test_values_that_cannot_be_right_are_refused_in_the_first_batch(untrained, name, method, mistake):
    (x, y), complaint = WRONG[mistake]
    with pytest.raises(InputError, match=f"^{method}: .*{complaint}"):
        getattr(untrained[name], method)(x, y)
    assert int(untrained[name].optimizer.iterations) == 0


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_first_batch_of_a_dataset_is_checked_too(untrained, name):
    model = untrained[name]
    for (x, y), complaint in (WRONG["-1/+1"], WRONG["class 7 of 3"], WRONG["NaN in x"]):
        data = tf.data.Dataset.from_tensor_slices((x, y)).batch(4)
        with pytest.raises(InputError, match=f"^fit: .*{complaint}"):
            model.fit(data, verbose=0)
    with pytest.raises(InputError, match="fit: the dataset has no batch"):
        model.fit(tf.data.Dataset.from_tensor_slices(batch()).batch(4).take(0), verbose=0)
    with pytest.raises(InputError, match="fit: y, the labels, is missing"):
        model.fit(tf.data.Dataset.from_tensor_slices(batch()[0]).batch(4), verbose=0)

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 1

        def __getitem__(self, number):
            return WRONG["-1/+1"][0]

    with pytest.raises(InputError, match="label tall must lie between 0 and 1"):
        model.fit(Batches(), verbose=0)


@pytest.mark.parametrize("system", [VAE, Classifier])
def test_images_from_0_to_255_are_refused(system):
    config = {"filters": [2]} if system is VAE else {"depth": 10, "width": 2}
    model = system((8, 8, 3), ("a",), system.config_class(**config))
    model.compile(run_eagerly=True)
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3))
    for x in (images, np.float32(images), images / 127.5 - 1):
        with pytest.raises(InputError, match=r"images must lie in \[0, 1\]. Received: -?\d"):
            model.fit(x, np.zeros((4, 1)), verbose=0)
    model.fit(images / 255, np.zeros((4, 1)), verbose=0)
    # Bytes are scaled, so a picture of bytes 0 and 1 would be black.
    model.fit(images.astype(np.uint8), np.zeros((4, 1)), verbose=0)
    with pytest.raises(InputError, match="images of bytes, uint8, are 0 to 255"):
        model.fit((images > 99).astype(np.uint8), np.zeros((4, 1)), verbose=0)


def test_unknown_labels_are_no_mistake(model):
    assert changed(model, lambda: model.fit(*wrong(y=(np.nan, np.nan)), verbose=0))
    assert all(np.all(np.isfinite(variable)) for variable in model.variables)


# What works.


@pytest.mark.parametrize(
    ("name", "options"), [*((name, {"steps_per_execution": 3}) for name in SYSTEMS), ("csvae", {})]
)
def test_train_on_batch_makes_a_step(name, options):
    model = compiled(name, **options)
    assert changed(model, lambda: model.train_on_batch(*batch()))
    assert int(model.optimizer.iterations) == 1
    told = model.train_on_batch(*batch(), return_dict=True)
    assert np.isfinite(told["loss"])
    assert int(model.optimizer.iterations) == 2
    logged = set(getattr(model, "term_names", ("loss", "accuracy", "balanced_accuracy")))
    assert set(told) == logged


@pytest.mark.parametrize("name", SYSTEMS)
def test_train_on_batch_makes_the_steps_of_fit(name):
    x, y = batch()
    model, other = (compiled(name, run_eagerly=True) for _ in range(2))
    model.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    for rows in (slice(0, 4), slice(4, 8)):
        other.train_on_batch(x[rows], y[rows])
    for ours, theirs in zip(model.weights, other.weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6, err_msg=ours.path)


@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("name", SYSTEMS)
def test_training_works_eagerly(name, steps):
    model = compiled(name, run_eagerly=True, steps_per_execution=steps)
    x, y = batch(12)
    assert changed(model, lambda: model.fit(x, y, batch_size=4, verbose=0))
    assert int(model.optimizer.iterations) == 3


@pytest.mark.parametrize("kind", ["dataset", "generator", "integers", "lists"])
def test_batches_come_from_whatever_keras_takes(model, kind):
    x, y = batch()
    parts = [(x[:4], y[:4]), (x[4:], y[4:])]
    given = {
        "dataset": (tf.data.Dataset.from_tensor_slices((x, y)).batch(4),),
        "generator": (part for part in parts),
        "integers": (np.round(x).astype(int), y.astype(int)),
        "lists": (tf.constant(x), tf.constant(y)),
    }[kind]
    given = (given,) if kind == "generator" else given
    assert changed(model, lambda: model.fit(*given, batch_size=None, verbose=0))


def test_evaluate_gives_the_terms_and_repeats(model):
    found = model.evaluate(*batch(), batch_size=4, verbose=0, return_dict=True)
    assert np.all(np.isfinite(list(found.values())))
    logged = getattr(model, "term_names", ("loss", "accuracy", "balanced_accuracy"))
    assert set(found) == set(logged)
    data = tf.data.Dataset.from_tensor_slices(batch()).batch(4)
    again = model.evaluate(data, verbose=0, return_dict=True)
    assert again == pytest.approx(found)


def test_validation_data_are_measured(model):
    x, y = batch()
    history = model.fit(x, y, validation_data=(x[:3], y[:3]), epochs=2, verbose=0).history
    assert {f"val_{name}" for name in history if not name.startswith("val_")} < set(history)
    assert all(np.all(np.isfinite(values)) for values in history.values())


def test_predict_reconstructs_or_says_what_to_use():
    x, y = batch()
    vae = VAE((3,), LABELS, VAEConfig(hidden=[4]))
    guide = make("classifier")
    for model in (vae, make("condvae_info"), make("csvae", guide=guide)):
        found = model.predict(x, batch_size=3, verbose=0)
        np.testing.assert_allclose(found, model.reconstruct(x), rtol=1e-4, atol=1e-5)
    for model in (CondVAE((3,), LABELS), make("csvae")):
        complaint = rf"^predict.* {type(model).__name__} needs them. Use reconstruct\(x, y\)"
        with pytest.raises(InputError, match=complaint):
            model.predict(x, verbose=0)
        assert model.reconstruct(x, y).shape == x.shape
    np.testing.assert_allclose(guide.predict(x, verbose=0), guide(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_file_of_an_earlier_version_is_refused(name, tmp_path):
    path, old = tmp_path / "model.keras", tmp_path / "old.keras"
    make(name).save(path)
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(old, "w") as target:
        for member in source.namelist():
            content = source.read(member)
            if member == "config.json":
                config = json.loads(content)
                flat = config["config"].pop("config")
                config["config"] |= flat  # as version 0.1 wrote it
                content = json.dumps(config)
            target.writestr(member, content)
    with pytest.raises(InputError) as raised:
        load_model(old)
    assert str(raised.value).startswith(f"Cannot load a model from {old}: ")
    assert "saved by an earlier version of tf_csvae" in str(raised.value)
    assert str(raised.value).endswith("Train it again.")
    assert "\n" not in str(raised.value)
    assert isinstance(load_model(path), SYSTEMS[name][0])
