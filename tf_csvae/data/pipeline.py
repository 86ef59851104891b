"""The one tf.data pipeline: from examples to batches.

A source provides, for each split, a tf.data.Dataset of single examples. The pipeline reads them
once, keeps them compact (uint8 for images), and then shuffles, batches and converts them.
"""

import dataclasses
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import tensorflow as tf

from tf_csvae.configs import DataConfig
from tf_csvae.data.dataset import SPLITS, Dataset, Info
from tf_csvae.errors import InputError, check_known
from tf_csvae.files import file_name
from tf_csvae.labels import Label

# The examples are in a random order already, so a buffer of this size mixes well. For images of
# 64 x 64 it takes at most 100 MB.
SHUFFLE_BUFFER = 8192

# The fingerprint of data that are made on the spot, and so are always the same.
MADE = "made"

# Halves of the training examples.
HALVES = ("first", "second")

# An example is drawn at most so many times as often as without balanced batches.
MOST_OFTEN = 4

# Values of the option cache that are no folder.
NO_FOLDER = ("memory", "none")


def stamps(paths: Iterable[str]) -> list[tuple[int, ...] | None]:
    """Returns of each file what changes with its content, whatever its path; None: no such file."""
    return [_stamp(path) for path in paths]


def _stamp(path: str) -> tuple[int, ...] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    # The time of the last change of its entry, since a copy may keep the modification time.
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def shuffled_once(arrays: Sequence[np.ndarray], seed: int) -> tf.data.Dataset:
    """Returns the rows of equally long arrays in a random, fixed order.

    The rows in even places are the same for every seed, so that halves of the data are, too.
    """
    order = np.random.default_rng(0).permutation(len(arrays[0]))  # rows may take turns by a label
    mixed, generator = np.empty_like(order), np.random.default_rng(seed)
    for start in (0, 1):
        mixed[start::2] = generator.permutation(order[start::2])
    return tf.data.Dataset.from_tensor_slices(tuple(array[mixed] for array in arrays))


def slices(arrays: dict[str, Sequence[np.ndarray]], seed: int) -> dict[str, tf.data.Dataset]:
    """Returns {split: the rows of its arrays}; those of train are shuffled once."""
    return {
        split: shuffled_once(each, seed) if split == "train" else tf.data.Dataset.from_tensor_slices(each)
        for split, each in arrays.items()
    }


