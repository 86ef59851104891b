"""Any set of TensorFlow Datasets that has images or numbers, and labels.

x is the image of the set; for a set without images, all numeric features, standardised. Labels are
the features with classes and the boolean ones, alone or in a group such as the ``attributes`` of
celeb_a, and numeric features that are asked for.
"""

import contextlib
import functools
import glob
import os
import threading
import urllib.parse
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import requests
import tensorflow as tf
import tensorflow_datasets

from tf_csvae.configs import DataConfig
from tf_csvae.data import image_format, images, label_columns, pipeline, scaling
from tf_csvae.data.dataset import SPLITS, Dataset, Info
from tf_csvae.data.known import check_kinds, label_names
from tf_csvae.data.table_files import Problems
from tf_csvae.errors import InputError, check_known
from tf_csvae.labels import Label

OPTIONS = (
    "data_dir", "attributes", "label_kinds", "image_size", "crop", "batch_size", "cache",
    "augment", "half", "balanced_batches",
)  # fmt: skip

# Before a download so many hosts are asked, each for so many seconds.
_HOSTS, _PATIENCE = 2, 4

# The decoder of a feature that is not needed.
SKIPPED = tensorflow_datasets.decode.SkipDecoding()

Path = tuple[str, ...]  # the keys that lead to a feature
Builder = tensorflow_datasets.core.DatasetBuilder


def load(config: DataConfig, known: Info | None = None) -> Dataset:
    """Loads a set: x float32 [height, width, channels] in [0, 1] or [d], y float32 [k].

    y is NaN where an example has no class. Without attributes, the labels are all features with
    classes and those in label_kinds. Without label_kinds, a feature with two classes and a boolean
    one are binary, one with more classes is categorical, a number is real. A split that the set
    lacks is a tenth of its training examples, from their end. With ``known`` the labels, the
    features and the scaling are those of a run.

    Raises:
        InputError: no such set, no way to get it, no labels, or no images or numbers.
    """
    where, name = config.dataset, config.dataset.partition(":")[2]
    builder = prepared(name, config.data_dir)
    features = builder.info.features
    labels, image, numeric = _features(features)
    scalars = {each: path for each, path in numeric.items() if _at(features, path).shape == ()}
    kinds = label_columns.parse_kinds(config.label_kinds, [*labels, *scalars], where)
    attributes = config.attributes or tuple(dict.fromkeys((*labels, *kinds)))
    if known is not None:
        attributes = label_names(known, [*labels, *scalars], config.attributes or (), where)
    if not attributes:
        raise InputError(
            f"{where} has no label: a feature with classes, or a boolean one. It has "
            f"{', '.join(features)}. Numbers are labels if --attributes names them."
        )
    for attribute in attributes:
        check_known(attribute, [*labels, *scalars], f"label of {where}")
    numeric = {each: path for each, path in numeric.items() if each not in attributes}
    if not image and not numeric:
        raise InputError(f"{where} has neither one image nor numbers. It has {', '.join(features)}.")
    paths = [(labels | scalars)[attribute] for attribute in attributes]
    instructions = _instructions(builder.info.splits)

    def labels_of(example):
        return tf.stack([tf.cast(_at(example, path), tf.float32) for path in paths])

    def numbers_of(example):
        values = [tf.cast(_at(example, path), tf.float64) for path in numeric.values()]
        return tf.concat([tf.reshape(value, [-1]) for value in values], 0)

    def arrays(function):
        decoders = {image[-1]: SKIPPED} if image else None
        return {
            split: np.array([*read(builder, part, decoders).map(function).as_numpy_iterator()])
            for split, part in instructions.items()
        }

    y = arrays(labels_of)
    problems, everything = Problems(), np.concatenate(list(y.values()))
    drafts = [
        _draft(each, _at(features, path), column, kinds.get(each), where, problems)
        for each, path, column in zip(attributes, paths, everything.T, strict=True)
    ]
    problems.raise_any()
    y = {split: _values(drafts, values).numpy() for split, values in y.items()}
    found = [label for label, _ in drafts]
    if known is not None:
        check_kinds(known.labels, found, where)
        found = known.labels
    else:
        found, _ = label_columns.fit_labels(found, y["train"], np.arange(len(y["train"])), where, problems)
        problems.raise_any()
    mean, deviation = (np.float32([getattr(label, f) for label in found]) for f in ("mean", "scale"))
    y = {split: (values - mean) / deviation for split, values in y.items()}
    title, counts = where.replace("/", "_"), {split: len(y[split]) for split in SPLITS}
    if not image:
        x = arrays(numbers_of)
        offset, scale = scaling.fit(x["train"])
        names = _names(features, numeric)
        if known is not None and names == known.feature_names:
            offset, scale = known.offset, known.scale
        info = Info(title, (len(names),), None, found, counts, offset, scale, feature_names=names)
        pairs = {split: (scaling.single((x[split] - offset) / scale), y[split]) for split in SPLITS}
        return pipeline.from_arrays(pairs, info, config)

    box, shape = images.parse_crop(config.crop), _shape(_at(features, image).shape, config)
    if known is not None:
        box, shape = known.crop, known.shape
    info = Info(title, shape, (0.0, 1.0), found, counts, crop=box)

    def prepare(example):
        return images.crop_and_resize(_at(example, image), box, shape)

    streams = {split: in_order(builder, instructions[split], prepare) for split in SPLITS}
    return pipeline.build(
        {split: pipeline.Source(y[split], stream=streams[split]) for split in SPLITS},
        info,
        config,
        lambda: repr((identity(builder), instructions, info.shape, box)).encode(),
        lambda: _failure(streams, where),
    )


