"""Any set of TensorFlow Datasets that has images or numbers, and labels.

x is the set's image; of a set without one, all features that are numbers, standardised. Labels are the
features with classes and those that are true or false, alone or within a group such as celeb_a's
``attributes``; and numbers that are asked for as such.
"""

import numpy as np
import tensorflow as tf

from tf_csvae.data import images, pipeline, rows
from tf_csvae.data.dataset import SPLITS, Info
from tf_csvae.errors import InputError, check_known
from tf_csvae.labels import Label


def load(
    name,
    data_dir=None,
    attributes=None,
    label_kinds=(),
    image_size=64,
    crop="center",
    batch_size=64,
    seed=0,
    cache="memory",
    augment=("flip",),
):
    """Loads a set of TensorFlow Datasets.

    Splits that it has not are cut off from the end of the training examples, a tenth for each.

    Args:
        name: str, as TensorFlow Datasets has it, with its configuration: "celeb_a", "cifar10_1/v6".
        data_dir: str, where TensorFlow Datasets keeps its sets; None: its own default.
        attributes: names of the labels, in the order they shall have in y; None: all that have classes, and
            those in ``label_kinds``.
        label_kinds: list of "label:kind". Without, a feature with two classes, or true or false, is binary,
            one with more categorical, a number real.
        image_size: int, side of the images in pixels.
        crop: str, see ``images.parse_crop``.
        batch_size: int.
        seed: int, of the order of the training examples and of augmentation.
        cache: "memory", "none", or a folder for the prepared images.
        augment: names of ``pipeline.AUGMENTATIONS`` for the training images.

    Returns:
        A ``Dataset`` of x float32 [image_size, image_size, 3] in [0, 1], or [d], and y float32 [k],
        NaN where the set has no class.

    Raises:
        InputError: no such set, no way to get it, no labels, nothing for x.
    """
    builder = prepared(name, data_dir)
    labels, image, numeric = _features(builder.info.features)
    scalars = {each: path for each, path in numeric.items() if _at(builder.info.features, path).shape == ()}
    kinds = rows.parse_kinds(label_kinds, [*labels, *scalars], f"tfds:{name}")
    attributes = list(attributes or dict.fromkeys((*labels, *kinds)))
    if not attributes:
        raise InputError(
            f"tfds:{name} has no label: a feature with classes, or one that is true or false. "
            f"It has {', '.join(builder.info.features)}; numbers are labels when --attributes names them."
        )
    for attribute in attributes:
        check_known(attribute, [*labels, *scalars], f"label of tfds:{name}")
    numeric = {each: path for each, path in numeric.items() if each not in attributes}
    paths = labels | scalars
    if not image and not numeric:
        raise InputError(
            f"tfds:{name} has neither one image nor numbers. It has {', '.join(builder.info.features)}."
        )
    instructions = _instructions(builder.info.splits)

    def labels_of(example):
        return tf.stack([tf.cast(_at(example, paths[name]), tf.float32) for name in attributes])

    def numbers_of(example):
        parts = [tf.reshape(tf.cast(_at(example, path), tf.float32), [-1]) for path in numeric.values()]
        return tf.concat(parts, 0)

    def arrays(function):
        unread = {image[-1]: skipped()} if image else None
        return {
            split: np.array(
                list(read(builder, instructions[split], False, unread).map(function).as_numpy_iterator())
            )
            for split in SPLITS
        }

    given_values = arrays(labels_of)
    problems, where = rows.Problems(), f"tfds:{name}"
    everything = np.concatenate(list(given_values.values()))
    drafts = [
        _draft(each, _at(builder.info.features, paths[each]), column, kinds.get(each), where, problems)
        for each, column in zip(attributes, everything.T, strict=True)
    ]
    problems.raise_any()
    values = {split: _values(drafts, given).numpy() for split, given in given_values.items()}
    known, _ = rows.learned(
        [label for label, _ in drafts], values["train"], np.arange(len(values["train"])), where, problems
    )
    problems.raise_any()
    offset, scale = (np.float32([getattr(label, each) for label in known]) for each in ("mean", "scale"))
    y = {split: (part - offset) / scale for split, part in values.items()}
    given = {
        "name": f"tfds:{name}".replace("/", "_"),
        "labels": known,
        "counts": {split: len(column) for split, column in y.items()},
    }
    if not image:
        x = arrays(numbers_of)
        offset, scale = x["train"].mean(0), x["train"].std(0)
        scale = np.where(scale > 0, scale, 1).astype(np.float32)
        info = Info(
            **given,
            shape=offset.shape,
            value_range=None,
            offset=offset,
            scale=scale,
            feature_names=_names(builder.info.features, numeric),
        )
        scaled = {split: ((x[split] - offset) / scale, y[split]) for split in SPLITS}
        return pipeline.from_arrays(scaled, info, batch_size, seed)
    box = images.parse_crop(crop)
    info = Info(**given, shape=(image_size, image_size, 3), value_range=(0.0, 1.0), crop=box)

    def prepare(example):
        picture = _at(example, image)
        if picture.shape[-1] == 1:
            picture = tf.image.grayscale_to_rgb(picture)
        row = (_values(drafts, labels_of(example)[None])[0] - offset) / scale
        return images.crop_and_resize(picture[..., :3], box, image_size), row

    examples = {
        split: pipeline.read_all(read(builder, instructions[split], split == "train"), prepare)
        for split in SPLITS
    }
    return pipeline.build_images(
        examples,
        info,
        batch_size,
        seed,
        augment,
        cache,
        fingerprint=repr((name, str(builder.version), instructions, known, info.shape, box)).encode(),
    )


