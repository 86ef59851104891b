"""Inputs of an exported model: their tensors, the assertions that they must pass, their units.

The assertions are part of the graph, so a server refuses what does not fit as InvalidArgument.
Vectors and labels travel in the data's own units, images as float32 in [0, 1] or encoded files.
Numbers in units of their own are float64, and only standardised ones float32: a time in seconds has
ten digits, and float32 has seven.
"""

import dataclasses
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tf_csvae.data import decoding, images, quantiles
from tf_csvae.data.dataset import Info
from tf_csvae.data.scaling import MAX_STANDARDISED
from tf_csvae.labels import Label, values_dtype


@dataclasses.dataclass(frozen=True)
class Input:
    """A kind of input: a tensor [n, *sides].

    Attributes:
        sides: dimensions after the first.
        dtype: type of the tensor.
        conditions: from (name, value) to all that must hold: (bool, sentence, *tensors to show).
        convert: from the value to what the model takes.
        output: from what the model makes of x to a named output; only for examples.
    """

    sides: tuple[int, ...] = ()
    dtype: tf.DType = tf.float32
    conditions: Callable[[str, tf.Tensor], Iterable[tuple]] = lambda name, value: ()
    convert: Callable[[tf.Tensor], tf.Tensor] = tf.identity
    output: Callable[[tf.Tensor], dict[str, tf.Tensor]] = lambda value: {"x": value}

    def read(self, name: str, tensor: tf.Tensor) -> tuple[tf.Tensor, list]:
        """Returns the value for the model, and the assertions that it rests on."""
        # The placeholder hides the declared shape from the graph, which then looks at the true one.
        given = tf.compat.v1.placeholder_with_default(tensor, None)
        # Zeros, so that a tensor with too few dimensions can be compared, too.
        found = tf.concat([tf.shape(given), tf.zeros([1 + len(self.sides)], tf.int32)], 0)
        same_sides = tf.equal(found[1 : 1 + len(self.sides)], np.array(self.sides, np.int32))
        fits = tf.equal(tf.rank(given), 1 + len(self.sides)) & tf.reduce_all(same_sides)
        shape = ", ".join(["n", *map(str, self.sides)])
        sentence = f"{name} must have shape [{shape}], n at least 1. Received:"
        asserted = [tf.debugging.Assert(fits & (found[0] > 0), [sentence, tf.shape(given)])]
        with tf.control_dependencies(asserted):
            value = tf.ensure_shape(tf.reshape(given, [-1, *self.sides]), [None, *self.sides])
        for holds, *shown in self.conditions(name, value):
            asserted.append(tf.debugging.Assert(tf.reduce_all(holds), shown))
        with tf.control_dependencies(asserted):
            return self.convert(tf.identity(value)), asserted


def finite(name: str, value: tf.Tensor) -> Iterable[tuple]:
    """Yields the condition that an input is finite."""
    yield tf.math.is_finite(value), f"{name} must be finite numbers."


def example(info: Info) -> Input:
    """Returns the input of an example as numbers."""
    if info.columns:
        return _row(info)

    def conditions(name: str, value: tf.Tensor) -> Iterable[tuple]:
        yield from finite(name, value)
        if info.is_image:
            yield (value >= 0) & (value <= 1), f"{name} must lie between 0 and 1."
        else:
            small = tf.abs((value - offset) / scale) <= MAX_STANDARDISED
            yield small, f"{name} is too far from the training data."

    dtype = tf.float32 if info.is_image else tf.float64
    offset, scale = (np.asarray(each, dtype.as_numpy_dtype) for each in (info.offset, info.scale))
    return Input(
        info.shape,
        dtype,
        conditions,
        convert=lambda value: tf.cast((value - offset) / scale, tf.float32),
        output=lambda value: {"x": tf.cast(value, dtype) * scale + offset},
    )


def _row(info: Info) -> Input:
    """Returns the input of the row of a table; NaN stands for a missing value.

    A number is in the column's own units, and a category one-hot.
    """

    def conditions(name: str, value: tf.Tensor) -> Iterable[tuple]:
        yield ~tf.math.is_inf(value), f"{name} must be finite numbers, or NaN where missing."

    def moved(value: tf.Tensor, lines: dict[int, tuple]) -> tf.Tensor:
        columns = tf.unstack(value, axis=-1)
        for place, (at, values) in lines.items():
            columns[place] = _interpolated(columns[place], at, values)
        return tf.stack(columns, -1)

    scores, values, place = {}, {}, 0
    for column in info.columns:
        if not column.categories:
            scores[place] = quantiles.points(column.knots, column.scores)
            values[place] = column.scores, column.knots
        place += len(column.feature_names)
    return Input(
        info.shape,
        tf.float64,
        conditions,
        convert=lambda value: tf.cast(moved(value, scores), tf.float32),
        output=lambda value: {"x": moved(tf.cast(value, tf.float64), values)},
    )


