import numpy as np
import pytest
import tensorflow as tf

from tf_csvae import Classifier, ClassifierConfig, InputError, Label, load_model

LABELS = (Label("Bald", 0.1), "Smiling")
SHAPES = {"vectors": (5,), "images": (16, 16, 3)}


def make(shape=(16, 16, 3), labels=LABELS, seed=0, dtype=None, **options):
    tf.keras.utils.set_random_seed(0)
    small = {"depth": 10, "width": 4, "shift": 1, "dropout": 0.2}
    return Classifier(shape, labels, ClassifierConfig(**small | options), seed=seed, dtype=dtype)


@pytest.fixture(params=SHAPES.values(), ids=SHAPES)
def model(request):
    return make(request.param)


def batch(model, n=16):
    """Examples whose labels are which of two features are high."""
    random = np.random.default_rng(0)
    x = random.random((n, *model.data_shape)).astype(np.float32)
    y = (random.random((n, 2)) < 0.5).astype(np.float32)
    x[..., :2] = 0.2 * x[..., :2] + 0.8 * y.reshape(n, *[1] * (x.ndim - 2), 2)
    return x, y


def fit(model, epochs=2, n=16, **options):
    if not model.compiled:
        model.compile("adam", jit_compile=False)  # XLA's compiler takes seconds each time
    dataset = tf.data.Dataset.from_tensor_slices(batch(model, n)).batch(8)
    return model.fit(dataset, epochs=epochs, verbose=0, shuffle=False, **options).history


def test_it_classifies_and_gives_features(model):
    x, _ = batch(model)
    p = model.classify(x).numpy()
    assert p.shape == (16, 2)
    assert np.all((p > 0) & (p < 1))
    features = model.embed(x)
    assert features.dtype == tf.float32
    assert features.shape == (16, 4 if len(model.data_shape) == 1 else 32)
    np.testing.assert_allclose(p, tf.sigmoid(model.head(features)), rtol=1e-5)
    np.testing.assert_allclose(model.predict(x, verbose=0), model(x), rtol=1e-4, atol=1e-5)


def test_it_learns_labels_that_can_be_seen(model):
    model.compile(tf.keras.optimizers.Adam(3e-2), jit_compile=False)
    seen = batch(model)
    history = fit(model, epochs=12, n=64, validation_data=seen)
    assert history["val_accuracy"][-1] > 0.95
    assert history["val_balanced_accuracy"][-1] > 0.95
    assert history["val_loss"][-1] < history["val_loss"][0]
    assert np.mean((model.classify(seen[0]) > 0.5) == seen[1]) == pytest.approx(history["val_accuracy"][-1])


def test_a_loaded_model_is_the_same_and_trains_on_as_if_never_saved(model, tmp_path):
    fit(model)
    model.save(tmp_path / "model.keras")
    loaded = load_model(str(tmp_path / "model.keras"))
    assert loaded.get_config() == model.get_config()
    x, _ = batch(model)
    np.testing.assert_array_equal(model.classify(x), loaded.classify(x))
    for each in (model, loaded):
        fit(each)
    for a, b in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6, err_msg=a.path)
    assert int(loaded.optimizer.iterations) == 8


@pytest.mark.parametrize("method", ["classify", "embed"])
def test_x_of_the_wrong_shape_is_refused(model, method):
    x, _ = batch(model)
    with pytest.raises(InputError, match=rf"{method}: x must have shape \(n, .*Received: x of shape"):
        getattr(model, method)(x[..., :-1])


@pytest.mark.parametrize(
    "options",
    [
        {"depth": 50},
        {"width": 0},
        {"stem_stride": 0},
        {"shift": -1},
        {"epsilon": -1.0},
        {"dropout": 1.0},
        {"balance": 2.0},
    ],
)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(ValueError, match="Received"):
        make(**options)


