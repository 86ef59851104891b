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
from tf_csvae.data import feature_columns, images, label_columns, notations, scaling, table_files
from tf_csvae.data.dataset import Info
from tf_csvae.data.table_files import Problems, Table
from tf_csvae.errors import InputError
from tf_csvae.labels import Label
from tf_csvae.texts import decimals

# Column of the results that names the columns of a row that are far outside the training range.
OUTSIDE = "outside_training_range"

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif")


@dataclasses.dataclass(frozen=True)
class Examples:
    """The n examples that a model is applied to.

    Attributes:
        names: of the examples: their paths without ending, or their lines in the table.
        labels: float [n, k] in their own units; NaN: not known.
        read: returns x of a slice of the examples in the data's own units: float32 images, or
            float64 vectors.
        outside: of rows, the names of the columns whose numbers are far outside the training
            range, [n]; empty for other examples.
        unchanged: {column: n values} of rows as they are in the table.
    """

    names: list[str]
    labels: np.ndarray
    read: Callable[[slice], np.ndarray] | None = None
    outside: Sequence[Sequence[str]] = ()
    unchanged: dict[str, list] | None = None


def to_sample(count: int, labels: Sequence[Label]) -> Examples:
    """Returns so many examples that are yet to be sampled."""
    names = [f"sample_{number:05d}" for number in range(count)]
    return Examples(names, steering.label_rows([], labels, count))


def find(
    path: str, known: str | None, served: Served, decimal: str | None = None, need_labels: bool = True
) -> Examples:
    """Finds examples and their labels.

    Args:
        path: an image, a folder of images, or a table.
        known: values of labels for all examples, or a CSV file with a row per image; see --labels.
        served: the model.
        decimal: decimal separator of columns that can be read in two ways; see --decimal.
        need_labels: whether anything is asked of the model.

    Raises:
        InputError: files that cannot be read or do not fit, or labels that the model needs.
    """
    problems = Problems()
    of_kind = _images if served.info.is_image else _rows
    found = of_kind(path, known, served, problems, decimal)
    problems.raise_any()
    # A model that was trained on examples without a label can do without it.
    missing = [
        label
        for label, column in zip(served.labels, found.labels.T, strict=True)
        if np.isnan(column).any() and not label.missing
    ]
    if missing and need_labels and not served.predicts_labels:
        raise InputError(
            "The model must be told the labels of its input; "
            f"{', '.join(label.name for label in missing)} are not known. Give --labels=FILE.csv, "
            f"--labels={missing[0].name}={missing[0].text(0.0)}, or --judge=RUN to predict them."
        )
    return found


def _images(
    path: str, known: str | None, served: Served, problems: Problems, decimal: str | None
) -> Examples:
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

    labels = _labels_of(names, known, served, problems, decimal)
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


def _rows(path: str, known: str | None, served: Served, problems: Problems, decimal: str | None) -> Examples:
    info = served.info
    if not info.columns:
        raise InputError(f"The model was trained on {info.name}, whose examples are in no table.")
    given = table_files.read(path, known=[column.name for column in info.columns])
    for column in info.columns:
        given.column(column.name, "--input")
    given = _in_plain_notation(given, info, decimal, problems)
    x = feature_columns.encode(info.columns, given, problems)
    problems.raise_any()
    features = [column.name for column in info.columns for _ in column.feature_names]
    scaling.check(given, features, (x - info.offset) / info.scale, problems)
    outside = _outside(given, info)
    names = [str(line) for line in given.lines]
    labels = _labels_of(names, known, served, problems, decimal)
    for place, label in enumerate(served.labels):
        if label.name in given.columns and not known:
            column = label_columns.read_known_label(given, label, problems)
            labels[:, place] = label.in_units(column)
    unchanged = {column.name: column.read(given) for column in info.columns}
    return Examples(names, labels, lambda chosen: x[chosen], outside, unchanged)


def _in_plain_notation(given: Table, info: Info, decimal: str | None, problems: Problems) -> Table:
    """Returns a table whose numbers are written as Python writes them; see ``notations``."""
    numbers = [name for name in info.number_columns if name in given.columns]
    return notations.plain_table(given, numbers, decimal, problems, info.notations)[0]


def _outside(given: Table, info: Info) -> list[list[str]]:
    """Returns for each row the columns whose numbers are far outside the training range."""
    numbers = [column for column in info.columns if not column.categories]
    far = {column.name: column.outside(column.numbers(given, Problems())) for column in numbers}
    return [[name for name, rows in far.items() if rows[row]] for row in range(len(given))]


def _labels_of(
    names: Sequence[str], known: str | None, served: Served, problems: Problems, decimal: str | None
) -> np.ndarray:
    """Returns float [n, k], the labels that ``known`` gives; NaN: not known."""
    labels = served.labels
    if not known or "=" in known:
        return steering.label_rows(known.split(",") if known else [], labels, len(names))
    given = table_files.read(known, known=[label.name for label in labels])
    given = _in_plain_notation(given, served.info, decimal, problems)
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


def as_table(
    served: Served, columns: dict[str, list], labels: np.ndarray, outside: Sequence[Sequence[str]] = ()
) -> pd.DataFrame:
    """Returns rows as a table with the columns that the model was trained on.

    Args:
        served: the model.
        columns: {column: n values}.
        labels: float [n, k] in their own units; a label that is NaN in all rows is left out.
        outside: as of ``Examples``; a column says so, if there are any.
    """
    columns = dict(columns)
    for label, column in zip(served.labels, labels.T, strict=True):
        if not np.isnan(column).all():
            columns[label.name] = [_written(label, value) for value in column]
    if any(outside):
        columns[OUTSIDE] = [", ".join(names) for names in outside]
    return pd.DataFrame(columns)


def _written(label: Label, value: float) -> str:
    """Returns the value of a label, in its own units, as it stands in a table."""
    if label.kind == "real" and not np.isnan(value):
        return f"{round(float(value), decimals(label.scale)):.15g}"
    return label.text((value - label.mean) / label.scale)
