"""What every data set is: three splits of batches, and a description of them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tf_csvae.data.feature_columns import Column
from tf_csvae.data.notations import Notation
from tf_csvae.errors import InputError
from tf_csvae.features import Feature
from tf_csvae.labels import MAX_NUMBERS, Label, as_labels

if TYPE_CHECKING:  # Info is read where TensorFlow is not needed
    import tensorflow as tf

SPLITS = ("train", "validation", "test")

# Pixels: decoding a larger image takes gigabytes, for one example or one request.
MAX_SIDE = 8192

# Most examples that a description of somebody else may promise.
MAX_EXAMPLES = 2**48


@dataclasses.dataclass(frozen=True)
class Info:
    """Description of a data set.

    Attributes:
        name: as in ``data.NAMES``; of a set of TensorFlow Datasets with its own name.
        shape: of one example: (d,) or (height, width, channels).
        value_range: (low, high), the range of x, or None for unbounded x.
        labels: the columns of y in order.
        counts: {split: number of examples}.
        offset, scale: float or float64 [d]; x is (value of the data - offset) / scale. The columns
            of a table have transforms of their own in place of these.
        feature_names: names of the d features of a vector; empty for images.
        crop: (top, left, bottom, right), the box that is cut out of an image, in fractions of the
            sides or, if one is above 1, in pixels; "center": the largest box in the middle that has
            the aspect ratio of the shape;
            None: the whole image.
        background: red, green and blue, 0 to 255, behind what is transparent in an image.
        columns: the feature columns of a table.
        aside: {column of a table that is no feature: why}, such as identifiers.
        notations: {column: how its numbers are written}, of the feature and label columns that are
            not written as Python writes numbers.
        facts: of a table {column: counts of its cells}, as ``remarks.facts`` returns them.
        remarks: sentences about what in a table may be a mistake though it can be read.
        fingerprint: a checksum of the content that is cheap to know: the rows of a table, the
            names and labels of images; empty where it is unknown.
    """

    name: str
    shape: tuple[int, ...]
    value_range: tuple[float, float] | None
    labels: tuple[Label, ...]
    counts: dict[str, int]
    offset: np.ndarray | float = 0.0
    scale: np.ndarray | float = 1.0
    feature_names: tuple[str, ...] = ()
    crop: tuple[float, ...] | str | None = None
    background: tuple[int, ...] = (255, 255, 255)
    columns: tuple[Column, ...] = ()
    aside: dict[str, str] = dataclasses.field(default_factory=dict)
    notations: dict[str, Notation] = dataclasses.field(default_factory=dict)
    facts: dict[str, dict[str, int]] = dataclasses.field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    fingerprint: str = ""

    def __post_init__(self) -> None:
        """Raises ``InputError`` for two labels of one name."""
        object.__setattr__(self, "labels", as_labels(self.labels))

    @property
    def number_columns(self) -> list[str]:
        """Names of the feature and label columns of a table that hold numbers."""
        labels = [label.name for label in self.labels if label.kind == "real" or label.name in self.notations]
        return [column.name for column in self.columns if not column.categories] + labels

    @property
    def constant_columns(self) -> list[str]:
        """Names of the feature columns of a table with one value in all training rows."""
        return [column.name for column in self.columns if column.constant]

    def taken_for(self) -> dict[str, str]:
        """Returns {column: what it was taken for, in words} of the columns of a table."""
        words = {column.name: column.described() for column in self.columns}
        words |= {label.name: f"label, {label.described()}" for label in self.labels}
        words |= {name: f"set aside: {why}" for name, why in self.aside.items()}
        written = {name: f" ({how.described()})" for name, how in self.notations.items()}
        for name, counts in self.facts.items():
            for of, count in (("missing", counts["missing"]), ("far outside", counts["outside"])):
                if count and name in words:
                    words[name] += f", {count:,} {of}"
        return {name: taken + written.get(name, "") for name, taken in words.items()}

    @property
    def features(self) -> tuple[Feature, ...]:
        """What the columns of a table are in x; empty for other data."""
        return tuple(column.feature for column in self.columns)

    @property
    def is_image(self) -> bool:
        """Whether an example is an image."""
        return len(self.shape) == 3

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values, for JSON."""
        scaling = {name: np.asarray(getattr(self, name)).tolist() for name in ("offset", "scale")}
        labels = [label.to_dict() for label in self.labels]
        return {**dataclasses.asdict(self), "labels": labels, **scaling}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """Returns the ``Info`` whose ``to_dict`` gave these values; they may be somebody else's.

        Raises:
            InputError: values that do not describe a data set.
        """
        try:
            tuples = {
                name: tuple(plain[name]) if isinstance(plain[name], list) else plain[name]
                for name in ("shape", "value_range", "feature_names", "crop", "background", "remarks")
                if name in plain
            }
            parts = {
                "labels": as_labels(plain["labels"]),
                "columns": tuple(Column(**column) for column in plain.get("columns", ())),
                "notations": {
                    str(name): Notation(**each) for name, each in plain.get("notations", {}).items()
                },
                "offset": np.asarray(plain["offset"]),
                "scale": np.asarray(plain["scale"]),
            }
            info = cls(**{**plain, **tuples, **parts})
            valid = info._is_valid()
        except (TypeError, KeyError, ValueError, AttributeError, IndexError, OverflowError) as error:
            reason = str(error) if isinstance(error, InputError) else repr(error)
            raise InputError(f"This describes no dataset: {reason[:300]}.") from error
        if not valid:
            raise InputError("This describes no dataset: a value in it is of a wrong kind or size.")
        return info

    def _is_valid(self) -> bool:
        """Returns whether values that may be somebody else's can be those of a data set."""
        scaling = [np.asarray(each) for each in (self.offset, self.scale)]
        widths = [len(column.feature_names) for column in self.columns]
        texts = (self.name, self.fingerprint, *self.feature_names, *(each.name for each in self.columns))
        texts += (*self.aside, *self.aside.values(), *self.remarks, *self.facts)
        numbers = [number for each in self.facts.values() for number in each.values()]
        low, high = self.value_range or (0, 1)
        return (
            all(isinstance(text, str) for text in (*texts, *(label.name for label in self.labels)))
            and len(self.labels) > 0
            and set(self.counts) == set(SPLITS)
            and all(type(n) is int and 0 <= n <= MAX_EXAMPLES for n in (*self.counts.values(), *numbers))
            and all(type(n) is int and 0 < n <= MAX_NUMBERS for n in self.shape)
            and len(self.shape) in (1, 3)
            and math.prod(self.shape) <= MAX_NUMBERS
            and -np.inf < low < high < np.inf
            and (self.crop is None or self.crop == "center" or _is_box(*self.crop))
            and len(self.background) == 3
            and all(type(n) is int and 0 <= n <= 255 for n in self.background)
            and (len(self.shape) == 1 or self.shape[2] in (1, 3, 4))
            and all(np.issubdtype(each.dtype, np.number) for each in scaling)
            and all(each.shape in ((), self.shape) and np.isfinite(each).all() for each in scaling)
            and bool(np.all(scaling[1] > 0))
            and len(self.feature_names) in (0, self.shape[0])
            and sum(widths) in (0, self.shape[0])
        )

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """Returns values [n, *shape] in the units of the data as they stand in x."""
        if not self.columns:
            return (np.asarray(values) - self.offset) / self.scale
        pairs = zip(self.columns, self.parts(values), strict=True)
        return np.concatenate([column.scaled(part) for column, part in pairs], 1)

    def unscale(self, x: np.ndarray) -> np.ndarray:
        """Returns x [n, *shape] in the units of the data."""
        if not self.columns:
            return np.asarray(x) * self.scale + self.offset  # float64, as offset and scale
        pairs = zip(self.columns, self.parts(x), strict=True)
        return np.concatenate([column.unscaled(part) for column, part in pairs], 1)

    def to_columns(self, x: np.ndarray) -> dict[str, list]:
        """Returns x [n, d] of a table as {column: n values}, in the units of the table."""
        return self.in_columns(self.unscale(x))

    def in_columns(self, values: np.ndarray) -> dict[str, list]:
        """Returns values [n, d] in the units of a table as {column: n values}; "" where missing."""
        pairs = zip(self.columns, self.parts(values), strict=True)
        return {column.name: column.decode(part) for column, part in pairs}

    def parts(self, values: np.ndarray) -> list[np.ndarray]:
        """Returns the part of values [n, d] of each column, float64."""
        ends = np.cumsum([len(column.feature_names) for column in self.columns])
        return np.split(np.asarray(values, np.float64), ends[:-1], axis=1)


