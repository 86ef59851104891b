"""The transfer metric: what the judge sees after a label of real examples is changed."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tf_csvae.evaluation.judge import Judge, achieved, requested_values
from tf_csvae.labels import Label
from tf_csvae.models import GenerativeModel

# The largest change, standardised, of a real label that counts as unchanged.
TOLERANCE = 0.5

Transferer = Callable[[np.ndarray, np.ndarray, np.ndarray, Sequence[int]], np.ndarray]


def transfers(
    model: GenerativeModel,
    judge: Judge,
    batches: Iterable,
    y_all: np.ndarray,
    most: int,
    seed: int,
    scale: float | np.ndarray,
) -> tuple[dict[str, dict], dict[str, dict], dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Changes each label of test examples and compares what the judge sees before and after.

    A binary label is given to examples without it and taken from examples with it, a categorical
    label is changed to each other class in turn, a real label to one of three quantiles of its
    column of ``y_all`` [n, k], the labels of all batches (x, y). w_i is drawn from p(w_i|y_i); for
    systems without subspaces y_i is set. At most ``most`` examples per label are changed.
    ``scale``, a number or [d], is the units of the data per unit of x.

    Returns:
        {label: {"accuracy": share in which the judge sees the requested value, with its interval,
        "others_kept": share of the other labels in which it sees no change, "mse": to the
        original}}; {label: {other label: the share in which it is as before}}, of all examples; and
        {label: (values that were requested, values that the judge sees)}. The
        numbers of a binary label are of examples that receive it. A real label has "r2" and
        "mean_absolute_error" in place of the accuracy, and is unchanged if it moves by less than
        ``TOLERANCE``. "others_kept" has no interval, since the labels of one example are not
        independent.
    """
    transfer = transferer(model)
    labels, k = judge.labels, len(judge.labels)
    tolerance = np.array([TOLERANCE if label.kind == "real" else 0.5 for label in labels])
    count, results = np.zeros(k, int), [[] for _ in labels]
    for number, (x, y) in enumerate(tqdm(batches, "editing", unit="batch", leave=False, disable=None)):
        if np.all(count >= most):
            break
        x, y = np.asarray(x), np.asarray(y)
        before = judge.read(x)
        for i in np.flatnonzero(count < most):
            target = y.copy()
            target[:, i] = other_values(labels[i], y[:, i], y_all[:, i])
            chosen = ~np.isnan(y[:, i])
            chosen &= np.cumsum(chosen) <= most - count[i]
            if not chosen.any():
                continue
            # The whole batch, since each number of chosen rows would be another graph.
            made = transfer(x, y, target, [seed, number * k + int(i)])
            after = judge.read(made)
            kept = np.delete(np.abs(after - before) < tolerance, i, 1)
            moved = np.nan_to_num((made - x).astype(np.float64))  # a missing feature stays missing
            squares = np.square(moved * scale).reshape(len(x), -1).mean(1)
            results[i].append([part[chosen] for part in (target, after[:, i], kept, squares)])
            count[i] += chosen.sum()
    found, unchanged, pairs = {}, {}, {}
    for i, (label, parts) in enumerate(zip(labels, results, strict=True)):
        if parts:
            asked, seen, kept, squares = map(np.concatenate, zip(*parts, strict=True))
            pairs[label.name], requested = (asked, seen), asked[:, i]
            others = [other.name for other in labels if other is not label]
            if others:
                unchanged[label.name] = dict(zip(others, kept.mean(0).tolist(), strict=True))
            counted = requested == 1 if label.kind == "binary" else slice(None)
            if len(requested[counted]):
                others = {"others_kept": float(kept[counted].mean())} if k > 1 else {}
                mse = float(squares[counted].mean())
                found[label.name] = achieved(label, requested, seen) | others | {"mse": mse}
    return found, unchanged, pairs


def transferer(model: GenerativeModel) -> Transferer:
    """Returns a function (x, labels, labels to give, two seeds) -> the edited x, as a graph."""

    @tf.function(reduce_retracing=True, autograph=False)
    def transfer(x: tf.Tensor, y: tf.Tensor, target: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        return model.transfer(x, y, target, seed)

    return lambda x, y, target, seed: transfer(x, y, target, tf.constant(seed)).numpy()


def other_values(label: Label, column: np.ndarray, all_values: np.ndarray) -> np.ndarray:
    """Returns the values to which the values in a column of a batch are changed, float32 [n]."""
    if label.kind == "binary":
        return 1 - np.nan_to_num(column)
    if label.kind == "real":
        return requested_values(label, all_values, len(column))
    classes = len(label.classes)
    steps = 1 + np.arange(len(column)) % (classes - 1)
    return ((np.nan_to_num(column) + steps) % classes).astype(np.float32)
