"""The rows of a user's table: read as text, checked, and dealt out to the splits."""

import csv
import dataclasses
import hashlib
import os

import numpy as np

from tf_csvae import texts
from tf_csvae.errors import InputError, check_known
from tf_csvae.labels import KINDS, Label

SPLITS = ("train", "validation", "test")

# A column with more different whole numbers is a real label, unless it is said to be none.
MAX_NUMBERED_CLASSES = 10

# More different texts are no classes but names or remarks.
MAX_CLASSES = 100

_SPLIT_NAMES = {**{split: split for split in SPLITS}, "val": "validation", "valid": "validation"}


class Problems(list):
    """Sentences about what is wrong in a file, gathered so that all can be told."""

    def raise_any(self):
        """Raises ``InputError`` with the first, which has all as ``problems``, unless there is none."""
        if self:
            more = f" And {len(self) - 1} more: python -m trainers.inspect lists them." if self[1:] else ""
            raise InputError(self[0] + more, tuple(self))


@dataclasses.dataclass(frozen=True)
class Table:
    """A table as text.

    Attributes:
        path: str, its file.
        columns: {name: list of str}, equally long; a value that is missing is one of ``texts.MISSING``.
        lines: list of int, where each row stands in the file.
        unit: str, what is counted there: "line" of a CSV file, "row" of a Parquet file.
    """

    path: str
    columns: dict
    lines: list
    unit: str = "line"

    def __len__(self):
        return len(self.lines)

    def at(self, row, column=None):
        """Says where a value stands, as in "labels.csv, line 7, column Smiling"."""
        return f"{self.path}, {self.unit} {self.lines[row]}" + (f", column {column}" if column else "")


def read(path, rows_needed=True):
    """Reads a CSV file (with commas, semicolons or tabs, and a header) or a Parquet file.

    Args:
        path: str; one that ends in .parquet is Parquet.
        rows_needed: bool, a table without rows is a mistake.

    Returns:
        ``Table``.

    Raises:
        InputError: no such file, no table, a column named twice, a row of another width, no rows.
    """
    if not os.path.isfile(path):
        raise InputError(f"There is no file {path}. A CSV or Parquet file with a header is expected.")
    table = _read_parquet(path) if path.endswith(".parquet") else _read_csv(path)
    if rows_needed and not len(table):
        raise InputError(f"{path} has no rows under its header.")
    return table


def _read_csv(path):
    rows, lines = [], []
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            delimiter = max(",;\t", key=first.count)
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            for row in reader:
                if row:
                    rows.append([value.strip() for value in row])
                    lines.append(reader.line_num)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is no CSV file in UTF-8, line {len(rows) + 1}: {error}.") from error
    if not rows:
        raise InputError(f"{path} is empty. Its first line should name the columns.")
    header, *rows = rows
    twice = {name for name in header if header.count(name) > 1}
    if twice:
        raise InputError(f"{path}, line 1: the column {min(twice)!r} is there twice.")
    for line, row in zip(lines[1:], rows, strict=True):
        if len(row) != len(header):
            raise InputError(
                f"{path}, line {line}: expected {len(header)} values, one per column. Received: {len(row)}."
            )
    columns = {name: [row[place] for row in rows] for place, name in enumerate(header)}
    return Table(path, columns, lines[1:])


def _read_parquet(path):
    import pyarrow
    import pyarrow.parquet

    try:
        content = pyarrow.parquet.read_table(path)
        columns = {
            name: ["" if value is None else str(value).strip() for value in content[name].to_pylist()]
            for name in content.column_names
        }
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{path} is no Parquet file: {str(error).splitlines()[0]}") from error
    return Table(path, columns, list(range(1, content.num_rows + 1)), "row")


def column(table, name, flag):
    """Returns a column's values; raises ``InputError`` that names the flag where it is not there."""
    check_known(name, table.columns, f"column of {table.path} in {flag}")
    return table.columns[name]


def parse_kinds(given, names, where):
    """Reads ``--label_kinds``.

    Args:
        given: list of texts "label:kind".
        names: names of the labels.
        where: str, what has the labels, as in "labels.csv".

    Returns:
        {label: its kind}.

    Raises:
        InputError: no such label or kind.
    """
    kinds = {}
    for pair in given:
        name, colon, kind = pair.rpartition(":")
        if not colon or kind not in KINDS:
            raise InputError(
                f"--label_kinds={','.join(given)}: expected pairs like age:real, of a label and one of "
                f"{', '.join(KINDS)}. Received: {pair!r}."
            )
        check_known(name, names, f"label of {where} in --label_kinds")
        kinds[name] = kind
    return kinds


