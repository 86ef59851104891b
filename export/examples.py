"""Examples that a model is applied to, from the user's files, and rows as a table again."""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import tensorflow as tf

from export import steering
from export.signatures import Served
from tf_csvae.data import feature_columns, images, label_columns, table_files
from tf_csvae.data.table_files import Problems
from tf_csvae.errors import InputError
from tf_csvae.labels import Label

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif")


@dataclasses.dataclass(frozen=True)
class Examples:
    """The n examples that a model is applied to.

    Attributes:
        names: of the examples: their paths without ending, or their lines in the table.
        labels: float32 [n, k] in their own units; NaN: not known.
        read: returns x of a slice of the examples, float32 in the data's own units.
    """

    names: list[str]
    labels: np.ndarray
    read: Callable[[slice], np.ndarray] | None = None


def to_sample(count: int, labels: Sequence[Label]) -> Examples:
    """Returns so many examples that are yet to be sampled."""
    names = [f"sample_{number:05d}" for number in range(count)]
    return Examples(names, steering.label_rows([], labels, count))


def find(path: str, known: str | None, served: Served) -> Examples:
    """Finds examples and their labels.

    Args:
        path: an image, a folder of images, or a table.
        known: values of labels for all examples, or a CSV file with a row per image; see --labels.
        served: the model.

    Raises:
        InputError: files that cannot be read or do not fit, or labels that the model needs.
    """
    problems = Problems()
    of_kind = _images if served.info.is_image else _rows
    found = of_kind(path, known, served, problems)
    problems.raise_any()
    # A model that was trained on examples without a label can do without it.
    missing = [
        label
        for label, column in zip(served.labels, found.labels.T, strict=True)
        if np.isnan(column).any() and not label.missing
    ]
    if missing and not served.predicts_labels:
        raise InputError(
            "The model must be told the labels of its input; "
            f"{', '.join(label.name for label in missing)} are not known. Give --labels=FILE.csv, "
            f"--labels={missing[0].name}={missing[0].text(0.0)}, or --judge=RUN to predict them."
        )
    return found


def _images(path: str, known: str | None, served: Served, problems: Problems) -> Examples:
    info = served.info
    files = _image_files(path)
    # Relative to the folder, so that files with the same name in two folders stay apart.
    root = path if os.path.isdir(path) else os.path.dirname(path)
    names = [os.path.relpath(file, root) for file in files]

    def read(chosen: slice) -> np.ndarray:
        try:
            pixels = [images.read(file, info.crop, info.shape[0]) for file in files[chosen]]
            return np.stack(pixels).astype(np.float32) / 255
        except tf.errors.OpError:
            raise InputError(images.first_unreadable(files[chosen])) from None

    labels = _labels_of(names, known, served.labels, problems)
    return Examples([os.path.splitext(name)[0] for name in names], labels, read)


def _image_files(path: str) -> list[str]:
    """Returns the image files in a folder and those below it, or the one file."""
    if os.path.isfile(path):
        return [path]
    below = pathlib.Path(path).rglob("*")
    found = sorted(str(file) for file in below if file.suffix.lower() in IMAGE_ENDINGS)
    if not found:
        endings = ", ".join(IMAGE_ENDINGS)
        raise InputError(f"--input={path} is no image and no folder with images ({endings}).")
    return found


def _rows(path: str, known: str | None, served: Served, problems: Problems) -> Examples:
    info = served.info
    if not info.columns:
        raise InputError(f"The model was trained on {info.name}, whose examples are in no table.")
    given = table_files.read(path, known=[column.name for column in info.columns])
    for column in info.columns:
        given.column(column.name, "--input")
    x = feature_columns.encode(info.columns, given, problems)
    names = [str(line) for line in given.lines]
    labels = _labels_of(names, known, served.labels, problems)
    for place, label in enumerate(served.labels):
        if label.name in given.columns and not known:
            column = label_columns.read_known_label(given, label, problems)
            labels[:, place] = label.in_units(column)
    return Examples(names, labels, lambda chosen: x[chosen])


def _labels_of(
    names: Sequence[str], known: str | None, labels: Sequence[Label], problems: Problems
) -> np.ndarray:
    """Returns float32 [n, k], the labels that ``known`` gives; NaN: not known."""
    if not known or "=" in known:
        return steering.label_rows(known.split(",") if known else [], labels, len(names))
    given = table_files.read(known, known=[label.name for label in labels])
    found = steering.label_rows([], labels, len(names))
    files = next(iter(given.columns.values()))
    places = {os.path.normpath(file): row for row, file in enumerate(files)}
    chosen = [places.get(os.path.normpath(name), -1) for name in names]
    for name, row in zip(names, chosen, strict=True):
        if row < 0:
            problems.append(f"{known} has no row for {name}.")
    for place, label in enumerate(labels):
        if label.name in given.columns:
            column = label.in_units(label_columns.read_known_label(given, label, problems))
            found[:, place] = [column[row] if row >= 0 else np.nan for row in chosen]
    return found


def as_table(served: Served, x: np.ndarray, labels: np.ndarray) -> pd.DataFrame:
    """Returns rows as a table with the columns that the model was trained on.

    Args:
        served: the model.
        x: float32 [n, d] in the data's own units.
        labels: float32 [n, k] in their own units; a label that is NaN in all rows is left out.
    """
    info = served.info
    columns = info.to_columns((x - info.offset) / info.scale)
    for label, column in zip(served.labels, labels.T, strict=True):
        if not np.isnan(column).all():
            y = (column - label.mean) / label.scale
            columns[label.name] = [label.text(value) for value in y]
    return pd.DataFrame(columns)
