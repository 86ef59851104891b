"""Examples that a model is applied to, from the user's files, and rows as a table again."""

import dataclasses
import os
import pathlib
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import tensorflow as tf

from export import outputs, steering
from export.configs import SteeringConfig
from export.signatures import Served
from tf_csvae import texts
from tf_csvae.configs import BadExamplesConfig
from tf_csvae.data import decoding, feature_columns, images, label_columns, table_files
from tf_csvae.data.names import Folder, plain
from tf_csvae.data.table_files import Problems
from tf_csvae.errors import InputError
from tf_csvae.files import is_within
from tf_csvae.labels import Label


@dataclasses.dataclass(frozen=True)
class Examples:
    """The n examples that a model is applied to.

    Attributes:
        names: of the examples: their paths without ending, or their lines in the table.
        labels: float32 [n, k] in their own units; NaN: not known.
        read: returns x of a slice of the examples, float32 in the data's own units.
        files: the user's files, which are never written over.
        notes: sentences about files that were passed over or left out.
    """

    names: list[str]
    labels: np.ndarray
    read: Callable[[slice], np.ndarray] | None = None
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def to_sample(count: int, labels: Sequence[Label]) -> Examples:
    """Returns so many examples that are yet to be sampled."""
    names = [f"sample_{number:05d}" for number in range(count)]
    return Examples(names, steering.label_rows([], labels, count))


def find(path: str, config: SteeringConfig, bad: BadExamplesConfig, served: Served) -> Examples:
    """Finds examples and their labels.

    Args:
        path: an image, a folder of images, or a table.
        config: has the labels that are known: values for all examples, or a file; see --labels.
        bad: what to do with images that cannot be read.
        served: the model.

    Raises:
        InputError: files that cannot be read or do not fit, or labels that the model needs.
    """
    problems = Problems()
    if served.info.is_image:
        found = _images(path, config, bad, served, problems)
    else:
        found = _rows(path, config, served, problems)
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


def _images(
    path: str, config: SteeringConfig, bad: BadExamplesConfig, served: Served, problems: Problems
) -> Examples:
    info, own = served.info, [config.labels] if config.labels_are_a_file else []
    every, others = _image_files(path, config.out, own)
    files, left_out, notes = every, [], []
    if bad.on_bad_example == "skip":
        unreadable = images.all_unreadable(files, info.crop)
        left_out, files = list(unreadable.values()), [file for file in every if file not in unreadable]
        images.check_few(left_out, f"--input={path}", bad)
        if not files:
            raise InputError(f"--input={path} has no image that can be read. {left_out[0]}")
    # Relative to the folder, so that files with the same name in two folders stay apart.
    root = path if os.path.isdir(path) else os.path.dirname(path)
    names = [os.path.relpath(file, root) for file in files]
    if others:
        shown = ", ".join(os.path.relpath(file, root) for file in others[:3])
        more = f" and {len(others) - 3} more" if others[3:] else ""
        notes.append(f"Passed over {len(others)} other files: {shown}{more}.")
    if left_out:
        notes += [f"Left out {len(left_out)} bad examples:", *left_out]

    def read(chosen: slice) -> np.ndarray:
        try:
            pixels = [images.read(file, info.crop, info.shape[0]) for file in files[chosen]]
            return np.stack(pixels).astype(np.float32) / 255
        except tf.errors.OpError:
            raise InputError(images.first_unreadable(files[chosen], info.crop)) from None

    labels = _labels_of(names, config, served.labels, problems, Folder(root))
    inputs = (*every, *others, *own)
    return Examples(outputs.names_of(names), labels, read, inputs, tuple(notes))


def _image_files(path: str, out: str, labels: Sequence[str]) -> tuple[list[str], list[str]]:
    """Returns the images in a folder and those below it, or the one file; and files passed over.

    These are hidden files, such as those that systems write beside images, and files that are no
    images by their ending. A folder for answers within ``path`` is not looked into.
    """
    if os.path.isfile(path):
        return [path], []
    inner = is_within(out, path) and not is_within(path, out)
    found, others = [], []
    for file in sorted(pathlib.Path(path).rglob("*")):
        is_hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
        if file.is_dir() or (inner and is_within(str(file), out)):
            continue
        if file.is_file() and not is_hidden and file.suffix.lower() in decoding.ENDINGS:
            found.append(str(file))
        elif not any(os.path.exists(each) and file.exists() and file.samefile(each) for each in labels):
            others.append(str(file))
    if not found:
        endings = ", ".join(decoding.ENDINGS)
        raise InputError(f"--input={path} is no image and no folder with images ({endings}).")
    return found, others


def _rows(path: str, config: SteeringConfig, served: Served, problems: Problems) -> Examples:
    info = served.info
    if not info.columns:
        raise InputError(f"The model was trained on {info.name}, whose examples are in no table.")
    given = table_files.read(path)
    for column in info.columns:
        given.column(column.name, "--input")
    x = feature_columns.encode(info.columns, given, problems)
    names = [str(line) for line in given.lines]
    labels = _labels_of(names, config, served.labels, problems, Folder(""))
    for place, label in enumerate(served.labels):
        if label.name in given.columns and not config.labels:
            column = label_columns.read_known_label(given, label, problems)
            labels[:, place] = label.in_units(column)
    inputs = (path, *([config.labels] if config.labels_are_a_file else []))
    return Examples(names, labels, lambda chosen: x[chosen], inputs)


def _labels_of(
    names: Sequence[str],
    config: SteeringConfig,
    labels: Sequence[Label],
    problems: Problems,
    folder: Folder,
) -> np.ndarray:
    """Returns float32 [n, k], the labels that the config gives to files; NaN: not known."""
    if not config.labels_are_a_file:
        return steering.label_rows(config.known, labels, len(names))
    given = table_files.read(config.labels)
    found = steering.label_rows([], labels, len(names))
    places = {}
    for row, file in enumerate(next(iter(given.columns.values()))):
        if "\0" in file:
            problems.append(f"{given.at(row)}: a file's name cannot hold a NUL character: {file!r}.")
            continue
        first = places.setdefault(folder.name(folder.locate(file)), row)
        if first != row:
            problems.append(
                f"{given.at(row)}: {file} is the same image as in {given.unit} {given.lines[first]}. "
                "Leave one of the rows out."
            )
    chosen = [places.get(plain(name), -1) for name in names]
    for name, row in zip(names, chosen, strict=True):
        if row < 0:
            problems.append(f"{config.labels} has no row for {name}.")
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


def formulas(table: pd.DataFrame) -> list[str]:
    """Returns a sentence for each column with texts that a spreadsheet takes for formulas."""
    sentences = []
    for name, column in table.items():
        cells = [name, *column]
        count = sum(map(_is_formula, cells))
        if count:
            sentences.append(
                f"Column {name}: {count} texts begin with =, +, -, @, a tab or a line end. A "
                "spreadsheet takes such a text for a formula, so import the column as text."
            )
    return sentences


def _is_formula(cell: object) -> bool:
    """Returns whether a cell is a text, but no number, that a spreadsheet takes for a formula."""
    return isinstance(cell, str) and cell.startswith(tuple("=+-@\t\r\n")) and np.isnan(texts.number(cell))
