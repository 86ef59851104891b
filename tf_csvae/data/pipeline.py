"""The one tf.data pipeline: from sources of examples to batches.

The order of the training examples is a function of the seed, the epoch and the position. So each
worker reads its own rows of every batch and no others, and a training goes on at any step at once.
"""

import dataclasses
import hashlib
import math
import os
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import tensorflow as tf

from tf_csvae.configs import DataConfig
from tf_csvae.data import store
from tf_csvae.data.dataset import Dataset, Info
from tf_csvae.data.store import Source
from tf_csvae.errors import InputError, check_known
from tf_csvae.files import file_name
from tf_csvae.labels import Label

# The fingerprint of data that are made on the spot, and so are always the same.
MADE = "made"

# Halves of the training examples.
HALVES = ("first", "second")

# An example is drawn at most so many times as often as without balanced batches.
MOST_OFTEN = 4

# Values of the option cache that are no folder.
NO_FOLDER = ("auto", "memory", "none")

# Which rows of a global batch, and the size of that batch; None: all.
Rows = tuple[slice, int] | None


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


def _noise(x: tf.Tensor, rows: Rows, seed: tf.Tensor, **limits: float) -> tf.Tensor:
    """Returns random numbers, [b, 1, 1, 1], that rows of a global batch have whoever makes them."""
    n = tf.shape(x)[0] if rows is None else rows[1]
    noise = tf.random.stateless_uniform((n, 1, 1, 1), seed, **limits)
    return noise if rows is None else noise[rows[0]]


