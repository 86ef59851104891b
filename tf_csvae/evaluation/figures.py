"""Arrays in, matplotlib figures out. pyplot is not used, so there is no display and no state."""

import re
from collections.abc import Iterator, Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from tf_csvae.labels import Label, as_labels

# A figure with its caption; pictures by the names of their files without endings.
Picture = tuple[str, Figure]
Pictures = dict[str, Picture]

# Two colours that people with any colour vision tell apart (Okabe and Ito 2008), and the colour of
# examples whose label is unknown.
_OFF, _ON, _UNKNOWN = "#0072B2", "#D55E00", "#999999"


def _points(count: int) -> dict:
    """Returns the style of so many points: few are larger."""
    return {"s": min(20.0, max(3.0, 3000 / max(count, 1))), "linewidths": 0, "alpha": 0.6}


def drawable(text: str, most: int = 60) -> str:
    """Returns a text from the data, such as the name of a label, as matplotlib draws it unread.

    Otherwise "$" would begin a formula, and "_" hide an entry of a legend. Long lines are cut.
    """
    lines = [line if len(line) <= most else f"{line[:most]} ..." for line in text.split("\n")]
    text = "\n".join("".join(each if each.isprintable() else "?" for each in line) for line in lines)
    return f"{' ' * text.startswith('_')}{text}".replace("$", r"\$")


def _grid(rows: int, columns: int, width: float, height: float) -> tuple[Figure, np.ndarray]:
    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def latent_planes(
    planes: Sequence[np.ndarray], titles: Sequence[str], values: np.ndarray, label: Label | str
) -> Figure:
    """Draws codes, float [n, d] each, as points coloured by a label's column of y, ``values`` [n].

    Figures 1 to 3 of the student report. The two dimensions of the largest variance are drawn. A
    label that is only a name is a binary one.
    """
    figure, axes = _grid(1, len(planes), 4.2, 4.2)
    for axis, codes, title in zip(axes[0], planes, titles, strict=True):
        codes = np.asarray(codes)
        dimensions = sorted(np.argsort(-codes.var(0))[:2])
        points = np.zeros((2, len(codes)))
        points[: len(dimensions)] = codes[:, dimensions].T
        for chosen, colour, words in _coloured(values, label):
            axis.scatter(*points[:, chosen], color=colour, label=drawable(words), **_points(len(codes)))
        axis.set_title(drawable(title))
        axis.set_xlabel(f"dimension {dimensions[0] + 1}")
        if len(dimensions) > 1:
            axis.set_ylabel(f"dimension {dimensions[1] + 1}")
    axes[0][0].legend(markerscale=4 if len(planes[0]) > 1000 else 1.5, loc="best")
    return figure


def _coloured(values: np.ndarray, label: Label | str) -> Iterator[tuple]:
    """Yields (bool [n], colour, words of the legend) of the examples with each value of a label.

    The values of a real label are its lowest, middle and highest third.
    """
    (label,), values = as_labels([label]), np.asarray(values, np.float64)
    if label.kind == "real":
        low, high = np.nanquantile(values, (1 / 3, 2 / 3)) if np.isfinite(values).any() else (0, 0)
        spread = matplotlib.colormaps["viridis"]
        yield values < low, spread(0.0), f"{label.name} below {label.text(low)}"
        yield (values >= low) & (values <= high), spread(0.5), f"{label.name} between"
        yield values > high, spread(0.95), f"{label.name} above {label.text(high)}"
    elif label.kind == "categorical":
        palette = matplotlib.colormaps["tab10" if len(label.classes) <= 10 else "tab20"]
        for place, name in enumerate(label.classes):
            yield values == place, palette(place % palette.N), f"{label.name} = {name}"
    else:
        yield values <= 0.5, _OFF, f"{label.name} = 0"
        yield values > 0.5, _ON, f"{label.name} = 1"
    if np.isnan(values).any():
        yield np.isnan(values), _UNKNOWN, f"{label.name} unknown"


