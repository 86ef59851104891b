"""Feature columns of a table: from texts to vectors and back."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tf_csvae import texts
from tf_csvae.data import quantiles, scaling
from tf_csvae.features import FAR, Feature
from tf_csvae.texts import missing, number

if TYPE_CHECKING:
    from tf_csvae.data.table_files import Problems, Table

# A column with more different texts holds names or remarks.
MAX_CATEGORIES = 100

# Whole numbers with at most so many different values, in a table of more than so many rows for
# each, are an ordered category: a rank, a count, a year.
MAX_LEVELS, ROWS_PER_LEVEL = 10, 4

# A value that this share of the rows has is a spike of a number.
SPIKE = 0.2

# A category that so many rows are all different in is an identifier, or a free text.
MANY, UNIQUE = 20, 0.9

# Of whole numbers that name the rows at least this share are different: some are there twice.
DIFFERENT = 0.98

# Texts among numbers are mistakes if they are at most so many, or at most this share of the values.
MISTAKES, MISTAKEN = 3, 0.1

# How dates are written; the first one that all texts of a column have.
DATES = (
    "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d", "%d.%m.%Y",
    "%d/%m/%Y", "%m/%d/%Y",
)  # fmt: skip

_DAY = 86400.0

TYPES = ("number", "category", "date", "aside")


@dataclasses.dataclass(frozen=True)
class Column:
    """One feature column of a table: a number, or a category (one-hot).

    Attributes:
        name: name of the column.
        categories: values of a category in the order of the one-hot; empty for a number.
        whole: whether all values are integers.
        knots, scores: the points of a number's transform, which do not decrease; the first and the
            last knot are the range of its values (``data.quantiles``).
        spike: a value that many rows share, such as 0 of a gain; None: there is none.
        decimals: to which numbers are written that a model made; None: six significant digits.
        date: the format of a date, as of ``strptime``, whose number are days; "": it is none.
        fixed: whether the model is given the column, and never makes nor changes it.
    """

    name: str
    categories: tuple[str, ...] = ()
    whole: bool = False
    knots: tuple[float, ...] = ()
    scores: tuple[float, ...] = ()
    spike: float | None = None
    decimals: int | None = None
    date: str = ""
    fixed: bool = False

    def __post_init__(self) -> None:
        """Converts lists, as JSON has them; raises ``ValueError`` for numbers that are none."""
        for name in ("categories", "knots", "scores"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        numbers = np.asarray([self.knots, self.scores], np.float64)
        if (
            not np.isfinite(numbers).all()
            or (np.diff(self.knots) < 0).any()
            or (np.diff(self.scores) <= 0).any()
        ):
            raise ValueError(f"This is no transform of the column {self.name!r}.")
        if bool(self.categories) == bool(self.knots) or (
            self.spike is not None and self.spike not in self.knots
        ):
            raise ValueError(f"The column {self.name!r} is a category, or a number with a transform.")
        if not isinstance(self.decimals, int | None) or abs(self.decimals or 0) > 400:
            raise ValueError(f"decimals of a column must be a whole number. Received: {self.decimals}")

    @property
    def constant(self) -> bool:
        """Whether all training rows have one value, so that nothing could be learned from it."""
        if self.categories:
            return len(self.categories) == 1
        return bool(scaling.is_constant(self.knots[0], self.knots[-1]))

    def described(self) -> str:
        """Returns what the column was taken for, in words."""
        if self.constant:
            return f"constant, {self.categories[0] if self.categories else self._written(self.knots[0])}"
        if self.categories:
            shown = ", ".join(self.categories[:5]) + (", ..." if self.categories[5:] else "")
            words = f"{'ordered ' * self.whole}category of {len(self.categories)} ({shown})"
        elif self.date:
            words = f"date, {self._written(self.knots[0])} to {self._written(self.knots[-1])}"
        else:
            words = f"{'whole ' * self.whole}number, {self.knots[0]:.10g} to {self.knots[-1]:.10g}"
            words += f", often {self.spike:.10g}" if self.spike is not None else ""
        return words + ", fixed" * self.fixed

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the entries that the column has in x, as in "age" or "colour=red"."""
        return tuple(f"{self.name}={category}" for category in self.categories) or (self.name,)

    @property
    def feature(self) -> Feature:
        """What the column is in x."""
        if self.categories:
            return Feature("category", len(self.categories), fixed=self.fixed)
        ends = (self.scores[0], self.scores[-1])
        if self.spike is None:
            return Feature(range=ends, fixed=self.fixed)
        own = np.flatnonzero(np.equal(self.knots, self.spike))
        beside = (own[0] - 1, own[-1] + 1)
        gap = [self.scores[end] if 0 <= end < len(self.scores) else math.copysign(FAR, end) for end in beside]
        (at,) = quantiles.to_scores(np.array([self.spike]), self.knots, self.scores)
        return Feature(range=ends, spike=float(at), gap=(gap[0], gap[1]), fixed=self.fixed)

    def numbers(self, table: Table, problems: Problems) -> np.ndarray:
        """Returns the numbers of the column, float64 [n]; NaN where missing.

        ``problems`` gets a sentence about each value that is not a number.
        """
        column = table.columns[self.name]
        values = np.array(
            [_days(text, self.date) if self.date else number(text) for text in column], np.float64
        )
        for row in np.flatnonzero(np.isnan(values)):
            if not missing(column[row]):
                what = f"a date such as {self._written(self.knots[0])}" if self.date else "a number"
                problems.append(
                    f"{table.at(row, self.name)}: expected {what}. Received: {column[row]!r}. {self._advice}"
                )
        scaling.check_number(table, self.name, values, problems)
        return values

    def encode(self, table: Table, problems: Problems) -> np.ndarray:
        """Returns the features of the column, float64 [n, features], in the units of the table.

        They are NaN where missing. ``problems`` gets a sentence about each value that is not a
        number or a known category.
        """
        if not self.categories:
            return self.numbers(table, problems)[:, None]
        column = table.columns[self.name]
        places = {category: place for place, category in enumerate(self.categories)}
        found = np.zeros((len(column), len(places)))
        for row, text in enumerate(column):
            place = places.get(self._level(text) if self.whole else text)
            if missing(text):
                found[row] = np.nan
            elif place is None:
                known = ", ".join(self.categories)
                advice = f" {self._advice}" if self.whole else ""
                problems.append(
                    f"{table.at(row, self.name)}: expected one of {known}. Received: {text!r}.{advice}"
                )
            else:
                found[row, place] = 1
        return found

    @property
    def _advice(self) -> str:
        return f"If the column holds categories, give --types={self.name}:category."

    def _level(self, text: str) -> str | None:
        """Returns the nearest level of an ordered category to the number in a text."""
        value = number(text)
        if math.isnan(value):
            return None
        return min(self.categories, key=lambda level: abs(float(level) - value))

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """Returns features [n, features] in the units of the table as they stand in x."""
        return values if self.categories else quantiles.to_scores(values, self.knots, self.scores)

    def unscaled(self, x: np.ndarray) -> np.ndarray:
        """Returns what stands in x, [n, features], in the units of the table."""
        return x if self.categories else quantiles.to_values(x, self.knots, self.scores)

    def same_scaling(self, other: Column) -> bool:
        """Returns whether values stand in x as those of another column do, up to rounding."""
        mine, others = (np.array([each.knots, each.scores]) for each in (self, other))
        if (self.categories, mine.shape) != (other.categories, others.shape):
            return False
        return bool(np.allclose(mine, others, rtol=1e-5, atol=0) or np.array_equal(mine, others))

    def decode(self, values: np.ndarray) -> list:
        """Returns the n table values of features, float [n, features] in the table's units.

        A missing value is "".
        """
        lost = np.isnan(values).any(1)
        if self.categories:
            found = [self.categories[place] for place in np.argmax(values, 1)]
            found = [int(each) for each in found] if self.whole else found
        else:
            found = [self._written(value) for value in map(float, np.where(lost, 0.0, values[:, 0]))]
        return ["" if none else each for each, none in zip(found, lost, strict=True)]

    def _written(self, value: float) -> float | int | str:
        if self.date:
            return (_EPOCH + datetime.timedelta(seconds=round(value * _DAY))).strftime(self.date)
        if self.whole:
            return round(value)
        rounded = float(f"{value:.6g}") if self.decimals is None else round(value, self.decimals)
        return min(max(rounded, self.knots[0]), self.knots[-1])  # rounding may leave the range

    def moved(self, old: np.ndarray, new: np.ndarray) -> str:
        """Says how values, float [n, features] in the table's units, have moved, in words."""
        if not self.categories:
            ends = (self._written(float(each.mean())) for each in (old, new))
            return "on average from {} to {}".format(*ends)
        pairs = collections.Counter(zip(old.argmax(1).tolist(), new.argmax(1).tolist(), strict=True))
        (first, last), count = pairs.most_common(1)[0]
        return f"most often from {self.categories[first]} to {self.categories[last]} ({count:,})"

    def outside(self, table: Table) -> np.ndarray:
        """Returns which values are far outside the training range: bool [n].

        They are further from it than its own width, or anything else in a constant column; of an
        ordered category all outside. A missing value is not.
        """
        if self.categories and not self.whole:
            return np.zeros(len(table), bool)
        values = self.numbers(table, [])
        ends = [float(self.categories[0]), float(self.categories[-1])] if self.categories else self.knots
        low, high = ends[0], ends[-1]
        rounding = 1e-9 * max(abs(low), abs(high))
        width = 0.0 if self.categories else rounding if self.constant else high - low
        with np.errstate(invalid="ignore"):
            return (values < low - width) | (values > high + width)


