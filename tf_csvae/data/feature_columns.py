"""Feature columns of a table: from texts to vectors and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

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
    """

    name: str
    categories: tuple[str, ...] = ()
    fill: float = 0.0
    whole: bool = False

    def __post_init__(self) -> None:
        """Converts a list, as JSON has it."""
        object.__setattr__(self, "categories", tuple(self.categories))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features that the column makes, as in "age" or "colour=red"."""
        names = tuple(f"{self.name}={category or 'missing'}" for category in self.categories)
        return names or (self.name,)

    def encode(self, table: Table, problems: Problems) -> np.ndarray:
        """Returns the features of the column, float32 [n, features], in the units of the table.

        ``problems`` gets a sentence about each value that is not a number or a known category.
        """
        texts = table.columns[self.name]
        if not self.categories:
            values = np.array([number(text) for text in texts], np.float64)
            for row in np.flatnonzero(np.isnan(values)):
                if not missing(texts[row]):
                    problems.append(
                        f"{table.at(row, self.name)}: expected a number. Received: "
                        f"{texts[row]!r}. If the column holds categories, name it in "
                        "--category_columns."
                    )
            return np.where(np.isnan(values), self.fill, values).astype(np.float32)[:, None]
        places = {category: place for place, category in enumerate(self.categories)}
        found = np.zeros((len(texts), len(places)), np.float32)
        for row, text in enumerate(texts):
            place = places.get("" if missing(text) else text)
            if place is None:
                known = ", ".join(filter(None, self.categories))
                problems.append(f"{table.at(row, self.name)}: expected one of {known}. Received: {text!r}.")
            else:
                found[row, place] = 1
        return found

    def decode(self, values: np.ndarray) -> list:
        """Returns the n table values of features, float [n, features] in the table's units."""
        if self.categories:
            return [self.categories[place] for place in np.argmax(values, 1)]
        if self.whole:
            return [round(float(value)) for value in values[:, 0]]
        return [float(f"{value:.6g}") for value in values[:, 0]]


def fit_column(table: Table, name: str, train: np.ndarray, is_category: bool, problems: Problems) -> Column:
    """Returns what a column is, as its values suggest; ``train``, int [m], are the training rows.

    If most values are numbers, it is a number, and a text in it is a mistake; but is_category
    makes it a category. ``problems`` gets a sentence if the column is no feature.
    """
    texts = table.columns[name]
    known = [text for text in texts if not missing(text)]
    numbers = np.array([number(text) for text in known], np.float64)
    if known and not is_category and np.isfinite(numbers).mean() > 0.5:
        of_train = np.array([number(texts[row]) for row in train], np.float64)
        of_train = of_train[np.isfinite(of_train)]
        whole = bool(np.all(numbers[np.isfinite(numbers)] % 1 == 0))
        return Column(name, fill=float(np.median(of_train)) if len(of_train) else 0.0, whole=whole)
    categories = sorted(set(known))
    if not categories or len(categories) > MAX_CATEGORIES:
        what = f"{len(categories)} different texts" if categories else "no values"
        problems.append(
            f"{table.path}, column {name}: {what}. A category has 1 to {MAX_CATEGORIES}: leave "
            "the column out of --feature_columns."
        )
    return Column(name, (*categories, "") if len(known) < len(texts) else tuple(categories))


def encode(columns: Sequence[Column], table: Table, problems: Problems) -> np.ndarray:
    """Returns the features of a table, float32 [n, d]; see ``Column.encode``."""
    return np.concatenate([column.encode(table, problems) for column in columns], 1)
