"""How edits behave: the axioms of counterfactuals, and whether the style of a label can be given.

The axioms are those of Monteiro et al. 2023 (arXiv:2303.01274) and Melistas et al. 2024
(arXiv:2403.20287). The effectiveness of edits is in ``evaluation.transfer``. Distances are L1, the
mean absolute difference in the units of x, and Euclidean in the judge's features, where the mean
distance of two real examples is 1.
"""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from tf_csvae.data.dataset import Info
from tf_csvae.data.face_styles import pixel_styles
from tf_csvae.editing import editor
from tf_csvae.evaluation import metrics
from tf_csvae.evaluation.identity import Describe, same_person
from tf_csvae.evaluation.judge import CHUNK, Judge
from tf_csvae.evaluation.transfer import other_values, transferer
from tf_csvae.models import GenerativeModel

# Examples that are edited, receivers and donors of a style, styles given to one example, and the
# fewest donors.
EDITED, RECEIVERS, DONORS, GIVEN, LEAST = 200, 24, 40, 8, 5

# How often the null edit is applied.
TIMES = 10


def axioms(
    model: GenerativeModel,
    judge: Judge,
    x: np.ndarray,
    y: np.ndarray,
    seed: int,
    describe: Describe | None = None,
) -> dict:
    """Measures edits of test examples x [n, *shape] with labels y [n, k], the first ``EDITED``.

    Returns:
        "composition": {"once", "ten_times"}: distance to x after edits that change nothing;
        "reversibility": {label: distance to x after a label was changed, and changed back, and
        "share", of the L1 of the edit itself}; "minimality": {label: distance of the edit to x}.
        A distance is {"l1", "features"}. With ``describe``, of ``identity.descriptor``, also
        "identity": {label: share of the edits that are still the same person}.
    """
    x, y = x[:EDITED], y[:EDITED]
    features = judge.features(x)
    unit = metrics.mean_pairwise_distance(features) if len(x) > 1 else 0.0
    if not unit:
        return {}

    edited = transferer(model)

    def distance(made: np.ndarray, chosen: np.ndarray | slice = slice(None)) -> dict[str, float]:
        l1 = np.abs(np.nan_to_num(made - x))[chosen].mean()
        apart = np.linalg.norm(judge.features(made) - features, axis=1)[chosen].mean()
        return {"l1": float(l1), "features": float(apart / unit)}

    again = edited(x, y, y, [seed, 0])
    composition = {"once": distance(again)}
    for _ in range(TIMES - 1):
        again = edited(again, y, y, [seed, 0])
    composition["ten_times"] = distance(again)
    reversibility, minimality, identity = {}, {}, {}
    persons = describe(x) if describe and len(x) > 1 else None
    for i, label in enumerate(judge.labels):
        chosen = ~np.isnan(y[:, i])
        if not chosen.any():
            continue
        target = y.copy()
        target[chosen, i] = other_values(label, y[:, i], y[:, i])[chosen]
        there = edited(x, y, target, [seed, 1 + i])
        back = edited(there, target, y, [seed, 1 + i])
        minimality[label.name] = distance(there, chosen)
        returned, moved = distance(back, chosen), minimality[label.name]["l1"]
        share = {"share": returned["l1"] / moved} if moved else {}
        reversibility[label.name] = returned | share
        if persons is not None:
            identity[label.name] = float(same_person(describe(there), persons)[chosen].mean())
    return {
        "composition": composition,
        "reversibility": reversibility,
        "minimality": minimality,
        **({"identity": identity} if identity else {}),
    }


