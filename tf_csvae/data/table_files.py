"""CSV and Parquet files, read as text, and the problems that are found in them."""

import codecs
import contextlib
import csv
import dataclasses
import io
import itertools
import math
import os
import re
from collections.abc import Collection, Sequence

import pandas
import pyarrow

from tf_csvae import texts
from tf_csvae.errors import InputError, check_known

# Earlier ones are preferred, since commas also stand in numbers and in texts.
_DELIMITERS = "\t;|,"

# Rows by which the delimiter is chosen.
_FIRST = 100

# The mark at the beginning of a file: its encoding. UTF-32 comes first: it begins like UTF-16.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    b"": "utf-8-sig",
}

# Beginnings of files that are no text: ZIP and new Excel, old Excel, gzip, HDF5, Feather.
_NO_TEXT = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b", b"\x89HDF", b"ARROW1", b"FEA1")

_PARQUET = (".parquet", ".pq", ".parq")

_NO_TABLE = (
    ".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".numbers", ".json", ".jsonl", ".ndjson", ".xml", ".html",
    ".feather", ".arrow", ".orc", ".avro", ".h5", ".hdf5", ".pkl", ".npy", ".npz", ".mat",
    ".sav", ".dta", ".sas7bdat", ".rds", ".rdata", ".db", ".sqlite", ".zip", ".gz", ".bz2", ".xz", ".zst",
)  # fmt: skip

# A number or a date in any notation: digits and signs, but no letters beside an exponent.
_NUMBER = re.compile(r"[\W]*\d([\W\d]*\d)?([eE][+-]?\d+)?\W*")


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
        cut = [each for each in self.columns if name in map(str.strip, each.split(","))]
        if cut and name not in self.columns:
            raise InputError(
                f"{flag} names {name!r}, and {self.path} has the column {cut[0]!r}. In flags, a "
                "comma separates names: rename the column in the file."
            )
        check_known(name, self.columns, f"column of {self.path} in {flag}")
        return self.columns[name]


def read(path: str, header: str = "auto", ignore: Collection[str] = (), known: Collection[str] = ()) -> Table:
    """Reads a CSV file (with commas, semicolons, tabs or bars) or a Parquet file.

    Args:
        path: the file.
        header: of a CSV file. yes: the first line names the columns; no: they are called
            column_1, column_2, ...; auto: it names them, and if it looks like a row, that is an
            error.
        ignore: names of columns that are left out.
        known: columns of the run that the file is read for, if there is one. They decide in place
            of ``header`` whether the first line has names. Other columns without one are left out.

    Raises:
        InputError: no such file, no table, a text that is not in UTF-8, a first line that may be
            no header, a column without a name or named twice, a row of another width, no rows.
    """
    if not os.path.isfile(path):
        what = f"{path} is no file." if os.path.exists(path) else f"There is no file {path}."
        raise InputError(f"{what} A CSV or Parquet file with a header is expected.")
    with open(path, "rb") as file:
        start = file.read(8)
    if path.lower().endswith(_NO_TABLE) or start.startswith(_NO_TEXT):
        raise InputError(
            f"{path} is no CSV or Parquet file. Save the table as CSV in UTF-8, not compressed, and "
            "give that file."
        )
    if path.lower().endswith(_PARQUET) or start.startswith(b"PAR1"):
        if header == "no" and not known:
            raise InputError(f"--header=no is for CSV files. The columns of {path} have names.")
        table = _read_parquet(path)
    else:
        table = _read_csv(path, header, known)
    if not len(table):
        raise InputError(f"{path} has no rows under its header.")
    return dataclasses.replace(table, columns=_kept(table, ignore, known))


def _kept(table: Table, ignore: Collection[str], known: Collection[str]) -> dict[str, list[str]]:
    """Returns the columns that are not to be ignored; raises ``InputError`` if one has no name."""
    unnamed = [name for name in table.columns if re.match(r"Unnamed: \d", name)]
    if known:
        ignore = {*ignore, *unnamed} - set(known)
    else:
        for name in ignore:
            table.column(name, "--ignore")
    columns = {name: values for name, values in table.columns.items() if name not in ignore}
    left = [name for name in unnamed if name in columns]
    if left and not known:
        is_index = texts.counts_rows(columns[left[0]])
        what = "counts the rows, as an index does that pandas wrote" if is_index else "has no name"
        raise InputError(
            f"{table.path}: the column {left[0]!r} {what}. Leave it out by "
            f'--ignore="{",".join(left)}", or give it a name in the file.'
        )
    if not columns:
        raise InputError(f"--ignore={','.join(ignore)} leaves no column of {table.path}.")
    return columns