def test_the_depth_counts_the_layers():
    def layers(depth):
        found = make(depth=depth, width=1).trunk.layers
        convolutions = [layer for layer in found if isinstance(layer, tf.keras.layers.Conv2D)]
        return 1 + sum(layer.kernel_size == (3, 3) for layer in convolutions)  # 1: the head

    assert [layers(depth) for depth in (10, 18, 34)] == [10, 18, 34]


def test_images_of_any_size_will_do():
    for shape in ((9, 14, 3), (4, 4, 1)):
        assert make(shape, stem_stride=1).classify(np.zeros((2, *shape))).shape == (2, 2)


def test_half_precision_keeps_the_logits_in_full():
    model = make(dtype="mixed_bfloat16")
    model.compile("adam", run_eagerly=True)
    assert np.all(np.isfinite(fit(model, epochs=1)["loss"]))
    x, _ = batch(model)
    assert model.classify(x).dtype == model.embed(x).dtype == tf.float32
    assert model.trunk.layers[-1].compute_dtype == "bfloat16"


def test_only_training_is_noisy_and_the_noise_is_of_the_seed():
    x, _ = batch(make())
    model, same, other = (make(seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(model(x), model(x))
    once = model(x, training=True)
    np.testing.assert_array_equal(once, same(x, training=True))
    assert np.any(once != other(x, training=True).numpy())


def test_adversarial_examples_move_at_most_epsilon_and_cost_more_than_noise(model):
    model = make(model.data_shape, epsilon=0.01, shift=0)  # a straight line up to there
    x, y = map(tf.constant, batch(model))
    moved = model.adversarial_examples(x, y)
    axes = tuple(range(1, len(x.shape)))
    lengths = np.sqrt(np.sum(np.square(moved - x), axes))
    assert np.all(lengths < 0.01 * (1 + 1e-3))
    np.testing.assert_array_equal(moved, model.adversarial_examples(x, y))  # by the seed and the step
    noise = np.random.default_rng(1).normal(size=x.shape)
    noise *= (lengths / np.sqrt(np.sum(np.square(noise), axes))).reshape(-1, *[1] * len(axes))

    def losses(x):
        return model.cross_entropy(y, model(x)).numpy()

    # Some examples may leave a new network's gradient at 0.
    assert np.all(losses(moved) >= losses(x) - 1e-6)
    assert np.mean(losses(moved)) > np.mean(losses(x + np.float32(noise)))


def test_adversarial_training_prefers_what_takes_a_large_change():
    # One number predicts the label always, by a small difference; another mostly, by a large one.
    random = np.random.default_rng(0)
    y = np.float32(random.random((1024, 1)) < 0.5)
    clear = np.where(random.random((1024, 1)) < 0.95, 2 * y - 1, 1 - 2 * y)
    x = np.float32(np.hstack([0.1 * (2 * y - 1), clear]))
    weights = []
    for epsilon in (0.0, 0.5):
        model = make((2,), ("a",), width=16, dropout=0.0, epsilon=epsilon)
        model.compile(tf.keras.optimizers.Adam(1e-2), jit_compile=False)
        model.fit(x, y, batch_size=64, epochs=20, verbose=0)
        swapped = np.float32([[0.1, -1.0], [-0.1, 1.0]])  # they disagree
        weights.append(np.float32(model.classify(swapped).numpy()[:, 0] > 0.5).tolist())
    assert weights == [[1.0, 0.0], [0.0, 1.0]]


def test_it_starts_at_what_minimises_the_loss_without_x():
    p = 0.1
    model = make(labels=[Label("Bald", p)], balance=0.5)
    logit = model.head.bias[0]
    with tf.GradientTape() as tape:
        tape.watch(logit)
        both = model.cross_entropy(tf.constant([[0.0], [1.0]]), tf.fill((2, 1), logit))
        loss = (1 - p) * both[0] + p * both[1]
    assert float(tape.gradient(loss, logit)) == pytest.approx(0, abs=1e-6)
