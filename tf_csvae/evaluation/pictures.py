"""Pictures of what ``measure`` found."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from tf_csvae.data.dataset import Info
from tf_csvae.evaluation import figures
from tf_csvae.evaluation.associations import telling
from tf_csvae.evaluation.figures import Picture, Pictures
from tf_csvae.evaluation.measure import Evaluation
from tf_csvae.files import file_names
from tf_csvae.labels import Label
from tf_csvae.models import GenerativeModel

# Images in a row; images and styles of a style grid; steps of an interpolation and a traversal.
ROW, GRID, STEPS, TRAVERSAL = 12, 6, 9, 7

# Labels with pictures of their own unless they are named, and values of a label with own rows.
MAX_LABELS, MAX_VALUES = 5, 10

# Values of a real label with own rows: the 10 %, 50 % and 90 % points of the standard normal.
REAL = (-1.282, 0.0, 1.282)

# Between what the divergence by a label is measured.
_GROUPS = {
    "binary": "the two values",
    "categorical": "each class and the rest, mean over the classes",
    "real": "the highest and the lowest third",
}


def pictures(
    model: GenerativeModel,
    result: Evaluation,
    info: Info,
    history: dict[str, list[float]] | None = None,
    shown: Sequence[str] | None = None,
    seed: int = 0,
) -> Pictures:
    """Draws what ``measure`` returned, and ``history``, {name: value per epoch} of history.csv.

    ``shown`` are labels with pictures of their own; None: the first five. The seed is of samples.

    Raises:
        InputError: no such label.
    """
    places = range(len(info.labels))[:MAX_LABELS]
    if shown is not None:
        places = [model.label_index(name) for name in shown]
    labels = {place: info.labels[place] for place in places}
    # The methods of a model refuse values that are most likely no standardised ones, and test data
    # may have outliers.
    low, high = np.transpose([label.plausible for label in info.labels]).astype(result.y.dtype)
    # Files are often sorted by a label: the first test examples may all have one value.
    order = np.random.default_rng(0).permutation(len(result.x))
    mixed = {name: getattr(result, name)[order] for name in ("x", "y", "reconstruction", "samples")}
    result = dataclasses.replace(result, **{**mixed, "y": np.clip(mixed["y"], low, high)})
    names = file_names(label.name for label in info.labels)
    if info.is_image:
        drawn = _images(model, result, labels, names, seed)
    else:
        titles, label = ["original", "reconstruction", "samples"], info.labels[0]
        shown = telling(result.x, result.y[:, 0], label)
        clouds = [info.unscale(part)[:, shown] for part in (result.x, result.reconstruction, result.samples)]
        features = [info.feature_names[place] for place in shown]
        drawing = figures.points(clouds, titles, [result.y[:, 0]] * 3, features, label)
        caption = (
            f"Test data, reconstructions, and samples{_given(model)}; colours: {label.name}. The axes are "
            f"the features that tell most about it."
        )
        drawn = {"reconstructions": (caption, drawing)}
    for place, label in labels.items():
        drawn[f"planes_{names[label.name]}"] = _planes(result, label, place)
    if "leak" in result.numbers:
        drawn["leak"] = _leak(result.numbers, info.labels)
    if history:
        drawn["training"] = ("The terms of the objective by epoch.", figures.training_curves(history))
    return drawn


def _given(model: GenerativeModel) -> str:
    return " with the same labels" if model.label_widths else ""


def _planes(result: Evaluation, label: Label, place: int) -> Picture:
    name, divergence = label.name, result.numbers["divergence"]
    planes, titles, about = [result.codes.z], [_plane_title("z", divergence["z"].get(name))], "z"
    if name in result.codes.subspaces:
        planes.append(result.codes.subspaces[name])
        titles.append(_plane_title(f"w of {name}", divergence["w"].get(name)))
        about = "z, which should not depend on the label, and the label's subspace w"
    caption = (
        f"Codes of the test data, one sample each, coloured by {name}: {about}. KL: the divergence "
        f"between {_GROUPS[label.kind]}, estimated from nearest neighbours."
    )
    return caption, figures.latent_planes(planes, titles, result.codes.y[:, place], label)


def _plane_title(name: str, divergence: dict | None) -> str:
    if divergence is None:
        return name
    null = "shuffled {null_mean:.3f} ± {null_sd:.3f}".format(**divergence)
    return f"{name}\nKL {divergence['kl']:.3f} ({null})"


def _leak(numbers: dict, labels: Sequence[Label]) -> Picture:
    """Draws how well each label can be predicted from each code."""
    sources = {"z": numbers["probe"]["z"]}
    sources |= {f"w of {source}": row for source, row in numbers["leak"].items()}
    real = np.array([label.kind == "real" for label in labels])
    columns = [f"{label.name} (R²)" if label.kind == "real" else label.name for label in labels]
    named = [(label.name, "r2" if label.kind == "real" else "auc") for label in labels]
    scores = [[row.get(name, {}).get(score, np.nan) for name, score in named] for row in sources.values()]
    matrix = np.array(scores)
    caption = (
        "How well each label (column) can be predicted from each code (row): area under the ROC "
        "curve of a probe on test data, 0.5 for chance"
        + (", and R² of a real label, 0 for chance" if real.any() else "")
        + ". A label should be predictable from its own w. Labels that occur together in the data "
        "can be predicted from each other's w in any case. Probe of z: boosted trees; of w: "
        "nearest neighbours."
    )
    # R² of 0 and 1 get the colours of an area of 0.5 and 1.
    colours = np.where(real, 0.5 + matrix / 2, matrix)
    return caption, figures.heat_map(colours, list(sources), columns, (0.5, 1.0), matrix)


def _images(
    model: GenerativeModel, result: Evaluation, labels: dict[int, Label], names: dict[str, str], seed: int
) -> Pictures:
    """Draws the pictures that only images have; ``names`` are the labels' in names of files."""
    x, y = result.x[:ROW], result.y[:ROW]
    rows = {"original": x, "reconstruction": result.reconstruction[:ROW], "samples": result.samples[:ROW]}
    caption = f"Test images, reconstructions, and samples{_given(model)}."
    drawn = {"reconstructions": _rows(caption, rows)}
    if not model.label_widths:
        return drawn
    samples, moved, paths = {}, {"original": x}, {}
    for i, label in labels.items():
        for value, words in _values(label):
            requested = y.copy()
            requested[:, i] = value
            if label.kind != "binary" or value == 1:
                samples[words] = model.sample(requested, seed=seed)
            if label.kind != "binary":
                moved[words] = model.transfer(x, y, requested)
        if label.kind == "binary":
            target = y.copy()
            target[:, i] = 1 - target[:, i]
            moved[f"± {label.name}"] = model.transfer(x, y, target)
        first = np.flatnonzero(_low(label, result.y[:, i]))[:1]
        if len(first):
            given = result.x[first], label.name
            (paths[label.name],) = model.interpolate(*given, steps=STEPS, y=result.y[first]).numpy()
    drawn["samples"] = _rows("Samples with the label; their other labels are those of test images.", samples)
    drawn["transfer"] = _rows(
        "Test images, and below each the result of changing one label: a binary label is set where "
        "it is absent and removed where it is present, other labels get the value on the left. The "
        "code of the label is the mean of its prior.",
        moved,
    )
    if paths:
        drawn["interpolation"] = _rows(
            "A test image, moved in a straight line between the mean codes of a label: from absent "
            "to present, from the first class to the last, or from low to high.",
            paths,
        )
    if result.codes.w is not None:
        for i, label in labels.items():
            low, unknown = _low(label, result.y[:, i]), np.isnan(result.y[:, i])
            contents, styles = np.flatnonzero(low), np.flatnonzero(~low & ~unknown)
            if len(contents) and len(styles):
                given = model, result, label.name, contents[:GRID]
                drawn[f"styles_{names[label.name]}"] = _styles(*given, styles[:GRID])
                drawn[f"traversal_{names[label.name]}"] = _traversal(*given)
    return drawn