def fit_column(table: Table, name: str, train: np.ndarray, kind: str, problems: Problems) -> Column | str:
    """Returns what a column is, or why it is set aside, in words, as its values suggest.

    If nearly all values are numbers, it is a number, and a text in it is a mistake.

    Args:
        table: the rows.
        name: of the column.
        train: int [m], the training rows.
        kind: of ``TYPES``; "": as the values suggest.
        problems: gets a sentence if the column is no feature.
    """
    column = table.columns[name]
    known = [text for text in column if not missing(text)]
    if kind == "aside":
        return "as --types says"
    if not known:
        return "it has no values"
    numbers = np.array([number(text) for text in column], np.float64)  # NaN where missing, too
    date = next((form for form in DATES if not any(np.isnan(_days(text, form)) for text in known)), "")
    if kind == "date" and not date:
        problems.append(
            f"{table.path}, column {name}: expected dates, such as 2024-12-31. Received: {known[0]!r}."
        )
    if date and kind in ("", "date"):
        days = np.array([_days(column[row], date) for row in train if not missing(column[row])])
        return _number(name, days, date=date)
    finite = numbers[np.isfinite(numbers)]
    others = len(known) - len(finite)
    mostly = others < 0.5 * len(known) and others <= max(MISTAKES, MISTAKEN * len(known))
    if kind == "number" or (not kind and mostly):
        written = [text for text, value in zip(column, numbers, strict=True) if np.isfinite(value)]
        exact = "e" not in "".join(written).lower()
        whole = bool(np.all(finite % 1 == 0) and exact)
        if not kind and whole and (why := _identifies(name, column, written, finite)):
            return why
        of_train = numbers[train]
        of_train = of_train[np.abs(of_train) <= scaling.MAX_NUMBER]
        levels = np.unique(finite)
        few = len(levels) <= min(MAX_LEVELS, len(column) / ROWS_PER_LEVEL)
        if not kind and whole and few and 1 < len(levels) == len(np.unique(of_train)):
            return Column(name, tuple(f"{level:.0f}" for level in levels), whole=True)
        return _number(name, of_train, whole, max(map(_decimals, written), default=0))
    categories = sorted(set(known))
    if not kind and len(known) >= MANY and len(categories) > UNIQUE * len(known):
        return f"{len(categories):,} of {len(known):,} values are different, as in names"
    if len(categories) > MAX_CATEGORIES:
        what = f"it has {len(categories)} different texts, and a category at most {MAX_CATEGORIES}"
        if not kind:
            return what
        problems.append(f"{table.path}, column {name}: {what}. Leave it out by --ignore={name}.")
    return Column(name, tuple(categories))


