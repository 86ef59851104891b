"""What ``evaluate`` found, drawn."""

import numpy as np

from tf_csvae import figures

# Images in a row; images and styles of a style grid; steps of an interpolation and of a walk.
ROW, GRID, STEPS, WALK = 12, 6, 9, 7
MAX_LABELS = 5


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
        drawn.update(_images(model, result, shown, seed))
    else:
        clouds = [info.unscale(cloud) for cloud in (result.x, result.reconstruction, result.samples)]
        drawn["reconstructions"] = (
            f"Test data, their reconstructions, and samples{_given(model)} Coloured by {names[0]}.",
            figures.points(
                clouds, ["original", "reconstruction", "samples"], [result.y[:, 0]] * 3, info.feature_names
            ),
        )
    for name in shown:
        drawn[f"planes_{name}"] = _planes(result, name, names.index(name))
    if "leak" in result.numbers:
        drawn["leak"] = _leak(result.numbers, names)
    if history:
        drawn["training"] = ("The terms of the objective by epoch.", figures.training_curves(history))
    return drawn


def _given(model):
    return " given the same labels." if model.label_width else "."


def _planes(result, name, column):
    divergence = result.numbers["divergence"]
    planes, titles = [result.codes.z], [_plane_title("z", divergence["z"].get(name))]
    about = "z"
    if name in result.codes.subspaces:
        planes.append(result.codes.subspaces[name])
        titles.append(_plane_title(f"w of {name}", divergence["w"].get(name)))
        about = "z, from which it should not be readable, and its own subspace w"
    return (
        f"Codes of the test data, one sample each, by {name}: {about}. KL: the nearest-neighbour "
        "estimate between its two values.",
        figures.latent_planes(planes, titles, result.codes.y[:, column], name),
    )


def _plane_title(name, divergence):
    if divergence is None:
        return name
    return f"{name}\nKL {divergence['kl']:.3f} (shuffled {divergence['null_mean']:.3f} ± {divergence['null_sd']:.3f})"


def _leak(numbers, names):
    """The heat map of what each code knows of each label."""
    sources = {"z": {name: entry["auc"] for name, entry in numbers["probe"]["z"].items()}}
    for source, row in numbers["leak"].items():
        sources[f"w of {source}"] = {name: entry["auc"] for name, entry in row.items()}
    matrix = [[row.get(name, np.nan) for name in names] for row in sources.values()]
    return (
        "How well each label (column) is read from each code (row): area under the ROC curve of a probe on "
        "test data, 0.5 where nothing can be read. A row of w should know its own label; labels that occur "
        "together in the data are read from one another's subspaces in any case. z: boosted trees; w: "
        "nearest neighbours.",
        figures.heat_map(np.array(matrix), list(sources), names, (0.5, 1.0)),
    )


def _images(model, result, shown, seed):
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
    if not model.label_width:
        return drawn
    columns = {name: model.label_index(name) for name in shown}
    rows, moved, paths, moving = [], [x[:n]], [], []
    for name, i in columns.items():
        wanted = y[:n].copy()
        wanted[:, i] = 1
        rows.append(model.sample(wanted, seed=seed))
        target = y[:n].copy()
        target[:, i] = 1 - target[:, i]
        moved.append(model.transfer(x[:n], y[:n], target))
        without = np.flatnonzero(y[:, i] < 0.5)[:1]
        if len(without):
            moving.append(name)
            paths.extend(model.interpolate(x[without], name, steps=STEPS, y=y[without]).numpy())
    drawn["samples"] = (
        "Samples that were given the label, and the other labels as the test data have them together.",
        figures.image_rows(rows, shown),
    )
    drawn["transfer"] = (
        "Test images, and below each with one label changed: set where it has it not, removed where it has it; "
        "by the mean of the label's prior.",
        figures.image_rows(moved, ["original", *(f"± {name}" for name in shown)]),
    )
    if paths:
        drawn["interpolation"] = (
            "The reconstruction of a test image without the label, moved in a straight line from the mean code of "
            "the label's absence to that of its presence.",
            figures.image_rows(paths, moving),
        )
    if result.codes.w is not None:
        for name, i in columns.items():
            with_it, without = (np.flatnonzero(which) for which in (y[:, i] > 0.5, y[:, i] < 0.5))
            if len(with_it) and len(without):
                drawn[f"styles_{name}"] = _styles(model, x, y, name, without[:GRID], with_it[:GRID])
                drawn[f"walk_{name}"] = _walk(model, x, y, name, without[:1])
    return drawn


def _styles(model, x, y, name, contents, styles):
    blank = np.ones_like(x[:1])
    rows = [np.concatenate([blank, x[styles]])]
    for content in contents:
        repeated = np.repeat(x[[content]], len(styles), 0)
        made = model.style_transfer(repeated, x[styles], name, y[content], y[styles])
        rows.append(np.concatenate([x[[content]], made]))
    return (
        f"Style transfer: the way in which the images above have {name}, its subspace w and nothing else, given to "
        "the images on the left, which have it not.",
        figures.image_rows(rows, ["style", *[""] * len(contents)]),
    )


def _walk(model, x, y, name, row):
    grid = model.walk(x[row], name, y[row], steps=WALK).numpy()[0]
    return (
        f"A walk over the subspace of {name}: one test image without it, decoded at a grid of codes around the "
        "mean of the prior of images that have it, two standard deviations each way; all else stays.",
        figures.image_rows(list(grid), [""] * len(grid)),
    )
