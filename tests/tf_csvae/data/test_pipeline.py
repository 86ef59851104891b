import numpy as np
import pytest
import tensorflow as tf

from tf_csvae import InputError
from tf_csvae.configs import DataConfig
from tf_csvae.data import pipeline
from tf_csvae.data.dataset import Info


def build(count=20, batch_size=8, seed=0):
    x = np.arange(count, dtype=np.float32)[:, None]
    arrays = dict.fromkeys(("train", "validation", "test"), (x, x))
    info = Info("numbers", (1,), None, (), dict.fromkeys(arrays, count))
    return pipeline.from_arrays(arrays, info, DataConfig(batch_size=batch_size, seed=seed))


def epochs(dataset, first, number):
    steps = dataset.steps_per_epoch
    stream = dataset.train_from(first).take(number * steps)
    x = np.stack([x.numpy().ravel() for x, _ in stream])
    return x.reshape(number, -1)


@pytest.mark.parametrize("global_seed", [0, 5])
def test_order_differs_by_epoch_and_repeats_by_seed(global_seed):
    tf.random.set_seed(global_seed)
    one = epochs(build(seed=1), 0, 3)
    assert not np.array_equal(one[0], one[1])
    np.testing.assert_array_equal(one, epochs(build(seed=1), 0, 3))
    assert not np.array_equal(one, epochs(build(seed=2), 0, 3))


def test_order_does_not_depend_on_the_global_seed():
    orders = []
    for seed in (0, 5):
        tf.random.set_seed(seed)
        orders.append(epochs(build(), 0, 1))
    np.testing.assert_array_equal(*orders)


def test_a_training_resumed_at_an_epoch_sees_what_it_would_have_seen():
    np.testing.assert_array_equal(epochs(build(), 0, 4)[2:], epochs(build(), 2, 2))


def test_an_epoch_has_each_example_at_most_once():
    for epoch in epochs(build(), 0, 3):
        assert len(set(epoch)) == 16  # two full batches of 8 out of 20


def test_one_epoch_of_train_is_new_each_time():
    dataset = build()
    first, second = ([x.numpy().ravel() for x, _ in dataset.train] for _ in range(2))
    assert len(first) == dataset.steps_per_epoch == 2
    assert not np.array_equal(first, second)


def test_batches_are_no_larger_than_the_training_set():
    dataset = build(count=5, batch_size=64)
    assert dataset.steps_per_epoch == 1
    assert len(epochs(dataset, 0, 1)[0]) == 5


def test_flips_repeat_by_epoch_and_mirror_whole_images():
    images = tf.reshape(tf.range(64 * 2 * 3 * 1, dtype=tf.float32), (64, 2, 3, 1))
    flipped, _ = pipeline.random_flip(images, None, seed=[1, 2])
    again, _ = pipeline.random_flip(images, None, seed=[1, 2])
    np.testing.assert_array_equal(flipped, again)
    mirrored = [not np.array_equal(a, b) for a, b in zip(images, flipped, strict=True)]
    assert 16 < sum(mirrored) < 48
    for a, b, is_mirrored in zip(images.numpy(), flipped.numpy(), mirrored, strict=True):
        np.testing.assert_array_equal(b, a[:, ::-1] if is_mirrored else a)


def test_an_empty_split_is_named():
    with pytest.raises(InputError, match="no examples in its train split"):
        build(count=0)


def test_augmentations_follow_one_another_and_keep_pixels_in_range():
    images = tf.cast(tf.random.stateless_uniform((64, 4, 4, 3), [0, 1], 0, 256), tf.uint8)
    seed = tf.constant([3, 4])
    assert pipeline.augmentation([]) is None
    flipped, _ = pipeline.augmentation(["flip"])(images, None, seed)
    np.testing.assert_array_equal(flipped, pipeline.random_flip(images, None, seed)[0])
    both, _ = pipeline.augmentation(["flip", "colour"])(images, None, seed)
    assert both.dtype == tf.uint8
    change = np.abs(both.numpy().astype(int) - flipped.numpy())
    assert 5 < change.mean() < 25
    assert change.max() <= 0.2 * 255
    assert len({tuple(row) for row in change.mean((1, 2))}) > 60  # each image its own
