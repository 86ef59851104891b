"""CelebA (Liu et al. 2015, arXiv:1411.7766): faces with 40 binary attributes.

From a folder in the official layout, with images of any size::

    img_align_celeba/000001.jpg ...
    list_attr_celeba.txt        the number of images; the attributes; a row per image of -1 and 1
    list_eval_partition.txt     a row per image: name and 0 (train), 1 (validation), 2 (test)

or, without a folder, through TensorFlow Datasets. The values -1 and 1 of the attributes become 0
and 1 here and nowhere else.
"""

import dataclasses
import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tf_csvae.configs import DataConfig
from tf_csvae.data import image_format, images, pipeline
from tf_csvae.data.dataset import SPLITS, Dataset, Info
from tf_csvae.data.known import check_kinds, fingerprint, label_names
from tf_csvae.data.names import plain
from tf_csvae.errors import InputError, check_known
from tf_csvae.files import is_within
from tf_csvae.labels import Label

OPTIONS = (
    "data_dir", "attributes", "image_size", "crop", "batch_size", "cache", "augment", "half",
    "balanced_batches", "on_bad_example", "max_bad_examples",
)  # fmt: skip

# The visible attributes, as the student report chose them.
REPORT_ATTRIBUTES = (
    "Bald", "Bangs", "Black_Hair", "Blond_Hair", "Brown_Hair", "Bushy_Eyebrows", "Eyeglasses",
    "Gray_Hair", "Heavy_Makeup", "Male", "Mouth_Slightly_Open", "Mustache", "Pale_Skin",
    "Receding_Hairline", "Smiling", "Straight_Hair", "Wavy_Hair", "Wearing_Hat",
)  # fmt: skip

# The face crop of the report: of the image resized to 256 x 256, the pixels (32, 32) to (224, 224).
FACE_BOX = (32 / 256, 32 / 256, 224 / 256, 224 / 256)

# Height and width of the aligned images.
_WHOLE = (218, 178)

_IMAGES = "img_align_celeba"
_ATTRIBUTES = "list_attr_celeba.txt"
_PARTITION = "list_eval_partition.txt"

_WHERE = (
    "CelebA is at https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html: img_align_celeba.zip, "
    "list_attr_celeba.txt and list_eval_partition.txt, in one folder."
)


def load(config: DataConfig, known: Info | None = None) -> Dataset:
    """Loads CelebA: x float32 [height, width, 3] in [0, 1], y float32 [k].

    Without data_dir, TensorFlow Datasets provides celeb_a and may download it. Without attributes,
    the labels are ``REPORT_ATTRIBUTES``. With on_bad_example=skip, all images are read once before
    the training; left out are images that are missing or unreadable or have no attributes. With
    ``known`` the labels are those of a run.

    Raises:
        InputError: a missing folder or file, a malformed row, an unknown attribute, a name that
            leads out of the folder, or too many bad examples.
    """
    attributes = REPORT_ATTRIBUTES if config.attributes is None else config.attributes
    if not attributes:
        raise InputError("CelebA needs at least one attribute. Received: none.")
    if len(set(attributes)) < len(attributes):
        raise InputError(f"An attribute is named twice. Received: {', '.join(attributes)}.")
    if known is not None:
        present = config.attributes or [label.name for label in known.labels]
        attributes = label_names(known, present, present, "--dataset=celeba")
        check_kinds(known.labels, [Label(name) for name in attributes], "--dataset=celeba")
    if config.data_dir is None:
        return _from_tfds(attributes, config, known)
    files, left_out = _read_folder(attributes, config)
    counts = {split: len(files[split][0]) for split in SPLITS}
    info = _info(attributes, files["train"][1], counts, config, known)
    rows = [
        (split, os.path.basename(path), *map(str, row))
        for split, (paths, y) in files.items()
        for path, row in zip(paths, y.tolist(), strict=True)
    ]
    info = dataclasses.replace(info, fingerprint=fingerprint(rows))
    return dataclasses.replace(images.build(files, info, config), left_out=left_out)


def _box(config: DataConfig) -> images.Crop:
    """Returns the part of the images that is used: by default the face."""
    return FACE_BOX if config.crop == "auto" else images.parse_crop(config.crop)


def _cut(config: DataConfig, known: Info | None) -> tuple[images.Crop, tuple[int, ...]]:
    """Returns the part that is used and the shape; whole images keep their aspect ratio."""
    if known is not None:
        return known.crop, known.shape
    sides = image_format.chosen_sides(config, [_WHOLE] if config.crop == "none" else [])
    return _box(config), (*sides, 3)


