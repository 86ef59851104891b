"""Which labels go together with other labels, or with features of a table."""

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
import pandas

from tf_csvae.data.dataset import Dataset, Info
from tf_csvae.labels import Label

# Labels, and a label and a feature, with a stronger correlation cannot be told apart.
LABELS, FEATURE = 0.8, 0.95

# The most training examples that are read.
MOST = 10_000


def goes_with(dataset: Dataset) -> dict[str, dict[str, float]]:
    """Returns {label: {the strongest other label or feature that goes with it: correlation}}.

    A label has an entry only if there is one. The training examples are read once.
    """
    info, parts, count = dataset.info, [], 0
    for x, y in dataset.train_from(0).take(dataset.steps_per_epoch):
        features = np.zeros((len(y), 0)) if info.is_image else x.numpy()
        parts.append((features, y.numpy()))
        count += len(y)
        if count >= MOST:
            break
    x, y = (np.concatenate(column) for column in zip(*parts, strict=True))
    return together(info, x, y)


def together(info: Info, x: np.ndarray, y: np.ndarray) -> dict[str, dict[str, float]]:
    """Returns ``goes_with`` of examples: features x, [n, d] or [n, 0], and labels y, [n, k]."""
    columns = _columns(info.labels, y)
    names = info.feature_names if x.shape[1] else ()
    features = {(name, name): column for name, column in zip(names, x.T, strict=True) if np.ptp(column)}
    correlations = pandas.DataFrame({**columns, **features}).corr()
    found = {}
    for label in info.labels:
        pairs = [(own, other) for own in columns for other in correlations if own[0] == label.name]
        strongest = {}
        for own, other in pairs:
            r = correlations.loc[own, other]
            if other[0] == label.name or not abs(r) > (FEATURE if other in features else LABELS):
                continue
            if abs(r) > abs(strongest.get(other[0], 0)):
                strongest[other[0]] = float(r)
        if strongest:
            name = max(strongest, key=lambda each: abs(strongest[each]))
            found[label.name] = {name: strongest[name]}
    return found


def pairs(found: dict[str, dict[str, float]]) -> Iterable[tuple[str, str, float]]:
    """Yields (label, other, correlation) of ``goes_with``, each pair once."""
    told = set()
    for label, others in found.items():
        for other, r in others.items():
            if frozenset((label, other)) not in told:
                told.add(frozenset((label, other)))
                yield label, other, r


def _columns(labels: Sequence[Label], y: np.ndarray) -> dict[tuple[str, float], np.ndarray]:
    """Returns {(label, value): column} of numbers; a categorical label has one for each class."""
    found = {}
    for label, column in zip(labels, y.T, strict=True):
        if label.kind != "categorical":
            found[label.name, 0.0] = column
            continue
        for value in itertools.chain(label.points[0]):
            found[label.name, float(value)] = np.where(np.isnan(column), np.nan, column == value)
    return found
