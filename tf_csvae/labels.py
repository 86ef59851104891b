"""What a label is: the vocabulary shared by datasets, models and metrics."""

import dataclasses
import math

import numpy as np

from tf_csvae import texts

KINDS = ("binary", "categorical", "real")

# Points that stand for all values of a real label where it is not known.
_POINTS = 5


@dataclasses.dataclass(frozen=True)
class Label:
    """One label of a dataset: one column of ``y``. Where a label is not known, the column holds NaN.

    Attributes:
        name: str, unique within the dataset.
        frequency: float in [0, 1], share of the training examples with the value 1; binary only.
        kind: str. "binary": the column holds 0 or 1. "categorical": the index of a class. "real": a
            number, standardised.
        classes: tuple of str, names of the classes, in the order of their indices; categorical only.
        frequencies: tuple of float, their shares of the training examples; () makes them equal.
        mean: float, what the value 0 of a real label is in the data's own units.
        scale: float > 0, what a step of 1 is in those units.
        missing: float in [0, 1], share of the training examples in which the label is not known.
    """

    name: str
    frequency: float = 0.5
    kind: str = "binary"
    classes: tuple = ()
    frequencies: tuple = ()
    mean: float = 0.0
    scale: float = 1.0
    missing: float = 0.0

    def __post_init__(self):
        object.__setattr__(self, "classes", tuple(self.classes))
        shares = self.frequencies or [1 / max(1, len(self.classes))] * len(self.classes)
        object.__setattr__(self, "frequencies", tuple(map(float, shares)))
        if self.kind not in KINDS:
            raise ValueError(f"Label kind must be one of {KINDS}. Received: kind={self.kind!r}")
        for name in ("frequency", "missing"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"Label {name} must lie in [0, 1]. Received: {name}={getattr(self, name)}")
        if (self.kind == "categorical") != (len(self.classes) > 1):
            raise ValueError(f"A categorical label, and no other, has classes. Received: {self.classes}")
        if len(set(self.classes)) < len(self.classes) or not all(
            isinstance(name, str) for name in self.classes
        ):
            raise ValueError(f"The classes of a label must be different texts. Received: {self.classes}")
        fine = all(share >= 0 for share in self.frequencies)
        if (
            len(self.frequencies) != len(self.classes)
            or not fine
            or (self.classes and abs(sum(self.frequencies) - 1) > 1e-3)
        ):
            raise ValueError(f"Label frequencies must sum to 1. Received: {self.frequencies}")
        if not (math.isfinite(self.mean) and math.isfinite(self.scale) and self.scale > 0):
            raise ValueError(
                f"A label's mean must be a number and its scale a positive one. "
                f"Received: mean={self.mean}, scale={self.scale}"
            )

    def to_dict(self):
        """Returns the label as plain values, for JSON and Keras configs."""
        plain = {"name": self.name, "frequency": self.frequency, "kind": self.kind}
        if self.kind == "categorical":
            plain |= {"classes": list(self.classes), "frequencies": list(self.frequencies)}
        if self.kind == "real":
            plain |= {"mean": self.mean, "scale": self.scale}
        return plain | ({"missing": self.missing} if self.missing else {})

    @property
    def feature_names(self):
        """Names of the columns that a network reads of the label: one, or one for each class."""
        return tuple(f"{self.name}={name}" for name in self.classes) or (self.name,)

    @property
    def ends(self):
        """The two values that a way through the label leads between: the first and the last.

        Of a real label those below and above which a twentieth of a normal distribution lies.
        """
        if self.kind == "real":
            return -1.645, 1.645
        return 0.0, float(max(1, len(self.classes) - 1))

    @property
    def points(self):
        """Values that stand for all that the label can have, and their probabilities.

        Those of a real label, which is taken to be standard normal, are a Gauss-Hermite quadrature's.
        """
        if self.kind == "real":
            nodes, weights = np.polynomial.hermite_e.hermegauss(_POINTS)
            return nodes, weights / weights.sum()
        shares = self.frequencies or (1 - self.frequency, self.frequency)
        return np.arange(len(shares), dtype=float), np.asarray(shares)

    def same_values(self, other):
        """Whether another label's numbers in y mean the same as this one's."""
        return (self.kind, self.classes) == (other.kind, other.classes) and np.allclose(
            (self.mean, self.scale), (other.mean, other.scale), rtol=1e-4, atol=1e-4 * self.scale
        )

    def value(self, text):
        """Returns what a text means in y: a float, NaN where it is missing, or None for no value."""
        if text in self.classes:
            return float(self.classes.index(text))
        if texts.missing(text):
            return math.nan
        number = texts.number(text)
        if self.kind == "categorical":
            alike = [i for i, name in enumerate(self.classes) if number == texts.number(name)]
            return float(alike[0]) if alike else None
        if self.kind == "real":
            return None if math.isnan(number) else (number - self.mean) / self.scale
        if 0 <= number <= 1:
            return number
        word = texts.binary(text)
        return None if word is None else float(word > 0)

    def text(self, value):
        """Returns a value of y in the label's own words or units; "" where it is not known."""
        if math.isnan(value):
            return ""
        if self.kind == "categorical":
            return self.classes[round(float(value))]
        return f"{self.in_units(value):.6g}"

    def in_units(self, value):
        """Returns values of y, a number or an array, as those who are served have them: in own units."""
        return value * self.scale + self.mean

    def wanted(self):
        """Says in words what a value is, as in "a number"."""
        if self.kind == "categorical":
            return f"one of {', '.join(self.classes)}"
        return "a number" if self.kind == "real" else "0 or 1"


def as_labels(labels):
    """Returns a tuple of ``Label``s from ``Label``s, dicts of their fields, or names."""
    makers = {str: Label, dict: lambda fields: Label(**fields)}
    return tuple(label if isinstance(label, Label) else makers[type(label)](label) for label in labels)
