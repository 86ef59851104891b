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
from tf_csvae.evaluation.judge import MAX_PAIRED, Judge, sampler, transfers
from tf_csvae.evaluation.pictures import pictures
from tf_csvae.models.base import check_same

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
    labels = [label.name for label in info.labels]
    judge = None
    if classifier is not None:
        check_same(classifier, info.shape, info.labels, "The classifier")
        judge = Judge(classifier, labels)

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
        **read_labels(known, codes, labels, seed),
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
    if model.label_width:
        numbers["diversity"] = {}
        for i, label in enumerate(labels):
            # The label set, the others as they occur together in the test data.
            others = rows[np.random.default_rng([seed, i]).integers(len(rows), size=samples)]
            others[:, i] = 1
            paired, hits = [], 0
            for made in sampled(others, seed + 1 + i):
                if judge:
                    hits += int(judge.verdicts(made)[:, i].sum())
                paired.extend(made[: MAX_PAIRED - len(paired)])
            if judge:
                numbers["generation"].setdefault(label, {}).update(metrics.shares(accuracy=(hits, samples)))
            real = x[y[:, i] > 0.5]
            if len(real) > 1 and len(paired) > 1:
                numbers["diversity"][label] = _diversity(np.stack(paired), real)
        if judge:
            numbers["transfer"] = transfers(model, judge, dataset.test, samples, seed, info.scale)
    return Evaluation(numbers, codes, x, y, again, drawn)


def _diversity(made, real):
    """Mean pairwise distance of what was made, over that of real examples."""
    made, real = (metrics.mean_pairwise_distance(part[:MAX_PAIRED]) for part in (made, real))
    return made / real if real else 0.0