def _read_csv(path: str, header: str, known: Collection[str]) -> Table:
    # Not pandas.read_csv: it fills up short rows without a word, and has no line numbers of rows.
    text = _text(path)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    rows, lines = [], []
    try:
        for row in filter(None, reader):
            rows.append([value.strip() for value in row])
            lines.append(reader.line_num)
    except csv.Error as error:
        reason = str(error)
        if reason.startswith("unexpected end"):
            reason = "a quotation mark is not closed"
        elif reason.startswith("field larger"):
            reason = "a value has more than 131,072 characters, or a quotation mark is not closed"
        line = lines[-1] + 1 if lines else 1
        raise InputError(f"{path}, line {line}: this is no row of a CSV file: {reason}.") from error
    if not rows:
        raise InputError(f"{path} is empty. Its first line should name the columns.")
    for line, row in zip(lines, rows, strict=True):
        if len(row) != len(rows[0]):
            raise InputError(
                f"{path}, line {line}: expected {len(rows[0])} values, one per column. Received: {len(row)}."
            )
    names = [f"column_{place}" for place in range(1, len(rows[0]) + 1)]
    if _has_header(path, rows, lines, header, known):
        names = _names(rows.pop(0))
        _check_unique(names, f"{path}, line {lines.pop(0)}")
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return Table(path, dict(zip(names, map(list, columns), strict=True)), lines)


def _text(path: str) -> str:
    """Returns the text of a file in UTF-8, or in UTF-16 with a mark; raises ``InputError``."""
    with open(path, "rb") as file:
        content = file.read()
    encoding = next(each for mark, each in _MARKS.items() if content.startswith(mark))
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line, byte = content.count(b"\n", 0, error.start) + 1, content[error.start]
        what = f"the byte 0x{byte:02x} is no character of {encoding.upper().removesuffix('-SIG')}"
        if encoding == "utf-8-sig":
            what += f"; in Latin-1 (Windows) it is {bytes([byte]).decode('cp1252', 'replace')!r}"
    else:
        place = text.find("\0")
        if place < 0:
            return text
        line = text.count("\n", 0, place) + 1
        what = "there is a NUL character, as in files in UTF-16"
    raise InputError(f"{path} is no CSV file in UTF-8, line {line}: {what}. Save the file in UTF-8.")


def _delimiter(text: str) -> str:
    """Returns the delimiter with which most of the first rows have as many values as the header."""

    def fitting(delimiter: str) -> int:
        widths = []
        with contextlib.suppress(csv.Error):  # told when the file is read
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
            for row in itertools.islice(filter(None, reader), _FIRST):
                widths.append(len(row))
        return widths.count(widths[0]) if widths and widths[0] > 1 else 0

    best = max(_DELIMITERS, key=fitting)
    return best if fitting(best) else ","


def _has_header(
    path: str, rows: Sequence[Sequence[str]], lines: Sequence[int], header: str, known: Collection[str]
) -> bool:
    """Returns whether the first row has names; raises ``InputError`` if that must be asked."""
    first, *others = rows
    if known:
        if not set(known).isdisjoint(_names(first)):
            return True
        if all(re.fullmatch(r"column_\d+", name) for name in known):
            return False
        raise InputError(
            f"{path}, line {lines[0]}: expected the names of the columns, as {_short(', '.join(known))}. "
            f"Received: {_short(', '.join(first))!r}."
        )
    if header != "auto":
        return header == "yes"
    for place, name in enumerate(first):
        same = (line for line, row in zip(lines[1:], others, strict=True) if name and row[place] == name)
        if _NUMBER.fullmatch(name) or not math.isnan(texts.number(name)):
            reason = f"{_short(name)!r} looks like a number"
        elif line := next(same, None):
            reason = f"{_short(name)!r} is a value of the same column in line {line}, too"
        else:
            continue
        raise InputError(
            f"{path}, line {lines[0]}: expected the names of the columns. Received: "
            f"{_short(', '.join(first))!r}, where {reason}. Give --header=yes if these are names, and "
            "--header=no if they are the first row; the columns are then column_1, column_2, ..."
        )
    return True


def _read_parquet(path: str) -> Table:
    try:
        with open(path, "rb") as file:  # of a path, pyarrow makes a column of a folder such as k=1
            frame = pandas.read_parquet(file, dtype_backend="pyarrow")  # integers stay, with gaps too
    except (pyarrow.ArrowException, OSError, ValueError, TypeError, KeyError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"{path} is no Parquet file: {reason}") from error
    names = _names(list(map(str, frame)))
    _check_unique(names, path)
    frame.columns = names
    for name in filter(None, frame.index.names):  # pandas writes its index as a column
        frame[name] = frame.index.get_level_values(name)
    columns = {
        str(name): ["" if value is pandas.NA else str(value).strip() for value in frame[name]]
        for name in frame
    }
    typed = frozenset(str(name) for name in frame if pandas.api.types.is_numeric_dtype(frame[name]))
    return Table(path, columns, list(range(1, len(frame) + 1)), "row", typed)


def _names(header: Sequence[str]) -> list[str]:
    """Returns the names of columns, in one line each; one without a name is "Unnamed: PLACE"."""
    named = [" ".join(map(str.strip, name.splitlines())) for name in header]
    return [name or f"Unnamed: {place}" for place, name in enumerate(named)]  # as pandas calls it


def _check_unique(names: Sequence[str], where: str) -> None:
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise InputError(f"{where}: the column {_short(min(twice))!r} is there twice.")


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
