"""Arrays in, matplotlib figures out.

Figures are made without pyplot, so nothing here depends on a display or leaves state.
"""

import re

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from tf_csvae.labels import as_labels

# Two colours that people with any colour vision tell apart (Okabe and Ito 2008).
_OFF, _ON = "#0072B2", "#D55E00"

# Of an example whose label is not known.
_UNKNOWN = "#999999"


def _grid(rows, columns, width=2.0, height=2.0):
    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def latent_planes(planes, titles, values, label):
    """Scatter plots of codes, coloured by a label (the student report's figures 1 to 3).

    Args:
        planes: list of float [n, d]; the two dimensions of most variance are drawn.
        titles: list of str, one per plane.
        values: [n], the label's, as y has them.
        label: ``Label``, or the name of a binary one.

    Returns:
        A matplotlib Figure.
    """
    figure, axes = _grid(1, len(planes), 4.2, 4.2)
    for axis, codes, title in zip(axes[0], planes, titles, strict=True):
        codes = np.asarray(codes)
        shown = sorted(np.argsort(-codes.var(0))[:2])
        across = codes[:, shown[0]]
        up = codes[:, shown[1]] if len(shown) > 1 else np.zeros(len(codes))
        for chosen, colour, words in _coloured(values, label):
            axis.scatter(across[chosen], up[chosen], s=3, color=colour, linewidths=0, alpha=0.6, label=words)
        axis.set_title(title)
        axis.set_xlabel(f"dimension {shown[0] + 1}")
        if len(shown) > 1:
            axis.set_ylabel(f"dimension {shown[1] + 1}")
    axes[0][0].legend(markerscale=4, loc="best")
    return figure


def _coloured(values, label):
    """Yields (bool [n], colours, words for the legend) of the examples by a label's values.

    Of a real label the thirds from the lowest to the highest.
    """
    (label,), values = as_labels([label]), np.asarray(values, np.float64)
    if label.kind == "real":
        low, high = np.nanquantile(values, (1 / 3, 2 / 3)) if np.isfinite(values).any() else (0, 0)
        low_text, high_text = label.text(low), label.text(high)
        spread = matplotlib.colormaps["viridis"]
        yield values < low, spread(0.0), f"{label.name} below {low_text}"
        yield (values >= low) & (values <= high), spread(0.5), f"{label.name} between"
        yield values > high, spread(0.95), f"{label.name} above {high_text}"
    elif label.kind == "categorical":
        palette = matplotlib.colormaps["tab10" if len(label.classes) <= 10 else "tab20"]
        for place, name in enumerate(label.classes):
            yield values == place, palette(place % palette.N), f"{label.name} = {name}"
    else:
        yield values <= 0.5, _OFF, f"{label.name} = 0"
        yield values > 0.5, _ON, f"{label.name} = 1"
    if np.isnan(values).any():
        yield np.isnan(values), _UNKNOWN, f"{label.name} not known"