def training_curves(history: dict[str, list[float]]) -> Figure:
    """Draws a small plot per term of the objective, from {name: value per epoch}.

    ``val_<name>`` is drawn with ``<name>``, and times are left out.
    """
    others = ("epoch", "seconds", "examples_per_second")
    names = [name for name in history if not name.startswith("val_") and name not in others]
    columns = min(4, max(1, len(names)))
    figure, axes = _grid(max(1, -(-len(names) // columns)), columns, 3.0, 2.2)
    for axis in axes.flat[len(names) :]:
        axis.remove()
    for axis, name in zip(axes.flat, names, strict=False):
        for key, colour, split in ((name, _OFF, "train"), (f"val_{name}", _ON, "validation")):
            if key in history:
                axis.plot(np.arange(1, len(history[key]) + 1), history[key], c=colour, lw=1, label=split)
        axis.set_title(drawable(name), fontsize=9)
        axis.tick_params(labelsize=7)
    if names:
        axes.flat[0].legend(fontsize=7)
    return figure


def label_bars(scores: dict[str, dict[str, float]], shown: Sequence[str]) -> Figure:
    """Draws a group of horizontal bars per label, in the order of their first bars.

    ``scores`` is {label: {score: value in [0, 1]}}; each of the one or two ``shown`` is a bar.
    """
    labels = sorted(scores, key=lambda label: scores[label][shown[0]])
    figure, ((axis,),) = _grid(1, 1, 6.5, 0.8 + 0.32 * len(labels))
    places, height = np.arange(len(labels)), 0.8 / len(shown)
    for number, key in enumerate(shown):
        values, words = [scores[label][key] for label in labels], key.replace("_", " ")
        offset = 0.4 - height * (number + 0.5)  # the first on top
        bars = axis.barh(places + offset, values, height, color=(_OFF, _ON)[number], label=words)
        axis.bar_label(bars, fmt="%.3f", padding=2, fontsize=7)
    axis.set_yticks(places, list(map(drawable, labels)), fontsize=8)
    # From chance on, unless a value is below; beyond 1 for the numbers at the ends of the bars.
    start = 0.5 if min(scores[label][key] for label in labels for key in shown) >= 0.5 else 0.0
    axis.set_xlim(start, 1.06)
    axis.set_xticks(np.arange(start, 1.01, 0.1))
    axis.margins(y=0.01)
    axis.spines[["top", "right"]].set_visible(False)
    style = {"loc": "outside upper right", "ncols": 2, "fontsize": 8, "frameon": False}
    figure.legend(*axis.get_legend_handles_labels(), **style)
    return figure


def points(
    clouds: Sequence[np.ndarray],
    titles: Sequence[str],
    values: Sequence[np.ndarray],
    feature_names: Sequence[str],
    label: Label | str = "",
) -> Figure:
    """Draws vectors, float [n, d] each, as points, by three features or by the first two.

    ``clouds`` are in the data's own units, NaN where a feature is missing; ``values``, [n] each,
    are the column of y of the label that colours them. A label that is only a name is a binary one.
    """
    figure, solid = Figure(figsize=(4.2 * len(clouds), 4.2), layout="constrained"), len(feature_names) == 3
    clouds = [np.asarray(cloud) for cloud in clouds]
    known = np.where(np.isnan(clouds[0]).all(0), 0.0, clouds[0])  # a feature that is never known
    known = np.where(np.isnan(known), np.nanmedian(known, axis=0), known)
    spread = np.ptp(known, axis=0)
    margin = np.where(spread > 0, 0.05 * spread, 0.5)  # a constant feature hides nothing
    limits = np.stack([known.min(0) - margin, known.max(0) + margin])  # the same for all
    for number, (cloud, title, value) in enumerate(zip(clouds, titles, values, strict=True), 1):
        axis = figure.add_subplot(1, len(clouds), number, projection="3d" if solid else None)
        inside = np.all((cloud >= limits[0]) & (cloud <= limits[1]), axis=1)
        colours = np.empty((len(cloud), 4))
        for chosen, colour, _ in _coloured(value, label):
            colours[chosen] = matplotlib.colors.to_rgba_array(colour)
        axis.scatter(*cloud[inside].T[: 3 if solid else 2], c=colours[inside], **_points(len(cloud)))
        axis.set_title(drawable(title))
        for letter, name, low, high in zip("xyz", feature_names, *limits, strict=False):
            if hasattr(axis, f"set_{letter}label"):
                axis.set(**{f"{letter}label": drawable(name), f"{letter}lim": (low, high)})
        if solid:
            axis.view_init(elev=10, azim=-80)
            axis.set_box_aspect((1, 1, 1), zoom=0.95)
    return figure


def image_rows(rows: Sequence[np.ndarray], titles: Sequence[str]) -> Figure:
    """Draws rows of images, float [n, height, width, c] in [0, 1], with titles on the left.

    One channel is grey. A fourth one, the opacity, is not drawn: the colours stand over white.
    """
    columns = max(len(row) for row in rows)
    height, width = np.shape(rows[0])[1:3]
    figure, axes = _grid(len(rows), 1, columns * 0.9, 0.9 * height / width + 0.05)
    for axis, row, title in zip(axes[:, 0], rows, titles, strict=True):
        drawn = np.concatenate(list(np.clip(row, 0, 1)), axis=1)[..., :3]
        axis.imshow(drawn, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
        style = {"transform": axis.transAxes, "ha": "right", "va": "center", "fontsize": 8}
        axis.text(-0.01, 0.5, drawable(title), **style)
    return figure


def heat_map(
    matrix: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    limits: tuple[float, float],
    written: np.ndarray | None = None,
) -> Figure:
    """Draws a matrix [n, m] as colours between ``limits``, with a number in each cell; NaN: empty.

    The numbers are those of ``written`` [n, m]; None: those of the matrix.
    """
    matrix = np.asarray(matrix, np.float64)
    figure, ((axis,),) = _grid(1, 1, 2.2 + 0.42 * len(columns), 1.6 + 0.3 * len(rows))
    axis.imshow(matrix, cmap="viridis", vmin=limits[0], vmax=limits[1], aspect="auto")
    slanted = {"rotation": 60, "ha": "right", "rotation_mode": "anchor"}
    axis.set_xticks(range(len(columns)), list(map(drawable, columns)), fontsize=7, **slanted)
    axis.set_yticks(range(len(rows)), list(map(drawable, rows)), fontsize=7)
    for (i, j), value in np.ndenumerate(matrix):
        if np.isfinite(value):
            text = f"{value if written is None else written[i][j]:.2f}"
            colour = "white" if value < np.mean(limits) else "black"
            style = {"ha": "center", "va": "center", "fontsize": 6, "color": colour}
            axis.text(j, i, re.sub(r"^(-?)0\.", r"\1.", text), **style)
    return figure