def style_diversity(
    model: GenerativeModel, judge: Judge, x: np.ndarray, y: np.ndarray, seed: int
) -> dict[str, float]:
    """Measures how much the ways differ in which one example gets a label.

    Returns {label: mean distance, in the judge's features, of ``GIVEN`` edits of one example to the
    same value with w_i drawn from p(w_i|y_i), over that of real examples that have the value}.
    """
    found, edited, of_real = {}, transferer(model), judge.features(x)
    for i, name, donors, receivers in _donors(judge, y):
        real = metrics.mean_pairwise_distance(of_real[donors])
        rows = receivers[:GIVEN]
        target = y[rows].copy()
        target[:, i] = y[donors[0], i]
        made = [edited(x[rows], y[rows], target, [seed, each]) for each in range(GIVEN)]
        features = np.stack([judge.features(part) for part in made], 1)  # [rows, GIVEN, d]
        if real:
            apart = np.mean([metrics.mean_pairwise_distance(each) for each in features])
            found[name] = float(apart / real)
    return found


def style_transfers(model: GenerativeModel, info: Info, judge: Judge, x: np.ndarray, y: np.ndarray) -> dict:
    """Gives test images without a label the w_i of images that have it, the donors.

    Only for images and systems with subspaces; otherwise the result is empty.

    Returns:
        "style_retrieval": {label: {"top1": share of results of which the true donor is found first,
        "mean_rank", and "chance_top1", "chance_rank"}}; "style_transfer": {label: {"slope", "r" of
        the style of the result on that of the donor, within each receiver, and
        "reconstruction_slope", "reconstruction_r" of the donors' reconstructions}} of styles that
        can be read off the pixels (``data.face_styles``).
    """
    if not (info.is_image and model.has_subspaces):
        return {}
    retrieval, followed, styles = {}, {}, pixel_styles(info)
    for i, name, having, receivers in _donors(judge, y):
        donors = having[:DONORS]
        made = _given(model, x, y, i, donors, receivers[:RECEIVERS])
        ranks, m = metrics.retrieval(made, x[donors]), len(donors)
        retrieval[name] = {
            "top1": float((ranks == 1).mean()),
            "mean_rank": float(ranks.mean()),
            "chance_top1": 1 / m,
            "chance_rank": (m + 1) / 2,
        }
        if name in styles:
            style = styles[name]
            result = np.stack([style(each) for each in made])  # [receivers, donors, s]
            result -= result.mean(1, keepdims=True)
            wanted = np.broadcast_to(style(x[donors]), result.shape)
            columns = result.shape[-1]
            transferred = metrics.slope(wanted.reshape(-1, columns), result.reshape(-1, columns))
            rows = having[:CHUNK]
            own = metrics.slope(style(x[rows]), style(np.asarray(model.reconstruct(x[rows], y[rows]))))
            followed[name] = transferred | {f"reconstruction_{key}": value for key, value in own.items()}
    return {
        "style_retrieval": retrieval,
        **({"style_transfer": followed} if followed else {}),
    }


def _donors(judge: Judge, y: np.ndarray) -> Iterator[tuple[int, str, np.ndarray, np.ndarray]]:
    """Yields (i, name, rows that have label i, rows that do not) where there are enough of both.

    Of a categorical label the commonest class counts; a real label has no value to share.
    """
    for i, label in enumerate(judge.labels):
        known = y[~np.isnan(y[:, i]), i]
        if label.kind == "real" or not len(known):
            continue
        value = 1.0 if label.kind == "binary" else np.bincount(known.astype(int)).argmax()
        donors = np.flatnonzero(y[:, i] == value)
        receivers = np.flatnonzero((y[:, i] != value) & ~np.isnan(y[:, i]))
        if len(donors) >= LEAST and len(receivers):
            yield i, label.name, donors, receivers


def _given(
    model: GenerativeModel, x: np.ndarray, y: np.ndarray, i: int, donors: np.ndarray, receivers: np.ndarray
) -> np.ndarray:
    """Returns each receiver with the w_i of each donor, [receivers, donors, *shape]."""
    _, styles = model.encode(x[donors], y[donors]).mean()
    slot = model.label_slots(model.label_mask(i))

    @tf.function(reduce_retracing=True, autograph=False)
    def give(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        z, own = model.inference(x, y).mean()
        x, z, own = (tf.repeat(part, len(donors), 0) for part in (x, z, own))
        return editor(model, x, z, own)(tf.where(slot, styles, own))

    return np.stack([give(x[[row]], y[[row]]).numpy() for row in receivers])