def training_curves(history):
    """One small plot per term of the objective, training and validation.

    Args:
        history: {name: list of float per epoch}; ``val_<name>`` is drawn with ``<name>``,
            what is no term (times) is left out.

    Returns:
        A matplotlib Figure.
    """
    other = ("epoch", "seconds", "examples_per_second")
    names = [name for name in history if not name.startswith("val_") and name not in other]
    columns = min(4, len(names))
    figure, axes = _grid(-(-len(names) // columns), columns, 3.0, 2.2)
    for axis in axes.flat[len(names) :]:
        axis.remove()
    for axis, name in zip(axes.flat, names, strict=False):
        for key, colour, split in ((name, _OFF, "train"), (f"val_{name}", _ON, "validation")):
            if key in history:
                axis.plot(np.arange(1, len(history[key]) + 1), history[key], c=colour, lw=1, label=split)
        axis.set_title(name, fontsize=9)
        axis.tick_params(labelsize=7)
    axes.flat[0].legend(fontsize=7)
    return figure


def label_bars(scores, shown):
    """Horizontal bars, a group per label, the labels in the order of their first bar.

    Args:
        scores: {label: {score: float in [0, 1]}}.
        shown: {score: its name in words}, at most two, a bar of each group each.

    Returns:
        A matplotlib Figure.
    """
    labels = sorted(scores, key=lambda label: scores[label][next(iter(shown))])
    figure = Figure(figsize=(6.5, 0.8 + 0.32 * len(labels)), layout="constrained")
    axis = figure.subplots()
    places, height = np.arange(len(labels)), 0.8 / len(shown)
    for number, (key, words) in enumerate(shown.items()):
        values = [scores[label][key] for label in labels]
        offset = 0.4 - height * (number + 0.5)  # the first on top
        bars = axis.barh(places + offset, values, height, color=(_OFF, _ON)[number], label=words)
        axis.bar_label(bars, fmt="%.3f", padding=2, fontsize=7)
    axis.set_yticks(places, labels, fontsize=8)
    # From a coin's toss on, if nothing lies below; beyond 1 for the numbers at the bars' ends.
    start = 0.5 if min(scores[label][key] for label in labels for key in shown) >= 0.5 else 0.0
    axis.set_xlim(start, 1.06)
    axis.set_xticks(np.arange(start, 1.01, 0.1))
    axis.margins(y=0.01)
    axis.spines[["top", "right"]].set_visible(False)
    figure.legend(
        *axis.get_legend_handles_labels(), loc="outside upper right", ncols=2, fontsize=8, frameon=False
    )
    return figure


def points(clouds, titles, values, feature_names, label=""):
    """Vectors side by side: all three features of three, else the first two.

    Args:
        clouds: list of float [n, d], in the data's own units.
        titles: list of str.
        values: list of [n], as y has them, the label that colours each cloud.
        feature_names: names of the d features.
        label: ``Label``, or the name of a binary one.

    Returns:
        A matplotlib Figure.
    """
    figure = Figure(figsize=(4.2 * len(clouds), 4.2), layout="constrained")
    solid = len(feature_names) == 3
    clouds = [np.asarray(cloud) for cloud in clouds]
    margin = 0.05 * np.ptp(clouds[0], axis=0)
    limits = np.stack([clouds[0].min(0) - margin, clouds[0].max(0) + margin])  # the same for all
    for number, (cloud, title, value) in enumerate(zip(clouds, titles, values, strict=True), start=1):
        axis = figure.add_subplot(1, len(clouds), number, projection="3d" if solid else None)
        shown = np.all((cloud >= limits[0]) & (cloud <= limits[1]), axis=1)
        colours = np.empty((len(cloud), 4))
        for chosen, colour, _ in _coloured(value, label):
            colours[chosen] = matplotlib.colors.to_rgba_array(colour)
        axis.scatter(*cloud[shown].T[: 3 if solid else 2], s=3, c=colours[shown], linewidths=0, alpha=0.6)
        axis.set_title(title)
        for letter, name, low, high in zip("xyz", feature_names, *limits, strict=False):
            if hasattr(axis, f"set_{letter}label"):
                axis.set(**{f"{letter}label": name, f"{letter}lim": (low, high)})
        if solid:
            axis.view_init(elev=10, azim=-80)
            axis.set_box_aspect((1, 1, 1), zoom=0.95)
    return figure


def image_rows(rows, titles):
    """Rows of images, each with a title on its left.

    Args:
        rows: list of float [n, height, width, 3] in [0, 1].
        titles: list of str.

    Returns:
        A matplotlib Figure.
    """
    columns = max(len(row) for row in rows)
    figure = Figure(figsize=(columns * 0.9, len(rows) * 0.95), layout="constrained")
    axes = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
    for axis, row, title in zip(axes, rows, titles, strict=True):
        axis.imshow(np.concatenate(list(np.clip(row, 0, 1)), axis=1), interpolation="nearest")
        axis.set_xticks([])
        axis.set_yticks([])
        axis.spines[:].set_visible(False)
        axis.text(-0.01, 0.5, title, transform=axis.transAxes, ha="right", va="center", fontsize=8)
    return figure


def heat_map(matrix, rows, columns, limits, written=None):
    """A matrix of numbers as colours, each written in its cell.

    Args:
        matrix: float [n, m]; NaN cells stay empty.
        written: float [n, m], what is written there; None: the same numbers.
        rows: n names.
        columns: m names.
        limits: (low, high), the ends of the colours.

    Returns:
        A matplotlib Figure.
    """
    matrix = np.asarray(matrix, np.float64)
    figure = Figure(figsize=(2.2 + 0.42 * len(columns), 1.6 + 0.3 * len(rows)), layout="constrained")
    axis = figure.subplots()
    axis.imshow(matrix, cmap="viridis", vmin=limits[0], vmax=limits[1], aspect="auto")
    axis.set_xticks(range(len(columns)), columns, rotation=60, ha="right", rotation_mode="anchor", fontsize=7)
    axis.set_yticks(range(len(rows)), rows, fontsize=7)
    for (i, j), value in np.ndenumerate(matrix):
        if np.isfinite(value):
            dark = value < np.mean(limits)
            text = f"{value if written is None else written[i][j]:.2f}"
            text = re.sub(r"^(-?)0\.", r"\1.", text)
            axis.text(j, i, text, ha="center", va="center", fontsize=6, color="white" if dark else "black")
    return figure