def _shape(given: tuple[int | None, ...], config: DataConfig) -> tuple[int, int, int]:
    """Returns the shape of the images of a set that declares them as ``given``."""
    *whole, channels = given
    seen = [] if None in whole else [tuple(whole)]
    return *image_format.chosen_sides(config, seen), channels or 3


def _failure(streams: dict[str, tf.data.Dataset], where: str) -> str | None:
    """Returns a sentence about the first example that cannot be read."""
    for split, each in streams.items():
        number = 0
        try:
            for _ in each:
                number += 1
        except tf.errors.OpError as error:
            return f"{where}, {split} split, example {number + 1}: {images.reason(error)}."
    return None


def prepared(
    name: str, data_dir: str | None, check: Callable[[Any], None] = lambda builder: None, otherwise: str = ""
) -> Builder:
    """Returns the builder of a set, named as in "cifar10_1/v6", downloaded and prepared.

    The function ``check`` gets the builder before the download. ``otherwise`` is the end of the
    message: how to get the set in another way. Without data_dir, the default folder is used.

    Raises:
        InputError: what ``check`` raises; no such set, no network, no space.
    """
    try:
        builder = tensorflow_datasets.builder(name, data_dir=data_dir)
        check(builder)
        _check_network_first(builder)
        builder.download_and_prepare()
    except InputError:
        raise
    except Exception as error:  # the name, the network, the disk and the host have errors of any kind
        reason = (str(error) or repr(error)).strip().splitlines()[0]
        raise InputError(f"TensorFlow Datasets could not provide {name}: {reason}{otherwise}") from error
    return builder


def _check_network_first(builder: Builder) -> None:
    """Lets a builder fail soon if its hosts cannot be reached; by itself it tries for minutes."""
    generate = builder._split_generators  # called only if the set is not there

    @functools.wraps(generate)
    def checked(*given: Any, **named: Any) -> Any:
        hosts = sorted({urllib.parse.urlsplit(url).netloc for url in builder.url_infos or ()} - {""})[:_HOSTS]
        if hosts and not any(_is_reachable(host) for host in hosts):
            raise ConnectionError(f"{', '.join(hosts)} cannot be reached.")
        return generate(*given, **named)

    builder._split_generators = checked


def _is_reachable(host: str) -> bool:
    """Returns whether a host answers in a few seconds, through the proxy if there is one."""
    found = []

    def ask() -> None:
        with contextlib.suppress(requests.RequestException):
            found.append(requests.head(f"https://{host}", timeout=_PATIENCE))

    thread = threading.Thread(target=ask, daemon=True)  # looking up a name has no timeout
    thread.start()
    thread.join(_PATIENCE)
    return bool(found)


def identity(builder: Builder) -> tuple:
    """Returns what tells a prepared set from every other: its full name and its files."""
    files = glob.glob(os.path.join(glob.escape(str(builder.data_dir)), "*"))
    return builder.info.full_name, pipeline.stamps(sorted(files))


def read(builder: Builder, split: str, decoders: dict | None = None) -> tf.data.Dataset:
    """Returns the examples of a split, in the order of its files."""
    return builder.as_dataset(split=split, shuffle_files=False, decoders=decoders)


