"""Your own images: a folder of files, and a CSV file with a row per image.

The CSV file's first column names the files, relative to the folder; the others are labels. A column
``split`` says where an image belongs.
"""

import dataclasses
import os

import numpy as np

from tf_csvae.data import images, rows
from tf_csvae.data.dataset import Info, half_of
from tf_csvae.errors import InputError
from tf_csvae.paths import is_within


def load(
    data_dir=None,
    labels=None,
    attributes=None,
    file_column=None,
    split=(0.8, 0.1, 0.1),
    group_column=None,
    label_kinds=(),
    image_size=64,
    crop="center",
    batch_size=64,
    seed=0,
    cache="memory",
    augment=("flip",),
    half=None,
    on_bad_example="error",
    max_bad_examples=100,
):
    """Loads a folder of images.

    Args:
        data_dir: str, the folder.
        labels: str, path of the CSV (or Parquet) file, or its name in the folder.
        attributes: names of the columns that are labels, in the order they shall have in y; None:
            all but those of files, splits and groups.
        file_column: str, the column that names the files; None: the first.
        split: shares of train, validation and test, where there is no column ``split``. They go by a
            hash of the name, so new images move no other.
        group_column: str, column of a person or the like, whose images stay in one split.
        label_kinds: list of "label:kind", where the kind is not the one that ``rows.kind_of`` infers.
        image_size: int, side of the images in pixels.
        crop: str, see ``images.parse_crop``.
        batch_size: int.
        seed: int, of the order of the training images and of augmentation.
        cache: "memory", "none", or a folder for the read images.
        augment: names of ``pipeline.AUGMENTATIONS`` for the training images.
        half: "first" or "second", every other training image, from the first or the second on;
            None: all.
        on_bad_example: "error", or "skip": images that are not there or cannot be read are left out, and
            listed in ``Dataset.left_out``. All are read once before the training.
        max_bad_examples: int, with "skip": more than so many are an error.

    Returns:
        A ``Dataset`` of x float32 [image_size, image_size, 3] in [0, 1] and y float32 [k], NaN where
        a label is missing.

    Raises:
        InputError: a missing file, a value that is no label, a name that is there twice or leads out
            of the folder, a label that all training images have or none, or too many bad examples.
    """
    if not data_dir or not labels:
        raise InputError("--dataset=folder needs --data_dir=FOLDER and --labels=FILE.csv.")
    if not os.path.isdir(data_dir):
        raise InputError(f"--data_dir={data_dir} is no folder.")
    inside = os.path.join(data_dir, labels)
    table = rows.read(inside if not os.path.exists(labels) and os.path.exists(inside) else labels)
    file_column = file_column or next(iter(table.columns))
    names = rows.column(table, file_column, "--file_column")
    apart = (file_column, group_column, "split")
    attributes = list(attributes or [name for name in table.columns if name not in apart])
    for name in attributes:
        rows.column(table, name, "--attributes")
    if not attributes:
        raise InputError(f"{table.path} has no column of labels beside {', '.join(table.columns)}.")
    if len(set(attributes)) < len(attributes):
        raise InputError(f"An attribute is named twice. Received: {', '.join(attributes)}.")

    problems, first, bad = rows.Problems(), {}, {}
    skip = on_bad_example == "skip"
    for row, name in enumerate(names):
        if first.setdefault(name, row) != row:
            problems.append(
                f"{table.at(row, file_column)}: {name} is there twice, first in {table.at(first[name])}."
            )
        elif not is_within(os.path.join(data_dir, name), data_dir):
            problems.append(f"{table.at(row, file_column)}: {name} leads out of --data_dir={data_dir}.")
        elif not os.path.isfile(os.path.join(data_dir, name)):
            bad[row] = f"{table.at(row, file_column)}: there is no file {os.path.join(data_dir, name)}."
    if not skip:
        problems.extend(bad.values())
    kinds = rows.parse_kinds(label_kinds, attributes, table.path)
    read_labels = [rows.read_label(table, name, problems, kinds.get(name)) for name in attributes]
    drafts, values = zip(*read_labels, strict=True)
    members = rows.deal(table, names, split, group_column, problems)
    paths = np.array([os.path.join(data_dir, name) for name in names])
    if skip and not problems:
        unreadable = images.all_unreadable([path for row, path in enumerate(paths) if row not in bad])
        bad |= {row: unreadable[path] for row, path in enumerate(paths) if path in unreadable}
        images.check_few(list(bad.values()), max_bad_examples, data_dir)
        members = {part: np.setdiff1d(chosen, list(bad)).astype(int) for part, chosen in members.items()}
    whole, members["train"] = members["train"], members["train"][half_of(half)]
    known, y = rows.learned(drafts, np.stack(values, 1), members["train"], table.path, problems, whole)
    problems.raise_any()

    files = {part: (paths[chosen], y[chosen]) for part, chosen in members.items()}
    info = Info(
        name="folder",
        shape=(image_size, image_size, 3),
        value_range=(0.0, 1.0),
        labels=known,
        counts={part: len(chosen) for part, chosen in members.items()},
        crop=images.parse_crop(crop),
    )
    dataset = images.build(files, info, batch_size, seed, augment, cache)
    return dataclasses.replace(dataset, left_out=tuple(bad.values()))
