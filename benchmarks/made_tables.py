"""Tables with known laws: what an edit of a label must change, in which direction and by how much.

In each, the label is drawn first, and then the columns from the label and from noise that does not
depend on it. So the row as it would be with the other label is known: the same noise, the other
label. The columns are of the kinds that people's tables have: whole numbers, a spike at 0, skewed
amounts, categories of unlike frequency, ordered grades.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special

# Rows, as (label, noise) -> columns.
Law = Callable[[np.ndarray, np.random.Generator], dict[str, np.ndarray]]


class Made(NamedTuple):
    """A table with its law.

    Attributes:
        rows: the table, with its label.
        other: the same rows with the other value of the label.
        label: the name of the label; its values are "yes" and "no".
        moved: the columns that the label moves.
    """

    rows: pd.DataFrame
    other: pd.DataFrame
    label: str
    moved: tuple[str, ...]


def adult(n: int, seed: int) -> Made:
    """People and whether they earn much: older, longer in school, more often with a gain."""

    def law(y, random):
        age, school, hours, gain, size = random.normal(size=(5, n))
        has_gain, work, sex = random.random((3, n))
        return {
            "age": np.clip(np.round(38 + 7 * y + 11 * age), 17, 90).astype(int),
            "school": np.clip(np.round(9.5 + 2 * y + 2.2 * school), 1, 16).astype(int),
            "hours": np.clip(np.round(39 + 5 * y + 9 * hours), 1, 99).astype(int),
            "gain": np.where(
                has_gain < 0.06 + 0.16 * y, np.round(np.exp(8 + 0.8 * y + 0.6 * gain)), 0
            ).astype(int),
            "weight": np.round(np.exp(12 + 0.5 * size)).astype(int),
            "work": np.select([work < 0.7, work < 0.83, work < 0.95], ["private", "state", "own"], "idle"),
            "sex": np.where(sex < 0.67, "male", "female"),
        }

    return _made(law, "rich", 0.25, ("age", "school", "hours", "gain"), n, seed)


def titanic(n: int, seed: int) -> Made:
    """Passengers and whether they survived: a dearer ticket, a better class."""

    def law(y, random):
        age, fare, klass = random.normal(size=(3, n))
        sex, siblings, port = random.random((3, n))
        return {
            "class": np.clip(np.round(2.4 - 0.6 * y + 0.7 * klass), 1, 3).astype(int),
            "age": np.round(np.clip(29 - 4 * y + 12 * age, 0.5, 80), 1),
            "fare": np.round(np.exp(2.7 + 0.7 * y + 0.8 * fare), 2),
            "siblings": np.minimum(special.bdtrik(siblings, 8, 0.06).astype(int), 8),
            "sex": np.where(sex < 0.65, "male", "female"),
            "port": np.select([port < 0.72, port < 0.9], ["S", "C"], "Q"),
        }

    return _made(law, "survived", 0.38, ("class", "age", "fare"), n, seed)


def bank(n: int, seed: int) -> Made:
    """Customers and whether they bought: longer calls, larger balances, fewer calls before."""

    def law(y, random):
        duration, balance, age, rate = random.normal(size=(4, n))
        calls, job, debt = random.random((3, n))
        return {
            "duration": np.round(np.exp(5.2 + 0.9 * y + 0.6 * duration)).astype(int),
            "balance": np.round(900 + 700 * y + 1500 * balance).astype(int),
            "rate": np.round(3.6 - 1.2 * y + 0.9 * rate, 3),
            "calls": np.floor(-np.log1p(-calls) * (2.5 - y)).astype(int),
            "age": np.clip(np.round(41 + 10 * age), 18, 95).astype(int),
            "job": np.select([job < 0.4, job < 0.7, job < 0.9], ["blue", "white", "own"], "idle"),
            "debt": np.where(debt < 0.15, "yes", "no"),
        }

    return _made(law, "bought", 0.2, ("duration", "balance", "rate", "calls"), n, seed)


TABLES = {"adult": adult, "titanic": titanic, "bank": bank}


def _made(law: Law, label: str, share: float, moved: tuple[str, ...], n: int, seed: int) -> Made:
    y = np.random.default_rng([seed, 1]).random(n) < share
    frames = []
    for values in (y, ~y):  # the same noise twice
        columns = law(values.astype(float), np.random.default_rng([seed, 2]))
        frames.append(pd.DataFrame({**columns, label: np.where(values, "yes", "no")}))
    return Made(*frames, label, moved)
