"""Which rows are for training, validation and test."""

import hashlib
from collections.abc import Collection, Hashable, Iterable, Sequence

import numpy as np

from tf_csvae.configs import DataConfig
from tf_csvae.data.dataset import SPLITS
from tf_csvae.data.table_files import Problems, Table
from tf_csvae.errors import InputError

# The share of validation, and by default that of test: at least so much, or so many rows, with
# which a verdict can tell a label of a few values, but at most a share of MOST.
VALIDATION, TEST, TEST_ROWS, MOST = 0.1, 0.1, 100, 0.25

# How people call the splits.
NAMES = {
    **{split: split for split in SPLITS},
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "testing": "test",
}


def split_rows(
    table: Table, keys: Sequence[str], config: DataConfig, problems: Problems
) -> dict[str, np.ndarray]:
    """Assigns the rows of a table to the splits.

    If there is a column ``split``, it says so: train, validation (or val) or test. A split that it
    never names is cut from the training rows. Otherwise a hash of the key of each row decides, or
    of its group. It depends on nothing else, so new rows
    do not move others. ``problems`` gets a sentence about each row that cannot be assigned, about
    equal rows in two splits, and about empty splits.

    Returns:
        {split: int [n], its rows in the order of the table}.

    Raises:
        InputError: shares that do not sum to 1, or no such column of groups.
    """
    shares, group_column = config.split or _shares(len(table)), config.group_column
    if len(shares) != len(SPLITS) or min(shares) <= 0 or abs(sum(shares) - 1) > 1e-6:
        raise InputError(
            f"--split={','.join(map(str, shares))}: expected the shares of train, validation and "
            "test, which sum to 1, as in 0.8,0.1,0.1."
        )
    groups = table.column(group_column, "--group_column") if group_column else None
    names = ["train"] * len(table)
    if "split" in table.columns:
        names = [NAMES.get(text.casefold()) for text in table.columns["split"]]
        homes = {}
        for row, name in enumerate(names):
            if name is None:
                problems.append(
                    f"{table.at(row, 'split')}: expected train, validation or test. "
                    f"Received: {table.columns['split'][row]!r}."
                )
            elif groups and homes.setdefault(groups[row], name) != name:
                problems.append(
                    f"{table.at(row, group_column)}: {groups[row]!r} is in {name} here and in "
                    f"{homes[groups[row]]} above. A group belongs to one split."
                )
        for row, first in repeats(table, ("split",)).items():
            here, there = names[row], names[first]
            if here and there and here != there:
                problems.append(
                    f"{table.at(row)}: this row is in {here} and repeats {table.unit} "
                    f"{table.lines[first]}, which is in {there}. Leave one of them out, or leave the "
                    "column split out by --ignore=split: equal rows then stay together."
                )
    unnamed = {split for split in SPLITS if split not in names}
    ends = np.cumsum(shares)[:-1]
    for row, key in enumerate((groups or keys) if unnamed else ()):
        # Equal rows have equal keys and groups.
        hashed = SPLITS[np.searchsorted(ends, _hash(key), side="right")]
        if names[row] == "train" and hashed in unnamed:
            names[row] = hashed
    members = {split: np.flatnonzero([name == split for name in names]) for split in SPLITS}
    for split, rows in members.items():
        if not len(rows):
            problems.append(
                f"{table.path}: none of the {len(table)} rows is in the {split} split. Give it a "
                "larger share in --split, or add a column split that assigns each row."
            )
    return members


def _shares(rows: int) -> tuple[float, ...]:
    """Returns the default shares of the splits of so many rows."""
    test = min(max(TEST, TEST_ROWS / max(rows, 1)), MOST)
    return 1 - VALIDATION - test, VALIDATION, test


def repeats(table: Table, apart: Collection[str] = ()) -> dict[int, int]:
    """Returns {row: the first row that is equal in all columns but those ``apart``}."""
    columns = [values for name, values in table.columns.items() if name not in apart]
    return repeated(zip(*columns, strict=True))


def repeated(keys: Iterable[Hashable | None]) -> dict[int, int]:
    """Returns {place: the first place} of keys that equal one before them; None is no key."""
    first, found = {}, {}
    for place, key in enumerate(keys):
        if key is not None and first.setdefault(key, place) != place:
            found[place] = first[key]
    return found


def _hash(key: str) -> float:
    """Returns a number in [0, 1) that is the same for a text on any machine."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:6], "big") / 2**48
