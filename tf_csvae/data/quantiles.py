"""Numbers as normal scores: an invertible transform of a column that outliers do not move.

A number becomes the quantile of the unit normal that belongs to its rank in the training rows (van
der Waerden 1952). So every column has the same distribution, however skewed it is. The inverse
never leaves the range of the training rows. A value that many rows share has a range of scores,
all of which stand for it, and becomes their middle.
"""

import numpy as np
from scipy import special

# The most points of a transform; a value that this share of the rows has gets a range of scores.
MAX_KNOTS, SHARED = 200, 0.005

# Values that are further from the middle 98 % of all rows than this many times its width are taken
# for damaged, if they are at most this share of the rows, or two.
FAR, FEW = 100.0, 0.01


def damaged(values: np.ndarray) -> np.ndarray:
    """Returns which of values, float [n], can be no values of the column, bool [n].

    They are far from all others and few, as when a spreadsheet has read 9.3.14 as a date.
    """
    if len(values) < 3:
        return np.zeros(len(values), bool)
    usual, counts = np.unique(values, return_counts=True)
    most = usual[counts.argmax()]
    # A value that nearly all rows have would make the middle a point.
    varied = values[values != most] if counts.max() > 0.5 * len(values) else values
    if len(varied) < 3:
        return np.zeros(len(values), bool)
    low, high = np.quantile(varied, [0.01, 0.99], method="inverted_cdf")
    if len(varied) < 100:  # then these are the least and the largest, damaged or not
        middle, (q1, q3) = np.median(varied), np.quantile(varied, [0.25, 0.75])
        low, high = middle - 4 * (q3 - q1), middle + 4 * (q3 - q1)
    width = high - low
    far = (values < low - FAR * width) | (values > high + FAR * width)
    few = far.sum() <= max(2, FEW * len(values))
    return far if width > 0 and few else np.zeros(len(values), bool)


def fit(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the points (knots, scores) of the transform of values, float [n], n at least 1.

    Knots, float64 [m], do not decrease. Scores, float64 [m], increase.
    """
    known, counts = np.unique(values, return_counts=True)
    if len(known) == 1:
        return known, np.zeros(1)
    above = np.cumsum(counts) / len(values)
    below = above - counts / len(values)
    least = 0.5 / len(values)
    middle = special.ndtri((below + above) / 2)
    shared = counts >= np.maximum(2, SHARED * len(values))
    chosen = np.arange(len(known))
    if len(known) > MAX_KNOTS:
        even = np.linspace(middle[0], middle[-1], MAX_KNOTS)
        near = np.clip(np.searchsorted(middle, even), 0, len(known) - 1)
        chosen = np.unique(np.concatenate([near, np.flatnonzero(shared)]))
    knots, scores = [], []
    for place in chosen:
        if shared[place]:
            ends = np.clip([below[place], above[place]], least, 1 - least)
            # Two values that are both shared need a step between their ranges.
            ends += np.array([0.02, -0.02]) * (ends[1] - ends[0])
            knots += [known[place]] * 2
            scores += special.ndtri(ends).tolist()
        else:
            knots.append(known[place])
            scores.append(middle[place])
    return np.array(knots), np.array(scores)


def to_scores(values: np.ndarray, knots: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Returns the scores of values, float [n]; NaN of NaN. Values outside get the last score."""
    return interpolated(values, *points(knots, scores))


def to_values(wanted: np.ndarray, knots: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Returns the values that have these scores, float [n]; the inverse of ``to_scores``."""
    return interpolated(wanted, scores, knots)


def points(knots: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the points of the line from values to scores; both increase.

    A shared value, with two knots, is in the middle of its range, and its neighbours beyond it.
    """
    knots, scores = np.asarray(knots, np.float64), np.asarray(scores, np.float64)
    beside = max(1e-9 * np.ptp(knots), 4 * np.spacing(np.abs(knots).max()))
    first = np.append(np.diff(knots) == 0, False)
    last = np.append(False, first[:-1])
    moved = knots - beside * first + beside * last
    middles = (scores[first] + scores[last]) / 2
    at = np.concatenate([moved, knots[first]])
    order = np.argsort(at, kind="stable")
    return at[order], np.concatenate([scores, middles])[order]


def interpolated(at: np.ndarray, knots: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Returns the values at ``at``, float [n], of the line through points; NaN of NaN."""
    return np.where(np.isnan(at), np.nan, np.interp(at, knots, values))
