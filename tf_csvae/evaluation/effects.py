"""What an edit of a label typically changes in the rows of a table, beside real rows."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from tf_csvae.data.dataset import Info
from tf_csvae.labels import Label
from tf_csvae.models import GenerativeModel

# Least number of rows on each side, and of standard deviations that a mean moves, to be told.
ROWS, NOTABLE = 10, 0.1

# Most values of a label.
VALUES = 5

# {label: {value: {feature: {"without": mean, "edited": mean, "with": mean, "sd": number}}}}
Effects = dict[str, dict[str, dict[str, dict[str, float]]]]


def effects(model: GenerativeModel, info: Info, x: np.ndarray, y: np.ndarray) -> Effects:
    """Edits the rows that lack a value of a label, and compares them with the rows that have it.

    Args:
        model: a model with labels, of a table.
        info: of its data.
        x: float32 [n, d], rows.
        y: float32 [n, k], their labels.

    Returns:
        For each binary and categorical label, value and feature the mean of the rows without the
        value, of the same rows after the edit, and of the rows with the value, in the units of the
        table (of a category its share); and the standard deviation of the feature. Of a binary
        label the value is 1. Features that neither differ nor move are left out, and values that
        few rows have.
    """
    units = info.unscale(x)
    deviation, found = np.nanstd(units, 0), {}
    transfer = tf.function(model.transfer, reduce_retracing=True, autograph=False)
    for place, label in enumerate(info.labels):
        for value in _values(label):
            has, known = y[:, place] == value, ~np.isnan(y[:, place])
            lacks = known & ~has
            if min(has.sum(), lacks.sum()) < ROWS:
                continue
            target = y.copy()
            target[:, place] = value
            made = info.unscale(transfer(x, y, target).numpy())
            means = [_mean(part) for part in (units[lacks], made[lacks], units[has])]
            rows = {}
            for name, sd, *three in zip(info.feature_names, deviation, *means, strict=True):
                if max(abs(each - three[0]) for each in three) > NOTABLE * sd > 0:
                    numbers = map(float, (*three, sd))
                    rows[name] = dict(zip(("without", "edited", "with", "sd"), numbers, strict=True))
            found.setdefault(label.name, {})[label.text(value)] = rows
    return found


def disagreements(found: Effects) -> Iterator[str]:
    """Yields a sentence for each feature that edits move the other way than real rows differ."""
    for label, values in found.items():
        for value, features in values.items():
            for name, own in features.items():
                moved, real = (own[key] - own["without"] for key in ("edited", "with"))
                if moved * real < 0 and min(abs(moved), abs(real)) > NOTABLE * own["sd"]:
                    yield (
                        f"{label}={value}: edits move the mean of {name} from {own['without']:.4g} to "
                        f"{own['edited']:.4g}, but that of real rows with the value is {own['with']:.4g}."
                    )


def _values(label: Label) -> list[float]:
    if label.kind == "binary":
        return [1.0]
    return [] if label.kind == "real" else list(label.points[0][:VALUES])


def _mean(part: np.ndarray) -> np.ndarray:
    """Returns the means of columns, 0 of those without values."""
    known = ~np.isnan(part)
    return np.where(known, part, 0).sum(0) / np.maximum(known.sum(0), 1)
