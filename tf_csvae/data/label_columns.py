"""Columns of a table that are labels: their kinds, their values, and their distributions."""

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from tf_csvae import texts
from tf_csvae.data import scaling
from tf_csvae.data.table_files import Problems, Table
from tf_csvae.errors import InputError, check_known
from tf_csvae.labels import KINDS, Label

# A column with more different integers is a real label.
MAX_NUMBERED_CLASSES = 10

# A column with more different texts holds names or remarks.
MAX_CLASSES = 100


def parse_kinds(given: Sequence[str], names: Iterable[str], where: str) -> dict[str, str]:
    """Returns {label: kind} of the option label_kinds, texts "label:kind".

    No such label (``where`` is what has them, as in "labels.csv") or kind raises ``InputError``.
    """
    kinds = {}
    for pair in given:
        name, colon, kind = pair.rpartition(":")
        if not colon or kind not in KINDS:
            raise InputError(
                f"--label_kinds={','.join(given)}: expected pairs like age:real, of a label and "
                f"one of {', '.join(KINDS)}. Received: {pair!r}."
            )
        check_known(name, names, f"label of {where} in --label_kinds")
        kinds[name] = kind
    return kinds


def may_be_numbers(names: Sequence[str], given: Sequence[str], where: str) -> list[str]:
    """Returns the labels of ``names`` that may be numbers; ``given`` is the option label_kinds."""
    kinds = parse_kinds(given, names, where)
    return [name for name in names if kinds.get(name, "real") == "real"]


def infer_kind(values: Sequence[str]) -> str:
    """Returns the kind of a label that the texts of its values suggest, without missing ones.

    binary: 0 and 1, false and true, no and yes, -1 and 1, or mostly these: others are mistakes.
    categorical: up to ``MAX_NUMBERED_CLASSES`` integers, or texts. real: other numbers.
    """
    is_binary = np.array([texts.binary(value) is not None for value in values])
    if is_binary.all():
        return "binary"
    numbers = np.array([texts.number(value) for value in values])
    if np.isfinite(numbers).all():
        few = len(np.unique(numbers)) <= MAX_NUMBERED_CLASSES and np.all(numbers % 1 == 0)
        return "categorical" if few else "real"
    if is_binary.mean() > 0.5:
        return "binary"
    return "real" if np.isfinite(numbers).mean() > 0.5 else "categorical"


def read_labels(
    table: Table, names: Sequence[str], given: Sequence[str], problems: Problems
) -> tuple[tuple[Label, ...], np.ndarray]:
    """Returns the k labels and values, [n, k], of ``read_label``; ``given``: option label_kinds."""
    kinds = parse_kinds(given, names, table.path)
    for name in names:
        if "," in name:
            problems.append(
                f"{table.path}, column {name!r}: the name of a label has a comma, which separates names "
                "in flags. Rename the column in the file."
            )
    pairs = [read_label(table, name, problems, kinds.get(name)) for name in names]
    return tuple(label for label, _ in pairs), np.stack([values for _, values in pairs], 1)


def read_label(
    table: Table, name: str, problems: Problems, kind: str | None = None
) -> tuple[Label, np.ndarray]:
    """Reads a column as a label of a kind, or of the kind that its values suggest.

    ``problems`` gets a sentence about each value that is not allowed.

    Returns:
        The label, without its distribution (see ``fit_labels``), and its values, float64 [n]: 0
        and 1, indices of classes, or numbers in the units of the column; NaN where missing.
    """
    column = table.columns[name]
    known = [text for text in column if not texts.missing(text)]
    kind = kind or infer_kind(known)
    if kind == "binary":
        return Label(name), _binary(table, name, problems)
    numbers = {text: texts.number(text) for text in set(known)}
    if kind == "real":
        for row, text in enumerate(column):
            if not texts.missing(text) and np.isnan(numbers[text]):
                problems.append(
                    f"{table.at(row, name)}: expected a number. Received: {text!r}. With "
                    f"--label_kinds={name}:categorical, texts are classes."
                )
        values = np.array([numbers.get(text, np.nan) for text in column], np.float64)
        scaling.check_number(table, name, values, problems)
        return Label(name, kind="real"), values
    if np.isfinite(list(numbers.values())).all():  # 1 and 1.0 are one class
        written = {
            text: str(int(number)) if number % 1 == 0 else repr(number) for text, number in numbers.items()
        }
        classes = sorted(set(written.values()), key=float)
    else:
        written = {text: text for text in numbers}
        classes = sorted(written)
    if not 1 < len(classes) <= MAX_CLASSES:
        problems.append(
            f"{table.path}, column {name}: {len(classes)} different values. A categorical label "
            f"has 2 to {MAX_CLASSES}. Leave the column out, or give its kind: "
            f"--label_kinds={name}:real."
        )
        return Label(name), np.zeros(len(table))
    places = {text: classes.index(written[text]) for text in numbers}
    label = Label(name, kind="categorical", classes=tuple(classes))
    return label, np.array([places.get(text, np.nan) for text in column], np.float64)


