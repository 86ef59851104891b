"""The fused kernels compute what Keras does."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_csvae.networks import fused


def normalised(layer, x, upstream, training):
    """Outputs, gradients and averages of a normalisation."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=training)
        loss = tf.reduce_sum(tf.cast(y, tf.float32) * upstream)
    gradients = tape.gradient(loss, [x, layer.gamma.value, layer.beta.value])
    return y, *gradients, layer.moving_mean.numpy(), layer.moving_variance.numpy()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(5, 4, 6, 3), (1, 1, 1, 3), (5, 3)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "float64"])
def test_batches_are_normalised_as_by_keras(training, shape, dtype):
    random = np.random.default_rng(0)
    layers = [
        of(momentum=0.9, dtype=dtype) for of in (fused.BatchNormalization, keras.layers.BatchNormalization)
    ]
    x = tf.constant(random.normal(2.0, 3.0, shape), layers[0].compute_dtype)
    upstream = tf.constant(random.normal(size=shape), tf.float32)
    values = [
        random.normal(size=3),
        random.normal(size=3),
        random.normal(size=3),
        random.random(3) + 0.5,
    ]
    for layer in layers:
        layer.build(shape)
        layer.set_weights(values)
    # Single precision; half precision rounds what Keras computes in single to three digits.
    tolerance = 2e-2 if dtype == "mixed_bfloat16" else 2e-5
    for ours, theirs in zip(*(normalised(layer, x, upstream, training) for layer in layers), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(
            np.asarray(ours, np.float64),
            np.asarray(theirs, np.float64),
            atol=tolerance,
            rtol=tolerance,
        )


def test_adam_takes_the_steps_of_keras():
    random = np.random.default_rng(0)
    start, gradients = random.normal(size=(4, 3)), random.normal(size=(5, 4, 3))
    ends = []
    for of in (fused.Adam, keras.optimizers.Adam):
        variable = keras.Variable(start, dtype="float64")
        optimizer = of(keras.optimizers.schedules.CosineDecay(0.1, 10))
        optimizer = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
        assert type(optimizer) is of
        for gradient in gradients:
            optimizer.apply([tf.constant(gradient)], [variable])
        ends.append([variable.numpy(), *(slot.numpy() for slot in optimizer.variables)])
    for ours, theirs in zip(*ends, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize(("batches", "calls"), [(5, 2), (4, 2), (1, 1), (0, 0)])
def test_an_execution_takes_its_steps_and_no_batch_is_lost(batches, calls):
    total, count = tf.Variable(0.0), tf.Variable(0)

    def step(batch):
        x, (y,) = batch
        total.assign(2 * total + tf.reduce_sum(x) + y[0])
        count.assign_add(1)

    data = tf.data.Dataset.range(2 * batches).map(
        lambda i: (tf.cast(i, tf.float32), (tf.cast(i, tf.float32),))
    )
    data = data.batch(2, drop_remainder=True)
    run = fused.train_function(step, lambda: {"total": total.value()}, 3, None)
    iterator = iter(data)
    results = [float(run(iterator)["total"]) for _ in range(calls)]
    with pytest.raises(StopIteration):
        run(iterator)
    expected = 0.0
    for number in range(batches):
        expected = 2 * expected + 6 * number + 1
    assert int(count) == batches
    assert results[-1:] == ([expected] if batches else [])


def test_batches_of_unknown_size_are_taken_step_by_step():
    run = fused.train_function(None, None, 3, lambda iterator: "by step")
    assert run(iter(tf.data.Dataset.range(4).batch(2))) == "by step"
    assert run(iter([1, 2])) == "by step"
