"""What a label is: the vocabulary that data, models and metrics share."""

import dataclasses
import math
from collections.abc import Iterable
from typing import Any, Self

import numpy as np

from tf_csvae import texts
from tf_csvae.errors import InputError

KINDS = ("binary", "categorical", "real")

# Most numbers of an example: what somebody else describes must not fill the memory.
MAX_NUMBERS = 2**24

# Number of points that stand for all values of a real label.
_POINTS = 5


@dataclasses.dataclass(frozen=True)
class Label:
    """One label of a data set: one column of ``y``. The column holds NaN where it is unknown.

    Attributes:
        name: unique within the data set.
        frequency: share of the training examples with the value 1; binary labels only.
        kind: "binary": the column holds 0 or 1. "categorical": the index of a class. "real": a
            number, standardised.
        classes: names of the classes in the order of their indices; categorical labels only.
        frequencies: shares of the classes in the training examples; empty: equal shares.
        mean: the value 0 of a real label in the units of the data.
        scale: a step of 1 in those units, positive.
        missing: share of the training examples in which the label is unknown.
        low, high: least and largest value of a real label in the training examples, standardised;
            None where they are not known.

    Raises:
        ValueError: fields that contradict each other or are out of range.
    """

    name: str
    frequency: float = 0.5
    kind: str = "binary"
    classes: tuple[str, ...] = ()
    frequencies: tuple[float, ...] = ()
    mean: float = 0.0
    scale: float = 1.0
    missing: float = 0.0
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise ValueError(f"The name of a label must be a text. Received: name={self.name!r}")
        object.__setattr__(self, "classes", tuple(self.classes))
        shares = self.frequencies or [1 / max(1, len(self.classes))] * len(self.classes)
        object.__setattr__(self, "frequencies", tuple(map(float, shares)))
        if self.kind not in KINDS:
            raise ValueError(f"Label kind must be one of {KINDS}. Received: kind={self.kind!r}")
        for name in ("frequency", "missing"):
            share = getattr(self, name)
            if not 0 <= share <= 1:
                raise ValueError(f"Label {name} must lie in [0, 1]. Received: {name}={share}")
        if (self.kind == "categorical") != (len(self.classes) > 1):
            raise ValueError(
                f"Only a categorical label has classes, and at least two. Received: {self.classes}"
            )
        texts_only = all(isinstance(name, str) for name in self.classes)
        if not texts_only or len(set(self.classes)) < len(self.classes):
            raise ValueError(f"The classes of a label must be different texts. Received: {self.classes}")
        if (
            len(self.frequencies) != len(self.classes)
            or not all(share >= 0 for share in self.frequencies)
            or (self.classes and abs(sum(self.frequencies) - 1) > 1e-3)
        ):
            raise ValueError(f"Label frequencies must sum to 1. Received: {self.frequencies}")
        if not (math.isfinite(self.mean) and math.isfinite(self.scale) and self.scale > 0):
            raise ValueError(
                "The mean of a label must be a finite number and its scale a positive one. "
                f"Received: mean={self.mean}, scale={self.scale}"
            )
        ends = (self.low, self.high)
        if ends != (None, None) and (None in ends or not -math.inf < self.low <= self.high < math.inf):
            raise ValueError(
                f"The range of a label must be two finite numbers. Received: low={self.low}, high={self.high}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Returns the label as plain values, for JSON and Keras configs."""
        plain = {"name": self.name, "frequency": self.frequency, "kind": self.kind}
        if self.kind == "categorical":
            plain |= {"classes": list(self.classes), "frequencies": list(self.frequencies)}
        if self.kind == "real":
            plain |= {"mean": self.mean, "scale": self.scale}
            plain |= {} if self.low is None else {"low": self.low, "high": self.high}
        return plain | ({"missing": self.missing} if self.missing else {})

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns that a network reads: one, or one for each class."""
        return tuple(f"{self.name}={name}" for name in self.classes) or (self.name,)

    @property
    def ends(self) -> tuple[float, float]:
        """The first and the last value, between which an interpolation runs."""
        if self.kind == "real":  # the 5 % and 95 % quantiles of a standard normal distribution
            return -1.645, 1.645
        return 0.0, float(max(1, len(self.classes) - 1))

    @property
    def plausible(self) -> tuple[float, float]:
        """The least and the largest value that can be meant: of a real label, standardised.

        A value further from those of the training than the width of their range is most likely
        given in the units of the data.
        """
        if self.kind != "real":
            return 0.0, float(max(1, len(self.classes) - 1))
        if self.low is None:
            return -math.inf, math.inf
        width = max(1.0, self.high - self.low)
        return self.low - width, self.high + width

    @property
    def points(self) -> tuple[np.ndarray, np.ndarray]:
        """Values that stand for all values of a label, and their probabilities: float [m] each."""
        if self.kind == "real":  # assumed to be standard normal: a Gauss-Hermite quadrature
            nodes, weights = np.polynomial.hermite_e.hermegauss(_POINTS)
            return nodes, weights / weights.sum()
        shares = self.frequencies or (1 - self.frequency, self.frequency)
        return np.arange(len(shares), dtype=float), np.asarray(shares)

    def same_values(self, other: Self) -> bool:
        """Returns whether the numbers of another label in y have the same meaning."""
        return (self.kind, self.classes) == (other.kind, other.classes) and np.allclose(
            (self.mean, self.scale), (other.mean, other.scale), rtol=1e-4, atol=1e-4 * self.scale
        )

    def value(self, text: str) -> float | None:
        """Returns the value of a text in y: NaN for a missing one, None for an invalid one."""
        if text in self.classes:
            return float(self.classes.index(text))
        if texts.missing(text):
            return math.nan
        number = texts.number(text)
        if self.kind == "categorical":
            same = [i for i, name in enumerate(self.classes) if number == texts.number(name)]
            return float(same[0]) if same else None
        if self.kind == "real":
            return None if math.isnan(number) else (number - self.mean) / self.scale
        if 0 <= number <= 1:
            return number
        word = texts.binary(text)
        return None if word is None else float(word > 0)

    def text(self, value: float) -> str:
        """Returns a value of y as text: the class, the number in the units of the data, or ""."""
        if math.isnan(value):
            return ""
        if self.kind == "categorical":
            return self.classes[round(float(value))]
        return f"{self.in_units(value):.6g}"

    def in_units(self, value: float | np.ndarray) -> float | np.ndarray:
        """Returns values of y, a number or an array, in the units of the data."""
        return value * self.scale + self.mean

    def standardised(self, value: float | np.ndarray) -> float | np.ndarray:
        """Returns values in the units of the data, a number or an array, as they stand in y."""
        return (value - self.mean) / self.scale

    def described(self) -> str:
        """Returns the kind in words, with the classes or the units."""
        if self.kind == "categorical":
            return f"categorical ({', '.join(self.classes)})"
        if self.kind == "real":
            return f"real (mean {self.mean:g}, scale {self.scale:g})"
        return self.kind

    def wanted(self) -> str:
        """Returns what a value must be, in words, as in "a number"."""
        if self.kind == "categorical":
            return f"one of {', '.join(self.classes)}"
        return "a number" if self.kind == "real" else "0 or 1"


def values_dtype(labels: Iterable[Label]) -> type:
    """Returns the type that holds values of labels in their own units.

    It is float64 if one is a number, such as a time in seconds: float32 has seven digits.
    """
    return np.float64 if any(label.kind == "real" for label in labels) else np.float32


Labels = Iterable[Label | dict[str, Any] | str]


def as_labels(labels: Labels) -> tuple[Label, ...]:
    """Returns labels from labels, from dicts of their fields, or from names.

    Raises:
        InputError: no list of such, fields that make no label, or a name that occurs twice.
    """
    if isinstance(labels, (str, dict)) or not isinstance(labels, Iterable):
        raise InputError(f"labels must be a list of labels or of their names. Received: {labels!r}.")
    found = tuple(map(_as_label, labels))
    names = [label.name for label in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"Two labels are named {twice[0]!r}. Each label needs a name of its own.")
    return found


def _as_label(given: Label | dict[str, Any] | str) -> Label:
    if isinstance(given, Label):
        return given
    if isinstance(given, str):
        return Label(given)
    try:
        return Label(**given)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{str(given)[:200]} is no label: {str(error)[:200]}") from error
