"""Columns of a table, and the way from them to vectors and back."""

import dataclasses

import numpy as np

from tf_csvae.texts import missing, number

# A column with more different texts is no category but a name or a remark.
MAX_CATEGORIES = 100


@dataclasses.dataclass(frozen=True)
class Column:
    """One feature column of a table: a number, or a category (one-hot).

    Attributes:
        name: str.
        categories: tuple of str, the values of a category in the order of the one-hot; "" is that of a
            missing one. Empty for a number.
        fill: float, what a missing number is taken to be, the median of the training rows.
        whole: bool, all numbers are whole ones.
    """

    name: str
    categories: tuple = ()
    fill: float = 0.0
    whole: bool = False

    @property
    def feature_names(self):
        """Names of the features that the column makes, as in "age" or "colour=red"."""
        return tuple(f"{self.name}={category or 'missing'}" for category in self.categories) or (self.name,)

    def encode(self, table, problems):
        """Returns float32 [n, features] of the column in a ``Table``, in the table's own units.

        ``problems`` gets a sentence for each value that is no number or no known category.
        """
        texts = table.columns[self.name]
        if not self.categories:
            values = np.array([number(text) for text in texts], np.float64)
            for row in np.flatnonzero(np.isnan(values)):
                if not missing(texts[row]):
                    problems.append(
                        f"{table.at(row, self.name)}: expected a number. Received: {texts[row]!r}. Name the column "
                        "in --category_columns if its values are no numbers."
                    )
            return np.where(np.isnan(values), self.fill, values).astype(np.float32)[:, None]
        places = {category: place for place, category in enumerate(self.categories)}
        found = np.zeros((len(texts), len(places)), np.float32)
        for row, text in enumerate(texts):
            place = places.get("" if missing(text) else text)
            if place is None:
                problems.append(
                    f"{table.at(row, self.name)}: expected one of {', '.join(filter(None, self.categories))}. "
                    f"Received: {text!r}."
                )
            else:
                found[row, place] = 1
        return found

    def decode(self, values):
        """Returns the n values, of a table, of float [n, features] in its own units."""
        if self.categories:
            return [self.categories[place] for place in np.argmax(values, 1)]
        if self.whole:
            return [round(float(value)) for value in values[:, 0]]
        return [float(f"{value:.6g}") for value in values[:, 0]]


def learn(table, name, train, as_category, problems):
    """Learns what a column is.

    A number, where most of its values are numbers: a text among them is then a mistake.

    Args:
        table: ``Table``.
        name: str, the column.
        train: int [m], the rows of the training split.
        as_category: bool, it is a category although its values are numbers.
        problems: ``Problems``.

    Returns:
        ``Column``.
    """
    texts = table.columns[name]
    known = [text for text in texts if not missing(text)]
    numbers = np.array([number(text) for text in known], np.float64)
    if known and not as_category and np.isfinite(numbers).mean() > 0.5:
        of_train = np.array([number(texts[row]) for row in train], np.float64)
        of_train = of_train[np.isfinite(of_train)]
        whole = bool(np.all(numbers[np.isfinite(numbers)] % 1 == 0))
        return Column(name, fill=float(np.median(of_train)) if len(of_train) else 0.0, whole=whole)
    categories = sorted(set(known))
    if not categories or len(categories) > MAX_CATEGORIES:
        problems.append(
            f"{table.path}, column {name}: "
            + (f"{len(categories)} different texts" if categories else "no value at all")
            + f". A category has 1 to {MAX_CATEGORIES}: leave the column out of --feature_columns."
        )
    return Column(name, (*categories, "") if len(known) < len(texts) else tuple(categories))
