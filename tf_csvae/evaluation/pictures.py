"""What ``evaluate`` found, drawn."""

import numpy as np

from tf_csvae import figures

# Images in a row; images and styles of a style grid; steps of an interpolation and of a walk.
ROW, GRID, STEPS, WALK = 12, 6, 9, 7
MAX_LABELS = 5

# Values that a real label is given: the 10 %, 50 % and 90 % points of the standard normal.
REAL = (-1.282, 0.0, 1.282)

# Classes of a label that have rows of their own.
MAX_VALUES = 10


def pictures(model, result, info, history=None, shown=None, seed=0):
    """Draws an evaluation.

    Args:
        model: the ``GenerativeModel`` that was measured.
        result: its ``Evaluation``.
        info: the dataset's ``Info``.
        history: {name: list of float per epoch}, as history.csv has it; None leaves it out.
        shown: names of the labels that have pictures of their own; None: the first five.
        seed: int, of the samples.

    Returns:
        {file name without ending: (caption, matplotlib Figure)}.

    Raises:
        InputError: no such label.
    """
    names = [label.name for label in info.labels]
    shown = names[:MAX_LABELS] if shown is None else [names[model.label_index(name)] for name in shown]
    drawn = {}
    if info.is_image:
        drawn.update(_images(model, result, info.labels, shown, seed))
    else:
        clouds = [info.unscale(cloud) for cloud in (result.x, result.reconstruction, result.samples)]
        drawn["reconstructions"] = (
            f"Test data, their reconstructions, and samples{_given(model)} Coloured by {names[0]}.",
            figures.points(
                clouds,
                ["original", "reconstruction", "samples"],
                [result.y[:, 0]] * 3,
                info.feature_names,
                info.labels[0],
            ),
        )
    for name in shown:
        drawn[f"planes_{name}"] = _planes(result, info.labels[names.index(name)], names.index(name))
    if "leak" in result.numbers:
        drawn["leak"] = _leak(result.numbers, info.labels)
    if history:
        drawn["training"] = ("The terms of the objective by epoch.", figures.training_curves(history))
    return drawn


def _given(model):
    return " given the same labels." if model.label_widths else "."


def _planes(result, label, column):
    name, divergence = label.name, result.numbers["divergence"]
    planes, titles = [result.codes.z], [_plane_title("z", divergence["z"].get(name))]
    about = "z"
    if name in result.codes.subspaces:
        planes.append(result.codes.subspaces[name])
        titles.append(_plane_title(f"w of {name}", divergence["w"].get(name)))
        about = "z, from which it should not be readable, and its own subspace w"
    return (
        f"Codes of the test data, one sample each, by {name}: {about}. KL: the nearest-neighbour "
        f"estimate between {_SIDES[label.kind]}.",
        figures.latent_planes(planes, titles, result.codes.y[:, column], label),
    )


_SIDES = {
    "binary": "its two values",
    "categorical": "each class and the rest, their mean",
    "real": "its highest and its lowest third",
}


def _plane_title(name, divergence):
    if divergence is None:
        return name
    return f"{name}\nKL {divergence['kl']:.3f} (shuffled {divergence['null_mean']:.3f} ± {divergence['null_sd']:.3f})"


def _leak(numbers, labels):
    """The heat map of what each code knows of each label."""
    sources = {"z": numbers["probe"]["z"]}
    sources |= {f"w of {source}": row for source, row in numbers["leak"].items()}
    real = [label.kind == "real" for label in labels]
    columns = [f"{label.name} (R²)" if label.kind == "real" else label.name for label in labels]
    matrix = np.array(
        [
            [
                row.get(label.name, {}).get("r2" if is_real else "auc", np.nan)
                for label, is_real in zip(labels, real, strict=True)
            ]
            for row in sources.values()
        ]
    )
    return (
        "How well each label (column) is read from each code (row): area under the ROC curve of a probe on "
        "test data, 0.5 where nothing can be read"
        + (", of a real label R², 0 where nothing can be read" if any(real) else "")
        + ". A row of w should know its own label; labels that occur "
        "together in the data are read from one another's subspaces in any case. z: boosted trees; w: "
        "nearest neighbours.",
        # Half of R² above a half, so that nothing and all have the colours of 0.5 and of 1.
        figures.heat_map(
            np.where(real, 0.5 + matrix / 2, matrix), list(sources), columns, (0.5, 1.0), matrix
        ),
    )


