"""Examples that a model is applied to, from the user's files, and rows as a table again."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import tensorflow as tf

from export import outputs, steering
from export.signatures import Served
from tf_csvae import frames, texts
from tf_csvae.data import (
    decoding,
    image_folders,
    images,
    label_columns,
    table_files,
)
from tf_csvae.data.dataset import Info
from tf_csvae.data.names import Folder, plain
from tf_csvae.data.table import in_plain_notation, read_features
from tf_csvae.data.table_files import Problems, Table
from tf_csvae.errors import InputError
from tf_csvae.files import is_within
from tf_csvae.labels import Label
from tf_csvae.texts import decimals

if TYPE_CHECKING:
    from export.apply import ApplyConfig

# Column of the results that names the columns of a row that are far outside the training range.
OUTSIDE = "outside_training_range"


@dataclasses.dataclass(frozen=True)
class Examples:
    """The n examples that a model is applied to.

    Attributes:
        names: of the examples: their paths without ending, or their lines in the table.
        labels: float [n, k] in their own units; NaN: not known.
        read: returns x of a slice of the examples in the data's own units: float32 images, or
            float64 vectors.
        paths: of images, [n].
        outside: of rows, the names of the columns whose numbers are far outside the training
            range, [n]; empty for other examples.
        unchanged: {column: n texts} of rows as they are in the table, its own columns in order.
        files: the user's files, which are never written over.
        notes: sentences about files that were passed over or left out.
    """

    names: list[str]
    labels: np.ndarray
    read: Callable[[slice], np.ndarray] | None = None
    paths: Sequence[str] = ()
    outside: Sequence[Sequence[str]] = ()
    unchanged: dict[str, list] | None = None
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def to_sample(count: int, labels: Sequence[Label]) -> Examples:
    """Returns so many examples that are yet to be sampled."""
    return Examples(steering.sample_names(count), steering.label_rows([], labels, count))


def find(config: ApplyConfig, served: Served, need_labels: bool = True) -> Examples:
    """Finds examples and their labels.

    Args:
        config: says where they are, which labels are known, and what to do with bad ones.
        served: the model.
        need_labels: whether anything is asked of the model.

    Raises:
        InputError: files that cannot be read or do not fit, or labels that the model needs.
    """
    problems = Problems()
    found = (_images if served.info.is_image else _rows)(config, served, problems)
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


def imputed(served: Served, given: Examples, batch: int) -> Examples:
    """Returns rows whose missing features the model has filled in; the notes say so."""
    info, x = served.info, given.read(slice(None))
    parts = []
    for start in range(0, len(x), batch):
        rows = {"x": x[start : start + batch], "labels": given.labels[start : start + batch]}
        parts.append(served.answer("reconstruct", rows)["x"])
    # In the units of x, in which a number and the text that is written for it agree.
    before, made = np.float32(info.scaled(x)), info.scaled(np.concatenate(parts))
    filled, cells, notes = frames.imputed(info, given.unchanged, before, made)
    values = info.unscale(filled)
    return dataclasses.replace(
        given,
        read=lambda chosen: values[chosen],
        unchanged={**given.unchanged, **cells},
        notes=(*given.notes, *notes),
    )


def _images(config: ApplyConfig, served: Served, problems: Problems) -> Examples:
    path, info, own = config.input, served.info, [config.labels] if config.labels_are_a_file else []
    every, others = _image_files(path, config.out, own)
    files, left_out, notes = every, [], []
    if config.on_bad_example == "skip":
        unreadable = images.all_unreadable(files, info.crop)
        left_out, files = list(unreadable.values()), [file for file in every if file not in unreadable]
        images.check_few(left_out, f"--input={path}", config)
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
            pixels = [images.read(file, info) for file in files[chosen]]
            return np.stack(pixels).astype(np.float32) / 255
        except (tf.errors.OpError, OSError, ValueError):
            raise InputError(images.first_unreadable(files[chosen], info.crop)) from None

    labels = _labels_of(names, config, served, problems, Folder(root))
    inputs = (*every, *others, *own)
    return Examples(outputs.names_of(names), labels, read, files, files=inputs, notes=tuple(notes))


def _image_files(path: str, out: str, labels: Sequence[str]) -> tuple[list[str], list[str]]:
    """Returns the images in a folder and those below it, or the one file; and files passed over.

    They are those of ``image_folders.image_files``, but for the files of labels and those in a
    folder for answers within ``path``.
    """
    if os.path.isfile(path):
        return [path], []
    inner = is_within(out, path) and not is_within(path, out)

    def here(names: Sequence[str]) -> list[str]:
        files = [os.path.join(path, name) for name in names]
        return [file for file in files if not (inner and is_within(file, out))]

    def is_of_labels(file: str) -> bool:
        given = [each for each in labels if os.path.exists(each) and os.path.exists(file)]
        return any(os.path.samefile(file, each) for each in given)

    found, others = map(here, image_folders.image_files(path))
    others = [file for file in others if not is_of_labels(file)]
    if not found:
        endings = ", ".join(decoding.ENDINGS)
        raise InputError(f"--input={path} is no image and no folder with images ({endings}).")
    return found, others


def _rows(config: ApplyConfig, served: Served, problems: Problems) -> Examples:
    path, info = config.input, served.info
    if not info.columns:
        raise InputError(f"The model was trained on {info.name}, whose examples are in no table.")
    given = table_files.read(path, known=[column.name for column in info.columns])
    given, x = read_features(given, info, config.decimal, problems)
    problems.raise_any()
    outside = _outside(given, info)
    names = [str(line) for line in given.lines]
    labels = _labels_of(names, config, served, problems, Folder(""))
    for place, label in enumerate(served.labels):
        if label.name in given.columns and not config.labels:
            column = label_columns.read_known_label(given, label, problems)
            labels[:, place] = label.in_units(column)
    inputs = (path, *([config.labels] if config.labels_are_a_file else []))
    return Examples(names, labels, lambda chosen: x[chosen], (), outside, given.columns, inputs)


def _outside(given: Table, info: Info) -> list[list[str]]:
    """Returns for each row the columns whose numbers are far outside the training range."""
    far = {column.name: column.outside(given) for column in info.columns}
    return [[name for name, rows in far.items() if rows[row]] for row in range(len(given))]


def _labels_of(
    names: Sequence[str],
    config: ApplyConfig,
    served: Served,
    problems: Problems,
    folder: Folder,
) -> np.ndarray:
    """Returns float [n, k], the labels that the config gives to files; NaN: not known."""
    labels = served.labels
    if not config.labels_are_a_file:
        return steering.label_rows(config.known, labels, len(names))
    given = table_files.read(config.labels, known=[label.name for label in labels])
    given = in_plain_notation(given, served.info, config.decimal, problems)
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


def as_table(
    served: Served,
    given: Examples,
    columns: dict[str, list],
    labels: np.ndarray,
    requested: np.ndarray,
    beside: bool = False,
) -> pd.DataFrame:
    """Returns rows as a table: the input's own columns in their order, with what was made of them.

    Args:
        served: the model.
        given: the examples that were changed, or that were to be made.
        columns: {column: n values}, those that replace the input's own.
        labels: float [n, k] in their own units; a label that is NaN in all rows is left out.
        requested: float [k], the values that labels got; NaN: a label is as in the input.
        beside: a changed column has its values before, and the difference of numbers, beside it.
    """
    before = given.unchanged or {}
    made = before | columns
    for label, column, value in zip(served.labels, labels.T, requested, strict=True):
        if label.name in before:
            if not np.isnan(value):
                asked = label.standardised(value)
                made[label.name] = frames.relabelled(label, before[label.name], asked)
        elif not np.isnan(column).all():
            made[label.name] = [_written(label, each) for each in column]
    table = {}
    for name, values in made.items():
        table[name] = values
        if beside and name in before and [*map(str, values)] != [*map(str, before[name])]:
            table[f"{name} before"] = before[name]
            numbers = [[texts.number(str(each)) for each in part] for part in (values, before[name])]
            if name in columns and not np.isnan(numbers).all():
                difference = np.subtract(*numbers)
                table[f"{name} difference"] = [float(f"{each:.6g}") for each in difference]
    if any(given.outside):
        table[OUTSIDE] = [", ".join(names) for names in given.outside]
    return pd.DataFrame(table)


def _written(label: Label, value: float) -> str:
    """Returns the value of a label, in its own units, as it stands in a table."""
    if label.kind == "real" and not np.isnan(value):
        return f"{round(float(value), decimals(label.scale)):.15g}"
    return label.text(label.standardised(value))


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
