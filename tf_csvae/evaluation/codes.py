"""The latent codes of a data set, and what can be read from them."""

import dataclasses

import numpy as np
import tensorflow as tf

from tf_csvae import metrics

# Codes that the estimators of divergence and the probes get to see, per split; and in the matrix
# of all labels against all subspaces, where there are k times as many estimates.
MAX_CODES, MAX_MATRIX_CODES, MATRIX_SHUFFLES = 10_000, 2_000, 5


@dataclasses.dataclass(frozen=True)
class Codes:
    """The latent codes of one split.

    Attributes:
        z: float32 [n, z_dim], one sample of q(z|x) per example.
        w: float32 [n, k w_dim], one sample of q(w|x, y), or None.
        z_mean: float32 [n, z_dim], posterior means.
        w_mean: float32 [n, k w_dim], posterior means, or None.
        y: float32 [n, k], the labels.
        subspaces: {label name: float32 [n, w_dim]}, each label's part of w; empty without.
    """

    z: np.ndarray
    w: np.ndarray | None
    z_mean: np.ndarray
    w_mean: np.ndarray | None
    y: np.ndarray
    subspaces: dict


def encode(model, batches, limit=MAX_CODES, seed=0):
    """Encodes batches (x, y), up to a number of examples.

    Args:
        model: a ``GenerativeModel``.
        batches: iterable of (x, y).
        limit: int, examples after which to stop.
        seed: int, of the samples.

    Returns:
        ``Codes``.
    """

    @tf.function(reduce_retracing=True, autograph=False)
    def step(x, y, seed):
        code = model.encode(x, y)
        return *code.sample(seed), *code.mean(), y

    parts, count = [], 0
    for number, (x, y) in enumerate(batches):
        part = step(x, y, tf.constant([seed, number]))
        parts.append([None if value is None else value.numpy() for value in part])
        count += len(parts[-1][-1])
        if count >= limit:
            break
    z, w, z_mean, w_mean, y = (
        None if column[0] is None else np.concatenate(column)[:limit] for column in zip(*parts, strict=True)
    )
    names = [] if w is None else [label.name for label in model.labels]
    return Codes(z, w, z_mean, w_mean, y, {name: model.subspace(w, name) for name in names})


def read_labels(known, codes, labels, seed=0):
    """Measures what the codes know of the labels.

    The divergences and probes read samples of q(z|x), not its means: a dimension that the
    model does not use has means that vary by next to nothing around zero, in which trees
    still find the label though no decoder could, the posterior being so much wider.

    Args:
        known: ``Codes`` that the probes learn from.
        codes: ``Codes`` that are measured.
        labels: tuple of ``Label``.
        seed: int, of shuffles and probes.

    Returns:
        dict: "active_units", "divergence" and "probe" of z and of each label's own w_i; and for
        several labels with subspaces "leak": {label of the subspace: {label read from it: {"auc",
        "kl", "null_mean"}}}, of a real label "r2" in place of "auc".
    """
    numbers = {
        "active_units": {"z": metrics.active_units(codes.z_mean)},
        "divergence": {"z": {}},
        "probe": {"z": {}},
    }
    if codes.w is not None:
        numbers["active_units"]["w"] = metrics.active_units(codes.w_mean)
        numbers["divergence"]["w"], numbers["probe"]["w"] = {}, {}
    for i, (label, kind) in enumerate((label.name, label.kind) for label in labels):
        for part in numbers["probe"]:
            seen, unseen = known.z, codes.z
            if part == "w":
                seen, unseen = known.subspaces[label], codes.subspaces[label]
            found = {
                "divergence": metrics.label_divergence(unseen, codes.y[:, i], seed=seed, kind=kind),
                "probe": metrics.probe(seen, known.y[:, i], unseen, codes.y[:, i], seed, kind),
            }
            for name, value in found.items():
                if value is not None:
                    numbers[name][part][label] = value
    if _has_parts(codes):
        numbers["leak"] = {
            source: _leak(known.subspaces[source], known.y, w, codes.y, labels, seed)
            for source, w in codes.subspaces.items()
        }
    return numbers


def read_styles(codes, factors, seed=0):
    """Measures what the codes know of each label's known style, among the examples that have it.

    Args:
        codes: ``Codes`` of the test split.
        factors: ``Dataset.factors``.
        seed: int, of the regressors.

    Returns:
        dict: "style": {label: {"own": R² from its w_i, "z": from z, "others": from all other
        w_j}}, as far as the model has them.
    """
    found = {}
    for label, factor in factors.items():
        factor = factor[: len(codes.y)]
        has = np.isfinite(factor).all(1)
        sources = {"z": codes.z}
        if codes.subspaces:
            sources["own"] = codes.subspaces[label]
        if _has_parts(codes):
            others = [w for other, w in codes.subspaces.items() if other != label]
            sources["others"] = np.concatenate(others, 1)
        scores = {
            source: metrics.held_out_r2(code[has], factor[has], seed) for source, code in sources.items()
        }
        if scores["z"] is not None:
            found[label] = scores
    return {"style": found} if found else {}


def _has_parts(codes):
    """Whether each label has a part of w to itself; under a joint prior each owns all of it."""
    return len(codes.subspaces) > 1 and next(iter(codes.subspaces.values())).shape[1] < codes.w.shape[1]


def _leak(seen, known_y, unseen, y, labels, seed):
    scores = metrics.neighbour_probe(seen, known_y, unseen, y, kinds=[label.kind for label in labels])
    row = {}
    for label, score, column in zip(labels, scores, y.T, strict=True):
        few = slice(MAX_MATRIX_CODES)
        divergence = metrics.label_divergence(
            unseen[few], column[few], shuffles=MATRIX_SHUFFLES, seed=seed, kind=label.kind
        )
        if score is not None and divergence is not None:
            name = "r2" if label.kind == "real" else "auc"
            row[label.name] = {name: score, "kl": divergence["kl"], "null_mean": divergence["null_mean"]}
    return row
