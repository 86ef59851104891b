"""CelebA (Liu et al. 2015, arXiv:1411.7766): faces with 40 binary attributes.

From a folder in the official layout, with images of any size::

    img_align_celeba/000001.jpg ...
    list_attr_celeba.txt        the number of images; the attributes; a row per image of -1 and 1
    list_eval_partition.txt     a row per image: name and 0 (train), 1 (validation), 2 (test)

or, where no folder is given, through TensorFlow Datasets. The attributes' -1 and 1 become
0 and 1 here and nowhere else.
"""

import os

import numpy as np
import tensorflow as tf

from tf_csvae.data import images, pipeline, tfds
from tf_csvae.data.dataset import SPLITS, Info
from tf_csvae.errors import InputError, check_known
from tf_csvae.labels import Label

# The attributes that can be seen, as the student report chose them.
REPORT_ATTRIBUTES = (
    "Bald",
    "Bangs",
    "Black_Hair",
    "Blond_Hair",
    "Brown_Hair",
    "Bushy_Eyebrows",
    "Eyeglasses",
    "Gray_Hair",
    "Heavy_Makeup",
    "Male",
    "Mouth_Slightly_Open",
    "Mustache",
    "Pale_Skin",
    "Receding_Hairline",
    "Smiling",
    "Straight_Hair",
    "Wavy_Hair",
    "Wearing_Hat",
)

# The report's face crop: of the image resized to 256 x 256, the pixels (32, 32) to (224, 224).
FACE_BOX = (32 / 256, 32 / 256, 224 / 256, 224 / 256)

_IMAGES, _ATTRIBUTES, _PARTITION = "img_align_celeba", "list_attr_celeba.txt", "list_eval_partition.txt"

_WHERE = (
    "CelebA is at https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html: img_align_celeba.zip, "
    "list_attr_celeba.txt and list_eval_partition.txt, in one folder."
)


def load(
    data_dir=None,
    attributes=REPORT_ATTRIBUTES,
    image_size=64,
    batch_size=64,
    seed=0,
    cache="memory",
    augment=("flip",),
):
    """Loads CelebA.

    Args:
        data_dir: str, a folder in the official layout; None: TensorFlow Datasets' celeb_a,
            which downloads it where it may.
        attributes: names of the labels, in the order they shall have in y.
        image_size: int, side of the images in pixels.
        batch_size: int.
        seed: int, of the order of the training images and of augmentation.
        cache: "memory" (12 KB per image of 64 x 64), "none", or a folder for the read images.
        augment: names of ``pipeline.AUGMENTATIONS`` for the training images.

    Returns:
        A ``Dataset`` of x float32 [image_size, image_size, 3] in [0, 1] and y float32 [k].

    Raises:
        InputError: a missing folder or file, a malformed row, an unknown attribute.
    """
    attributes = tuple(attributes)
    if not attributes:
        raise InputError("CelebA needs at least one attribute. Received: none.")
    if len(set(attributes)) < len(attributes):
        raise InputError(f"An attribute is named twice. Received: {', '.join(attributes)}.")
    if data_dir is None:
        labels, counts, examples = _from_tfds(attributes, image_size)
    else:
        labels, files = _read_folder(data_dir, attributes)
        counts = {split: len(paths) for split, (paths, _) in files.items()}
    info = Info(
        name="celeba",
        shape=(image_size, image_size, 3),
        value_range=(0.0, 1.0),
        labels=labels,
        counts=counts,
        crop=FACE_BOX,
    )
    if data_dir is not None:
        return images.build(files, info, batch_size, seed, augment, cache)
    return pipeline.build(
        examples,
        info,
        batch_size,
        seed,
        convert=pipeline.image_to_float,
        augment=pipeline.augmentation(augment),
        cache=cache,
        fingerprint=repr(("tfds", attributes, image_size, FACE_BOX)).encode(),
    )


def _labels(attributes, y):
    return tuple(Label(name, float(p)) for name, p in zip(attributes, y.mean(0), strict=True))


