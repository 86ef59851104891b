"""The page of the explorer, made with Gradio. ``explorer.Explorer`` computes what it shows."""

import contextlib
import functools
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

# Read when Gradio is imported: no telemetry.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr
import numpy as np

from export.explorer import EXAMPLES, MOST, Explorer, Opened
from tf_csvae.errors import InputError
from tf_csvae.evaluation import report
from tf_csvae.labels import Label
from tf_csvae.runs import Run

# Of a page: all labels and columns beyond it stay as they are in the example.
MOST_CONTROLS = 60

# Fonts of the reader's machine: Gradio's own themes load theirs from another server.
FONTS = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}

LEFT_OPEN = "left open"

NO_VALUE = "This is no value of the control."

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


@contextlib.contextmanager
def served(explorer: Explorer, port: int = 0, browser: bool = False) -> Iterator[tuple[gr.Blocks, str]]:
    """Serves the page on 127.0.0.1 and yields it with its address.

    All files of the page are in a temporary folder, which is removed at the end.

    Raises:
        InputError: the port is taken.
    """
    with tempfile.TemporaryDirectory(prefix="tf_csvae_explorer_") as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder
        made = Page(explorer, folder).blocks()
        try:
            _, url, _ = made.launch(
                server_name="127.0.0.1",
                server_port=port or None,
                inbrowser=browser,
                share=False,
                quiet=True,
                prevent_thread_lock=True,
                theme=gr.themes.Default(**FONTS),
                footer_links=[],
                max_file_size="64mb",
                ssr_mode=False,
            )
        except OSError as error:
            raise InputError(f"--port={port} cannot be used: {error}") from None
        try:
            yield made, url
        finally:
            made.close()


def told(handler: Callable) -> Callable:
    """Returns a handler of an event whose errors are sentences on the page, without a traceback."""

    @functools.wraps(handler)
    def run(*values: Any, **more: Any) -> Any:
        try:
            return handler(*values, **more)
        except InputError as error:
            raise gr.Error(str(error), print_exception=False) from None
        except (TypeError, ValueError, KeyError, IndexError, AttributeError):
            # What no control of the page sends.
            raise gr.Error(NO_VALUE, print_exception=False) from None

    return run


class _Blocks(gr.Blocks):
    """A page that answers what no control sends with a sentence, not with a traceback."""

    async def preprocess_data(self, *values: Any, **more: Any) -> list:
        try:
            return await super().preprocess_data(*values, **more)
        except gr.Error as error:
            error.print_exception = False
            raise
        except Exception:  # the checks of the controls raise errors of any kind
            raise gr.Error(NO_VALUE, print_exception=False) from None


