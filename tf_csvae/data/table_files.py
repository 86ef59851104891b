"""CSV and Parquet files, read as text, and the problems that are found in them."""

import csv
import dataclasses
import os

import pandas
import pyarrow

from tf_csvae.errors import InputError, check_known


class Problems(list):
    """Sentences about the mistakes in a file, gathered to report all of them."""

    def raise_any(self) -> None:
        """Raises ``InputError`` with the first sentence and all ``problems``, if there are any."""
        if self:
            more = f" And {len(self) - 1} more: python -m trainers.inspect lists them."
            raise InputError(self[0] + (more if self[1:] else ""), tuple(self))


@dataclasses.dataclass(frozen=True)
class Table:
    """A table as text.

    Attributes:
        path: the file.
        columns: {name: values}, equally long. A missing value is one of ``texts.MISSING``.
        lines: number of each row in the file.
        unit: what ``lines`` counts: "line" of a CSV file, "row" of a Parquet file.
        typed: names of the columns that the file holds as numbers, not as text.
    """

    path: str
    columns: dict[str, list[str]]
    lines: list[int]
    unit: str = "line"
    typed: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.lines)

    def at(self, row: int, column: str | None = None) -> str:
        """Returns the place of a value, as in "labels.csv, line 7, column Smiling"."""
        place = f"{self.path}, {self.unit} {self.lines[row]}"
        return f"{place}, column {column}" if column else place

    def column(self, name: str, flag: str) -> list[str]:
        """Returns the values of a column that a flag names; raises ``InputError``."""
        check_known(name, self.columns, f"column of {self.path} in {flag}")
        return self.columns[name]


def read(path: str) -> Table:
    """Reads a CSV file (with commas, semicolons or tabs, and a header) or a .parquet file.

    Raises:
        InputError: no such file, no table, a column named twice, a row of another width, no rows.
    """
    if not os.path.isfile(path):
        raise InputError(f"There is no file {path}. A CSV or Parquet file with a header is expected.")
    table = _read_parquet(path) if path.endswith(".parquet") else _read_csv(path)
    if not len(table):
        raise InputError(f"{path} has no rows under its header.")
    return table


def _read_csv(path: str) -> Table:
    # Not pandas.read_csv: it fills up short rows without a word, and has no line numbers of rows.
    rows, lines = [], []
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            delimiter = max(",;\t", key=file.readline().count)
            file.seek(0)
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            for row in filter(None, reader):
                rows.append([value.strip() for value in row])
                lines.append(reader.line_num)
    except (UnicodeDecodeError, csv.Error) as error:
        line = lines[-1] + 1 if lines else 1
        raise InputError(f"{path} is no CSV file in UTF-8, line {line}: {error}.") from error
    if not rows:
        raise InputError(f"{path} is empty. Its first line should name the columns.")
    header, first = rows.pop(0), lines.pop(0)
    _check_unique(header, f"{path}, line {first}")
    for line, row in zip(lines, rows, strict=True):
        if len(row) != len(header):
            raise InputError(
                f"{path}, line {line}: expected {len(header)} values, one per column. Received: {len(row)}."
            )
    columns = zip(*rows, strict=True) if rows else [()] * len(header)
    return Table(path, dict(zip(header, map(list, columns), strict=True)), lines)


def _read_parquet(path: str) -> Table:
    try:
        frame = pandas.read_parquet(path, dtype_backend="pyarrow")  # integers stay, with gaps too
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{path} is no Parquet file: {str(error).splitlines()[0]}") from error
    _check_unique(list(frame), path)
    for name in filter(None, frame.index.names):  # pandas writes its index as a column
        frame[name] = frame.index.get_level_values(name)
    columns = {
        str(name): ["" if value is pandas.NA else str(value).strip() for value in frame[name]]
        for name in frame
    }
    typed = frozenset(str(name) for name in frame if pandas.api.types.is_numeric_dtype(frame[name]))
    return Table(path, columns, list(range(1, len(frame) + 1)), "row", typed)


def _check_unique(names: list[str], where: str) -> None:
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise InputError(f"{where}: the column {min(twice)!r} is there twice.")
