"""The rows of a user's table: read as text, checked, and dealt out to the splits."""

import csv
import dataclasses
import hashlib
import os

import numpy as np

from tf_csvae.errors import InputError, check_known
from tf_csvae.labels import Label

SPLITS = ("train", "validation", "test")

# Words of a binary label, in any case; numbers that equal these count too, as 1.0 does.
_BINARY = {"0": 0, "1": 1, "-1": 0, "false": 0, "true": 1, "no": 0, "yes": 1}

# What stands for a value that is not known, in any case.
MISSING = ("", "na", "n/a", "nan", "none", "null", "?")

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
        columns: {name: list of str}, equally long; a value that is missing is one of ``MISSING``.
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


def binary(table, name, problems):
    """Reads a column as a binary label: 0 or 1, false or true, no or yes, -1 or 1.

    Args:
        table: ``Table``.
        name: str, the column.
        problems: ``Problems``, which gets a sentence for each other value.

    Returns:
        float32 [n] of 0 and 1.
    """
    found, seen = np.zeros(len(table), np.float32), {}
    for row, text in enumerate(table.columns[name]):
        if text not in seen:
            seen[text] = _binary(text)
        if seen[text] is None:
            problems.append(
                f"{table.at(row, name)}: expected a binary label (0 or 1, false or true, no or yes, -1 or 1). "
                f"Received: {text!r}."
            )
        else:
            found[row] = seen[text] > 0
    if {-1, 0} <= set(seen.values()):
        row = next(row for row, text in enumerate(table.columns[name]) if seen[text] == 0)
        problems.append(
            f"{table.at(row, name)}: expected -1 or 1 as elsewhere in the column. "
            f"Received: {table.columns[name][row]!r}."
        )
    return found


def _binary(text):
    """Returns -1, 0 or 1, or None."""
    try:
        number = float(text)
        return int(number) if number in (-1, 0, 1) else None
    except ValueError:
        return _BINARY.get(text.casefold())


def labels(names, y, where, problems):
    """Makes the labels of the columns of y, and finds those that are constant.

    Args:
        names: names of the k labels.
        y: float32 [n, k], of the training split.
        where: str, the file.
        problems: ``Problems``.

    Returns:
        tuple of ``Label``.
    """
    frequencies = y.mean(0) if len(y) else np.zeros(len(names))
    for name, p in zip(names, frequencies, strict=True):
        if len(y) and p in (0, 1):
            problems.append(
                f"{where}, column {name}: all training examples have the value {p:.0f}, so nothing can be "
                "learned of it. Leave the column out."
            )
    return tuple(Label(name, float(p)) for name, p in zip(names, frequencies, strict=True))


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