def in_order(builder: Builder, split: str, image_of: Callable[[Any], tf.Tensor]) -> tf.data.Dataset:
    """Returns the images of a split, in the order of ``read``; ``image_of`` is of an example."""
    examples = read(builder, split)
    return examples.map(image_of, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


def _at(example: Any, path: Path) -> Any:
    for key in path:
        example = example[key]
    return example


def _features(features: Any) -> tuple[dict[str, Path], Path | None, dict[str, Path]]:
    """Returns {name: path} of classes, the path of the one image, {name: path} of numbers."""
    labels, pictures, numeric = {}, [], {}

    def visit(feature, path):
        if isinstance(feature, tensorflow_datasets.features.FeaturesDict):
            for key, inner in feature.items():
                visit(inner, (*path, key))
            return
        name, whole, kind = path[-1], "/".join(path), feature.np_dtype
        is_class = isinstance(feature, tensorflow_datasets.features.ClassLabel)
        is_tensor = isinstance(feature, tensorflow_datasets.features.Tensor)
        if isinstance(feature, tensorflow_datasets.features.Image):
            pictures.append(path)
        elif is_class or (is_tensor and kind == np.bool_ and feature.shape == ()):
            labels[whole if name in labels else name] = path
        elif is_tensor and np.issubdtype(kind, np.number) and None not in feature.shape:
            numeric[whole] = path

    visit(features, ())
    return labels, pictures[0] if len(pictures) == 1 else None, numeric


def _draft(
    name: str, feature: Any, column: np.ndarray, kind: str | None, where: str, problems: Problems
) -> tuple[Label, Sequence[float]]:
    """Returns a label without its distribution, and the numbers in the set that are its classes."""
    is_class = isinstance(feature, tensorflow_datasets.features.ClassLabel)
    numbers = np.arange(feature.num_classes) if is_class else np.unique(column)
    if kind is None and not is_class:
        kind = "binary" if feature.np_dtype == np.bool_ else "real"
    kind = kind or ("binary" if len(numbers) == 2 else "categorical")
    if kind == "real":
        return Label(name, kind="real"), ()
    if kind == "binary":
        if set(np.unique(column[column >= 0])) - {0, 1}:
            problems.append(
                f"{where}, feature {name}: it has more than two classes, so it is not binary. "
                "Leave it out of --label_kinds."
            )
        return Label(name), (0, 1)
    if not 1 < len(numbers) <= label_columns.MAX_CLASSES:
        problems.append(
            f"{where}, feature {name}: {len(numbers)} different values. A categorical label has 2 "
            f"to {label_columns.MAX_CLASSES}. Leave it out of --attributes."
        )
        return Label(name), (0, 1)
    names = feature.names if is_class else [f"{number:g}" for number in numbers]
    return Label(name, kind="categorical", classes=tuple(names)), tuple(numbers)


def _values(drafts: Sequence[tuple[Label, Sequence[float]]], given: tf.Tensor) -> tf.Tensor:
    """Returns the values of labels, float32 [n, k], NaN where there is no class (-1 in a set)."""
    columns = tf.unstack(tf.cast(given, tf.float32), axis=1)
    for i, (label, numbers) in enumerate(drafts):
        if label.kind != "real":
            is_known = tf.reduce_any(columns[i][:, None] == numbers, 1)
            place = tf.searchsorted(tf.constant(numbers, tf.float32), columns[i])
            columns[i] = tf.where(is_known, tf.cast(place, tf.float32), np.nan)
    return tf.stack(columns, 1)


def _names(features: Any, numeric: dict[str, Path]) -> tuple[str, ...]:
    """Returns the names of the d numbers, as in "age" or "features[2]"."""
    names = []
    for name, path in numeric.items():
        size = int(np.prod(_at(features, path).shape))
        names += [name] if size == 1 else [f"{name}[{place}]" for place in range(size)]
    return tuple(names)


def _instructions(splits: Sequence[str]) -> dict[str, str]:
    """Returns {split: what to read}: a split of the set, or a tenth of its training examples."""
    if "train" not in splits:
        raise InputError(f"A split train is needed. The set has {', '.join(splits)}.")
    found, end = {}, 100
    for split in ("test", "validation"):
        if split in splits:
            found[split] = split
        else:
            found[split], end = f"train[{end - 10}%:{end}%]", end - 10
    return {"train": "train" if end == 100 else f"train[:{end}%]", **found}
