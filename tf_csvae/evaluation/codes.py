"""The latent codes of a data set, and how well labels and styles can be predicted from them."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tf_csvae.evaluation import metrics
from tf_csvae.labels import Label
from tf_csvae.models import GenerativeModel
from tf_csvae.networks.distributions import tfd

# Most codes per split; fewer, and fewer shuffles, in the matrix of all labels and all subspaces,
# which needs k times as many estimates.
MAX_CODES, MAX_MATRIX_CODES, MATRIX_SHUFFLES = 10_000, 2_000, 5


@dataclasses.dataclass(frozen=True)
class Codes:
    """The latent codes of one split, float32; those of w are None without subspaces.

    z [n, z_dim] and w [n, k w_dim] are one sample of q(z|x) and q(w|x, y) per example, z_mean and
    w_mean the posterior means, y [n, k] the labels, ``subspaces`` each label's part of w, {label:
    [n, w_dim]}, and ``nats`` {label: mean KL(q(w_i|x, y) || p(w_i|y)) of examples that have it}.
    """

    z: np.ndarray
    w: np.ndarray | None
    z_mean: np.ndarray
    w_mean: np.ndarray | None
    y: np.ndarray
    subspaces: dict[str, np.ndarray]
    nats: dict[str, float]

    @property
    def separate(self) -> bool:
        """Whether each of several labels has a part of w of its own; not with a joint prior."""
        if len(self.subspaces) < 2:
            return False
        return next(iter(self.subspaces.values())).shape[1] < self.w.shape[1]


def encode(model: GenerativeModel, batches: Iterable, limit: int = MAX_CODES, seed: int = 0) -> Codes:
    """Encodes batches (x, y), up to ``limit`` examples; ``seed`` is of the samples."""

    @tf.function(reduce_retracing=True, autograph=False)
    def step(x: tf.Tensor, y: tf.Tensor, seed: tf.Tensor) -> tuple:
        code = model.encode(x, y)
        kl = None
        if code.w is not None:
            kl = tfd.kl_divergence(code.w.distribution, model.prior(y).distribution)
        return *code.sample(seed), *code.mean(), kl, y

    parts, count = [], 0
    for number, (x, y) in enumerate(tqdm(batches, "encoding", unit="batch", leave=False, disable=None)):
        part = step(x, y, tf.constant([seed, number]))
        parts.append([None if value is None else value.numpy() for value in part])
        count += len(parts[-1][-1])
        if count >= limit:
            break
    z, w, z_mean, w_mean, kl, y = (
        None if column[0] is None else np.concatenate(column)[:limit] for column in zip(*parts, strict=True)
    )
    names = [] if w is None else [label.name for label in model.labels]
    subspaces = {name: model.subspace(w, name) for name in names}
    nats = {}
    for i, name in enumerate(names):
        own = model.subspace(kl, name)[~np.isnan(y[:, i])].sum(1)
        if len(own):
            nats[name] = float(own.mean())
    return Codes(z, w, z_mean, w_mean, y, subspaces, nats)


def label_numbers(known: Codes, codes: Codes, labels: Sequence[Label], seed: int = 0) -> dict:
    """Measures how well labels can be predicted from codes; the probes learn from ``known``.

    Divergences and probes use samples of q(z|x), not its means: in a dimension that the model
    does not use, the means vary minimally around zero, and trees may still find the label in
    them, although the posterior is so much wider that no decoder could.

    Returns:
        "active_units", "divergence" and "probe" of z and of each label's own w_i, and with
        subspaces "subspace_kl" as of ``Codes.nats``; for several
        labels with subspaces also "leak": {label of the subspace: {predicted label: {"auc", "kl",
        "null_mean"}}}, with "r2" in place of "auc" for a real label.
    """
    means = {"z": codes.z_mean} if codes.w is None else {"z": codes.z_mean, "w": codes.w_mean}
    numbers = {"active_units": {part: metrics.active_units(mean) for part, mean in means.items()}}
    numbers |= {name: {part: {} for part in means} for name in ("divergence", "probe")}
    for i, label in enumerate(labels):
        for part in means:
            train, test = (each.z if part == "z" else each.subspaces[label.name] for each in (known, codes))
            y = codes.y[:, i]
            divergence = metrics.label_divergence(test, y, seed=seed, kind=label.kind)
            probe = metrics.probe(train, known.y[:, i], test, y, seed, label.kind)
            for name, value in {"divergence": divergence, "probe": probe}.items():
                if value is not None:
                    numbers[name][part][label.name] = value
    if codes.nats:
        numbers["subspace_kl"] = codes.nats
    if codes.separate:
        numbers["leak"] = {source: _leak(known, codes, source, labels, seed) for source in codes.subspaces}
    return numbers


def _leak(known: Codes, codes: Codes, source: str, labels: Sequence[Label], seed: int) -> dict:
    """Measures how well each label can be predicted from the subspace of the label ``source``."""
    w, kinds = codes.subspaces[source], [label.kind for label in labels]
    scores = metrics.neighbour_probe(known.subspaces[source], known.y, w, codes.y, kinds=kinds)
    row, few = {}, slice(MAX_MATRIX_CODES)
    for label, score, column in zip(labels, scores, codes.y.T, strict=True):
        options = {"shuffles": MATRIX_SHUFFLES, "seed": seed, "kind": label.kind}
        divergence = metrics.label_divergence(w[few], column[few], **options)
        if score is not None and divergence is not None:
            own = {"r2" if label.kind == "real" else "auc": score}
            row[label.name] = {**own, **{name: divergence[name] for name in ("kl", "null_mean")}}
    return row


def style_numbers(
    codes: Codes,
    factors: dict[str, np.ndarray],
    seed: int = 0,
    r2: Callable[..., float | None] = metrics.held_out_r2,
) -> dict:
    """Measures how well each label's style, as of ``Dataset.factors``, can be predicted from codes.

    Returns {"style": {label: {"own": R² from its w_i, "z": from z, "others": from all other w_j}}},
    over the examples with the label and as far as the model has them; {} for too few examples.
    ``r2`` is the metric, a function (codes, factors, seed).
    """
    found = {}
    for label, factor in factors.items():
        factor = factor[: len(codes.y)]
        has = np.isfinite(factor).all(1)
        sources = {"z": codes.z}
        if codes.subspaces:
            sources["own"] = codes.subspaces[label]
        if codes.separate:
            sources["others"] = np.concatenate([w for name, w in codes.subspaces.items() if name != label], 1)
        scores = {name: r2(code[has], factor[has], seed) for name, code in sources.items()}
        if scores["z"] is not None:
            found[label] = scores
    return {"style": found} if found else {}


def style_leak(codes: Codes, labels: Sequence[Label], seed: int = 0) -> dict:
    """Measures how well z predicts w_i among the examples that have label i.

    Returns {"style_leak": {label: {"r2": R² of a ridge regression, "null_mean": the same of
    shuffled w_i}}}; {} without subspaces. It is of the means of w_i, since the noise of a sample
    is its own.
    """
    found, few = {}, slice(MAX_MATRIX_CODES)
    for i, label in enumerate(labels if codes.separate or len(codes.subspaces) == 1 else ()):
        has = np.flatnonzero(codes.y[:, i] > 0.5 if label.kind == "binary" else ~np.isnan(codes.y[:, i]))[few]
        width = codes.w_mean.shape[1] // len(labels)
        z, w = codes.z[has], codes.w_mean[has, i * width : (i + 1) * width]
        shuffled = np.random.default_rng(seed).permutation(w)
        scores = metrics.ridge_r2(z, w, seed), metrics.ridge_r2(z, shuffled, seed)
        if None not in scores:
            found[label.name] = dict(zip(("r2", "null_mean"), scores, strict=True))
    return {"style_leak": found} if found else {}


def factor_numbers(codes: Codes, factors: dict[str, np.ndarray], labels: Sequence[Label], seed: int) -> dict:
    """Returns {"disentanglement": ``metrics.disentanglement`` of [z, w]}, of labels and styles."""
    code = codes.z if codes.w is None else np.concatenate([codes.z, codes.w], 1)
    code = code[:MAX_MATRIX_CODES]
    columns = {
        label.name: codes.y[: len(code), i] for i, label in enumerate(labels) if label.kind != "categorical"
    }
    for name, factor in factors.items():
        columns |= {f"{name} {j}": column for j, column in enumerate(factor[: len(code)].T)}
    found = metrics.disentanglement(code, columns, seed)
    return {"disentanglement": found} if found else {}
