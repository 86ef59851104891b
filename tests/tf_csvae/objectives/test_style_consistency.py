"""Style consistency: some exchanges take w_i from another example, and look as it does."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_csvae import CSVAE, Classifier, ClassifierConfig, CSVAEConfig, InputError
from tf_csvae.features import Feature
from tf_csvae.labels import Label
from tf_csvae.objectives.style_consistency import donors, style_consistency
from tf_csvae.objectives.term import Step

SEED = tf.constant([0, 1])


def batch(y):
    """A Step of examples that hold their own numbers in x and w."""
    y = tf.constant(y, tf.float32)
    own = tf.range(len(y), dtype=tf.float32)[:, None]
    return Step(own, y, True, SEED, code=None, z=own, w=own)


def test_a_donor_has_the_requested_value_and_two_of_four_rows_have_one():
    random = np.random.default_rng(0)
    own = random.integers(0, 2, (40, 3)).astype(np.float32)
    own[:5, 0] = np.nan
    changed = np.eye(3)[random.integers(0, 3, 40)] > 0
    y = np.where(changed, 1 - np.nan_to_num(own), own)
    x, w, found, follows = donors(batch(own), y, tf.constant(changed), (True, True, True), SEED)
    np.testing.assert_array_equal(found, np.arange(40) // 2 % 2 == 0)
    np.testing.assert_array_equal(follows, found)
    np.testing.assert_array_equal(x, w)
    given = own[np.int32(x)[:, 0]]
    np.testing.assert_array_equal(given[changed], y[changed])
    assert len(set(np.int32(x)[:, 0])) > 10


def test_no_donor_and_a_value_without_style_change_nothing():
    changed = tf.constant([[True], [True]])
    *_, found, follows = donors(batch([[0.0], [0.0]]), tf.ones((2, 1)), changed, (False,), SEED)
    assert not any(found)
    assert not any(follows)
    *_, found, follows = donors(batch([[0.0], [1.0]]), tf.zeros((2, 1)), changed, (False,), SEED)
    assert all(found)
    assert not any(follows)


@pytest.mark.parametrize("shape", [(3,), (10, 14, 1)])
def test_rows_with_a_donor_have_its_w_and_the_term_is_least_if_they_look_alike(shape):
    kind = {"width": 8} if len(shape) == 1 else {"depth": 10, "width": 4}
    guide = Classifier(shape, ("a", "b"), ClassifierConfig(noise=0.0, **kind))
    config = CSVAEConfig(consistency_weight=1.0, style_weight=1.0, hidden=(8,), filters=(4,))
    model = CSVAE(shape, ("a", "b"), config, guide=guide, bounded=True)
    random = np.random.default_rng(0)
    x = tf.constant(random.random((8, *shape)), tf.float32)
    y = tf.constant(random.integers(0, 2, (8, 2)), tf.float32)
    step = model.forward(x, y, True, tf.constant([0, 0]))
    exchange = step.exchange
    w = step.w.numpy().reshape(8, 2, -1)
    for row in np.flatnonzero(exchange.follows):
        (label,) = np.flatnonzero(exchange.changed[row])
        donor = np.flatnonzero((x == exchange.donor[row]).numpy().reshape(8, -1).all(1))[0]
        made = exchange.w.numpy().reshape(8, 2, -1)[row]
        np.testing.assert_array_equal(made[label], w[donor, label])
        if not exchange.new[row]:
            np.testing.assert_array_equal(made[1 - label], w[row, 1 - label])
    far = float(style_consistency(model.space, guide, step))
    exchange.made = exchange.donor
    assert float(style_consistency(model.space, guide, step)) < far
    exchange.follows = tf.zeros_like(exchange.follows)
    assert float(style_consistency(model.space, guide, step)) == 0
    model.compile(run_eagerly=True, jit_compile=False)
    assert all(np.isfinite(value) for value in model.train_step((x, y)).values())


def test_rows_of_a_table_have_no_style_consistency():
    features = [Feature("number"), Feature("number")]
    with pytest.raises(InputError, match="style_weight is for images and vectors"):
        CSVAE((2,), [Label("a")], CSVAEConfig(style_weight=1.0), features=features)


def test_with_it_a_style_follows_the_donor():
    random = np.random.default_rng(0)
    y = random.integers(0, 2, (1024, 1)).astype(np.float32)
    style = random.uniform(1, 3, (1024, 1))
    # The label is seen by the first feature, and its style is how large that is.
    x = np.float32(np.concatenate([y * style, random.normal(size=(1024, 3))], 1))
    keras.utils.set_random_seed(0)
    guide = Classifier((4,), ("a",), ClassifierConfig(width=16))
    guide.compile(keras.optimizers.Adam(1e-2), jit_compile=False)
    guide.fit(x, y, batch_size=128, epochs=3, verbose=0)
    present, absent, slopes = x[y[:, 0] == 1][:200], x[y[:, 0] == 0][:200], []
    for weight in (0.0, 20.0):
        options = {"consistency_weight": 5.0, "style_weight": weight, "absent_style": False}
        config = CSVAEConfig(z_dim=4, hidden=(32, 32), **options)
        model = CSVAE((4,), ("a",), config, guide=guide)
        model.compile(keras.optimizers.Adam(5e-3), jit_compile=False)
        model.fit(x, y, batch_size=128, epochs=12, verbose=0)
        made = model.style_transfer(absent, present, "a", [0.0], [1.0]).numpy()
        slopes.append(np.polyfit(present[:, 0], made[:, 0], 1)[0])
    assert slopes[1] > 0.5
    assert slopes[1] > 1.2 * slopes[0]
