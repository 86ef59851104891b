"""How far a training has come."""

import dataclasses
import math
from typing import Any, Self


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a training had come when a checkpoint was written.

    Attributes:
        epoch: epochs done.
        step: steps done of the next epoch.
        steps_per_epoch: 0: unknown, and so no steps are done.
        seconds: duration of those steps.
        sums: values of the metrics' variables over them.
        rate_factor: in (0, 1], factor on the learning rates after divergences.
        best: (best epoch, from 1, and its value); None: not searched for.
    """

    epoch: int = 0
    step: int = 0
    steps_per_epoch: int = 0
    seconds: float = 0.0
    sums: list = dataclasses.field(default_factory=list)
    rate_factor: float = 1.0
    best: tuple | None = None

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """Returns the ``Progress`` of plain values; raises ``ValueError`` if they make none."""
        self = cls(**plain)
        best = () if self.best is None else tuple(self.best)
        counts = (self.epoch, self.step, self.steps_per_epoch, *best[:1])
        numbers = (*counts, self.seconds, self.rate_factor, *best[1:])
        if not (
            all(type(count) is int and count >= 0 for count in counts)
            and all(type(each) in (int, float) and math.isfinite(each) for each in numbers)
            and self.step <= self.steps_per_epoch
            and 0 < self.rate_factor <= 1
            and len(best) in (0, 2)
            and isinstance(self.sums, list)
        ):
            raise ValueError(f"No progress of a training: {plain}")
        return dataclasses.replace(self, best=best or None)

    def scaled(self, steps_per_epoch: int, multiple: int) -> Self:
        """Returns the same share of an epoch of so many steps, in whole multiples of steps."""
        step = self.step * steps_per_epoch // max(self.steps_per_epoch, 1) // multiple * multiple
        return dataclasses.replace(self, step=step, steps_per_epoch=steps_per_epoch)
