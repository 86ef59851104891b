"""Which labels go together with other labels, or with features of a table."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas

from tf_csvae.data.dataset import Dataset, Info
from tf_csvae.labels import Label

# Labels, and a label and a feature, with a stronger correlation cannot be told apart.
LABELS, FEATURE = 0.8, 0.95

# The most training examples that are read.
MOST = 10_000


def goes_with(dataset: Dataset, y: np.ndarray) -> dict[str, dict[str, float]]:
    """Returns {label: {the strongest other label or feature that goes with it: correlation}}.

    A label has an entry only if there is one. y, float [n, k], are the labels of the training
    examples in the order of the first epoch; only features of a table are read.
    """
    y = y[:MOST]
    x = np.zeros((len(y), 0))
    if not dataset.info.is_image:
        batches = dataset.train_from(0).take(-(-len(y) // dataset.batch_size))
        x = np.concatenate([features.numpy() for features, _ in batches])[: len(y)]
    return together(dataset.info, x, y)


def together(info: Info, x: np.ndarray, y: np.ndarray) -> dict[str, dict[str, float]]:
    """Returns ``goes_with`` of examples: features x, [n, d] or [n, 0], and labels y, [n, k]."""
    owners, matrix = correlations(info.labels, x, y)
    names = [*(info.labels[owner].name for owner in owners), *info.feature_names[: x.shape[1]]]
    found = {}
    for i, label in enumerate(info.labels):
        strongest = np.zeros(len(names))
        for row in matrix[[place for place, owner in enumerate(owners) if owner == i]]:
            strongest = np.where(np.abs(row) > np.abs(strongest), row, strongest)
        least = np.where(np.arange(len(names)) < len(owners), LABELS, FEATURE)
        own = np.array([place < len(owners) and owners[place] == i for place in range(len(names))])
        strongest[own | (np.abs(strongest) <= least)] = 0.0
        place = int(np.abs(strongest).argmax())
        if strongest[place]:
            found[label.name] = {names[place]: float(strongest[place])}
    return found


def telling(x: np.ndarray, values: np.ndarray, label: Label) -> list[int]:
    """Returns the two features of x, [n, d], or all of three, that tell most about a label.

    It is the correlation with the values, [n], or of a categorical label with the class that has
    the strongest one. The features are in their own order.
    """
    if x.shape[1] <= 3:
        return list(range(x.shape[1]))
    owners, matrix = correlations([label], x, values[:, None])
    strongest = np.abs(matrix[: len(owners), len(owners) :]).max(0)
    return sorted(np.argsort(-strongest)[:2].tolist())


def correlations(labels: Sequence[Label], x: np.ndarray, y: np.ndarray) -> tuple[list[int], np.ndarray]:
    """Returns the correlations among labels y, [n, k], and features x, [n, d]; 0 of constants.

    The first columns are those of the labels, of which a categorical one has one for each class;
    the list has the place of the label of each. The others are those of the features.
    """
    owners, columns = [], []
    for i, (label, column) in enumerate(zip(labels, y.T, strict=True)):
        if label.kind == "categorical":
            own = [np.where(np.isnan(column), np.nan, column == value) for value in label.points[0]]
        else:
            own = [column]
        owners += [i] * len(own)
        columns += own
    table = pandas.DataFrame(np.column_stack([*columns, x]))
    return owners, np.nan_to_num(table.corr().to_numpy())


def pairs(found: dict[str, dict[str, float]]) -> Iterable[tuple[str, str, float]]:
    """Yields (label, other, correlation) of ``goes_with``, each pair once."""
    told = set()
    for label, others in found.items():
        for other, r in others.items():
            if frozenset((label, other)) not in told:
                told.add(frozenset((label, other)))
                yield label, other, r