def _binary(table: Table, name: str, problems: Problems) -> np.ndarray:
    """Returns 0, 1 and NaN, float64 [n], of a column with binary values."""
    column = table.columns[name]
    values = {text: texts.binary(text) for text in set(column)}
    for row, text in enumerate(column):
        if values[text] is None and not texts.missing(text):
            problems.append(
                f"{table.at(row, name)}: expected a binary label (0 or 1, false or true, no or "
                f"yes, -1 or 1). Received: {text!r}. --label_kinds={name}:categorical takes "
                f"classes, {name}:real numbers."
            )
    if {-1, 0} <= set(values.values()):
        row = next(row for row, text in enumerate(column) if values[text] == 0)
        problems.append(
            f"{table.at(row, name)}: expected -1 or 1 as elsewhere in the column. Received: {column[row]!r}."
        )
    known = [np.nan if values[text] is None else values[text] > 0 for text in column]
    return np.array(known, np.float64)


def read_known_label(table: Table, label: Label, problems: Problems) -> np.ndarray:
    """Returns the values of a label, as in y, in its column: float [n]; NaN where missing.

    ``problems`` gets a sentence about each value that the label cannot have.
    """
    values = [label.value(text) for text in table.columns[label.name]]
    for row, value in enumerate(values):
        if value is None:
            problems.append(
                f"{table.at(row, label.name)}: expected {label.wanted()}. "
                f"Received: {table.columns[label.name][row]!r}."
            )
    return np.array([np.nan if value is None else value for value in values])


def read_known_labels(table: Table, labels: Sequence[Label], problems: Problems) -> np.ndarray:
    """Returns y, float32 [n, k], of labels in their columns; see ``read_known_label``."""
    columns = [read_known_label(table, label, problems) for label in labels]
    return scaling.single(np.stack(columns, 1))


def fit_labels(
    labels: Sequence[Label],
    values: np.ndarray,
    train: np.ndarray,
    where: str,
    problems: Problems,
) -> tuple[tuple[Label, ...], np.ndarray]:
    """Returns the labels of values [n, k] with their distributions, and y, float32 [n, k].

    The distributions are those in the training rows, int [m], which standardise real labels.
    ``where`` is the file, for messages. ``problems`` gets a sentence about each label or class that
    does not vary.
    """
    found = []
    for label, column in zip(labels, values.T, strict=True):
        of_train = column[train][~np.isnan(column[train])]
        missing = float(np.isnan(column[train]).mean()) if len(train) else 0.0
        at = f"{where}, column {label.name}"
        if len(train) and (not len(of_train) or scaling.is_constant(of_train.min(), of_train.max())):
            value = label.text(of_train[0]) if len(of_train) else "missing"
            problems.append(
                f"{at}: all training examples have the value {value}, so nothing can be learned "
                "about it. Leave the column out."
            )
        if not len(of_train):
            pass
        elif label.kind == "real":
            (mean,), (scale,) = scaling.fit(of_train[:, None])
            low, high = (float((end - mean) / scale) for end in (of_train.min(), of_train.max()))
            label = dataclasses.replace(label, mean=float(mean), scale=float(scale), low=low, high=high)
        elif label.kind == "categorical":
            counts = np.bincount(of_train.astype(int), minlength=len(label.classes))
            for place in np.flatnonzero(counts == 0):
                problems.append(
                    f"{at}: no training example has the value {label.classes[place]!r}, so "
                    "nothing can be learned about it. Leave such rows out, or move some of them "
                    "to the training split."
                )
            label = dataclasses.replace(label, frequencies=tuple(counts / counts.sum()))
        else:
            label = dataclasses.replace(label, frequency=float(of_train.astype(np.float32).mean()))
        found.append(dataclasses.replace(label, missing=missing))
    offset, scale = (np.array([getattr(label, name) for label in found]) for name in ("mean", "scale"))
    return tuple(found), scaling.single((values - offset) / scale)
