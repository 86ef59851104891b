"""Your own images: a folder of files, and a CSV file with a row per image.

The CSV file's first column names the files, relative to the folder; the others are labels, each value
0 or 1, false or true, no or yes, -1 or 1. A column ``split`` says where an image belongs.
"""

import os

import numpy as np

from tf_csvae.data import images, rows
from tf_csvae.data.dataset import Info
from tf_csvae.errors import InputError


def load(
    data_dir=None,
    labels=None,
    attributes=None,
    file_column=None,
    split=(0.8, 0.1, 0.1),
    group_column=None,
    image_size=64,
    crop="center",
    batch_size=64,
    seed=0,
    cache="memory",
    augment=("flip",),
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
        image_size: int, side of the images in pixels.
        crop: str, see ``images.parse_crop``.
        batch_size: int.
        seed: int, of the order of the training images and of augmentation.
        cache: "memory", "none", or a folder for the read images.
        augment: names of ``pipeline.AUGMENTATIONS`` for the training images.

    Returns:
        A ``Dataset`` of x float32 [image_size, image_size, 3] in [0, 1] and y float32 [k].

    Raises:
        InputError: a missing file, a value that is no label, a name that is there twice, a label that
            all training images have or none.
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

    problems, first = rows.Problems(), {}
    for row, name in enumerate(names):
        if first.setdefault(name, row) != row:
            problems.append(
                f"{table.at(row, file_column)}: {name} is there twice, first in {table.at(first[name])}."
            )
        elif not os.path.isfile(os.path.join(data_dir, name)):
            problems.append(f"{table.at(row, file_column)}: there is no file {os.path.join(data_dir, name)}.")
    y = np.stack([rows.binary(table, name, problems) for name in attributes], 1)
    members = rows.deal(table, names, split, group_column, problems)
    known = rows.labels(attributes, y[members["train"]], table.path, problems)
    problems.raise_any()

    paths = np.array([os.path.join(data_dir, name) for name in names])
    files = {part: (paths[chosen], y[chosen]) for part, chosen in members.items()}
    info = Info(
        name="folder",
        shape=(image_size, image_size, 3),
        value_range=(0.0, 1.0),
        labels=known,
        counts={part: len(chosen) for part, chosen in members.items()},
        crop=images.parse_crop(crop),
    )
    return images.build(files, info, batch_size, seed, augment, cache)
