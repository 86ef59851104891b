"""Feature columns of a table: from texts to vectors and back."""

from __future__ import annotations

import dataclasses
import decimal
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tf_csvae import texts
from tf_csvae.data import scaling
from tf_csvae.texts import missing, number

if TYPE_CHECKING:
    from tf_csvae.data.table_files import Problems, Table

# A column with more different texts holds names or remarks.
MAX_CATEGORIES = 100


@dataclasses.dataclass(frozen=True)
class Column:
    """One feature column of a table: a number, or a category (one-hot).

    Attributes:
        name: name of the column.
        categories: values of a category in the order of the one-hot, "" for a missing value;
            empty for a number.
        fill: the value of a missing number: the median of the training rows.
        whole: whether all numbers are integers.
        low, high: the least and the largest number of the training rows; None: not known.
        decimals: to which numbers are written that a model made; None: six significant digits.
    """

    name: str
    categories: tuple[str, ...] = ()
    fill: float = 0.0
    whole: bool = False
    low: float | None = None
    high: float | None = None
    decimals: int | None = None

    def __post_init__(self) -> None:
        """Converts a list, as JSON has it; raises ``ValueError`` for numbers that are none."""
        object.__setattr__(self, "categories", tuple(self.categories))
        ends = [each for each in (self.low, self.high) if each is not None]
        if not all(map(math.isfinite, [self.fill, *ends])) or ends != sorted(ends) or len(ends) == 1:
            raise ValueError(f"This is no range of the column {self.name!r}: {ends}, {self.fill}")
        if not isinstance(self.decimals, int | None) or abs(self.decimals or 0) > 400:
            raise ValueError(f"decimals of a column must be a whole number. Received: {self.decimals}")

    @property
    def constant(self) -> bool:
        """Whether all training rows have one value, so that nothing could be learned from it."""
        if self.categories:
            return len(self.categories) == 1
        return self.low is not None and bool(scaling.is_constant(self.low, self.high))

    def described(self) -> str:
        """Returns what the column was taken for, in words."""
        names = [category or "missing" for category in self.categories]
        shown = ", ".join(names[:5]) + (", ..." if names[5:] else "")
        words = f"category of {len(names)} ({shown})" if names else "number"
        return f"{'whole ' * (self.whole and not names)}{words}{', constant' * self.constant}"

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features that the column makes, as in "age" or "colour=red"."""
        names = tuple(f"{self.name}={category or 'missing'}" for category in self.categories)
        return names or (self.name,)

    def numbers(self, table: Table, problems: Problems) -> np.ndarray:
        """Returns the numbers of the column, float64 [n]; NaN where missing.

        ``problems`` gets a sentence about each value that is not a number.
        """
        column = table.columns[self.name]
        values = np.array([number(text) for text in column], np.float64)
        for row in np.flatnonzero(np.isnan(values)):
            if not missing(column[row]):
                problems.append(
                    f"{table.at(row, self.name)}: expected a number. Received: "
                    f"{column[row]!r}. If the column holds categories, name it in "
                    "--category_columns."
                )
        scaling.check_number(table, self.name, values, problems)
        return values

    def encode(self, table: Table, problems: Problems) -> np.ndarray:
        """Returns the features of the column, float64 [n, features], in the units of the table.

        ``problems`` gets a sentence about each value that is not a number or a known category.
        """
        if not self.categories:
            values = self.numbers(table, problems)
            return np.where(np.isnan(values), self.fill, values)[:, None]
        column = table.columns[self.name]
        places = {category: place for place, category in enumerate(self.categories)}
        found = np.zeros((len(column), len(places)))
        for row, text in enumerate(column):
            place = places.get("" if missing(text) else text)
            if place is None:
                known = ", ".join(filter(None, self.categories))
                problems.append(f"{table.at(row, self.name)}: expected one of {known}. Received: {text!r}.")
            else:
                found[row, place] = 1
        return found

    def read(self, table: Table) -> list:
        """Returns the n values of a table as ``decode`` has them, without any rounding."""
        known = ["" if missing(text) else text for text in table.columns[self.name]]
        if self.categories:
            return known
        return [text and (_whole(text) if self.whole else number(text)) for text in known]

    def decode(self, values: np.ndarray) -> list:
        """Returns the n table values of features, float [n, features] in the table's units."""
        if self.categories:
            return [self.categories[place] for place in np.argmax(values, 1)]
        return [self._written(value) for value in map(float, values[:, 0])]

    def _written(self, value: float) -> float | int:
        if self.whole:
            return round(value)
        return float(f"{value:.6g}") if self.decimals is None else round(value, self.decimals)

    def outside(self, values: np.ndarray) -> np.ndarray:
        """Returns which numbers, float [n], are far outside the training range: bool [n].

        They are further from it than its own width, or anything else in a constant column. A
        missing number is not.
        """
        if self.low is None:
            return np.zeros(len(values), bool)
        rounding = 1e-9 * max(abs(self.low), abs(self.high))
        width = rounding if self.constant else self.high - self.low
        with np.errstate(invalid="ignore"):
            return (values < self.low - width) | (values > self.high + width)


def fit_column(table: Table, name: str, train: np.ndarray, is_category: bool, problems: Problems) -> Column:
    """Returns what a column is, as its values suggest; ``train``, int [m], are the training rows.

    If most values are numbers, it is a number, and a text in it is a mistake; but is_category
    makes it a category. ``problems`` gets a sentence if the column is no feature.
    """
    column = table.columns[name]
    known = [text for text in column if not missing(text)]
    numbers = np.array([number(text) for text in known], np.float64)
    if known and not is_category and np.isfinite(numbers).mean() > 0.5:
        of_train = np.array([number(column[row]) for row in train], np.float64)
        of_train = of_train[np.abs(of_train) <= scaling.MAX_NUMBER]
        of_train = of_train if len(of_train) else np.zeros(1)
        written = [text for text, value in zip(known, numbers, strict=True) if np.isfinite(value)]
        whole = np.all(numbers[np.isfinite(numbers)] % 1 == 0) and "e" not in "".join(written).lower()
        low, high = float(of_train.min()), float(of_train.max())
        decimals = max(map(_decimals, written))
        if not scaling.is_constant(low, high):  # noise of a model is not written out to the last digit
            decimals = min(decimals, texts.decimals(scaling.fit(of_train[:, None])[1].item()))
        return Column(name, (), float(np.median(of_train)), bool(whole), low, high, decimals)
    categories = sorted(set(known))
    if not categories or len(categories) > MAX_CATEGORIES:
        what = f"{len(categories)} different texts" if categories else "no values"
        problems.append(
            f"{table.path}, column {name}: {what}. A category has 1 to {MAX_CATEGORIES}: leave "
            "the column out of --feature_columns."
        )
    return Column(name, (*categories, "") if len(known) < len(column) else tuple(categories))


def encode(columns: Sequence[Column], table: Table, problems: Problems) -> np.ndarray:
    """Returns the features of a table, float64 [n, d]; see ``Column.encode``."""
    return np.concatenate([column.encode(table, problems) for column in columns], 1)


def _decimals(text: str) -> int:
    """Returns the decimals of a number, as in 2 of "1.50"."""
    return -decimal.Decimal(text).as_tuple().exponent


def _whole(text: str) -> int:
    """Returns the integer in a text such as "7" or "7.0", even one that no float can hold."""
    return int(text) if text.lstrip("+-").isdecimal() else round(number(text))