def _is_box(top: float, left: float, bottom: float, right: float) -> bool:
    """Returns whether a box, as in ``Info.crop``, can be in an image."""
    ends = (top, left, bottom, right)
    if not all(type(end) in (int, float) and math.isfinite(end) for end in ends):
        return False
    least, most = (1.0, MAX_SIDE) if max(ends) > 1 else (1 / MAX_SIDE, 1.0)
    thickness = min(bottom - top, right - left)
    return min(ends) >= 0 and max(ends) <= most and thickness >= least * (1 - 1e-6)


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Three splits of batches (x, y): x float32 [n, *info.shape], y float32 [n, k].

    Attributes:
        train: one epoch, in a new order at each iteration.
        validation, test: every example, in a fixed order.
        train_from: function (epoch, rows=slice(None), step=0, scaled=True) that returns the endless
            training batches from a step of an epoch on. ``rows`` selects rows of each batch.
            ``scaled`` False leaves images as bytes, uint8 of 0 to 255, which models take, too. The
            order of an epoch depends on the seed and its number only, so a resumed training has
            the same order.
        batch_size: examples of a training batch.
        asked_batch_size: what the option asks for; a batch is never larger than the training set.
        steps_per_epoch: batches of an epoch. Examples that fill no batch are left out; each epoch
            leaves out others.
        left_out: a sentence about each bad example that was skipped.
        explain_failure: function that returns, after a batch could not be made, a sentence about
            the example at fault, or None. It reads the data again until it finds one.
        half: function ("first" or "second", batch_size=None) -> the ``Dataset`` that trains on that
            half of the training examples only, in batches of its own size. The halves share no
            example, and depend on no seed.
        factors: for synthetic data {label: float32 [n, s]}, the s continuous styles of the label
            in each test example, in the order of ``test``; NaN in examples without the label.
    """

    train: tf.data.Dataset
    validation: tf.data.Dataset
    test: tf.data.Dataset
    info: Info
    train_from: Callable[..., tf.data.Dataset]
    batch_size: int
    steps_per_epoch: int
    asked_batch_size: int = 0
    left_out: tuple[str, ...] = ()
    explain_failure: Callable[[], str | None] = lambda: None
    half: Callable[..., Dataset] | None = None
    factors: dict[str, np.ndarray] | None = None
