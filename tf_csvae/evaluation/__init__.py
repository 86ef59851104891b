"""A trained model, its data and a classifier -> one dict of numbers, one set of figures.

* ``evaluate`` measures a generative system, ``pictures`` draws what it found
* ``evaluate_classifier`` and ``classifier_pictures`` do the same for a classifier
* ``codes`` reads latent codes; ``judge`` asks a classifier what it sees in what a model makes
"""

import dataclasses

import numpy as np
import tensorflow as tf

from tf_csvae import metrics
from tf_csvae.evaluation.classifier import classifier_pictures, evaluate_classifier
from tf_csvae.evaluation.codes import Codes, encode, read_labels, read_styles
from tf_csvae.evaluation.judge import MAX_PAIRED, Judge, granted, sampler, transfers, wishes
from tf_csvae.evaluation.pictures import pictures
from tf_csvae.models.labelled import check_same

__all__ = [
    "Codes",
    "Evaluation",
    "classifier_pictures",
    "encode",
    "evaluate",
    "evaluate_classifier",
    "pictures",
]

# Real examples that are kept for pairwise distances. All else is measured as it streams by.
MAX_KEPT = 2_000


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What ``evaluate`` returns.

    Attributes:
        numbers: dict, the part of metrics.json that is about the model and not its training.
        codes: ``Codes`` of the test split.
        x: float32 [m, *shape], the first test examples.
        y: float32 [m, k], their labels.
        reconstruction: float32 [m, *shape], of those.
        samples: float32 [m, *shape], samples that have those labels, where the model knows any.
    """

    numbers: dict
    codes: Codes
    x: np.ndarray
    y: np.ndarray
    reconstruction: np.ndarray
    samples: np.ndarray


def evaluate(model, dataset, classifier=None, samples=1_000, seed=0):
    """Measures a trained model on the test data.

    What streams by is not kept: memory does not grow with the size of the data.

    Args:
        model: a ``GenerativeModel``.
        dataset: the ``Dataset`` it was trained on.
        classifier: ``Classifier`` of the same labels, the judge; None leaves out what needs one.
        samples: int, samples per label, and the most transfers per label.
        seed: int, of all sampling here.

    Returns:
        ``Evaluation``.

    Raises:
        InputError: a classifier of other data or labels.
    """
    info = dataset.info
    judge = None
    if classifier is not None:
        check_same(classifier, info.shape, info.labels, "The classifier")
        judge = Judge(classifier, info.labels)

    reconstruction = metrics.Reconstruction(info.scale, image=info.is_image)
    reconstruct = tf.function(model.reconstruct, reduce_retracing=True, autograph=False)
    kept, rows = [], []
    for x, y in dataset.test:
        again = reconstruct(x, y)
        reconstruction.update(x, again)
        if judge:
            judge.see_real(x, y.numpy(), again)
        rows.append(y.numpy())
        if sum(len(part[0]) for part in kept) < MAX_KEPT:
            kept.append((x.numpy(), y.numpy(), again.numpy()))
    x, y, again = (np.concatenate(column)[:MAX_KEPT] for column in zip(*kept, strict=True))
    even_rows = np.concatenate([part[::2] for part in rows])
    rows = np.concatenate(rows)

    # Not dataset.train, whose order is a new one each time: the same model, the same numbers.
    known = encode(model, dataset.train_from(0).take(dataset.steps_per_epoch), seed=seed)
    codes = encode(model, dataset.test, seed=seed + 1)
    numbers = {
        "reconstruction": reconstruction.result(),
        **read_labels(known, codes, info.labels, seed),
        **(read_styles(codes, dataset.factors, seed) if dataset.factors else {}),
    }
    sampled = sampler(model)
    if judge:
        for made in sampled(even_rows, seed):
            judge.see_made(made)
        numbers |= judge.frechet()
        numbers["generation"] = judge.recalls()
    drawn = np.concatenate(list(sampled(y, seed)))
    if len(x) > 1:
        numbers["diversity_overall"] = _diversity(drawn, x)
    if model.label_widths:
        numbers["diversity"] = {}
        for i, label in enumerate(info.labels):
            # The label as it is asked for, the others as they occur together in the test data.
            others = rows[np.random.default_rng([seed, i]).integers(len(rows), size=samples)]
            others[:, i] = asked = wishes(label, rows[:, i], samples)
            paired, seen = [], []
            for made in sampled(others, seed + 1 + i):
                if judge:
                    seen.extend(judge.verdicts(made)[:, i])
                paired.extend(made[: MAX_PAIRED - len(paired)])
            if judge:
                found = granted(label, asked, np.array(seen))
                numbers["generation"].setdefault(label.name, {}).update(found)
            ratios = _diversities(label, np.stack(paired), asked[: len(paired)], x, y[:, i])
            if ratios:
                numbers["diversity"][label.name] = float(np.mean(ratios))
        if judge:
            numbers["transfer"] = transfers(model, judge, dataset.test, rows, samples, seed, info.scale)
    return Evaluation(numbers, codes, x, y, again, drawn)


def _diversities(label, made, asked, real, column):
    """How varied are samples with each value asked for of a label; of a real one no example has that value."""
    if label.kind == "real":
        return []
    pairs = [(made[asked == value], real[column == value]) for value in np.unique(asked)]
    return [_diversity(*pair) for pair in pairs if min(map(len, pair)) > 1]


def _diversity(made, real):
    """Mean pairwise distance of what was made, over that of real examples."""
    made, real = (metrics.mean_pairwise_distance(part[:MAX_PAIRED]) for part in (made, real))
    return made / real if real else 0.0
