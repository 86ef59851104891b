"""What a table holds, column by column, and what in it may be a mistake though it can be read."""

import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from tf_csvae.data import quantiles
from tf_csvae.data.feature_columns import Column
from tf_csvae.data.splits import repeats
from tf_csvae.data.table_files import Table
from tf_csvae.texts import alike, missing

# A column of names of persons or things, of which each has several rows.
_NAMES = re.compile(
    r"(?i)(^|_|\b)(id|patient|subject|person|customer|client|user|group|family|household)s?$|(?-i:I[dD])$"
)
MANY, ROWS_EACH = 10, 1.5


def facts(table: Table, columns: Sequence[Column], x: Sequence[np.ndarray]) -> dict[str, dict[str, int]]:
    """Returns {column: {"missing": cells, "different": values, "outside": cells}} of all columns.

    Outside are numbers that are set apart as damaged (``quantiles.damaged``). ``columns`` are the
    features, and ``x`` the values of each, float [n, width].
    """
    numbers = {column.name: part[:, 0] for column, part in zip(columns, x, strict=True) if column.knots}
    found = {}
    for name, values in table.columns.items():
        known = [text for text in values if not missing(text)]
        own = {"missing": len(values) - len(known), "different": len(set(known)), "outside": 0}
        if name in numbers:
            read = numbers[name]
            own["outside"] = int(quantiles.damaged(read[~np.isnan(read)]).sum())
        found[name] = own
    return found


def spellings(table: Table, names: Iterable[str]) -> Iterator[str]:
    """Yields a sentence for each set of values of a column that differ in case or blanks only."""
    for name in names:
        for values in alike(text for text in table.columns[name] if not missing(text)):
            yield (
                f"{table.path}, column {name}: {', '.join(map(repr, values[:6]))} differ in case or "
                "blanks only, and are values of their own. If they are the same, write them alike."
            )


def remarks(
    table: Table, columns: Sequence[Column], labels: Sequence[str], group: str | None
) -> Iterator[str]:
    """Yields sentences: rows that repeat others, spellings, columns that may name groups.

    Args:
        table: the rows.
        columns: the features.
        labels: names of the labels.
        group: the column of groups, if one is given.
    """
    copies = repeats(table, ("split",))
    if copies:
        row, first = next(iter(copies.items()))
        yield (
            f"{table.path}: {len(copies)} of {len(table)} rows repeat another row exactly, the first "
            f"in {table.unit} {table.lines[row]} that in {table.unit} {table.lines[first]}."
        )
    yield from spellings(table, (*(column.name for column in columns if column.categories), *labels))
    named = [name for name in table.columns if _NAMES.search(name) and name not in labels]
    for name in named if group is None else ():
        different = len(set(table.columns[name]))
        each = len(table) / different
        if different >= MANY and each >= ROWS_EACH:
            yield (
                f"{table.path}, column {name}: {different} values, each in {each:.1f} rows on average. "
                f"If these are groups, such as patients, --group_column={name} keeps each in one split."
            )
