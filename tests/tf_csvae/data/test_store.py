import os
import shutil
import types

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from tf_csvae.configs import DataConfig
from tf_csvae.data import pipeline, store
from tf_csvae.data.dataset import Info
from tf_csvae.data.store import Source, Store
from tf_csvae.errors import InputError
from tf_csvae.labels import Label

SHAPE, COUNTS = (2, 3, 1), {"train": 20, "validation": 5, "test": 7}
LABELS = (Label("odd", 0.5),)


class Counted:
    """Sources whose images are their number, and a count of how often each was decoded."""

    def __init__(self, counts=COUNTS):
        self.decoded = {split: np.zeros(n, int) for split, n in counts.items()}
        self.sources = {split: self._source(split, n) for split, n in counts.items()}

    def _source(self, split, n):
        def decode(number):
            self.decoded[split][number] += 1
            return np.full(SHAPE, number, np.uint8)

        def read(number):
            image = tf.numpy_function(decode, [number], tf.uint8)
            return tf.ensure_shape(image, SHAPE)

        return Source((np.arange(n) % 2).astype(np.float32)[:, None], read=read)

    def dataset(self, cache, counts=COUNTS, **options):
        info = Info("numbers", SHAPE, (0.0, 1.0), LABELS, counts)
        config = DataConfig(cache=cache, batch_size=8, augment=(), **options)
        return pipeline.build(self.sources, info, config, lambda: b"a")


def numbers(batches):
    return np.concatenate([np.round(x.numpy()[:, 0, 0, 0] * 255).astype(int) for x, _ in batches])


@pytest.mark.parametrize("cache", ["memory", "none", "folder", "auto"])
def test_images_are_the_same_wherever_they_are_kept(cache, tmp_path):
    counted = Counted()
    dataset = counted.dataset(str(tmp_path / "cache") if cache == "folder" else cache)
    for _ in range(2):
        np.testing.assert_array_equal(numbers(dataset.test), np.arange(7))
    assert set(counted.decoded["test"]) == {2 if cache == "none" else 1}
    x, y = next(iter(dataset.train_from(0)))
    np.testing.assert_array_equal(np.round(x.numpy()[:, 0, 0, 0] * 255) % 2, y[:, 0])


def test_what_a_killed_process_decoded_is_there_and_what_it_half_wrote_is_not(tmp_path):
    cache = str(tmp_path / "cache")
    first = Counted()
    list(first.dataset(cache).train_from(0).take(1))
    again = Counted()
    list(again.dataset(cache).train_from(0).take(2))
    assert not np.any(first.decoded["train"] & again.decoded["train"])
    (path,) = (tmp_path / "cache").glob("*train*.images")
    content = np.memmap(path, np.uint8, "r+", shape=(20, *SHAPE))
    written = np.flatnonzero(first.decoded["train"])
    content[written[0]] = 77
    content.flush()
    third = Counted()
    made = numbers(third.dataset(cache).train_from(0).take(2))
    assert np.flatnonzero(third.decoded["train"]).tolist() == [written[0]]
    assert 77 not in made


def test_two_processes_share_a_folder(tmp_path):
    path = str(tmp_path / "images")
    one, two = Store(SHAPE, 4, path), Store(SHAPE, 4, path)
    image = np.ones((1, *SHAPE), np.uint8)
    one.put(np.array([2]), image)
    x, is_there = two.get(np.arange(4))
    np.testing.assert_array_equal(is_there, [False, False, True, False])
    np.testing.assert_array_equal(x[2], image[0])
    assert sorted(os.listdir(tmp_path)) == ["images.images", "images.sums"]


@pytest.mark.parametrize("workers", [2, 4])
@pytest.mark.parametrize("augment", [(), ("flip", "colour")])
def test_workers_read_their_own_rows_of_the_batches_of_one_worker(workers, augment):
    counted = Counted()
    # Batches that are prefetched are read too: of 30 they are few.
    whole = list(counted.dataset("none").train_from(3).take(30))
    share, reads = 8 // workers, []
    for place in range(workers):
        own = Counted()
        rows = slice(place * share, (place + 1) * share)
        for (x, y), (x_all, y_all) in zip(
            own.dataset("none").train_from(3, rows).take(30), whole, strict=True
        ):
            np.testing.assert_array_equal(x, x_all[rows])
            np.testing.assert_array_equal(y, y_all[rows])
        reads.append(own.decoded["train"].sum())
    assert max(reads) < 2 * counted.decoded["train"].sum() / workers