def _info(
    attributes: Sequence[str], y: np.ndarray, counts: dict[str, int], config: DataConfig, known: Info | None
) -> Info:
    """Returns the description of the images; y [n, k] are the labels of the training images."""
    if known is not None:
        return dataclasses.replace(known, name="celeba", counts=counts)
    box, shape = _cut(config, known)
    labels = tuple(Label(name, float(share)) for name, share in zip(attributes, y.mean(0), strict=True))
    return Info("celeba", shape, (0.0, 1.0), labels, counts, crop=box)


def _read_folder(
    attributes: Sequence[str], config: DataConfig
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], tuple[str, ...]]:
    """Returns {split: (paths [n], float32 y [n, k])}, and sentences about images left out."""
    skip = config.on_bad_example == "skip"
    labels, chosen, left_out = _read_lists(attributes, config.data_dir, skip)
    if skip:
        every = [path for paths in chosen.values() for path in paths]
        unreadable = images.all_unreadable(every, _box(config))
        for split, paths in chosen.items():
            chosen[split] = [path for path in paths if path not in unreadable]
        left_out += unreadable.values()
        images.check_few(left_out, f"--data_dir={config.data_dir}", config)
    for split, paths in chosen.items():
        if not paths:
            at = f"--data_dir={config.data_dir}"
            raise InputError(f"{at} has no image in the {split} split that can be used.")
    y = {split: np.array([labels[path] for path in paths], np.float32) for split, paths in chosen.items()}
    return {split: (np.array(paths), y[split]) for split, paths in chosen.items()}, tuple(left_out)


def _read_lists(
    attributes: Sequence[str], data_dir: str, skip: bool
) -> tuple[dict[str, np.ndarray], dict[str, list[str]], list[str]]:
    """Returns {path: y [k]}, {split: paths}, and a sentence about each image that is left out.

    With skip, images that are missing or have no attributes are left out.
    """
    for name in (_IMAGES, _ATTRIBUTES, _PARTITION):
        if not os.path.exists(os.path.join(data_dir, name)):
            raise InputError(f"--data_dir={data_dir} has no {name}. {_WHERE}")
    names, known, values = read_attributes(os.path.join(data_dir, _ATTRIBUTES))
    for attribute in attributes:
        check_known(attribute, known, "attribute")
    rows = {name: row for row, name in enumerate(names)}
    y = values[:, [known.index(attribute) for attribute in attributes]]
    folder = os.path.join(data_dir, _IMAGES)
    present = _files_within(folder, data_dir)

    labels, chosen, left_out, first = {}, {split: [] for split in SPLITS}, [], {}
    partition = os.path.join(data_dir, _PARTITION)
    for number, name, split in read_partition(partition):
        at, shown_path = f"{partition}, line {number}", os.path.join(folder, _shown(name))
        wrong = None
        if name not in rows:
            wrong = f"{at}: {_shown(name)} has no row in {_ATTRIBUTES}."
        elif name not in present:
            wrong = f"{at}: there is no image {shown_path}."
        elif not present[name].is_within:
            raise InputError(f"{at}: {shown_path} is a link that leads out of --data_dir={data_dir}.")
        if wrong and not skip:
            raise InputError(wrong)
        if wrong:
            left_out.append(wrong)
        else:
            path = os.path.join(folder, present[name].name)
            found = present[name]
            earlier, other = first.setdefault(found.number, (number, found))
            # Somebody made hard links to one image on purpose.
            if other != found and (found.is_link or other.is_link) and _same(folder, found, other):
                raise InputError(
                    f"{at}: {_shown(name)} is the same image as in line {earlier}, {other.name}. Leave "
                    "one of them out."
                )
            chosen[split].append(path)
            labels[path] = y[rows[name]]
    total = sum(map(len, chosen.values()))
    if total > len(first):
        print(
            f"{partition}: {total:,} names of {len(first):,} images, since some are hard links to one image. "
            "One image may be in several splits.",
            flush=True,
        )
    return labels, chosen, left_out


class _File(NamedTuple):
    """A file in the folder: its name there, its number, whether it is a symbolic link or within."""

    name: str
    number: int
    is_link: bool
    is_within: bool


def _same(folder: str, one: _File, other: _File) -> bool:
    return os.path.samefile(os.path.join(folder, one.name), os.path.join(folder, other.name))


def _files_within(folder: str, data_dir: str) -> dict[str, _File]:
    """Returns {``names.plain`` name: the file} of a folder."""
    # The folder itself may be a link that the user made. A link in it may come from anybody.
    found = {}
    with os.scandir(folder) as entries:
        for each in entries:
            is_link = each.is_symlink()
            number = os.stat(each.path).st_ino if is_link and os.path.exists(each.path) else each.inode()
            inside = not is_link or is_within(each.path, data_dir, folder)
            found[plain(each.name)] = _File(each.name, number, is_link, inside)
    return found


