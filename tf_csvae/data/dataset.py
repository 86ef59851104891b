"""The contract that every dataset keeps."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from tf_csvae.data.columns import Column
from tf_csvae.data.rows import SPLITS
from tf_csvae.errors import InputError, check_known
from tf_csvae.labels import Label, as_labels

__all__ = ["HALVES", "SPLITS", "Dataset", "Info", "half_of"]

if TYPE_CHECKING:  # naming the datasets must not cost the import of TensorFlow
    import tensorflow as tf

HALVES = ("first", "second")


def half_of(half):
    """Returns the slice of the training examples that ``half`` names: every other one; None: of all."""
    if half is None:
        return slice(None)
    check_known(half, HALVES, "half")
    return slice(HALVES.index(half), None, 2)


@dataclasses.dataclass(frozen=True)
class Info:
    """What is known of a dataset without reading its examples.

    Attributes:
        name: str, the registered name.
        shape: shape of one example: (d,) or (height, width, channels).
        value_range: (low, high) that x keeps to, or None for unbounded x.
        labels: tuple of ``Label``, the columns of y in order.
        counts: {"train": int, "validation": int, "test": int}, examples per split.
        offset: float or float [d], what was subtracted from the data's own values.
        scale: float or float [d], by what they were then divided.
        feature_names: tuple of str, names of the d features of a vector; empty for images.
        crop: (top, left, bottom, right), what is cut out of an image file, as fractions of its
            sides or, where one is above 1, in pixels; "center": the largest square in the middle;
            None: the whole.
        columns: tuple of ``Column``, those of a table that the features come from.
    """

    name: str
    shape: tuple
    value_range: tuple | None
    labels: tuple[Label, ...]
    counts: dict
    offset: np.ndarray | float = 0.0
    scale: np.ndarray | float = 1.0
    feature_names: tuple = ()
    crop: tuple | str | None = None
    columns: tuple[Column, ...] = ()

    @property
    def is_image(self):
        """Whether an example is an image."""
        return len(self.shape) == 3

    def to_dict(self):
        """Returns plain values, for JSON."""
        plain = {**dataclasses.asdict(self), "labels": [label.to_dict() for label in self.labels]}
        return {**plain, **{name: np.asarray(plain[name]).tolist() for name in ("offset", "scale")}}

    @classmethod
    def from_dict(cls, plain):
        """Returns the ``Info`` of which ``to_dict`` gave these plain values.

        Raises:
            InputError: they are none of an ``Info``.
        """
        try:
            info = cls._from_dict(plain)
            sides, crop = (*info.shape, *info.counts.values()), info.crop
            whole = (0.0, 0.0, 1.0, 1.0)
            top, left, bottom, right = whole if crop in (None, "center") else crop
            fine = (
                isinstance(info.name, str)
                and info.labels
                and all(isinstance(label.name, str) for label in info.labels)
                and set(info.counts) == {"train", "validation", "test"}
                and all(type(side) is int and side >= 0 for side in sides)
                and 0 <= top < bottom < np.inf
                and 0 <= left < right < np.inf
                and all(
                    np.issubdtype(np.asarray(each).dtype, np.number) for each in (info.offset, info.scale)
                )
            )
        except (TypeError, KeyError, ValueError, AttributeError, IndexError) as error:
            raise InputError(f"This describes no dataset: {error!r}.") from error
        if not fine:
            raise InputError(
                "This describes no dataset: a value in it is not of the kind that belongs there."
            )
        return info

    @classmethod
    def _from_dict(cls, plain):
        tuples = {
            name: tuple(plain[name]) if isinstance(plain[name], list) else plain[name]
            for name in ("shape", "value_range", "feature_names", "crop")
        }
        columns = [
            Column(**{**column, "categories": tuple(column["categories"])})
            for column in plain.get("columns", ())
        ]
        scaling = {name: np.asarray(plain[name]) for name in ("offset", "scale")}
        return cls(
            **{**plain, **tuples, **scaling, "labels": as_labels(plain["labels"]), "columns": tuple(columns)}
        )

    def unscale(self, x):
        """Returns x [n, *shape] in the data's own units, as the files or the maker had them."""
        return np.asarray(x) * self.scale + self.offset

    def to_columns(self, x):
        """Returns x [n, d] of a table as {its column: list of n values}, in its own units."""
        values, found, first = self.unscale(x), {}, 0
        for column in self.columns:
            last = first + len(column.feature_names)
            found[column.name] = column.decode(values[:, first:last])
            first = last
        return found


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Three splits of batches (x, y), and what is known of them.

    ``x`` is float32 [n, *info.shape], ``y`` float32 [n, k].

    Attributes:
        train: tf.data.Dataset, one epoch; a new order each time it is iterated.
        validation: tf.data.Dataset, in a fixed order, every example.
        test: tf.data.Dataset, in a fixed order, every example.
        info: ``Info``.
        train_from: function of an epoch number -> endless tf.data.Dataset of the training
            batches from that epoch on. Epoch e has the same order whether the training ran
            up to it or was resumed at it. A second argument, a slice, leaves those rows of each.
        batch_size: int, examples of a training batch.
        steps_per_epoch: int, batches of an epoch; examples that do not fill one are left
            out, other ones in each epoch.
        left_out: tuple of str, a sentence about each example that is bad and was skipped.
        explain_failure: function () -> str or None: after a batch could not be made, which
            example is to blame; reads the data again until it finds one.
        factors: {label name: float32 [n, s]} of data that are made, or None: the s continuous
            styles of each test example's label, in the order of ``test``; NaN where it has not
            the label.
    """

    train: tf.data.Dataset
    validation: tf.data.Dataset
    test: tf.data.Dataset
    info: Info
    train_from: Callable[..., tf.data.Dataset]
    batch_size: int
    steps_per_epoch: int
    left_out: tuple[str, ...] = ()
    explain_failure: Callable[[], str | None] = lambda: None
    factors: dict | None = None
