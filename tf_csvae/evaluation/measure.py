"""Measures a trained generative model on the test data."""

import dataclasses

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tf_csvae.data.dataset import Dataset
from tf_csvae.data.face_styles import pixel_styles
from tf_csvae.evaluation import metrics
from tf_csvae.evaluation.associations import goes_with
from tf_csvae.evaluation.codes import (
    Codes,
    encode,
    factor_numbers,
    label_numbers,
    style_leak,
    style_numbers,
)
from tf_csvae.evaluation.counterfactuals import axioms, style_diversity, style_transfers
from tf_csvae.evaluation.effects import effects
from tf_csvae.evaluation.identity import descriptor
from tf_csvae.evaluation.judge import (
    Judge,
    Sampler,
    achieved,
    by_value,
    recalls,
    requested_values,
    sampler,
)
from tf_csvae.evaluation.transfer import transfers
from tf_csvae.labels import Label
from tf_csvae.models import Classifier, GenerativeModel
from tf_csvae.models.labelled import check_same

# Real examples that are kept for pictures and distances; all else is measured batch by batch.
# Examples of which pairwise distances are taken.
MAX_KEPT, MAX_PAIRED = 2_000, 500


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What ``measure`` returns.

    ``numbers`` is the part of metrics.json about the model, ``codes`` are of the test split. x
    [m, *shape] and y [m, k] are the first test examples and their labels, ``reconstruction`` [m,
    *shape] is of them, and ``samples`` [m, *shape] have these labels, if labels steer the model.
    """

    numbers: dict
    codes: Codes
    x: np.ndarray
    y: np.ndarray
    reconstruction: np.ndarray
    samples: np.ndarray


def measure(
    model: GenerativeModel,
    dataset: Dataset,
    judge: Classifier | None = None,
    samples: int = 1_000,
    seed: int = 0,
) -> Evaluation:
    """Measures a trained model on the test data. Memory does not grow with their size.

    The judge has the same labels; None leaves out what needs one. ``samples`` are per label, and
    the most transfers per label; ``seed`` is of all sampling here.

    Raises:
        InputError: a judge of other data or labels.
    """
    info = dataset.info
    if judge is not None:
        check_same(judge, info.shape, info.labels, "The judge")
        judge = Judge(judge)
    reconstruction, (x, y, reconstructed), label_batches = _reconstruct(model, dataset, judge)
    y_all = np.concatenate(label_batches)

    # Not dataset.train, which has a new order each time: the same model has the same numbers.
    train = dataset.train_from(0).take(dataset.steps_per_epoch)
    codes = encode(model, dataset.test, seed=seed + 1)
    known = encode(model, train, seed=seed)
    numbers = {
        "reconstruction": reconstruction,
        **label_numbers(known, codes, info.labels, seed),
        "goes_with": goes_with(dataset, known.y),
        **style_leak(codes, info.labels, seed),
        **_known_styles(dataset, codes, seed),
        "seen": {
            "test examples whose codes are measured": len(codes.y),
            "training examples whose codes are known": len(known.y),
            "test examples in distances and axioms": len(x),
        },
    }
    sampled = sampler(model)
    if judge:
        for chunk in sampled(np.concatenate([part[::2] for part in label_batches]), seed):
            judge.add_samples(chunk)
        seen, made = judge.seen(), {label.name: {} for label in info.labels}
        generation = {label.name: recalls(label, seen[label.name]) for label in info.labels}
        numbers |= {
            **judge.frechet(),
            "generation": {name: each for name, each in generation.items() if each},
        }
    drawn = np.concatenate(list(sampled(y, seed)))
    if len(x) > 1:
        numbers["diversity_overall"] = _diversity(drawn, x)
    if model.label_widths:
        if info.columns:
            numbers["effects"] = effects(model, info, x, y)
        numbers["diversity"] = {}
        for i, label in enumerate(info.labels):
            paired, asked, found = _generate(sampled, judge, label, i, y_all, samples, seed)
            requested = asked[:, i]
            if judge:
                made[label.name]["generation"] = asked, found
                numbers["generation"].setdefault(label.name, {}).update(achieved(label, requested, found))
            if label.kind == "real":  # no two examples share a value: nothing to compare with
                continue
            requested, values = requested[: len(paired)], np.unique(requested)
            if label.kind == "binary":
                values = values[values == 1]
            pairs = [(paired[requested == value], x[y[:, i] == value]) for value in values]
            ratios = [_diversity(*pair) for pair in pairs if min(map(len, pair)) > 1]
            if ratios:
                numbers["diversity"][label.name] = float(np.mean(ratios))
        if judge:
            numbers["transfer"], numbers["kept"], changed = transfers(
                model, judge, dataset.test, y_all, samples, seed, info.scale
            )
            for name, pair in changed.items():
                made[name]["transfer"] = pair
            numbers |= axioms(model, judge, x, y, seed, descriptor(info))
            numbers["style_diversity"] = style_diversity(model, judge, x, y, seed)
            numbers |= style_transfers(model, info, judge, x, y)
    if judge:
        real = judge.real()
        values = {
            label.name: by_value(info.labels, i, real, seen[label.name], made[label.name])
            for i, label in enumerate(info.labels)
        }
        numbers["by_value"] = {name: each for name, each in values.items() if each}
    return Evaluation(numbers, codes, x, y, reconstructed, drawn)


def _known_styles(dataset: Dataset, codes: Codes, seed: int) -> dict:
    """Returns the numbers of styles that are known, or can be read off the pixels."""
    if dataset.factors:
        numbers = style_numbers(codes, dataset.factors, seed)
        return numbers | factor_numbers(codes, dataset.factors, dataset.info.labels, seed)
    styles = pixel_styles(dataset.info)
    if not styles:
        return {}
    places = {label.name: i for i, label in enumerate(dataset.info.labels)}
    parts = {name: [] for name in styles}
    for x, y in dataset.test.take(-(-len(codes.y) // dataset.batch_size)):
        for name, style in styles.items():
            has = y.numpy()[:, places[name], None] == 1
            parts[name].append(np.where(has, style(x.numpy()), np.nan))
    factors = {name: np.concatenate(found) for name, found in parts.items()}
    # Few examples have a label such as a hat.
    return style_numbers(codes, factors, seed, metrics.ridge_r2)


def _reconstruct(
    model: GenerativeModel, dataset: Dataset, judge: Judge | None
) -> tuple[dict, tuple[np.ndarray, ...], list[np.ndarray]]:
    """Returns numbers; first x, y and reconstructions, up to ``MAX_KEPT``; y of each batch."""
    info = dataset.info
    reconstruction = metrics.Reconstruction(info.scale, info.is_image, mixed=bool(info.columns))
    reconstruct = tf.function(model.reconstruct, reduce_retracing=True, autograph=False)
    kept, label_batches, count = [], [], 0
    for x, y in tqdm(dataset.test, "reconstructing", unit="batch", leave=False, disable=None):
        reconstructed, y = reconstruct(x, y), y.numpy()
        reconstruction.update(x, reconstructed)
        if judge:
            judge.add_real(x, y, reconstructed)
        label_batches.append(y)
        if count < MAX_KEPT:
            kept.append((x.numpy(), y, reconstructed.numpy()))
            count += len(y)
    first = tuple(np.concatenate(column)[:MAX_KEPT] for column in zip(*kept, strict=True))
    return reconstruction.result(), first, label_batches


def _generate(
    sampled: Sampler, judge: Judge | None, label: Label, i: int, y_all: np.ndarray, count: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Samples with values requested of label i, and the other labels as test examples have them.

    Returns the first ``MAX_PAIRED`` samples, and of all the labels that are requested, [count, k],
    and the values of label i that the judge sees, [count].
    """
    y = y_all[np.random.default_rng([seed, i]).integers(len(y_all), size=count)]
    y[:, i] = requested_values(label, y_all[:, i], count)
    paired, seen = [], []
    for made in sampled(y, seed + 1 + i):
        if judge:
            seen.extend(judge.read(made)[:, i])
        paired.extend(made[: MAX_PAIRED - len(paired)])
    return np.stack(paired), y, np.array(seen)


def _diversity(made: np.ndarray, real: np.ndarray) -> float:
    """Returns the mean pairwise distance of samples, over that of real examples."""
    parts = (np.nan_to_num(part[:MAX_PAIRED]) for part in (made, real))
    made, real = map(metrics.mean_pairwise_distance, parts)
    return made / real if real else 0.0