def read_partition(path: str) -> list[tuple[int, str, str]]:
    """Returns (number, name of the image, split) of the lines of list_eval_partition.txt.

    Raises:
        InputError: a line that is not a name and 0, 1 or 2, or a name that occurs twice.
    """
    found = {}
    for number, line in _lines(path):
        name, *values = line.split()
        name = plain(name)
        if len(values) != 1 or values[0] not in ("0", "1", "2"):
            raise InputError(
                f"{path}, line {number}: expected an image's name and 0 (train), 1 (validation) "
                f"or 2 (test). Received: {_shown(line)!r}."
            )
        if name in found:
            raise InputError(f"{path}, line {number}: {_shown(name)} is there twice.")
        found[name] = (number, name, SPLITS[int(values[0])])
    return list(found.values())


def read_attributes(path: str) -> tuple[list[str], list[str], np.ndarray]:
    """Returns names of images and attributes, and values, of list_attr_celeba.txt.

    The values are float32 [images, attributes] of 0 and 1.

    Raises:
        InputError: a count that is not the number of rows, a row of another width, a value that
            is neither -1 nor 1, or a name that occurs twice; with file, line and column.
    """
    lines = _lines(path)
    try:
        (_, count), (_, header) = next(lines), next(lines)
    except StopIteration:
        raise InputError(
            f"{path} is too short: expected the number of images, the attributes' names, then rows."
        ) from None
    if not re.fullmatch("[0-9]{1,12}", count):
        raise InputError(f"{path}, line 1: expected the number of images. Received: {_shown(count)!r}.")
    attributes = header.split()
    if len(set(attributes)) < len(attributes):
        twice = next(name for name in attributes if attributes.count(name) > 1)
        raise InputError(f"{path}, line 2: the attribute {_shown(twice)} is there twice.")
    names, table, allowed = {}, [], {"-1", "1"}
    for number, line in lines:
        name, *values = line.split()
        name = plain(name)
        at = f"{path}, line {number}"
        if len(values) != len(attributes):
            raise InputError(
                f"{at} ({_shown(name)}): expected {len(attributes)} values, one per attribute. "
                f"Received: {len(values)}."
            )
        if not allowed.issuperset(values):
            wrong = next(place for place, value in enumerate(values) if value not in allowed)
            raise InputError(
                f"{at} ({_shown(name)}), column {_shown(attributes[wrong])}: expected -1 or 1. "
                f"Received: {_shown(values[wrong])!r}."
            )
        if name in names:
            raise InputError(f"{at}: {_shown(name)} is there twice, first in line {names[name]}.")
        names[name] = number
        table.append([value == "1" for value in values])
    if len(names) != int(count):
        raise InputError(f"{path}: line 1 promises {count} images, the file has rows for {len(names)}.")
    return list(names), attributes, np.array(table, np.float32).reshape(-1, len(attributes))


def _lines(path: str) -> Iterator[tuple[int, str]]:
    """Yields (number from 1, text) of the lines of a text file that are not blank."""
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, line.strip()


def _shown(text: str, most: int = 100) -> str:
    """Returns a text from a file, cut to the length of a message."""
    return text if len(text) <= most else f"{text[:most]} ..."


def _from_tfds(attributes: Sequence[str], config: DataConfig, known: Info | None) -> Dataset:
    """Loads celeb_a of TensorFlow Datasets."""
    # A second that a folder of images need not wait.
    from tf_csvae.data import tfds

    def check(builder):
        for attribute in attributes:
            check_known(attribute, builder.info.features["attributes"], "attribute")

    by_hand = f" Download it by hand and give --data_dir=FOLDER. {_WHERE}"
    builder = tfds.prepared("celeb_a", None, check, by_hand)

    def labels_of(example):
        values = [example["attributes"][name] for name in attributes]
        return tf.stack([tf.cast(value, tf.float32) for value in values])

    def prepare(example):
        return images.crop_and_resize(example["image"], box, shape)

    box, shape = _cut(config, known)
    y, sources = {}, {}
    for split in SPLITS:
        labels = tfds.read(builder, split, {"image": tfds.SKIPPED}).map(labels_of)
        y[split] = np.array([*labels.as_numpy_iterator()])
        sources[split] = pipeline.Source(y[split], stream=tfds.in_order(builder, split, prepare))
    counts = {split: len(each) for split, each in y.items()}
    info = _info(attributes, y["train"], counts, config, known)
    content = ("tfds", tfds.identity(builder), info.shape, info.crop)
    return pipeline.build(sources, info, config, lambda: repr(content).encode())