def _read_folder(data_dir, attributes):
    """Reads the official layout.

    Returns:
        (labels, {split: (paths [n], float32 y [n, k])}).
    """
    for name in (_IMAGES, _ATTRIBUTES, _PARTITION):
        if not os.path.exists(os.path.join(data_dir, name)):
            raise InputError(f"--data_dir={data_dir} has no {name}. {_WHERE}")
    names, known, table = read_attributes(os.path.join(data_dir, _ATTRIBUTES))
    for attribute in attributes:
        check_known(attribute, known, "attribute")
    rows = {name: row for row, name in enumerate(names)}
    folder = os.path.join(data_dir, _IMAGES)
    present = set(os.listdir(folder))
    y = table[:, [known.index(attribute) for attribute in attributes]]

    chosen, placed = {split: [] for split in SPLITS}, set()
    partition = os.path.join(data_dir, _PARTITION)
    for number, line in _lines(partition):
        fields = line.split()
        if len(fields) != 2 or fields[1] not in ("0", "1", "2"):
            raise InputError(
                f"{partition}, line {number}: expected an image's name and 0 (train), 1 (validation) "
                f"or 2 (test). Received: {line!r}."
            )
        if fields[0] in placed:
            raise InputError(f"{partition}, line {number}: {fields[0]} is there twice.")
        placed.add(fields[0])
        if fields[0] not in rows:
            raise InputError(f"{partition}, line {number}: {fields[0]} has no row in {_ATTRIBUTES}.")
        if fields[0] not in present:
            raise InputError(
                f"{partition}, line {number}: there is no image {os.path.join(folder, fields[0])}."
            )
        chosen[SPLITS[int(fields[1])]].append(fields[0])
    files = {
        split: (
            np.array([os.path.join(folder, name) for name in members]),
            y[[rows[name] for name in members]],
        )
        for split, members in chosen.items()
    }
    for split, (paths, _) in files.items():
        if not len(paths):
            raise InputError(f"{partition} puts no image into the {split} split.")
    return _labels(attributes, files["train"][1]), files


def _lines(path):
    """Yields (number from 1, text) of the lines of a text file that are not blank."""
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, line.strip()


def read_attributes(path):
    """Reads list_attr_celeba.txt.

    Args:
        path: str.

    Returns:
        (names of the images, names of the attributes, float32 [images, attributes] of 0 and 1).

    Raises:
        InputError: a count that is not the number of rows, a row with too few or too many
            values, a value that is neither -1 nor 1; with file, line and column.
    """
    lines = _lines(path)
    try:
        (_, count), (_, header) = next(lines), next(lines)
    except StopIteration:
        raise InputError(
            f"{path} is too short: expected the number of images, the attributes' names, then rows."
        ) from None
    if not count.isdecimal():
        raise InputError(f"{path}, line 1: expected the number of images. Received: {count!r}.")
    attributes = header.split()
    names, table = [], []
    for number, line in lines:
        name, *values = line.split()
        if len(values) != len(attributes):
            raise InputError(
                f"{path}, line {number} ({name}): expected {len(attributes)} values, one per attribute. "
                f"Received: {len(values)}."
            )
        for attribute, value in zip(attributes, values, strict=True):
            if value not in ("1", "-1"):
                raise InputError(
                    f"{path}, line {number} ({name}), column {attribute}: expected -1 or 1. Received: {value!r}."
                )
        names.append(name)
        table.append([value == "1" for value in values])
    if len(names) != int(count):
        raise InputError(f"{path}: line 1 promises {count} images, the file has rows for {len(names)}.")
    return names, attributes, np.array(table, np.float32)


def _from_tfds(attributes, image_size):
    """Returns (labels, counts, {split: examples}) of TensorFlow Datasets' celeb_a."""

    def check(builder):
        for attribute in attributes:
            check_known(attribute, builder.info.features["attributes"], "attribute")

    by_hand = f" Download it by hand and give --data_dir=FOLDER. {_WHERE}"
    builder = tfds.prepared("celeb_a", check=check, otherwise=by_hand)

    def labels_of(example):
        return tf.stack([tf.cast(example["attributes"][name], tf.float32) for name in attributes])

    def prepare(example):
        return images.crop_and_resize(example["image"], FACE_BOX, image_size), labels_of(example)

    unread = tfds.read(builder, "train", True, {"image": tfds.skipped()})
    y = np.array(list(unread.map(labels_of).as_numpy_iterator()))
    examples = {
        split: pipeline.read_all(tfds.read(builder, split, split == "train"), prepare) for split in SPLITS
    }
    counts = {split: int(examples[split].cardinality()) for split in SPLITS}
    return _labels(attributes, y), counts, examples