def prepared(name, data_dir=None, check=lambda builder: None, otherwise=""):
    """Returns the builder of a set, downloaded and prepared.

    Args:
        name: str, as TensorFlow Datasets has it.
        data_dir: str, where the sets are kept; None: the default.
        check: function of the builder, called before anything is downloaded.
        otherwise: str, said after why it cannot be had.

    Raises:
        InputError: what ``check`` raises; no such set, no network, no space.
    """
    import tensorflow_datasets as tfds  # takes seconds to import, and only this needs it

    try:
        builder = tfds.builder(name, data_dir=data_dir)
        check(builder)
        builder.download_and_prepare()
    except InputError:
        raise
    except Exception as error:  # whatever the name, the network, the disk or the host of the files says
        reason = (str(error) or repr(error)).strip().splitlines()[0]
        raise InputError(f"TensorFlow Datasets could not provide {name}: {reason}{otherwise}") from error
    return builder


def read(builder, split, shuffle, decoders=None):
    """Returns the examples of a split, of many files in turn: one after another would be an order by file."""
    import tensorflow_datasets as tfds

    config = tfds.ReadConfig(shuffle_seed=0, interleave_cycle_length=16)
    return builder.as_dataset(split=split, shuffle_files=shuffle, read_config=config, decoders=decoders)


def skipped():
    """Returns the decoder of a feature that is not looked at."""
    import tensorflow_datasets as tfds

    return tfds.decode.SkipDecoding()


def _at(example, path):
    for key in path:
        example = example[key]
    return example


def _features(features):
    """Returns ({name: path} of classes, path of the one image or None, {name: path} of numbers)."""
    import tensorflow_datasets as tfds

    labels, pictures, numeric = {}, [], {}

    def look(feature, path):
        name = path[-1] if path else ""
        if isinstance(feature, tfds.features.FeaturesDict):
            for key, inner in feature.items():
                look(inner, (*path, key))
        elif isinstance(feature, tfds.features.Image):
            pictures.append(path)
        elif isinstance(feature, tfds.features.ClassLabel):
            labels["/".join(path) if name in labels else name] = path
        elif isinstance(feature, (tfds.features.Scalar, tfds.features.Tensor)):
            if feature.np_dtype == np.bool_:
                if feature.shape == ():
                    labels["/".join(path) if name in labels else name] = path
            elif np.issubdtype(feature.np_dtype, np.number) and None not in feature.shape:
                numeric["/".join(path)] = path

    look(features, ())
    return labels, pictures[0] if len(pictures) == 1 else None, numeric


def _draft(name, feature, column, kind, where, problems):
    """Returns a ``Label`` of which ``rows.learned`` knows the rest, and the numbers that its classes have.

    Of a feature with classes their indices; of numbers that are classes those that occur.
    """
    import tensorflow_datasets as tfds

    is_class = isinstance(feature, tfds.features.ClassLabel)
    numbers = np.arange(feature.num_classes) if is_class else np.unique(column)
    if kind is None and not is_class:
        kind = "binary" if feature.np_dtype == np.bool_ else "real"
    kind = kind or ("binary" if len(numbers) == 2 else "categorical")
    if kind == "real":
        return Label(name, kind="real"), ()
    if kind == "binary":
        if set(np.unique(column[column >= 0])) - {0, 1}:
            problems.append(
                f"{where}, feature {name}: it has more than two classes, so it is not binary. Leave it out of "
                "--label_kinds."
            )
        return Label(name), (0, 1)
    if not 1 < len(numbers) <= rows.MAX_CLASSES:
        problems.append(
            f"{where}, feature {name}: {len(numbers)} different values. A categorical label has 2 to "
            f"{rows.MAX_CLASSES}. Leave it out of --attributes."
        )
        return Label(name), (0, 1)
    names = feature.names if is_class else [f"{number:g}" for number in numbers]
    return Label(name, kind="categorical", classes=tuple(names)), tuple(numbers)


def _values(drafts, given):
    """Returns the values of labels, float32 [n, k], NaN where a feature has no class (-1 in these sets)."""
    columns = []
    for (label, numbers), column in zip(drafts, tf.unstack(tf.cast(given, tf.float32), axis=1), strict=True):
        if label.kind != "real":
            place = tf.searchsorted(tf.constant(numbers, tf.float32), column)
            column = tf.where(
                tf.reduce_any(column[:, None] == numbers, 1), tf.cast(place, tf.float32), np.nan
            )
        columns.append(column)
    return tf.stack(columns, 1)


def _names(features, numeric):
    """Returns the names of the d numbers, as in "age" or "features[2]"."""
    names = []
    for name, path in numeric.items():
        size = int(np.prod(_at(features, path).shape))
        names += [name] if size == 1 else [f"{name}[{place}]" for place in range(size)]
    return tuple(names)


def _instructions(splits):
    """Returns {split: what to read}: the set's own, or a tenth from the end of the training examples."""
    if "train" not in splits:
        raise InputError(f"A split train is needed. The set has {', '.join(splits)}.")
    found, end = {}, 100
    for split in ("test", "validation"):
        if split in splits:
            found[split] = split
        else:
            found[split], end = f"train[{end - 10}%:{end}%]", end - 10
    return {"train": "train" if end == 100 else f"train[:{end}%]", **found}