def read_all(items: tf.data.Dataset, read: Callable) -> tf.data.Dataset:
    """Maps ``read`` over items, on all cores, in order."""
    return items.map(read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def random_flip(x: tf.Tensor, y: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mirrors each image of a batch from left to right with probability 1/2."""
    flip = tf.random.stateless_uniform((tf.shape(x)[0], 1, 1, 1), seed) < 0.5
    return tf.where(flip, x[:, :, ::-1], x), y


def random_colour(x: tf.Tensor, y: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Changes the brightness of each image by up to 0.1 and its contrast by up to a tenth.

    An opacity, the fourth channel, stays.
    """
    amounts = tf.random.stateless_uniform((2, tf.shape(x)[0], 1, 1, 1), seed, -0.1, 0.1)
    values = tf.cast(x[..., :3], tf.float32)
    centre = tf.reduce_mean(values, (1, 2, 3), keepdims=True)
    values = centre + (values - centre) * (1 + amounts[0]) + 255 * amounts[1]
    values = tf.cast(tf.clip_by_value(tf.round(values), 0, 255), x.dtype)
    return tf.concat([values, x[..., 3:]], -1), y


AUGMENTATIONS = {"flip": random_flip, "colour": random_colour}


def augmentation(names: Sequence[str]) -> Callable | None:
    """Returns the function (x, y, seed) -> (x, y) of ``AUGMENTATIONS``, or None for no names.

    The batches x are uint8 images, the seed is int [2]. An unknown name raises ``InputError``.
    """
    for name in names:
        check_known(name, AUGMENTATIONS, "augmentation")
    if not names:
        return None

    def apply(x: tf.Tensor, y: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        for number, name in enumerate(names):
            x, y = AUGMENTATIONS[name](x, y, seed=seed + tf.constant([0, number], seed.dtype))
        return x, y

    return apply


def from_arrays(arrays: dict[str, tuple[np.ndarray, np.ndarray]], info: Info, config: DataConfig) -> Dataset:
    """Returns the ``Dataset`` of arrays {split: (x, float32 y [n, k])} that fit in memory.

    x is float32 [n, d] or uint8 [n, *info.shape].
    """
    return build(slices(arrays, config.seed), info, config, cache="none")


def build(
    examples: dict[str, tf.data.Dataset],
    info: Info,
    config: DataConfig,
    cache: str,
    fingerprint: bytes = b"",
    explain_failure: Callable[[], str | None] = lambda: None,
) -> Dataset:
    """Returns the ``Dataset`` of {split: examples (x, y)}; x is a uint8 image or float32 [d].

    The training examples are in a random order already, see ``shuffled_once``. A training batch
    is never larger than the training set. ``cache`` is "memory", "none", or a folder that keeps
    the examples between runs; the fingerprint, which tells apart data in the same folder, has the
    ``stamps`` of all files.

    Raises:
        InputError: a split without examples, no such augmentation, or examples that cannot be
            read while the folder is filled.
    """

    def cached(split: str) -> tf.data.Dataset:
        if cache == "none":
            return examples[split]
        if cache == "memory":
            return examples[split].cache()
        name = f"{file_name(info.name)}-{split}-{hashlib.sha256(fingerprint).hexdigest()[:16]}"
        try:
            found = _saved(examples[split], os.path.join(cache, name), info.counts[split])
        except tf.errors.OpError as error:
            raise InputError(explain_failure() or str(error)) from error
        if found is None:
            raise InputError(explain_failure() or f"Some examples of the {split} split cannot be read.")
        return found

    whole = _batches({split: cached(split) for split in SPLITS}, info, config, explain_failure)
    return whole.half(config.half) if config.half else whole


def _batches(
    examples: dict[str, tf.data.Dataset],
    info: Info,
    config: DataConfig,
    explain_failure: Callable[[], str | None],
) -> Dataset:
    """Returns the ``Dataset`` of examples that need not be kept; raises as ``build``."""
    for split, count in info.counts.items():
        if not count:
            raise InputError(f"Dataset {info.name!r} has no examples in its {split} split.")
    batch_size, seed = min(config.batch_size, info.counts["train"]), config.seed
    augment = augmentation(config.augment) if info.is_image else None

    def converted(batches: tf.data.Dataset) -> tf.data.Dataset:
        if info.is_image:
            batches = batches.map(
                lambda x, y: (tf.cast(x, tf.float32) / 255.0, y), num_parallel_calls=tf.data.AUTOTUNE
            )
        return batches.prefetch(tf.data.AUTOTUNE)

    train, buffer = examples["train"], min(info.counts["train"], SHUFFLE_BUFFER)
    steps = info.counts["train"] // batch_size

    def epoch(number: tf.Tensor) -> tf.data.Dataset:
        """Returns the batches of one epoch, which depend on the seed and the number only."""
        # The order must not depend on the global seed of the process; and if that is 0, shuffle
        # fails on a seed that is a tensor. This sets the seed of the graph of this function.
        tf.compat.v1.set_random_seed(1)
        order = tf.cast(seed, tf.int64) * 1_000_003 + number
        mixed = train.shuffle(buffer, order, reshuffle_each_iteration=False)
        if config.balanced_batches:
            mixed = _balanced(mixed, info.labels, tf.stack([seed, tf.cast(number, tf.int64)])).repeat()
        batches = mixed.batch(batch_size, drop_remainder=True).take(steps)
        if augment is None:
            return batches
        return batches.enumerate().map(
            lambda step, batch: augment(*batch, seed=tf.stack([number * 2**20 + step, seed])),
            num_parallel_calls=tf.data.AUTOTUNE,
        )

    def train_from(first: int, rows: slice = slice(None)) -> tf.data.Dataset:
        batches = tf.data.Dataset.range(first, 2**40).flat_map(epoch)
        if rows != slice(None):
            batches = batches.map(lambda x, y: (x[rows], y[rows]))
        return converted(batches)

    def half(which: str, batch_size: int | None = None) -> Dataset:
        place, own = HALVES.index(which), config
        if batch_size:
            own = dataclasses.replace(config, batch_size=batch_size)
        count = (info.counts["train"] + 1 - place) // 2
        part = dataclasses.replace(info, counts={**info.counts, "train": count})
        return _batches({**examples, "train": train.shard(2, place)}, part, own, explain_failure)

    any_epoch = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).take(1)
    return Dataset(
        train=converted(any_epoch.flat_map(epoch)),
        validation=converted(examples["validation"].batch(batch_size)),
        test=converted(examples["test"].batch(batch_size)),
        info=info,
        train_from=train_from,
        batch_size=batch_size,
        steps_per_epoch=steps,
        explain_failure=explain_failure,
        half=half,
    )


def _balanced(examples: tf.data.Dataset, labels: Sequence[Label], seed: tf.Tensor) -> tf.data.Dataset:
    """Returns examples with rare values of their labels repeated, and some of the others left out.

    An example is drawn 1 / (V f) times on average, at most ``MOST_OFTEN``, where f is the frequency
    of its value among the V values of a label; of several labels that is their mean.
    """
    columns = []
    for i, label in enumerate(labels):
        if label.kind != "real":
            _, shares = label.points
            weights = np.minimum(1 / (len(shares) * np.maximum(shares, 1e-6)), MOST_OFTEN)
            columns.append((i, tf.constant(weights, tf.float32)))

    def copies(place: tf.Tensor, example: tuple) -> tf.data.Dataset:
        y, weight = example[1], tf.constant(0.0)
        for i, weights in columns:
            known = ~tf.math.is_nan(y[i])
            index = tf.cast(tf.where(known, y[i], 0.0), tf.int32)
            weight += tf.where(known, weights[index], 1.0) / len(columns)
        random = tf.random.stateless_uniform((), seed + tf.stack([tf.zeros((), tf.int64), place * 2**20]))
        times = tf.cast(tf.floor(weight + random), tf.int64)
        return tf.data.Dataset.from_tensors(example).repeat(times)

    return examples.enumerate().flat_map(copies) if columns else examples


def _saved(examples: tf.data.Dataset, path: str, count: int) -> tf.data.Dataset | None:
    """Reads examples from a folder. If it does not exist, they are written there first.

    Returns None if fewer than ``count`` can be read.

    This is not ``Dataset.cache(file)``, because a process that is killed while it fills such a
    cache leaves a lock that stops all later ones. This folder appears whole, by rename.
    """
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        temporary = f"{path}.{os.getpid()}"
        shutil.rmtree(temporary, ignore_errors=True)
        # Of an example that fails, TensorFlow's save would wait forever.
        examples.ignore_errors().save(temporary)
        if tf.data.Dataset.load(temporary).cardinality() < count:
            shutil.rmtree(temporary)
            return None
        try:
            os.rename(temporary, path)
        except OSError:  # another process was faster
            shutil.rmtree(temporary)
    return tf.data.Dataset.load(path)