def kind_of(values):
    """Infers the kind of a label from the texts of its values that are not missing.

    binary: 0 and 1, false and true, no and yes, -1 and 1, or mostly these, so that others are mistakes.
    categorical: up to ``MAX_NUMBERED_CLASSES`` whole numbers, or texts. real: other numbers.
    """
    if all(texts.binary(value) is not None for value in set(values)):
        return "binary"
    numbers = np.array([texts.number(value) for value in values])
    if np.isfinite(numbers).all():
        few = len(np.unique(numbers)) <= MAX_NUMBERED_CLASSES and np.all(numbers % 1 == 0)
        return "categorical" if few else "real"
    if np.mean([texts.binary(value) is not None for value in values]) > 0.5:
        return "binary"
    return "real" if np.isfinite(numbers).mean() > 0.5 else "categorical"


def read_label(table, name, problems, kind=None):
    """Reads a column as a label.

    Args:
        table: ``Table``.
        name: str, the column.
        problems: ``Problems``, which gets a sentence for each value that does not fit.
        kind: str, of the label; None infers it.

    Returns:
        ``Label``, of which ``learned`` knows the rest, and its values, float64 [n]: 0 and 1, indices of
        classes, numbers in the column's own units; NaN where missing.
    """
    column = table.columns[name]
    known = [text for text in column if not texts.missing(text)]
    kind = kind or kind_of(known)
    if kind == "binary":
        return Label(name), _binary(table, name, problems)
    numbers = {text: texts.number(text) for text in set(known)}
    if kind == "real":
        for row, text in enumerate(column):
            if not texts.missing(text) and np.isnan(numbers[text]):
                problems.append(
                    f"{table.at(row, name)}: expected a number. Received: {text!r}. Texts are classes of a "
                    f"label with --label_kinds={name}:categorical."
                )
        return Label(name, kind="real"), np.array([numbers.get(text, np.nan) for text in column])
    if np.isfinite(list(numbers.values())).all():  # 1 and 1.0 are one class
        written = {text: f"{number:g}" for text, number in numbers.items()}
        classes = sorted(set(written.values()), key=float)
    else:
        written = {text: text for text in numbers}
        classes = sorted(written)
    if not 1 < len(classes) <= MAX_CLASSES:
        problems.append(
            f"{table.path}, column {name}: {len(classes)} different values. A categorical label has 2 to "
            f"{MAX_CLASSES}; leave the column out, or say what it is: --label_kinds={name}:real."
        )
        return Label(name), np.zeros(len(table))
    places = {text: classes.index(written[text]) for text in numbers}
    label = Label(name, kind="categorical", classes=tuple(classes))
    return label, np.array([places.get(text, np.nan) for text in column], np.float64)


def _binary(table, name, problems):
    found, seen = np.full(len(table), np.nan), {}
    for row, text in enumerate(table.columns[name]):
        if text not in seen:
            seen[text] = texts.binary(text)
        if seen[text] is not None:
            found[row] = seen[text] > 0
        elif not texts.missing(text):
            problems.append(
                f"{table.at(row, name)}: expected a binary label (0 or 1, false or true, no or yes, -1 or 1). "
                f"Received: {text!r}. --label_kinds={name}:categorical takes classes, {name}:real numbers."
            )
    if {-1, 0} <= set(seen.values()):
        row = next(row for row, text in enumerate(table.columns[name]) if seen[text] == 0)
        problems.append(
            f"{table.at(row, name)}: expected -1 or 1 as elsewhere in the column. "
            f"Received: {table.columns[name][row]!r}."
        )
    return found


def values_of(table, label, problems):
    """Reads a column as a label that is known already.

    Args:
        table: ``Table``.
        label: ``Label``, named like the column.
        problems: ``Problems``, which gets a sentence for each value that it cannot have.

    Returns:
        float [n], as y has them; NaN where missing.
    """
    found = [label.value(text) for text in table.columns[label.name]]
    for row, value in enumerate(found):
        if value is None:
            problems.append(
                f"{table.at(row, label.name)}: expected {label.wanted()}. "
                f"Received: {table.columns[label.name][row]!r}."
            )
    return np.array([np.nan if value is None else value for value in found])