class Page:
    """The page of an explorer; ``folder`` is for files that the reader downloads."""

    def __init__(self, explorer: Explorer, folder: str) -> None:
        self.explorer, self.folder = explorer, folder
        self.labels = explorer.labels[:MOST_CONTROLS]

    def blocks(self) -> gr.Blocks:
        """Returns the page."""
        explorer = self.explorer
        title = f"{explorer.served.description.system} on {explorer.info.name}"
        with _Blocks(title=title, analytics_enabled=False, delete_cache=(600, 3600)) as page:
            gr.Markdown(f"# {title}")
            for note in explorer.notes:
                gr.Markdown(report.markdown(note))
            image = explorer.info.is_image
            with gr.Tabs():
                if image:
                    with gr.Tab("Edit" if self.labels else "Reconstruct"):
                        opened = self._edit()
                    if explorer.has_pads:
                        with gr.Tab("Ways to have it"):
                            self._ways(opened)
                elif explorer.info.columns and self.labels and len(explorer.x):
                    with gr.Tab("Edit a row"):
                        self._edit_row()
                    with gr.Tab("Edit many rows"):
                        self._edit_rows()
                with gr.Tab("Make new"):
                    self._make()
                if explorer.run is not None:
                    with gr.Tab("What it can do"):
                        self._can_do(explorer.run)
        return page.queue(default_concurrency_limit=1, max_size=64)

    def _on(self, events: Sequence, handler: Callable, inputs: Sequence, outputs: Sequence) -> None:
        """Runs a handler at events; of several that wait only the last one counts."""
        gr.on(
            events,
            told(handler),
            inputs,
            outputs,
            trigger_mode="always_last",
            concurrency_id="model",
            show_progress="hidden",
            api_name=handler.__name__.strip("_"),
        )

    # Controls of labels.

    def _controls(self) -> list[gr.components.Component]:
        return [_control(label) for label in self.labels]

    def _values(self, labels: np.ndarray) -> list:
        """Returns what the controls show for labels in their own units, [k]."""
        return [_as_control(label, value) for label, value in zip(self.labels, labels, strict=False)]

    def _asked(self, labels: np.ndarray, values: Sequence) -> list:
        """Returns what controls ask for; None where they show what labels, [k], already are."""
        shown = self._values(labels)
        return self._of_all(
            [None if value == own else value for value, own in zip(values, shown, strict=True)]
        )

    def _of_all(self, asked: Sequence) -> list:
        """Returns values of the labels that have controls, and None for the labels beyond them."""
        return [*asked, *[None] * (len(self.explorer.labels) - len(asked))]

    # Images.

    def _edit(self) -> gr.State:
        explorer, opened = self.explorer, gr.State()
        with gr.Row():
            with gr.Column(min_width=280):
                upload = _upload("Your image")
                chosen = gr.Gallery(
                    [explorer.picture(x) for x in explorer.x[:EXAMPLES]],
                    label="Or one of the test examples",
                    columns=4,
                    height=220,
                    allow_preview=False,
                    format="png",
                    visible=len(explorer.x) > 0,
                    interactive=False,
                )
            with gr.Column(min_width=280):
                compared = _compared()
                controls = self._controls()
            with gr.Column(min_width=280):
                seen = gr.Markdown()
                difference = _difference()
                download = gr.Button("Make the file at full size")
                file = gr.File(label="The edited image", interactive=False, height=90)

        def shown(image: Opened) -> list:
            values = self._values(image.labels[0])
            return [image, *values, *self._views(image, self._after(image, values))]

        def open_file(path: str | None) -> list:
            if not path:  # it was removed
                return [gr.skip()] * len(outputs)
            return shown(explorer.opened(path))

        def open_example(event: gr.SelectData) -> list:
            return shown(explorer.example(event.index))

        def edit(image: Opened | None, *values: Any) -> list:
            return self._views(image, self._after(image, values))

        def download_file(image: Opened | None, *values: Any) -> str:
            name = os.path.splitext(os.path.basename(image.path or "example"))[0] if image else ""
            return self._file(f"{name}_edited.png", explorer.file(image, self._after(image, values)))

        views = [compared, difference, seen]
        outputs = [opened, *controls, *views]
        self._on([upload.change], open_file, [upload], outputs)
        self._on([chosen.select], open_example, [], outputs)
        self._on([control.input for control in controls], edit, [opened, *controls], views)
        self._on([download.click], download_file, [opened, *controls], [file])
        return opened

    def _after(self, image: Opened | None, values: Sequence) -> np.ndarray:
        if image is None:
            raise InputError("Choose an image first.")
        if not self.labels:
            return self.explorer.reconstructed(image)
        target = self.explorer.requested(self._asked(image.labels[0], values))
        return self.explorer.base(image) if np.isnan(target).all() else self.explorer.edited(image, target)

    def _views(self, image: Opened, after: np.ndarray) -> list:
        before, made, change = self.explorer.pictures(image, after)
        return [(before, made), change, self._seen(image.x, after)]

    def _seen(self, x: np.ndarray, after: np.ndarray) -> str:
        seen = self.explorer.seen(np.concatenate([x, after]))
        if not seen:
            return "The run has no judge, so nobody says what is seen in the images."
        rows = [["the judge sees", "before", "after"]]
        pairs = zip(self.explorer.info.labels, seen, strict=True)
        rows += [[label.name, *texts] for label, texts in pairs]
        return report.as_markdown(report.Table("", rows))

    def _file(self, name: str, content: bytes) -> str:
        """Writes a file for the reader into a folder of its own; returns its path."""
        path = os.path.join(tempfile.mkdtemp(dir=self.folder), name)
        with open(path, "wb") as file:
            file.write(content)
        return path

    # Subspaces.

    def _ways(self, opened: gr.State) -> None:
        explorer, names = self.explorer, [label.name for label in self.labels]
        planes = [_Plane(*explorer.points(label)) for label in self.labels]
        gr.Markdown(
            "Open an image under Edit. A point is a test example, its colour the label. Move the cross "
            "with the mouse or the arrow keys: the image gets the style of that place."
        )
        with gr.Row():
            with gr.Column(min_width=280):
                label = gr.Dropdown(names, value=names[0], label="Label")
                pad = gr.HTML(
                    "200,200",
                    label=f"The subspace of {names[0]}",
                    html_template=PAD,
                    css_template=PAD_STYLE,
                    js_on_load=PAD_SCRIPT,
                    points=planes[0].points,
                    at=[200, 200],
                )
                donor = _upload("Or take the style of another image")
            with gr.Column(min_width=280):
                compared = _compared()
            with gr.Column(min_width=280):
                seen, difference = gr.Markdown(), _difference()

        views = [compared, difference, seen]

        def styled(image: Opened | None, name: str, w: Callable[[np.ndarray], np.ndarray]) -> list:
            if image is None:
                raise InputError("Open an image under Edit first.")
            if name not in names:
                raise InputError("No such label.")
            own = self.labels[names.index(name)]
            return self._views(image, explorer.styled(image, own, w(explorer.style(image, own))))

        def choose_label(name: str) -> Any:
            if name not in names:
                raise InputError("No such label.")
            plane = planes[names.index(name)]
            return gr.HTML("200,200", label=f"The subspace of {name}", points=plane.points, at=[200, 200])

        def move(image: Opened | None, name: str, at: str) -> list:
            return styled(image, name, lambda own: planes[names.index(name)].w(at, own))

        def take_style(image: Opened | None, name: str, path: str | None) -> list:
            if not path:
                return [gr.skip()] * 3
            given = explorer.opened(path)
            return styled(image, name, lambda _: explorer.style(given, self.labels[names.index(name)]))

        self._on([label.input], choose_label, [label], [pad])
        self._on([pad.input], move, [opened, label, pad], views)
        self._on([donor.change], take_style, [opened, label, donor], views)

    # Tables.

    def _edit_row(self) -> None:
        explorer, frame = self.explorer, self.explorer.frame()
        shown = explorer.info.columns[:MOST_CONTROLS]
        with gr.Row():
            with gr.Column(min_width=280):
                number = gr.Number(
                    0, label="Test row", precision=0, minimum=0, maximum=len(frame) - 1, step=1
                )
                with gr.Accordion("Its columns", open=len(shown) <= 12):
                    cells = [_cell(column, frame[column.name].iloc[0]) for column in shown]
            with gr.Column(min_width=280):
                controls = self._controls()
                changes = gr.Dataframe(
                    headers=["column", "before", "after"], label="What changes", interactive=False
                )

        def row_of(place: Any) -> int:
            if not isinstance(place, (int, float)) or not 0 <= place < len(frame):
                raise InputError(f"There are test rows 0 to {len(frame) - 1}.")
            return int(place)

        def open_row(place: float) -> list:
            row = frame.iloc[row_of(place)]
            labels = explorer.known(*(part[row_of(place)][None] for part in (explorer.x, explorer.y)))[0]
            return [*(str(row[column.name]) for column in shown), *self._values(labels), None]

        def edit_row(place: float, *values: Any) -> Any:
            row = dict(frame.iloc[row_of(place)])
            row |= {column.name: value for column, value in zip(shown, values, strict=False)}
            labels = explorer.known(*(part[row_of(place)][None] for part in (explorer.x, explorer.y)))[0]
            return explorer.counterfactual(row, self._asked(labels, values[len(shown) :]))

        inputs = [number, *cells, *controls]
        self._on([number.change], open_row, [number], [*cells, *controls, changes])
        self._on([each.input for each in (*cells, *controls)], edit_row, inputs, [changes])

    def _edit_rows(self) -> None:
        from export import apply

        with gr.Row():
            with gr.Column(min_width=280):
                given = gr.File(label="A table like the one trained on, CSV or Parquet", type="filepath")
                controls = [_open_control(label) for label in self.labels]
                start = gr.Button("Change all rows")
            with gr.Column(min_width=280):
                made = gr.File(label="The changed table", interactive=False)

        def edit_table(path: str | None, *values: Any) -> str:
            if not path:
                raise InputError("Choose a table first.")
            out = tempfile.mkdtemp(dir=self.folder)
            asked = zip(self.labels, values, strict=True)
            asked = tuple(f"{label.name}={_plain(value)}" for label, value in asked if not _is_open(value))
            apply.apply(apply.ApplyConfig(run_dir=self.explorer.run.path, input=path, set=asked, out=out))
            return os.path.join(out, "transfer.csv")

        self._on([start.click], edit_table, [given, *controls], [made])

    # New examples.

    def _make(self) -> None:
        explorer = self.explorer
        with gr.Row():
            with gr.Column(min_width=280):
                controls = [_open_control(label) for label in self.labels]
                count = gr.Slider(1, MOST, 8, step=1, label="How many")
                seed = gr.Number(0, label="Seed", precision=0, minimum=0)
                start = gr.Button("Make them", variant="primary")
            with gr.Column(min_width=280, scale=2):
                if explorer.info.is_image:
                    made = gr.Gallery(label="New examples", columns=4, format="png", interactive=False)
                else:
                    made = gr.Dataframe(label="New examples", interactive=False)
                file = gr.File(label="All of them as a file", interactive=False, height=90)

        def make(count: float, seed: float, *values: Any) -> list:
            asked = self._of_all([None if _is_open(value) else _plain(value) for value in values])
            if explorer.info.is_image:
                x, drawn = explorer.made(asked, count, seed)
                found = [explorer.picture(each) for each in x]
                return [found, self._file("samples.zip", explorer.archive(x, drawn))]
            table = explorer.made_rows(asked, count, seed)
            return [table, self._file("samples.csv", table.to_csv(index=False).encode())]

        self._on([start.click], make, [count, seed, *controls], [made, file])

    # The report.

    def _can_do(self, run: Run) -> None:
        numbers = run.metrics()
        table = report.verdict_table(numbers, self.explorer.info.labels)
        if table is not None:
            gr.Markdown(report.as_markdown(table))
        for line in report.advice(numbers):
            gr.Markdown(report.markdown(line))
        settings = run.settings()
        for each in (
            report.headline(numbers, settings.system, settings.data.dataset),
            report.by_label(numbers, settings.system, settings.data.dataset),
        ):
            if each is not None:
                gr.Markdown(report.as_markdown(each))
        pictures = run.pictures()
        folder = tempfile.mkdtemp(dir=self.folder)
        shown = []
        for name, caption, content in pictures:
            path = os.path.join(folder, f"{name}.png")
            with open(path, "wb") as file:
                file.write(content)
            shown.append((path, caption))
        if shown:
            gr.Gallery(shown, label="Pictures of the report", columns=2, height="auto", interactive=False)