def _number(
    name: str, values: np.ndarray, whole: bool = False, decimals: int | None = None, date: str = ""
) -> Column:
    """Returns the column of numbers whose training rows have these values, float [m]."""
    values = values if len(values) else np.zeros(1)
    values = values[~quantiles.damaged(values)]
    knots, scores = quantiles.fit(values)
    known, counts = np.unique(values, return_counts=True)
    is_spike = len(known) > 1 and counts.max() >= SPIKE * len(values)
    if decimals is not None and len(known) > 1:  # noise of a model is not written out to the last digit
        decimals = min(decimals, texts.decimals(scaling.fit(values[:, None])[1].item()))
    spike = float(known[counts.argmax()]) if is_spike else None
    return Column(name, (), whole, tuple(knots.tolist()), tuple(scores.tolist()), spike, decimals, date)


def _identifies(name: str, column: Sequence[str], written: Sequence[str], numbers: np.ndarray) -> str:
    """Returns why whole numbers name their rows and measure nothing; "" if they may measure."""
    if len(written) < MANY or len(set(written)) < DIFFERENT * len(written):
        return ""
    if texts.counts_rows(column):
        return "it counts the rows"
    if re.search(r"(?i)(^|[^a-z])(id|ids|uuid|index|nr|no)$|Id$|ID$", name):
        return "its values are nearly all different, and its name is that of an identifier"
    digits = {len(text.lstrip("+-")) for text in written}
    seconds = 9e8 < np.median(numbers) < 2.2e9  # of a time since 1970
    if min(digits) >= 12 or (len(digits) == 1 and min(digits) >= 7 and not seconds):
        return "its values are nearly all different, and have as many digits as numbers of customers or cards"
    return ""


_EPOCH = datetime.datetime(1970, 1, 1)


def _days(text: str, form: str) -> float:
    """Returns the days since 1970 of a date in a format, or NaN."""
    try:
        return (datetime.datetime.strptime(text, form) - _EPOCH).total_seconds() / _DAY
    except ValueError:
        return math.nan


def encode(columns: Sequence[Column], table: Table, problems: Problems) -> np.ndarray:
    """Returns the features of a table, float64 [n, d]; see ``Column.encode``."""
    return np.concatenate([column.encode(table, problems) for column in columns], 1)


def _decimals(text: str) -> int:
    """Returns the decimals of a number, as in 2 of "1.50"."""
    return -decimal.Decimal(text).as_tuple().exponent
