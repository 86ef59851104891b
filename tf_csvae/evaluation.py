"""A trained model and its data -> one dict of numbers, one set of figures."""

import dataclasses

import numpy as np
import tensorflow as tf

from tf_csvae import figures, metrics

# Codes that the estimators of divergence and the probes get to see, per split.
MAX_CODES = 10_000


@dataclasses.dataclass(frozen=True)
class Codes:
    """The latent codes of one split.

    Attributes:
        z: float32 [n, z_dim], one sample of q(z|x) per example.
        w: float32 [n, k w_dim], one sample of q(w|x, y), or None.
        z_mean: float32 [n, z_dim], posterior means.
        w_mean: float32 [n, k w_dim], posterior means, or None.
        y: float32 [n, k], the labels.
    """

    z: np.ndarray
    w: np.ndarray | None
    z_mean: np.ndarray
    w_mean: np.ndarray | None
    y: np.ndarray


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What ``evaluate`` returns.

    Attributes:
        numbers: dict, the part of metrics.json that is about the model and not its training.
        codes: ``Codes`` of the test split.
        subspaces: {label name: float32 [n, w_dim]}, its part of ``codes.w``; empty without.
        x: float32 [m, *shape], the first test examples.
        y: float32 [m, k], their labels.
        reconstruction: float32 [m, *shape], of those.
        samples: float32 [m, *shape], samples that have those labels, where the model knows any.
        samples_by_label: {label name: float32 [s, *shape]}, samples that have it alone; empty
            where the model knows none.
    """

    numbers: dict
    codes: Codes
    subspaces: dict
    x: np.ndarray
    y: np.ndarray
    reconstruction: np.ndarray
    samples: np.ndarray
    samples_by_label: dict


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
    joined = [
        None if column[0] is None else np.concatenate(column)[:limit] for column in zip(*parts, strict=True)
    ]
    return Codes(*joined)


def evaluate(model, dataset, pictured=2_000, samples=8, seed=0):
    """Measures a trained model.

    The divergences and probes read samples of q(z|x), not its means: a dimension that the
    model does not use has means that vary by next to nothing around zero, in which trees
    still find the label though no decoder could, the posterior being so much wider.

    Args:
        model: a ``GenerativeModel``.
        dataset: the ``Dataset`` it was trained on.
        pictured: int, test vectors to keep for the figures; for images 32 are kept.
        samples: int, samples per label to keep for the figures.
        seed: int, of all sampling here.

    Returns:
        ``Evaluation``.
    """
    info = dataset.info
    pictured = 32 if info.is_image else pictured
    reconstruction = metrics.Reconstruction(info.scale, image=info.is_image)
    reconstruct = tf.function(model.reconstruct, reduce_retracing=True, autograph=False)
    kept = []
    for x, y in dataset.test:
        again = reconstruct(x, y)
        reconstruction.update(x, again)
        if sum(len(part[0]) for part in kept) < pictured:
            kept.append((x.numpy(), y.numpy(), again.numpy()))
    x, y, again = (np.concatenate(column)[:pictured] for column in zip(*kept, strict=True))

    known, codes = encode(model, dataset.train, seed=seed), encode(model, dataset.test, seed=seed + 1)
    numbers = {
        "reconstruction": reconstruction.result(),
        "active_units": {"z": metrics.active_units(codes.z_mean)},
        "divergence": {"z": {}},
        "probe": {"z": {}},
    }
    subspaces = {}
    if codes.w is not None:
        subspaces = {label.name: model.subspace(codes.w, label.name) for label in info.labels}
        numbers["active_units"]["w"] = metrics.active_units(codes.w_mean)
        numbers["divergence"]["w"], numbers["probe"]["w"] = {}, {}
    for i, label in enumerate(info.labels):
        for part in numbers["probe"]:
            seen, unseen = known.z, codes.z
            if part == "w":
                seen, unseen = model.subspace(known.w, label.name), subspaces[label.name]
            found = {
                "divergence": metrics.label_divergence(unseen, codes.y[:, i], seed=seed),
                "probe": metrics.probe(seen, known.y[:, i], unseen, codes.y[:, i], seed),
            }
            for name, value in found.items():
                if value is not None:
                    numbers[name][part][label.name] = value

    by_label = {}
    if model.label_width:
        drawn = model.sample(y, seed=seed)
        for i, label in enumerate(info.labels):
            only = tf.one_hot(i, len(info.labels))
            by_label[label.name] = model.sample(only, samples, seed=seed).numpy()
    else:
        drawn = model.sample(n=len(y), seed=seed)
    return Evaluation(numbers, codes, subspaces, x, y, again, drawn.numpy(), by_label)


def pictures(result, info, history):
    """Draws an evaluation.

    Args:
        result: ``Evaluation``.
        info: the dataset's ``Info``.
        history: {name: list of float per epoch}, as history.csv has it.

    Returns:
        {file name without ending: (caption, matplotlib Figure)}.
    """
    drawn = {}
    y = result.codes.y
    divergence = result.numbers["divergence"]
    same_labels = " given the same labels." if result.samples_by_label else "."
    for i, label in enumerate(info.labels):
        planes, titles = [result.codes.z], [_plane_title("z", divergence["z"].get(label.name))]
        if result.codes.w is not None:
            planes.append(result.subspaces[label.name])
            titles.append(_plane_title(f"w of {label.name}", divergence["w"].get(label.name)))
        drawn[f"planes_{label.name}"] = (
            f"Codes of the test data, one sample each, by {label.name}: z"
            + (
                ""
                if result.codes.w is None
                else ", from which it should not be readable, and its own subspace w"
            )
            + ". KL: the nearest-neighbour estimate between its two values.",
            figures.latent_planes(planes, titles, y[:, i], label.name),
        )
    if info.is_image:
        n = 12
        drawn["reconstructions"] = (
            "Test images, their reconstructions, and samples" + same_labels,
            figures.image_rows(
                [result.x[:n], result.reconstruction[:n], result.samples[:n]],
                ["original", "reconstruction", "samples"],
            ),
        )
        if result.samples_by_label:
            drawn["samples"] = (
                "Samples given one label and no other.",
                figures.image_rows(list(result.samples_by_label.values()), list(result.samples_by_label)),
            )
    else:
        clouds = [info.unscale(cloud) for cloud in (result.x, result.reconstruction, result.samples)]
        drawn["reconstructions"] = (
            f"Test data, their reconstructions, and samples{same_labels} Coloured by {info.labels[0].name}.",
            figures.points(
                clouds, ["original", "reconstruction", "samples"], [result.y[:, 0]] * 3, info.feature_names
            ),
        )
    drawn["training"] = ("The terms of the objective by epoch.", figures.training_curves(history))
    return drawn


def evaluate_classifier(model, dataset):
    """Measures a trained classifier on the test data.

    Args:
        model: a ``Classifier``.
        dataset: the ``Dataset`` it was trained on.

    Returns:
        dict, the part of metrics.json that is about the model and not its training:
        "classification" as ``metrics.classification`` gives it, and over its labels
        "mean_accuracy" and "mean_balanced_accuracy".
    """
    classify = tf.function(model.classify, reduce_retracing=True, autograph=False)
    seen = [(classify(x).numpy(), y.numpy()) for x, y in dataset.test]
    probabilities, y = (np.concatenate(column) for column in zip(*seen, strict=True))
    by_label = metrics.classification(probabilities, y, [label.name for label in dataset.info.labels])
    numbers = {"classification": by_label}
    for name in ("accuracy", "balanced_accuracy"):
        if by_label:
            numbers[f"mean_{name}"] = float(np.mean([scores[name] for scores in by_label.values()]))
    return numbers


def classifier_pictures(numbers, history):
    """Draws what ``evaluate_classifier`` gives, as ``pictures`` does an evaluation.

    Args:
        numbers: dict, from ``evaluate_classifier``.
        history: {name: list of float per epoch}, as history.csv has it.

    Returns:
        {file name without ending: (caption, matplotlib Figure)}.
    """
    drawn = {}
    if numbers["classification"]:
        drawn["accuracy"] = (
            "Share of right answers on the test data by label: among all of them, and the mean of the "
            "shares among those that have the label and those that have not.",
            figures.label_bars(
                numbers["classification"],
                {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy"},
            ),
        )
    drawn["training"] = ("Loss and accuracies by epoch.", figures.training_curves(history))
    return drawn


def _plane_title(name, divergence):
    if divergence is None:
        return name
    return f"{name}\nKL {divergence['kl']:.3f} (shuffled {divergence['null_mean']:.3f} ± {divergence['null_sd']:.3f})"