def random_flip(
    x: tf.Tensor, y: tf.Tensor, seed: tf.Tensor, rows: Rows = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mirrors each image of a batch from left to right with probability 1/2."""
    chosen = tf.where(tf.reshape(_noise(x, rows, seed), [-1]) < 0.5)
    # Only of those, and by tf.reverse: x[:, :, ::-1] of a batch takes seven times as long.
    return tf.tensor_scatter_nd_update(x, chosen, tf.reverse(tf.gather_nd(x, chosen), [2])), y


def random_colour(
    x: tf.Tensor, y: tf.Tensor, seed: tf.Tensor, rows: Rows = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """Changes the brightness of each image by up to 0.1 and its contrast by up to a tenth.

    An opacity, the fourth channel, stays.
    """
    brighter, stronger = (
        _noise(x, rows, seed + tf.constant([place, 0], seed.dtype), minval=-0.1, maxval=0.1)
        for place in range(2)
    )
    values = tf.cast(x[..., :3], tf.float32)
    centre = tf.reduce_mean(values, (1, 2, 3), keepdims=True)
    values = centre + (values - centre) * (1 + brighter) + 255 * stronger
    values = tf.cast(tf.clip_by_value(tf.round(values), 0, 255), x.dtype)
    return tf.concat([values, x[..., 3:]], -1), y


AUGMENTATIONS = {"flip": random_flip, "colour": random_colour}


def augmentation(names: Sequence[str]) -> Callable | None:
    """Returns the function (x, y, seed, rows) -> (x, y) of ``AUGMENTATIONS``, or None for no names.

    x are uint8 images, the seed is int [2]. ``rows`` are which rows of a global batch they are, and
    the size of that batch; None: all. An unknown name raises ``InputError``.
    """
    for name in names:
        check_known(name, AUGMENTATIONS, "augmentation")
    if not names:
        return None

    def apply(x: tf.Tensor, y: tf.Tensor, seed: tf.Tensor, rows: Rows = None) -> tuple[tf.Tensor, tf.Tensor]:
        for number, name in enumerate(names):
            own = seed + tf.constant([0, number], seed.dtype)
            x, y = AUGMENTATIONS[name](x, y, seed=own, rows=rows)
        return x, y

    return apply


def from_arrays(arrays: dict[str, tuple[np.ndarray, np.ndarray]], info: Info, config: DataConfig) -> Dataset:
    """Returns the ``Dataset`` of arrays {split: (x, float32 y [n, k])} that fit in memory.

    x is float32 [n, d] or uint8 [n, *info.shape].
    """
    return build({split: Source(y, x) for split, (x, y) in arrays.items()}, info, config)


def build(
    sources: dict[str, Source],
    info: Info,
    config: DataConfig,
    fingerprint: Callable[[], bytes] = lambda: b"",
    explain_failure: Callable[[], str | None] = lambda: None,
) -> Dataset:
    """Returns the ``Dataset`` of {split: source}.

    Images that are read are kept as ``config.cache`` says. The fingerprint tells apart data in the
    same folder; it has the ``stamps`` of all files. A training batch is never larger than the
    training set.

    Raises:
        InputError: a split without examples, no such augmentation, or a stream of images that
            cannot be read.
    """
    for split, count in info.counts.items():
        if not count:
            raise InputError(f"Dataset {info.name!r} has no examples in its {split} split.")
    try:
        sources = _kept(sources, info, config.cache, fingerprint)
    except tf.errors.OpError as error:
        raise InputError(explain_failure() or str(error)) from error
    places = np.random.default_rng(0).permutation(len(sources["train"]))  # rows may take turns by a label
    whole = _dataset(sources, None, places, info, config, explain_failure)
    return whole.half(config.half) if config.half else whole


def _kept(
    sources: dict[str, Source], info: Info, cache: str, fingerprint: Callable[[], bytes]
) -> dict[str, Source]:
    """Returns sources that keep their images as the option cache says."""
    read = {split: source for split, source in sources.items() if source.x is None}
    if cache == "none":
        read = {split: source for split, source in read.items() if source.stream is not None}
    if not read:
        return sources
    size = sum(map(len, read.values())) * math.prod(info.shape)
    if cache == "auto" and not store.fits_in_memory(size):
        cache = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "tf_csvae")
        print(
            f"The decoded images take {size / 2**30:.1f} GiB. They are kept in {cache}, for later trainings "
            "too. --cache=FOLDER chooses another folder.",
            flush=True,
        )
    paths = dict.fromkeys(read)
    if cache not in NO_FOLDER:
        key = hashlib.sha256(fingerprint()).hexdigest()[:16]
        paths = {split: os.path.join(cache, f"{file_name(info.name)}-{split}-{key}") for split in read}
        store.check_room(cache, list(paths.values()), size)
    return sources | {split: source.kept(info.shape, paths[split]) for split, source in read.items()}


def _dataset(
    sources: dict[str, Source],
    members: np.ndarray | None,
    places: np.ndarray,
    info: Info,
    config: DataConfig,
    explain_failure: Callable[[], str | None],
) -> Dataset:
    """Returns the ``Dataset`` whose training examples are ``members``, numbers; None: all.

    ``places`` are the numbers of all training examples in a random order, of which the halves are
    every second one.
    """
    count = info.counts["train"]
    batch_size, seed = min(config.batch_size, count), config.seed
    steps = count // batch_size
    augment = augmentation(config.augment) if info.is_image else None
    numbers = None if members is None else tf.constant(members, tf.int64)
    draw = None
    if config.balanced_batches:
        y = sources["train"].y
        draw = _balanced(y if members is None else y[members], info.labels, steps * batch_size)

    def converted(batches: tf.data.Dataset, scaled: bool = True) -> tf.data.Dataset:
        if info.is_image and scaled:
            batches = batches.map(
                lambda x, y: (tf.cast(x, tf.float32) / 255.0, y), num_parallel_calls=tf.data.AUTOTUNE
            )
        return batches.prefetch(tf.data.AUTOTUNE)

    def chosen(epoch: tf.Tensor, step: tf.Tensor, rows: slice) -> tf.Tensor:
        """Returns the numbers of the examples in rows of a global batch.

        They are a function of the seed, the epoch and the position alone: nobody needs to read, or
        to remember, what comes before. The permutation is a block cipher of the position (Simon,
        Beaulieu et al. 2013). Its key is a hash of seed and epoch, since keys that differ by one
        give orders that are alike, and it has 8 rounds: with 4, as of
        tf.random.experimental.index_shuffle, neighbours stay together too often.
        """
        positions = (step * batch_size + tf.range(batch_size, dtype=tf.int64))[rows]
        last = tf.constant(count if draw is None else steps * batch_size, tf.int64) - 1
        order = tf.stack([tf.cast(seed, tf.int64), epoch])
        key = tf.random.stateless_uniform((3,), order, None, None, tf.int32)
        positions = tf.raw_ops.RandomIndexShuffle(index=positions, seed=key, max_index=last, rounds=8)
        if draw is not None:
            positions = draw(positions, order)
        return positions if numbers is None else tf.gather(numbers, positions)

    def train_from(
        first: int, rows: slice = slice(None), step: int = 0, scaled: bool = True
    ) -> tf.data.Dataset:
        return made(tf.data.Dataset.range(first * steps + step, 2**62), rows, scaled)

    def made(at: tf.data.Dataset, rows: slice = slice(None), scaled: bool = True) -> tf.data.Dataset:
        """Returns the batches of steps, counted from the first epoch on."""
        of = None if rows == slice(None) else (rows, batch_size)

        def change(x: tf.Tensor, y: tf.Tensor, t: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            if augment is None:
                return x, y
            return augment(x, y, tf.stack([t // steps * 2**20 + t % steps, seed]), of)

        # Chosen apart from reading, so that steps are read in parallel.
        numbers = at.map(lambda t: (chosen(t // steps, t % steps, rows), t))
        return converted(sources["train"].batches(numbers, info.shape, change), scaled)

    def in_order(split: str) -> tf.data.Dataset:
        total = info.counts[split]
        starts = tf.data.Dataset.range(0, total, batch_size)
        numbers = starts.map(lambda start: tf.range(start, tf.minimum(start + batch_size, total)))
        return converted(sources[split].batches(numbers, info.shape))

    def half(which: str, batch_size: int | None = None) -> Dataset:
        own = dataclasses.replace(config, batch_size=batch_size) if batch_size else config
        part = places[HALVES.index(which) :: 2]
        return _dataset(
            sources,
            part,
            places,
            dataclasses.replace(info, counts={**info.counts, "train": len(part)}),
            own,
            explain_failure,
        )

    any_epoch = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).take(1)
    any_epoch = any_epoch.map(lambda number: number % 2**31 * steps)
    return Dataset(
        train=made(any_epoch.flat_map(lambda start: tf.data.Dataset.range(start, start + steps))),
        validation=in_order("validation"),
        test=in_order("test"),
        info=info,
        train_from=train_from,
        batch_size=batch_size,
        steps_per_epoch=steps,
        asked_batch_size=config.batch_size,
        explain_failure=explain_failure,
        half=half,
    )


def _balanced(y: np.ndarray, labels: Sequence[Label], n: int) -> Callable | None:
    """Returns a function of n positions that gives rare values of labels more examples.

    An example is drawn 1 / (V f) times on average, at most ``MOST_OFTEN``, where f is the frequency
    of its value among the V values of a label; of several labels that is their mean. It is
    systematic sampling: in an epoch each example is drawn as often as that, rounded up or down.
    None: no label has values to balance.
    """
    weights = []
    for label, column in zip(labels, y.T, strict=True):
        if label.kind != "real":
            _, shares = label.points
            often = np.minimum(1 / (len(shares) * np.maximum(shares, 1e-6)), MOST_OFTEN)
            known = ~np.isnan(column)
            weights.append(np.where(known, often[np.where(known, column, 0).astype(int)], 1.0))
    if not weights:
        return None
    ends = np.cumsum(np.mean(weights, 0))
    ends = tf.constant(ends / ends[-1])

    def draw(positions: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        start = tf.random.stateless_uniform((), seed, dtype=tf.float64)
        found = tf.searchsorted(ends, (tf.cast(positions, tf.float64) + start) / n, side="right")
        return tf.minimum(tf.cast(found, tf.int64), len(y) - 1)

    return draw