def learned(labels, values, train, where, problems, whole=None):
    """Learns from the training rows how labels are distributed, and finds those that never vary.

    Args:
        labels: ``Label``s as ``read_label`` gives them.
        values: float [n, k], their values.
        train: int [m], the training rows.
        where: str, the file.
        problems: ``Problems``.
        whole: int [m'], the rows by which real labels are standardised, where they are more than
            those that are learned from; so that all who learn from parts of them agree.

    Returns:
        tuple of ``Label``, and y, float32 [n, k].
    """
    found = []
    for label, column in zip(labels, values.T, strict=True):
        of_train = column[train][~np.isnan(column[train])]
        missing = float(np.isnan(column[train]).mean()) if len(train) else 0.0
        one = of_train[0] if len(of_train) else np.nan
        if len(train) and (of_train == one).all():
            told = label.text(one) if len(of_train) else "missing"
            problems.append(
                f"{where}, column {label.name}: all training examples have the value {told}, so nothing can be "
                "learned of it. Leave the column out."
            )
        if label.kind == "real":
            scaled = column[train if whole is None else whole]
            mean, scale = (
                float(np.nan_to_num(part(scaled))) if len(of_train) else 0.0
                for part in (np.nanmean, np.nanstd)
            )
            label = dataclasses.replace(label, mean=mean, scale=scale or 1.0)
        elif label.kind == "categorical" and len(of_train):
            counts = np.bincount(of_train.astype(int), minlength=len(label.classes))
            for place in np.flatnonzero(counts == 0):
                problems.append(
                    f"{where}, column {label.name}: no training example has the value {label.classes[place]!r}, so "
                    "nothing can be learned of it. Leave such rows out, or give the training split some."
                )
            label = dataclasses.replace(label, frequencies=tuple(counts / counts.sum()))
        elif len(of_train):
            label = dataclasses.replace(label, frequency=float(of_train.astype(np.float32).mean()))
        found.append(dataclasses.replace(label, missing=missing))
    offset, scale = (np.array([getattr(label, name) for label in found]) for name in ("mean", "scale"))
    return tuple(found), ((values - offset) / scale).astype(np.float32)


def shares_of(split):
    """Returns the shares of train, validation and test from ``--split``; raises ``InputError``."""
    try:
        shares = [float(share) for share in split]
    except ValueError:
        shares = []
    if len(shares) != len(SPLITS) or min(shares) <= 0 or abs(sum(shares) - 1) > 1e-6:
        given = ",".join(map(str, split))
        raise InputError(
            f"--split={given}: expected the shares of train, validation and test, which sum to 1, as in "
            "0.8,0.1,0.1."
        )
    return shares


def deal(table, keys, split, group_column, problems):
    """Deals rows out to the splits.

    By the column ``split``, where there is one: train, validation (or val) or test. Else by a hash of each
    row's key, or of its group: which split a row is in depends on nothing else, so rows that are added
    move no other.

    Args:
        table: ``Table``.
        keys: list of str, what tells a row from others.
        split: three shares, for rows that are dealt by their hash.
        group_column: str or None, rows with the same value there stay in one split.
        problems: ``Problems``.

    Returns:
        {split: int [n], rows in their order}.
    """
    shares = shares_of(split)
    groups = column(table, group_column, "--group_column") if group_column else None
    if "split" in table.columns:
        names = [_SPLIT_NAMES.get(text.casefold()) for text in table.columns["split"]]
        homes = {}
        for row, name in enumerate(names):
            if name is None:
                problems.append(
                    f"{table.at(row, 'split')}: expected train, validation or test. "
                    f"Received: {table.columns['split'][row]!r}."
                )
            elif groups and homes.setdefault(groups[row], name) != name:
                problems.append(
                    f"{table.at(row, group_column)}: {groups[row]!r} is in {name} here and in {homes[groups[row]]} "
                    "above. A group belongs to one split."
                )
    else:
        ends = np.cumsum(shares)[:-1]
        names = [SPLITS[np.searchsorted(ends, _share(key), side="right")] for key in groups or keys]
    dealt = {name: np.flatnonzero([here == name for here in names]) for name in SPLITS}
    for name, chosen in dealt.items():
        if not len(chosen):
            problems.append(
                f"{table.path}: none of the {len(table)} rows is in the {name} split. Give it a larger share in "
                "--split, or say in a column split where each row belongs."
            )
    return dealt


def _share(key):
    """A number in [0, 1) that is the same for a text on any machine."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:6], "big") / 2**48
