"""What the features of a table are: the vocabulary that data, models and metrics share.

A row x is a vector of float32. A number is one entry of it, a normal score; a category is a one-hot
vector of entries. NaN stands for a missing value, in all entries of the feature.
"""

import dataclasses
import math
from collections.abc import Iterable
from typing import Any, Self

KINDS = ("number", "category")


@dataclasses.dataclass(frozen=True)
class Feature:
    """One feature of a table, as it stands in x.

    Attributes:
        kind: "number": one entry. "category": a one-hot vector.
        width: entries in x.
        spike: the entry of a value that many rows share, such as 0 of a gain; None: there is none.
        gap: the open range around the spike in which no other entry of x lies.

    Raises:
        ValueError: fields that contradict each other.
    """

    kind: str = "number"
    width: int = 1
    spike: float | None = None
    gap: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "gap", tuple(map(float, self.gap)))
        if self.kind not in KINDS or self.width < 1 or (self.kind == "number" and self.width > 1):
            raise ValueError(f"This is no feature of a table: {self.kind} of width {self.width}")
        low, high = self.gap
        if self.spike is not None and not (self.kind == "number" and low < self.spike < high):
            raise ValueError(f"A spike lies in its gap. Received: {self.spike}, {self.gap}")
        if math.isnan(low) or math.isnan(high):
            raise ValueError(f"The ends of a gap are numbers. Received: {self.gap}")

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values, for JSON and Keras configs."""
        return dataclasses.asdict(self) | {"gap": list(self.gap)}

    @classmethod
    def of(cls, features: Iterable[Self | dict[str, Any]]) -> tuple[Self, ...]:
        """Returns features given as such, or as dicts of their fields."""
        return tuple(each if isinstance(each, cls) else cls(**each) for each in features)
