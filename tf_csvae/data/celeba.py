"""CelebA (Liu et al. 2015, arXiv:1411.7766): faces with 40 binary attributes.

From a folder in the official layout, with images of any size::

    img_align_celeba/000001.jpg ...
    list_attr_celeba.txt        the number of images; the attributes; a row per image of -1 and 1
    list_eval_partition.txt     a row per image: name and 0 (train), 1 (validation), 2 (test)

or, where no folder is given, through TensorFlow Datasets. The attributes' -1 and 1 become
0 and 1 here and nowhere else.
"""

import dataclasses
import os
import re

import numpy as np
import tensorflow as tf

from tf_csvae.data import images, pipeline, tfds
from tf_csvae.data.dataset import SPLITS, Info, half_of
from tf_csvae.errors import InputError, check_known
from tf_csvae.labels import Label
from tf_csvae.paths import is_within

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
    half=None,
    on_bad_example="error",
    max_bad_examples=100,
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
        half: "first" or "second", every other training image, from the first or the second on;
            None: all.
        on_bad_example: "error", or "skip": images of the partition that are not there, have no row
            of attributes or cannot be read are left out, and listed in ``Dataset.left_out``. All are
            read once before the training.
        max_bad_examples: int, with "skip": more than so many are an error.

    Returns:
        A ``Dataset`` of x float32 [image_size, image_size, 3] in [0, 1] and y float32 [k].

    Raises:
        InputError: a missing folder or file, a malformed row, an unknown attribute, a name that leads
            out of the folder, or too many bad examples.
    """
    attributes = tuple(attributes)
    if not attributes:
        raise InputError("CelebA needs at least one attribute. Received: none.")
    if len(set(attributes)) < len(attributes):
        raise InputError(f"An attribute is named twice. Received: {', '.join(attributes)}.")
    used = half_of(half)
    if data_dir is None:
        labels, counts, examples = _from_tfds(attributes, image_size, used)
        left_out = ()
    else:
        table, files, left_out = _read_folder(data_dir, attributes, on_bad_example == "skip")
        files["train"] = files["train"][used]
        if on_bad_example == "skip":
            files, more = _readable(files)
            left_out += more
            images.check_few(left_out, max_bad_examples, data_dir)
        for split, paths in files.items():
            if not paths:
                raise InputError(f"--data_dir={data_dir} has no image in the {split} split that can be used.")
        files = _with_labels(files, table)
        labels = _labels(attributes, files["train"][1])
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
        dataset = images.build(files, info, batch_size, seed, augment, cache)
        return dataclasses.replace(dataset, left_out=left_out)
    return pipeline.build_images(
        examples,
        info,
        batch_size,
        seed,
        augment,
        cache,
        fingerprint=repr(("tfds", half, attributes, image_size, FACE_BOX)).encode(),
    )


def _labels(attributes, y):
    return tuple(Label(name, float(p)) for name, p in zip(attributes, y.mean(0), strict=True))


def _read_folder(data_dir, attributes, skip):
    """Reads the official layout.

    Args:
        data_dir: str.
        attributes: names of the labels.
        skip: bool, leave out images that are not there or have no attributes.

    Returns:
        ({path: float32 [k]}, {split: list of paths}, sentences about what was left out).
    """
    for name in (_IMAGES, _ATTRIBUTES, _PARTITION):
        if not os.path.exists(os.path.join(data_dir, name)):
            raise InputError(f"--data_dir={data_dir} has no {name}. {_WHERE}")
    names, known, table = read_attributes(os.path.join(data_dir, _ATTRIBUTES))
    for attribute in attributes:
        check_known(attribute, known, "attribute")
    rows = {name: row for row, name in enumerate(names)}
    folder = os.path.join(data_dir, _IMAGES)
    present = _files_within(folder, data_dir)
    y = table[:, [known.index(attribute) for attribute in attributes]]

    chosen, left_out, taken = {split: [] for split in SPLITS}, [], {}
    partition = os.path.join(data_dir, _PARTITION)
    for number, name, split in read_partition(partition):
        at, path = f"{partition}, line {number}", os.path.join(folder, name)
        told = os.path.join(folder, shown(name))
        wrong = None
        if name not in rows:
            wrong = f"{at}: {shown(name)} has no row in {_ATTRIBUTES}."
        elif name not in present:
            wrong = f"{at}: there is no image {told}."
        elif not present[name]:
            raise InputError(f"{at}: {told} is a link that leads out of --data_dir={data_dir}.")
        if wrong and not skip:
            raise InputError(wrong)
        if wrong:
            left_out.append(wrong)
        else:
            chosen[split].append(path)
            taken[path] = y[rows[name]]
    return taken, chosen, tuple(left_out)


def _files_within(folder, data_dir):
    """Returns {name: whether it lies within ``data_dir``, were it a link} of what is in a folder."""
    # The folder itself may be a link that the user made; what is in it, anyone.
    with os.scandir(folder) as entries:
        return {
            entry.name: not entry.is_symlink() or is_within(entry.path, data_dir, folder) for entry in entries
        }


def _readable(files):
    """Leaves out what cannot be decoded.

    Args:
        files: {split: list of paths}.

    Returns:
        (the same without those, a tuple of sentences about them).
    """
    bad = images.all_unreadable([path for paths in files.values() for path in paths])
    left = {split: [path for path in paths if path not in bad] for split, paths in files.items()}
    return left, tuple(bad.values())


def _with_labels(files, table):
    """Returns {split: (paths [n], float32 y [n, k])} of {split: list of paths} and {path: y}."""
    return {
        split: (np.array(paths), np.array([table[path] for path in paths], np.float32))
        for split, paths in files.items()
    }


def read_partition(path):
    """Reads list_eval_partition.txt.

    Args:
        path: str.

    Returns:
        list of (line's number, image's name, split).

    Raises:
        InputError: a line that is not a name and 0, 1 or 2, or a name that is there twice.
    """
    placed, found = set(), []
    for number, line in _lines(path):
        name, *values = line.split()
        if len(values) != 1 or values[0] not in ("0", "1", "2"):
            raise InputError(
                f"{path}, line {number}: expected an image's name and 0 (train), 1 (validation) "
                f"or 2 (test). Received: {shown(line)!r}."
            )
        if name in placed:
            raise InputError(f"{path}, line {number}: {shown(name)} is there twice.")
        placed.add(name)
        found.append((number, name, SPLITS[int(values[0])]))
    return found


def shown(text, most=100):
    """Returns a text from a file, cut where it is too long for a message."""
    return text if len(text) <= most else f"{text[:most]} ..."


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
            values, a value that is neither -1 nor 1, a name that is there twice; with file, line
            and column.
    """
    lines = _lines(path)
    try:
        (_, count), (_, header) = next(lines), next(lines)
    except StopIteration:
        raise InputError(
            f"{path} is too short: expected the number of images, the attributes' names, then rows."
        ) from None
    if not re.fullmatch("[0-9]{1,12}", count):
        raise InputError(f"{path}, line 1: expected the number of images. Received: {shown(count)!r}.")
    attributes = header.split()
    if len(set(attributes)) < len(attributes):
        twice = next(name for name in attributes if attributes.count(name) > 1)
        raise InputError(f"{path}, line 2: the attribute {shown(twice)} is there twice.")
    names, table = {}, []
    for number, line in lines:
        name, *values = line.split()
        if len(values) != len(attributes):
            raise InputError(
                f"{path}, line {number} ({shown(name)}): expected {len(attributes)} values, one per attribute. "
                f"Received: {len(values)}."
            )
        for attribute, value in zip(attributes, values, strict=True):
            if value not in ("1", "-1"):
                raise InputError(
                    f"{path}, line {number} ({shown(name)}), column {shown(attribute)}: expected -1 or 1. "
                    f"Received: {shown(value)!r}."
                )
        if name in names:
            raise InputError(
                f"{path}, line {number}: {shown(name)} is there twice, first in line {names[name]}."
            )
        names[name] = number
        table.append([value == "1" for value in values])
    if len(names) != int(count):
        raise InputError(f"{path}: line 1 promises {count} images, the file has rows for {len(names)}.")
    return list(names), attributes, np.array(table, np.float32).reshape(-1, len(attributes))


def _from_tfds(attributes, image_size, used):
    """Returns (labels, counts, {split: examples}) of TensorFlow Datasets' celeb_a.

    Of the training images those that the slice ``used`` takes.
    """

    def check(builder):
        for attribute in attributes:
            check_known(attribute, builder.info.features["attributes"], "attribute")

    by_hand = f" Download it by hand and give --data_dir=FOLDER. {_WHERE}"
    builder = tfds.prepared("celeb_a", check=check, otherwise=by_hand)

    def labels_of(example):
        return tf.stack([tf.cast(example["attributes"][name], tf.float32) for name in attributes])

    def prepare(example):
        return images.crop_and_resize(example["image"], FACE_BOX, image_size), labels_of(example)

    def read(split, unread=None):
        examples = tfds.read(builder, split, split == "train", unread)
        return examples.shard(used.step, used.start) if split == "train" and used.step else examples

    unread = read("train", {"image": tfds.skipped()})
    y = np.array(list(unread.map(labels_of).as_numpy_iterator()))
    examples = {split: pipeline.read_all(read(split), prepare) for split in SPLITS}
    counts = {split: int(examples[split].cardinality()) for split in SPLITS}
    return _labels(attributes, y), counts, examples
