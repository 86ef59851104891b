"""The values that texts in a table or on a command line stand for."""

import collections
import math
from collections.abc import Iterable, Sequence

# Texts of a missing value and of the values of a binary label, in any case.
MISSING = ("", "na", "n/a", "nan", "none", "null", "?")
_BINARY = {"false": 0, "true": 1, "no": 0, "yes": 1}


def number(text: str) -> float:
    """Returns the finite number in a text, or NaN."""
    try:
        value = math.nan if "_" in text else float(text)  # Python reads the code 10_2020 as 102020
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def missing(text: str) -> bool:
    """Returns whether a text stands for a missing value."""
    return text.casefold() in MISSING


def alike(values: Iterable[str]) -> list[list[str]]:
    """Returns groups of different texts that differ in case or blanks only, sorted."""
    groups = collections.defaultdict(set)
    for text in values:
        groups["".join(text.casefold().split())].add(text)
    return sorted(sorted(group) for group in groups.values() if len(group) > 1)


def binary(text: str) -> int | None:
    """Returns -1, 0 or 1, or None for a text that is not a value of a binary label."""
    value = number(text)
    if math.isnan(value):
        return _BINARY.get(text.casefold())
    return int(value) if value in (-1, 0, 1) else None


def decimals(scale: float) -> int:
    """Returns the decimals to which a number of this scale is written: to a millionth of it."""
    return math.ceil(6 - math.log10(scale))


def counts_rows(values: Sequence[str]) -> bool:
    """Returns whether the values of a column are 0, 1, 2, ... or 1, 2, 3, ..."""
    return values[0] in ("0", "1") and all(
        text == str(number) for number, text in enumerate(values, start=int(values[0]))
    )