def _rows(caption: str, rows: dict[str, np.ndarray]) -> Picture:
    return caption, figures.image_rows(list(rows.values()), list(rows))


def _values(label: Label) -> Iterator[tuple[float, str]]:
    """Yields (value, words) of the values of a label that get a row of images each."""
    for value in (REAL if label.kind == "real" else label.points[0])[:MAX_VALUES]:
        words = label.name if label.kind == "binary" else f"{label.name} = {label.text(value)}"
        yield value, words


def _low(label: Label, column: np.ndarray) -> np.ndarray:
    """Returns which examples are without a label, of its first class, or below its mean."""
    return column < (0.0 if label.kind == "real" else 0.5)


def _styles(
    model: GenerativeModel, result: Evaluation, name: str, contents: np.ndarray, styles: np.ndarray
) -> Picture:
    x, y = result.x, result.y
    content, style = np.repeat(contents, len(styles)), np.tile(styles, len(contents))
    made = model.style_transfer(x[content], x[style], name, y[content], y[style])
    made = np.reshape(made, (len(contents), len(styles), *x.shape[1:]))
    rows = [np.concatenate([np.ones_like(x[:1]), x[styles]])]
    rows += [np.concatenate([x[[one]], row]) for one, row in zip(contents, made, strict=True)]
    caption = (
        f"Style transfer: each image on the left gets the style of {name} of the images above, "
        "which is their subspace w of the label, and keeps the rest of its code."
    )
    return caption, figures.image_rows(rows, ["style", *[""] * len(contents)])


def _traversal(model: GenerativeModel, result: Evaluation, name: str, contents: np.ndarray) -> Picture:
    x, y = result.x[contents[:1]], result.y[contents[:1]]
    grid = model.traverse(x, name, y, steps=TRAVERSAL).numpy()[0]
    caption = (
        f"Latent traversal of the subspace of {name}: a test image, decoded at a grid of w around "
        "the mean of the prior with the label (of other than binary labels: with the image's "
        "value), two standard deviations each way. The rest of the code stays."
    )
    return caption, figures.image_rows(list(grid), [""] * len(grid))