def _images(model, result, labels, shown, seed):
    """The pictures that only images have."""
    x, y = result.x, result.y
    n = ROW
    drawn = {
        "reconstructions": (
            f"Test images, their reconstructions, and samples{_given(model)}",
            figures.image_rows(
                [x[:n], result.reconstruction[:n], result.samples[:n]],
                ["original", "reconstruction", "samples"],
            ),
        )
    }
    if not model.label_widths:
        return drawn
    columns = {name: model.label_index(name) for name in shown}
    rows, moved, paths = {}, {"original": x[:n]}, {}
    for name, i in columns.items():
        label = labels[i]
        for value, words in _values(label):
            wanted = y[:n].copy()
            wanted[:, i] = value
            if label.kind != "binary" or value == 1:
                rows[words] = model.sample(wanted, seed=seed)
            if label.kind != "binary":
                moved[words] = model.transfer(x[:n], y[:n], wanted)
        if label.kind == "binary":
            target = y[:n].copy()
            target[:, i] = 1 - target[:, i]
            moved[f"± {name}"] = model.transfer(x[:n], y[:n], target)
        first = np.flatnonzero(_lacks(label, y[:, i]))[:1]
        if len(first):
            for path in model.interpolate(x[first], name, steps=STEPS, y=y[first]).numpy():
                paths[name] = path
    drawn["samples"] = (
        "Samples that were given the label, and the other labels as the test data have them together.",
        figures.image_rows(list(rows.values()), list(rows)),
    )
    drawn["transfer"] = (
        "Test images, and below each with one label changed: set where it has it not, removed where it has it, or "
        "given the value that stands there; by the mean of the label's prior.",
        figures.image_rows(list(moved.values()), list(moved)),
    )
    if paths:
        drawn["interpolation"] = (
            "The reconstruction of a test image, moved in a straight line from the mean code of the label's absence "
            "to that of its presence, from its first class to its last, or from low to high.",
            figures.image_rows(list(paths.values()), list(paths)),
        )
    if result.codes.w is not None:
        for name, i in columns.items():
            without = np.flatnonzero(_lacks(labels[i], y[:, i]))
            with_it = np.flatnonzero(~_lacks(labels[i], y[:, i]) & ~np.isnan(y[:, i]))
            if len(with_it) and len(without):
                drawn[f"styles_{name}"] = _styles(model, x, y, name, without[:GRID], with_it[:GRID])
                drawn[f"walk_{name}"] = _walk(model, x, y, name, without[:1])
    return drawn


def _values(label):
    """Yields (value, words) of the values of a label that get a row of images each."""
    values = REAL if label.kind == "real" else label.points[0]
    for value in values[:MAX_VALUES]:
        yield value, label.name if label.kind == "binary" else f"{label.name} = {label.text(value)}"


def _lacks(label, column):
    """Which examples are those that shall change: without the label, of its first class, or low."""
    return column < {"binary": 0.5, "categorical": 0.5, "real": 0.0}[label.kind]


def _styles(model, x, y, name, contents, styles):
    blank = np.ones_like(x[:1])
    rows = [np.concatenate([blank, x[styles]])]
    for content in contents:
        repeated = np.repeat(x[[content]], len(styles), 0)
        made = model.style_transfer(repeated, x[styles], name, y[content], y[styles])
        rows.append(np.concatenate([x[[content]], made]))
    return (
        f"Style transfer: the way in which the images above have {name}, its subspace w and nothing else, given to "
        "the images on the left, which have it not, or otherwise.",
        figures.image_rows(rows, ["style", *[""] * len(contents)]),
    )


def _walk(model, x, y, name, row):
    grid = model.walk(x[row], name, y[row], steps=WALK).numpy()[0]
    return (
        f"A walk over the subspace of {name}: one test image, decoded at a grid of codes around the mean of the "
        "prior of images that have it (of a label with classes or numbers: have what it has), two standard "
        "deviations each way; all else stays.",
        figures.image_rows(list(grid), [""] * len(grid)),
    )