def test_augmentations_are_those_of_the_global_batch():
    x = tf.cast(tf.random.stateless_uniform((8, 4, 4, 3), [0, 1], 0, 256), tf.uint8)
    change, seed = pipeline.augmentation(("flip", "colour")), tf.constant([3, 4])
    whole, _ = change(x, None, seed)
    part, _ = change(x[2:6], None, seed, (slice(2, 6), 8))
    np.testing.assert_array_equal(part, whole[2:6])


@pytest.mark.parametrize("balanced", [False, True])
def test_a_training_goes_on_at_any_step_at_once(balanced):
    counted = Counted()
    dataset = counted.dataset("none", balanced_batches=balanced)
    whole = numbers(dataset.train_from(0).take(7))
    counted.decoded["train"][:] = 0
    for epoch, step in ((0, 1), (1, 0), (1, 1), (2, 3)):
        first = epoch * dataset.steps_per_epoch + step
        at = numbers(dataset.train_from(epoch, step=step).take(7 - first)) if first < 7 else []
        np.testing.assert_array_equal(at, whole[first * 8 :])


def test_positions_are_uniform_over_epochs_and_no_example_comes_twice():
    n, epochs = 64, 400
    x = np.arange(n, dtype=np.float32)[:, None]
    info = Info("numbers", (1,), None, (), dict.fromkeys(COUNTS, n))
    dataset = pipeline.from_arrays(dict.fromkeys(COUNTS, (x, x)), info, DataConfig(batch_size=16))
    stream = dataset.train_from(0).take(4 * epochs)
    order = np.concatenate([x.numpy().ravel() for x, _ in stream]).astype(int).reshape(epochs, n)
    assert all(len(set(epoch)) == n for epoch in order)
    # Of each example, in how many epochs it was in each quarter: 100 expected. A permutation puts
    # it in one quarter, so a count has the variance 75, and 63 x 3 of the 64 x 4 are free.
    quarters = order.reshape(epochs, 4, 16)
    counts = np.stack([np.bincount(quarters[:, part].ravel(), minlength=n) for part in range(4)])
    statistic = np.sum((counts - 100) ** 2 / 75) * (63 * 3) / (64 * 4)
    assert 1e-3 < stats.chi2.sf(statistic, 63 * 3) < 1 - 1e-3
    # The differences of neighbours in the order: each as often as the others.
    steps = np.bincount(np.diff(order, axis=1).ravel() % n, minlength=n)[1:]
    assert stats.chisquare(steps).pvalue > 1e-3


def test_balanced_batches_draw_each_example_as_often_as_its_weight(monkeypatch):
    y = (np.arange(100) < 10).astype(np.float32)[:, None]
    x = np.arange(100, dtype=np.float32)[:, None]
    info = Info("numbers", (1,), None, (Label("rare", 0.1),), dict.fromkeys(COUNTS, 100))
    config = DataConfig(batch_size=20, balanced_batches=True)
    dataset = pipeline.from_arrays(dict.fromkeys(COUNTS, (x, y)), info, config)
    for epoch in range(3):
        seen = np.concatenate([x.numpy().ravel() for x, _ in dataset.train_from(epoch).take(5)]).astype(int)
        times = np.bincount(seen, minlength=100)
        # Weights 4 (at most) and 1 / (2 x 0.9), in proportion to an epoch of 100.
        total = 10 * 4 + 90 / 1.8
        assert set(times[:10]) <= {int(4 / total * 100), int(4 / total * 100) + 1}
        assert set(times[10:]) <= {0, 1}


def test_many_images_go_to_a_folder_by_themselves(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(store, "free_memory", lambda: 4 * 32 * 6 - 1.0)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    list(Counted().dataset("auto").test)
    assert f"They are kept in {tmp_path}/tf_csvae" in capsys.readouterr().out
    assert len(list((tmp_path / "tf_csvae").iterdir())) == 2 * 3
    monkeypatch.setattr(store, "free_memory", lambda: 4 * 32 * 6.0)
    list(Counted().dataset("auto").test)
    assert capsys.readouterr().out == ""


def test_the_free_memory_is_some():
    assert 2**20 < store.free_memory() < 2**50


def test_a_folder_without_room_is_told_before_anything_is_written(tmp_path, monkeypatch):
    free = types.SimpleNamespace(free=10)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free)
    cache = tmp_path / "new" / "cache"
    with pytest.raises(InputError, match="GiB of free disk, and the decoded images take"):
        Counted().dataset(str(cache))
    assert not cache.parent.exists()
    free.free = 10**6
    dataset = Counted().dataset(str(cache))
    for split in (dataset.train_from(0).take(dataset.steps_per_epoch * 2), dataset.validation, dataset.test):
        list(split)
    free.free = 0  # what is decoded already takes no more room
    np.testing.assert_array_equal(numbers(Counted().dataset(str(cache)).test), np.arange(7))
