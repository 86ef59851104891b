"""Controls of the explorer's page: those of labels and features, images, and the pad of a w_i."""

from typing import Any

import gradio as gr
import numpy as np

from tf_csvae.errors import InputError
from tf_csvae.labels import Label

LEFT_OPEN = "left open"

# A plane of w_i: points are examples, coloured by their label. The value is "x,y" in its 400 x 400.
PAD = """
<svg viewBox="0 0 400 400" role="application" tabindex="0" aria-label="${label}">
  <rect x="0" y="0" width="400" height="400" class="plane"/>
  ${points.map(p => `<circle cx="${p[0]}" cy="${p[1]}" r="4" class="c${p[2]}"/>`).join("")}
  <path d="M ${at[0] - 12} ${at[1]} h 24 M ${at[0]} ${at[1] - 12} v 24" class="cross"/>
</svg>
"""
PAD_STYLE = """
svg { width: 100%; max-width: 420px; touch-action: none; cursor: crosshair; display: block; }
.plane { fill: var(--background-fill-secondary); stroke: var(--border-color-primary); }
.cross { stroke: var(--body-text-color); stroke-width: 3; }
.c0 { fill: #4477aa; } .c1 { fill: #ee6677; } .c2 { fill: #228833; } .c3 { fill: #ccbb44; }
.c4 { fill: #66ccee; } .c5 { fill: #aa3377; } .c6 { fill: #bbbbbb; }
circle { opacity: 0.6; }
"""
PAD_SCRIPT = """
const move = (x, y) => {
  const within = v => Math.max(0, Math.min(400, v));
  props.value = [within(x), within(y)].map(v => v.toFixed(1)).join(",");
  props.at = [within(x), within(y)];
  trigger('input');
};
const follow = event => {
  const box = element.querySelector('svg').getBoundingClientRect();
  move((event.clientX - box.left) / box.width * 400, (event.clientY - box.top) / box.height * 400);
};
element.addEventListener('pointerdown', follow);
element.addEventListener('pointermove', event => { if (event.buttons) follow(event); });
element.addEventListener('keydown', event => {
  const step = {ArrowLeft: [-10, 0], ArrowRight: [10, 0], ArrowUp: [0, -10], ArrowDown: [0, 10]}[event.key];
  if (!step) return;
  event.preventDefault();
  move(props.at[0] + step[0], props.at[1] + step[1]);
});
"""


class Plane:
    """The plane of a pad: the first two dimensions of w_i, of which points lie within it."""

    def __init__(self, w: np.ndarray, values: np.ndarray) -> None:
        both = np.concatenate([w, np.zeros((len(w), 1))], 1)[:, :2]
        ends = both if len(both) else np.array([[-3.0, -3.0], [3.0, 3.0]])
        self._centre = (ends.max(0) + ends.min(0)) / 2
        self._half = max(float(np.ptp(ends, axis=0).max()) / 2 * 1.1, 1e-3)
        at = 200 + 200 * (both - self._centre) / self._half * [1, -1]
        kinds = np.unique(values)
        colours = (
            np.searchsorted(kinds, values)
            if len(kinds) <= 7
            else np.digitize(values, np.quantile(values, np.linspace(0, 1, 7)[1:-1]))
        )
        self.points = [
            [float(f"{x:.1f}"), float(f"{y:.1f}"), int(c)] for (x, y), c in zip(at, colours, strict=True)
        ]

    def w(self, at: str, own: np.ndarray) -> np.ndarray:
        """Returns w_i, [w_dim], of a place on the pad; further dimensions are those of ``own``.

        Raises:
            InputError: no place.
        """
        try:
            place = np.array([float(part) for part in str(at)[:40].split(",")])
        except ValueError:
            place = np.zeros(0)
        if place.shape != (2,) or not np.isfinite(place).all() or (np.abs(place - 200) > 200).any():
            raise InputError("This is no place on the pad.")
        w = np.array(own)
        w[:2] = (self._centre + (place - 200) / 200 * [1, -1] * self._half)[: len(w)]
        return w


# Without the button that shares an image on somebody's server.
BUTTONS = ["download", "fullscreen"]


def upload(label: str) -> gr.Image:
    """Returns a place for an image of the reader's, as a file."""
    sources = ["upload", "webcam", "clipboard"]
    return gr.Image(
        label=label, type="filepath", image_mode=None, sources=sources, height=220, buttons=BUTTONS
    )


def compared() -> gr.ImageSlider:
    """Returns a view of two images with a slider between them."""
    return gr.ImageSlider(
        label="Before and after", format="png", height=400, interactive=False, buttons=BUTTONS
    )


def difference() -> gr.Image:
    """Returns a view of what an edit changes."""
    return gr.Image(
        label="What changes (darker: more)", format="png", height=240, interactive=False, buttons=BUTTONS
    )


def control(label: Label) -> gr.components.Component:
    """Returns the control of a label: a switch, its classes, or a slider in its own units."""
    if label.kind == "binary":
        return gr.Checkbox(label=label.name)
    if label.kind == "categorical":
        return gr.Dropdown(list(label.classes), label=label.name)
    low, high = (label.in_units(end) for end in label.ends)
    low, high = (own if own is not None else end for own, end in ((label.low, low), (label.high, high)))
    return gr.Slider(low, high, label=label.name, step=_step(low, high))


def _step(low: float, high: float) -> float:
    return 10.0 ** np.floor(np.log10(max(high - low, 1e-9) / 100))


def as_control(label: Label, value: float) -> bool | str | float:
    """Returns what the control of a label shows for a value in the label's own units."""
    if label.kind == "binary":
        return bool(value >= 0.5)
    if label.kind == "categorical":
        return label.classes[round(float(value))]
    return float(f"{value:.6g}")


def open_control(label: Label) -> gr.components.Component:
    """Returns a control of a label that may be left open."""
    if label.kind == "real":
        return gr.Textbox("", label=label.name, placeholder=f"a number; empty: {LEFT_OPEN}")
    values = ["yes", "no"] if label.kind == "binary" else list(label.classes)
    return gr.Dropdown([LEFT_OPEN, *values], value=LEFT_OPEN, label=label.name)


def asked(value: Any) -> str | None:
    """Returns what an open control asks for, as ``Explorer.requested`` takes it; None: nothing."""
    if value in (None, "", LEFT_OPEN):
        return None
    return {"yes": "1", "no": "0"}.get(str(value), str(value))


def cell(column: Any, value: Any) -> gr.components.Component:
    """Returns the control of a feature of a table."""
    if column.categories:
        return gr.Dropdown([str(each) for each in column.categories], value=str(value), label=column.name)
    return gr.Textbox(str(value), label=column.name)