def _interpolated(at: tf.Tensor, knots: Sequence[float], values: Sequence[float]) -> tf.Tensor:
    """Returns what ``quantiles.interpolated`` does, in a graph."""
    if len(knots) == 1:
        return tf.where(tf.math.is_nan(at), at, tf.cast(values[0], at.dtype))
    grid, reference = (tf.constant(each, at.dtype) for each in (knots, values))
    flat = tf.reshape(at, [-1])
    found = tfp.math.batch_interp_rectilinear_nd_grid(
        tf.where(tf.math.is_nan(flat), grid[0], flat)[:, None], (grid,), reference, axis=0
    )
    return tf.where(tf.math.is_nan(at), at, tf.reshape(found, tf.shape(at)))


def image_file(info: Info) -> Input:
    """Returns the input of an encoded image, cropped and resized as in training.

    It is a JPEG or a PNG file; the output is a PNG file.
    """

    @tf.autograph.experimental.do_not_convert
    def decode(file: tf.Tensor) -> tf.Tensor:
        known = decoding.is_png(file) | decoding.is_jpeg(file)
        sentence = "An image must be a JPEG or a PNG file. Received bytes:"
        asserted = tf.debugging.Assert(known, [sentence, tf.strings.length(file)])
        with tf.control_dependencies([asserted]):
            image = decoding.decode(tf.identity(file))
        return images.crop_and_resize(image, info.crop, info.shape, info.background)

    def convert(files: tf.Tensor) -> tf.Tensor:
        spec = tf.TensorSpec(info.shape, tf.uint8)
        return tf.cast(tf.map_fn(decode, files, fn_output_signature=spec), tf.float32) / 255

    def output(value: tf.Tensor) -> dict[str, tf.Tensor]:
        flat = tf.reshape(value, [-1, *info.shape])
        files = tf.map_fn(images.encoded, flat, fn_output_signature=tf.string)
        return {"x_bytes": tf.reshape(files, tf.shape(value)[: -len(info.shape)])}

    return Input((), tf.string, convert=convert, output=output)


def label_index(labels: Sequence[Label]) -> Input:
    """Returns the input of the index of a label for each row."""
    last = len(labels) - 1

    def conditions(name: str, value: tf.Tensor) -> Iterable[tuple]:
        inside = (value >= 0) & (value <= last)
        yield inside, f"{name} must lie between 0 and {last}. Received:", value

    return Input((), tf.int32, conditions)


def label_values(labels: Sequence[Label], optional: Iterable[bool], omission: str) -> Input:
    """Returns the input of all labels: 0 or 1, the index of a class, a number in its own units.

    Args:
        labels: the k labels of the model.
        optional: whether each may be left out: NaN, or -1 unless it is real.
        omission: what it means that a label is left out, for messages.
    """
    dtype, optional = tf.as_dtype(values_dtype(labels)), np.array(list(optional))
    kinds = np.array([label.kind for label in labels])
    real, whole = kinds == "real", kinds == "categorical"
    last = np.array([max(1, len(label.classes) - 1) for label in labels])
    expected = "each must lie between 0 and 1"
    if not all(kinds == "binary"):
        ends = np.where(real, "a number", [f"0 to {end}" for end in last])
        parts = [f"{label.name} {end}" for label, end in zip(labels, ends, strict=True)]
        expected = "expected " + ", ".join(parts)
    marks = ["-1"] * any(optional & ~real) + ["of a number NaN"] * any(optional & real)
    if marks:
        expected += f", or {', '.join(marks)} if {omission}"
    offset, scale = units(labels)

    def left_out(value: tf.Tensor) -> tf.Tensor:
        return tf.math.is_nan(value) | (tf.equal(value, -1) & ~real)

    def conditions(name: str, value: tf.Tensor) -> Iterable[tuple]:
        inside = (value >= 0) & (value <= last) & (~whole | tf.equal(value, tf.round(value)))
        inside = tf.where(real, tf.abs((value - offset) / scale) <= MAX_STANDARDISED, inside)
        yield inside | (left_out(value) & optional), f"{name}: {expected}. Received:", value

    def convert(value: tf.Tensor) -> tf.Tensor:
        standardised = tf.cast((value - offset) / scale, tf.float32)
        return tf.where(left_out(value), np.float32(np.nan), standardised)

    return Input((len(labels),), dtype, conditions, convert)


def units(labels: Sequence[Label]) -> tuple[np.ndarray, np.ndarray]:
    """Returns [k] each: what 0, and a step of 1, in y are in the units of each label.

    They are of the type that holds values in these units.
    """
    means, scales = zip(*[(label.mean, label.scale) for label in labels], strict=True)
    dtype = values_dtype(labels)
    return np.asarray(means, dtype), np.asarray(scales, dtype)


def sentence_in(message: str) -> str:
    """Returns the sentence in an error message: that of an assertion, or the first line."""
    sentence = images.asserted(message) or next(iter(message.strip().splitlines()), "no reason given")
    return sentence[:500]
