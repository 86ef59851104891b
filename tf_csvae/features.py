"""What the features of a table are: the vocabulary that data, models and metrics share.

A row x is a vector of float32. A number is one entry of it, a normal score; a category is a one-hot
vector of entries. NaN stands for a missing value, in all entries of the feature.
"""

import dataclasses
import math
from collections.abc import Iterable
from typing import Any, Self

KINDS = ("number", "category")

# A number that is larger than every entry of x.
FAR = 1e9


@dataclasses.dataclass(frozen=True)
class Feature:
    """One feature of a table, as it stands in x.

    Attributes:
        kind: "number": one entry. "category": a one-hot vector.
        width: entries in x.
        range: the least and the largest entry of a number.
        spike: the entry of a value that many rows share, such as 0 of a gain; None: there is none.
        gap: the open range around the spike in which no other entry of x lies.
        fixed: whether it is given to the model, which never makes nor changes it.

    Raises:
        ValueError: fields that contradict each other.
    """

    kind: str = "number"
    width: int = 1
    range: tuple[float, float] = (-FAR, FAR)
    spike: float | None = None
    gap: tuple[float, float] = (0.0, 0.0)
    fixed: bool = False

    def __post_init__(self) -> None:
        for name in ("range", "gap"):
            object.__setattr__(self, name, tuple(map(float, getattr(self, name))))
        if self.kind not in KINDS or self.width < 1 or (self.kind == "number" and self.width > 1):
            raise ValueError(f"This is no feature of a table: {self.kind} of width {self.width}")
        low, high = self.gap
        if self.spike is not None and not (self.kind == "number" and low < self.spike < high):
            raise ValueError(f"A spike lies in its gap. Received: {self.spike}, {self.gap}")
        if any(map(math.isnan, (*self.gap, *self.range))) or self.range[0] > self.range[1]:
            raise ValueError(f"A range is from a number to a larger one. Received: {self.range}, {self.gap}")

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values, for JSON and Keras configs."""
        return dataclasses.asdict(self)

    @classmethod
    def of(cls, features: Iterable[Self | dict[str, Any]]) -> tuple[Self, ...]:
        """Returns features given as such, or as dicts of their fields."""
        return tuple(each if isinstance(each, cls) else cls(**each) for each in features)
