"""The one tf.data pipeline: examples -> batches.

A dataset gives, per split, a tf.data.Dataset of single raw examples and their number; the
pipeline reads them once, keeps them compact (uint8 for images), and from then on shuffles,
batches and converts.
"""

import hashlib
import os
import shutil

import numpy as np
import tensorflow as tf

from tf_csvae.data.dataset import Dataset
from tf_csvae.errors import InputError, check_known

# Examples are read in an order that is already shuffled once, so a buffer of this size
# mixes well; for images of 64 x 64 it takes at most 100 MB.
SHUFFLE_BUFFER = 8192


def shuffled_once(arrays, seed):
    """A dataset of the rows of equally long arrays in a random fixed order."""
    order = np.random.default_rng(seed).permutation(len(arrays[0]))
    return tf.data.Dataset.from_tensor_slices(tuple(array[order] for array in arrays))


def read_all(items, read):
    """Maps ``read`` over a dataset of items, on all cores, in order."""
    return items.map(read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def image_to_float(x, y):
    """uint8 [n, h, w, c] -> float32 in [0, 1]."""
    return tf.cast(x, tf.float32) / 255.0, y


def random_flip(x, y, seed):
    """Mirrors each image of a batch left to right with probability 1/2."""
    flip = tf.random.stateless_uniform((tf.shape(x)[0], 1, 1, 1), seed) < 0.5
    return tf.where(flip, x[:, :, ::-1], x), y


def random_colour(x, y, seed):
    """Changes the brightness of each image of a batch by up to 0.1 and its contrast by up to a tenth."""
    amounts = tf.random.stateless_uniform((2, tf.shape(x)[0], 1, 1, 1), seed, -0.1, 0.1)
    values = tf.cast(x, tf.float32)
    centre = tf.reduce_mean(values, (1, 2, 3), keepdims=True)
    values = centre + (values - centre) * (1 + amounts[0]) + 255 * amounts[1]
    return tf.cast(tf.clip_by_value(tf.round(values), 0, 255), x.dtype), y


AUGMENTATIONS = {"flip": random_flip, "colour": random_colour}


def augmentation(names):
    """Returns the function (x, y, seed) that applies augmentations in turn, or None for none.

    Args:
        names: names of ``AUGMENTATIONS``; the batches that they get are uint8 images.

    Raises:
        InputError: no such augmentation.
    """
    for name in names:
        check_known(name, AUGMENTATIONS, "augmentation")
    if not names:
        return None

    def apply(x, y, seed):
        for number, name in enumerate(names):
            # The first one's noise is that of the seed itself.
            x, y = AUGMENTATIONS[name](x, y, seed=seed + tf.constant([0, number], seed.dtype))
        return x, y

    return apply


def _saved(examples, path):
    """Reads examples from a folder, after writing them there if it does not exist.

    Not ``Dataset.cache(file)``: a process that dies while it fills one leaves a lock that
    stops all later ones. This folder appears whole, by rename.
    """
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        temporary = f"{path}.{os.getpid()}"
        shutil.rmtree(temporary, ignore_errors=True)
        examples.save(temporary)
        try:
            os.rename(temporary, path)
        except OSError:  # another process was faster
            shutil.rmtree(temporary)
    return tf.data.Dataset.load(path)


def from_arrays(arrays, info, batch_size, seed):
    """Makes the ``Dataset`` of vectors that fit in memory.

    Args:
        arrays: {split: (float32 x [n, d], float32 y [n, k])}.
        info: ``Info``, with the counts.
        batch_size: see ``build``.
        seed: see ``build``.
    """
    examples = {
        split: shuffled_once(pair, seed) if split == "train" else tf.data.Dataset.from_tensor_slices(pair)
        for split, pair in arrays.items()
    }
    return build(examples, info, batch_size, seed, cache="none")


def build(
    examples,
    info,
    batch_size,
    seed=0,
    convert=None,
    augment=None,
    cache="memory",
    fingerprint=b"",
    explain_failure=None,
):
    """Makes the three splits of a ``Dataset``.

    Args:
        examples: {split: tf.data.Dataset of single (x, y)}; "train" in an order that is
            already random, see ``shuffled_once``.
        info: ``Info``, with the counts.
        batch_size: int; a training batch is never larger than the training set.
        seed: int, of the order of the training examples and of augmentation.
        convert: function of a raw batch (x, y) -> (x, y), applied after the cache.
        augment: function of (x, y, seed int [2]) -> (x, y), for training batches.
        cache: "memory", "none", or a folder to keep the read examples in between runs.
        fingerprint: bytes that tell apart what may be cached in the same folder.
        explain_failure: see ``Dataset``.

    Returns:
        A ``Dataset``.

    Raises:
        InputError: a split with no examples; with a folder as cache, one that cannot be read.
    """
    explain_failure = explain_failure or (lambda: None)
    for split, count in info.counts.items():
        if not count:
            raise InputError(f"Dataset {info.name!r} has no examples in its {split} split.")
    batch_size = min(batch_size, info.counts["train"])
    steps = info.counts["train"] // batch_size
    convert = convert or (lambda x, y: (x, y))

    def cached(split):
        if cache == "none":
            return examples[split]
        if cache == "memory":
            return examples[split].cache()
        name = f"{info.name}-{split}-{hashlib.sha256(fingerprint).hexdigest()[:16]}"
        try:
            return _saved(examples[split], os.path.join(cache, name))
        except tf.errors.OpError as error:
            raise InputError(explain_failure() or str(error)) from error

    def typed(dataset):
        dataset = dataset.map(convert, num_parallel_calls=tf.data.AUTOTUNE)
        return dataset.prefetch(tf.data.AUTOTUNE)

    def in_order(split):
        return typed(cached(split).batch(batch_size))

    train = cached("train")

    def epoch(number):
        """One epoch's batches, which depend on the seed and the number alone."""
        # Of this function's graph: the order must not depend on the process's global seed,
        # and where that is 0, shuffle compares a tensor with it and fails.
        tf.compat.v1.set_random_seed(1)
        number = tf.cast(number, tf.int64)
        mixed = train.shuffle(
            min(info.counts["train"], SHUFFLE_BUFFER),
            seed=tf.cast(seed, tf.int64) * 1_000_003 + number,
            reshuffle_each_iteration=False,
        )
        batches = mixed.batch(batch_size, drop_remainder=True)
        if augment is None:
            return batches
        return batches.enumerate().map(
            lambda step, batch: augment(*batch, seed=tf.stack([number * 2**20 + step, seed])),
            num_parallel_calls=tf.data.AUTOTUNE,
        )

    def train_from(first, rows=slice(None)):
        batches = tf.data.Dataset.range(first, 2**40).flat_map(epoch)
        if rows != slice(None):
            batches = batches.map(lambda x, y: (x[rows], y[rows]))
        return typed(batches)

    return Dataset(
        train=typed(
            tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).take(1).flat_map(epoch)
        ),
        validation=in_order("validation"),
        test=in_order("test"),
        info=info,
        train_from=train_from,
        batch_size=batch_size,
        steps_per_epoch=steps,
        explain_failure=explain_failure,
    )


def build_images(examples, info, batch_size, seed, augment, cache, **options):
    """Makes the ``Dataset`` of examples (uint8 image, y), whose x are float32 in [0, 1].

    Args:
        examples: see ``build``.
        info: see ``build``.
        batch_size: see ``build``.
        seed: see ``build``.
        augment: names of ``AUGMENTATIONS`` for the training images.
        cache: see ``build``.
        **options: further arguments of ``build``.
    """
    return build(
        examples,
        info,
        batch_size,
        seed,
        convert=image_to_float,
        augment=augmentation(augment),
        cache=cache,
        **options,
    )
