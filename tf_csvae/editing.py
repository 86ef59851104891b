"""Edits of examples: functions of a generative model and x, which the models have as methods.

An edit changes what the decoder gets for some labels and keeps the rest of the code. With the
option ``counterfactual`` it also keeps the residual of the example (``networks.counterfactual``).
All raise ``InputError`` for shapes that do not fit and for what the system lacks: labels, their
subspaces, or y where nothing predicts it.
"""

import copy
import math
import numbers
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from keras import Model

from tf_csvae.errors import InputError
from tf_csvae.networks.distributions import Seed


def editor(model: Model, x: tf.Tensor, z: tf.Tensor, w: tf.Tensor) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns a function: another w -> x, float [n, *data_shape], with that w.

    z, float [n, z_dim], is the code of x, and w, float [n, sum of label_widths], what the decoder
    gets for x beside it.
    """
    if not model.config.counterfactual:
        return lambda other: model.likelihood.point(model.generative(z, other, x))
    own = model.generative(z, w, x)
    return lambda other: model.likelihood.edited(x, own, model.generative(z, other, x))


class Edit:
    """Examples whose labels can be changed again and again, and back.

    An edit covers a part of an image, and no encoder can read from the result what was there. An
    ``Edit`` remembers it: every change starts from the code of the examples, and with the option
    ``counterfactual`` from their residual, too. So a label that gets its own value again looks as
    it did, and where all have theirs, x is the examples as they were given.

    Attributes:
        x: float [n, *data_shape], the examples with the labels y.
        y: float [n, k], the present labels.

    Example:
        >>> from tf_csvae import CondVAE
        >>> model, x = CondVAE(data_shape=[3], labels=["tall"]), [[0.1, 0.2, 0.3]]
        >>> tall = model.edit(x, y=[[0.0]]).set([[1.0]])
        >>> tall.set([[0.0]]).x.numpy()
        array([[0.1, 0.2, 0.3]], dtype=float32)
    """

    def __init__(self, model: Model, x: Any, y: Any = None) -> None:
        """Encodes x, float [n, *data_shape]; y is float [n, k] or [k]; None: predicted."""
        x = model.check_x(x, "edit")
        y = model.labels_of(x, y, "edit")
        code = model.inference(x, y)
        z, w = code.z.mean(), model.own_code(code, y)
        self._model, self._own, self._edited = model, (x, y, w), editor(model, x, z, w)
        self.x, self.y, self._w = x, y, w

    def set(self, y: Any, seed: Seed = None) -> "Edit":
        """Returns an ``Edit`` with the labels y, float [n, k] or [k]; a NaN leaves one as it is.

        ``seed``, int or int [2], draws w_i of labels that change from p(w_i|y_i); None: its mean.
        """
        x, own, w = self._own
        slots, y = self._model.label_slots, self._model.check_steering(y, "set", x)
        y = tf.where(tf.math.is_nan(y), self.y, y)
        drawn = tf.where(slots(_differ(y, self.y)), self._model.label_code(y, seed), self._w)
        other, edit = _differ(y, own), copy.copy(self)
        edit.y, edit._w = y, tf.where(slots(other), drawn, w)
        rows = tf.reshape(tf.reduce_any(other, 1), [-1] + [1] * (x.shape.rank - 1))
        edit.x = tf.where(rows, self._edited(edit._w), x)
        return edit


def _differ(y: tf.Tensor, own: tf.Tensor) -> tf.Tensor:
    """Returns where labels differ, bool [n, k]; two unknown ones do not."""
    return (y != own) & ~(tf.math.is_nan(y) & tf.math.is_nan(own))


def edit(model: Model, x: Any, y: Any = None) -> Edit:
    """Returns an ``Edit`` of x, which remembers what a change covers; y as of ``Edit``."""
    return Edit(model, x, y)


def transfer(model: Model, x: Any, y_source: Any, y_target: Any, seed: Seed = None) -> tf.Tensor:
    """Changes labels of x and keeps the rest: z, and what the decoder gets for the other labels.

    Args:
        model: ``GenerativeModel``.
        x: float [n, *data_shape], as is the result.
        y_source: float [n, k] or [k], the labels of x; None: the model predicts them from x, and
            all labels count as changed.
        y_target: float [n, k] or [k], the labels to give it; a NaN leaves the label as it is.
        seed: int or int [2], draws w_i of the changed labels from p(w_i|y_i); None: its mean.
    """
    x = model.check_x(x, "transfer")
    y_source = model.labels_of(x, y_source, "transfer")
    y_target = model.check_steering(y_target, "transfer", x)
    code = model.inference(x, y_source)
    changed = tf.not_equal(y_source, y_target) & ~tf.math.is_nan(y_target)
    own = model.own_code(code, y_source)
    other = tf.where(model.label_slots(changed), model.label_code(y_target, seed), own)
    return editor(model, x, code.z.mean(), own)(other)


def interpolate(
    model: Model,
    x: Any,
    label: str | int,
    start: float | None = None,
    stop: float | None = None,
    steps: int = 8,
    y: Any = None,
) -> tf.Tensor:
    """Moves x along one label, in a straight line of what the decoder gets for it.

    Args:
        model: ``GenerativeModel``.
        x: float [n, *data_shape]; the result is float [n, steps, *data_shape].
        label: the label to move, by name or index.
        start: its first value; None: the first of ``Label.ends``, for a binary label 0.
        stop: its last value; None: the second of ``Label.ends``, for a binary label 1.
        steps: points of the line, both ends included.
        y: float [n, k] or [k], the labels of x; None: the model predicts them.
    """
    x, this = model.check_x(x, "interpolate"), model.label_mask(label)
    y = model.labels_of(x, y, "interpolate")
    code = model.inference(x, y)
    w = model.own_code(code, y)
    for name, value in (("start", start), ("stop", stop)):
        model.check_value(value, label, name, "interpolate")
    ends = [
        tf.constant([[label.ends[end] for label in model.labels]]) if value is None else value
        for end, value in enumerate((start, stop))
    ]
    first, last = (model.label_code(tf.where(this, value, y)) for value in ends)
    here = model.label_slots(this)
    shares = tf.linspace(0.0, 1.0, positive("steps", steps))[:, None]
    path = tf.where(here[:, None], first[:, None] + shares * (last - first)[:, None], w[:, None])
    # The lines are one batch.
    edited = editor(model, *(tf.repeat(part, tf.shape(path)[1], 0) for part in (x, code.z.mean(), w)))
    made = edited(tf.reshape(path, [-1, path.shape[-1]]))
    return tf.reshape(made, [-1, tf.shape(path)[1], *model.data_shape])


def style_transfer(
    model: Model, content: Any, style: Any, label: str | int, y_content: Any = None, y_style: Any = None
) -> tf.Tensor:
    """Gives examples the style in which others have a label: their w_i and nothing else.

    ``content`` and ``style`` are float [n, *data_shape], as is the result; their labels are float
    [n, k] or [k], or None: the model predicts them.
    """
    _check_subspaces(model, "style_transfer")
    content, style = (model.check_x(x, "style_transfer") for x in (content, style))
    y_content = model.labels_of(content, y_content, "style_transfer")
    y_style = model.labels_of(style, y_style, "style_transfer")
    _check_rows("style_transfer", content, style)
    z, own = model.inference(content, y_content).mean()
    _, other = model.inference(style, y_style).mean()
    here = model.label_slots(model.label_mask(label))
    return editor(model, content, z, own)(tf.where(here, other, own))


def restyle(model: Model, x: Any, label: str | int | tf.Tensor, w: Any, y: Any = None) -> tf.Tensor:
    """Gives examples another style of a label: w_i as it is given, and nothing else.

    Args:
        model: ``GenerativeModel`` with a subspace for each label.
        x: float [n, *data_shape], as is the result.
        label: the label, by name or index; or int [n].
        w: float [n, w_dim] or [w_dim], the w_i.
        y: float [n, k] or [k], the labels of x; None: the model predicts them.
    """
    _check_subspaces(model, "restyle")
    if model.config.w_prior == "joint":
        raise InputError("restyle: under w_prior=joint no label has a subspace of its own.")
    x = model.check_x(x, "restyle")
    y = model.labels_of(x, y, "restyle")
    z, own = model.inference(x, y).mean()
    w = tf.convert_to_tensor(w, own.dtype)
    if not w.shape.rank or w.shape[-1] != model.config.w_dim:
        raise InputError(f"restyle: w must be [{model.config.w_dim}]. Received: {list(w.shape)}.")
    _check_rows("restyle", x, w if w.shape.rank > 1 else w[None])
    other = tf.broadcast_to(tf.tile(w, [1] * (w.shape.rank - 1) + [len(model.labels)]), tf.shape(own))
    here = model.label_slots(model.label_mask(label))
    return editor(model, x, z, own)(tf.where(here, other, own))


def traverse(
    model: Model,
    x: Any,
    label: str | int,
    y: Any = None,
    value: float | None = None,
    steps: int = 7,
    extent: float = 2.0,
) -> tf.Tensor:
    """Traverses the subspace w_i of a label, all else of x kept.

    The points are a grid around the mean of p(w_i|y_i = value), over the dimensions of w_i, or, of
    more than two, over the two directions in which the decoder's output changes most: the first
    singular vectors of its Jacobian (Ramesh et al. 2018, arXiv:1812.01161), from differences of
    one standard deviation.

    Args:
        model: ``GenerativeModel`` with label subspaces.
        x: float [n, *data_shape].
        label: the label, by name or index.
        y: float [n, k] or [k], the labels of x; None: the model predicts them.
        value: of the label; None: 1 for a binary label, otherwise the value of x.
        steps: points along each dimension.
        extent: half the width of the grid, in standard deviations of the prior.

    Returns:
        float [n, rows, steps, *data_shape]; rows is ``steps``, or 1 if w_i has one dimension.
    """
    _check_subspaces(model, "traverse")
    x = model.check_x(x, "traverse")
    y = model.labels_of(x, y, "traverse")
    this, steps = model.label_mask(label), positive("steps", steps)
    slot = model.label_slots(this)
    z, own = model.inference(x, y).mean()
    model.check_value(value, label, "value", "traverse")
    if value is None:
        value = tf.where([[label.kind == "binary" for label in model.labels]], 1.0, y)
    prior = model.prior(tf.where(this, value, y))
    centre, deviation = prior.mean(), prior.stddev()
    w_dim, joint = model.config.w_dim, model.config.w_prior == "joint"
    first = tf.reshape(0 if joint else model.label_index(label) * w_dim, [-1, 1])
    still, width = [tf.zeros(())], tf.shape(own)[1]
    offsets = tf.unstack(tf.linspace(-float(extent), float(extent), steps)) if steps > 1 else still
    # Of w_i the dimensions, [n or 1, w_dim, width], or of many the two directions.
    axes = tf.one_hot(first + tf.range(w_dim, dtype=first.dtype), width, dtype=own.dtype)

    def moved(move: tf.Tensor) -> tf.Tensor:
        """Returns w, [n, width], with w_i so many standard deviations from the mean."""
        return tf.where(slot, centre + move * deviation, own)

    if w_dim > 2:
        axes = _directions(lambda move: model.decoded(z, moved(move), x), axes)
    # A row of the grid is one batch.
    edited = editor(model, *(tf.repeat(part, len(offsets), 0) for part in (x, z, own)))
    rows = []
    for up in offsets if w_dim > 1 else still:
        row = tf.stack([moved(across * axes[:, 0] + up * axes[:, -1]) for across in offsets], 1)
        made = edited(tf.reshape(row, [-1, width]))
        rows.append(tf.reshape(made, [-1, len(offsets), *model.data_shape]))
    return tf.stack(rows, 1)


def _directions(decode: Callable[[tf.Tensor], tf.Tensor], axes: tf.Tensor) -> tf.Tensor:
    """Returns the two directions in which what is decoded changes most, float [n, 2, width].

    ``decode`` takes moves along ``axes``, float [n or 1, d, width], orthogonal and of length 1.
    """
    each = tf.unstack(axes, axis=1)
    changes = tf.stack([decode(axis) - decode(-axis) for axis in each], 1)
    changes = tf.cast(tf.reshape(changes, [tf.shape(changes)[0], len(each), -1]), axes.dtype)
    _, vectors = tf.linalg.eigh(changes @ tf.transpose(changes, [0, 2, 1]))  # in ascending order
    vectors = tf.transpose(vectors[..., :-3:-1], [0, 2, 1])
    # The largest component is positive: the sign of a singular vector is arbitrary.
    largest = tf.gather(vectors, tf.argmax(tf.abs(vectors), -1), batch_dims=2)
    return tf.matmul(vectors * tf.sign(largest)[..., None], axes)


def _check_subspaces(model, where: str) -> None:
    if not model.has_subspaces:
        kind = type(model).__name__
        raise InputError(f"{where}: {kind} has no label subspaces, so a label has no style in it. CSVAE has.")


def _check_rows(where: str, x: tf.Tensor, style: tf.Tensor) -> None:
    """Raises ``InputError`` unless there is one style, or one for each row of x."""
    n, given = x.shape[0], style.shape[0]
    if None not in (n, given) and given not in (1, n):
        raise InputError(f"{where}: give one style, or one per example. Received: {given} for {n} examples.")


def positive(name: str, value: int | tf.Tensor) -> int | tf.Tensor:
    """Returns a positive number as int, a tensor as it is; raises ``InputError`` for the rest."""
    if tf.is_tensor(value):
        return value
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not is_number or not 1 <= value < math.inf or int(value) != value:
        raise InputError(f"{name} must be a positive integer. Received: {name}={value}")
    return int(value)
