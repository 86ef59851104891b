"""Standardisation, in float64: only the standardised values become float32."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tf_csvae.data.table_files import Problems, Table

# Larger numbers have squares that float64 cannot hold, and sums of them.
MAX_NUMBER = 1e100

# Larger standardised values have squares that float32 cannot hold.
MAX_STANDARDISED = 1e18

# Values that differ by less, as a share of the largest, differ by rounding only.
_ROUNDING = 1e-9


def is_constant(low: float | np.ndarray, high: float | np.ndarray) -> bool | np.ndarray:
    """Returns whether values from low to high are one value, up to rounding."""
    return high - low <= np.maximum(_ROUNDING * np.maximum(np.abs(low), np.abs(high)), 1 / MAX_NUMBER)


def fit(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns mean and standard deviation of the columns of values, float64 [d] each.

    A column that is constant up to rounding gets a deviation of 1: a small one would make a huge
    number of any other value.
    """
    values = np.asarray(values, np.float64)
    moved = values - values[0]  # so that no digits are lost to a large mean
    scale = np.where(is_constant(values.min(0), values.max(0)), 1.0, moved.std(0))
    return values[0] + moved.mean(0), np.where(scale > 0, scale, 1.0)


def single(standardised: np.ndarray) -> np.ndarray:
    """Returns standardised values as float32; ``check`` finds those that become infinite."""
    with np.errstate(over="ignore"):
        return np.asarray(standardised).astype(np.float32)


def check(table: Table, names: Sequence[str], standardised: np.ndarray, problems: Problems) -> None:
    """Adds a sentence about each standardised value, float [n, len(names)], that is too large."""
    with np.errstate(invalid="ignore"):  # NaN: a label that is missing
        wrong = np.abs(standardised) > MAX_STANDARDISED
    for row, place in np.argwhere(wrong):
        problems.append(
            f"{table.at(row, names[place])}: this is more than {MAX_STANDARDISED:g} standard deviations "
            "from the mean of the training rows, which float32 cannot hold. Received: "
            f"{table.columns[names[place]][row]!r}."
        )


def check_number(table: Table, name: str, values: np.ndarray, problems: Problems) -> None:
    """Adds a sentence about each number of a column, float [n], that is too large."""
    with np.errstate(invalid="ignore"):
        wrong = np.abs(values) > MAX_NUMBER
    for row in np.flatnonzero(wrong):
        problems.append(
            f"{table.at(row, name)}: expected a number of at most {MAX_NUMBER:g} in size. "
            f"Received: {table.columns[name][row]!r}."
        )