class _Plane:
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


def _upload(label: str) -> gr.Image:
    sources = ["upload", "webcam", "clipboard"]
    return gr.Image(
        label=label, type="filepath", image_mode=None, sources=sources, height=220, buttons=BUTTONS
    )


def _compared() -> gr.ImageSlider:
    return gr.ImageSlider(
        label="Before and after", format="png", height=400, interactive=False, buttons=BUTTONS
    )


def _difference() -> gr.Image:
    return gr.Image(
        label="What changes (darker: more)", format="png", height=240, interactive=False, buttons=BUTTONS
    )


def _control(label: Label) -> gr.components.Component:
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


def _as_control(label: Label, value: float) -> bool | str | float:
    """Returns what the control of a label shows for a value in the label's own units."""
    if label.kind == "binary":
        return bool(value >= 0.5)
    if label.kind == "categorical":
        return label.classes[round(float(value))]
    return float(f"{value:.6g}")


def _open_control(label: Label) -> gr.components.Component:
    """Returns a control of a label that may be left open."""
    if label.kind == "real":
        return gr.Textbox("", label=label.name, placeholder=f"a number; empty: {LEFT_OPEN}")
    values = ["yes", "no"] if label.kind == "binary" else list(label.classes)
    return gr.Dropdown([LEFT_OPEN, *values], value=LEFT_OPEN, label=label.name)


def _is_open(value: Any) -> bool:
    return value in (None, "", LEFT_OPEN)


def _plain(value: Any) -> str:
    """Returns what an open control asks for, as ``Explorer.requested`` takes it."""
    return {"yes": "1", "no": "0"}.get(str(value), str(value))


def _cell(column: Any, value: Any) -> gr.components.Component:
    """Returns the control of a feature of a table."""
    if column.categories:
        return gr.Dropdown([str(each) for each in column.categories], value=str(value), label=column.name)
    return gr.Textbox(str(value), label=column.name)
