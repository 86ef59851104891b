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

from export import widgets
from export.explorer import EXAMPLES, MOST, Explorer, Opened
from tf_csvae.errors import InputError
from tf_csvae.evaluation import report
from tf_csvae.runs import Run

# Of a page: all labels and columns beyond it stay as they are in the example.
MOST_CONTROLS = 60

# Fonts of the reader's machine: Gradio's own themes load theirs from another server.
FONTS = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}

NO_VALUE = "This is no value of the control."


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
        return [widgets.control(label) for label in self.labels]

    def _values(self, labels: np.ndarray) -> list:
        """Returns what the controls show for labels in their own units, [k]."""
        return [widgets.as_control(label, value) for label, value in zip(self.labels, labels, strict=False)]

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
                upload = widgets.upload("Your image")
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
                compared = widgets.compared()
                controls = self._controls()
            with gr.Column(min_width=280):
                seen = gr.Markdown()
                difference = widgets.difference()
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
        planes = [widgets.Plane(*explorer.points(label)) for label in self.labels]
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
                    html_template=widgets.PAD,
                    css_template=widgets.PAD_STYLE,
                    js_on_load=widgets.PAD_SCRIPT,
                    points=planes[0].points,
                    at=[200, 200],
                )
                donor = widgets.upload("Or take the style of another image")
            with gr.Column(min_width=280):
                compared = widgets.compared()
            with gr.Column(min_width=280):
                seen, difference = gr.Markdown(), widgets.difference()

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
                    cells = [widgets.cell(column, frame[column.name].iloc[0]) for column in shown]
            with gr.Column(min_width=280):
                controls = self._controls()
                changes = gr.Dataframe(
                    headers=["column", "before", "after"], label="What changes", interactive=False
                )

        def row_of(place: Any) -> int:
            if not isinstance(place, (int, float)) or not 0 <= place < len(frame):
                raise InputError(f"There are test rows 0 to {len(frame) - 1}.")
            return int(place)

        def labels_of(place: Any) -> np.ndarray:
            return explorer.known(*(part[row_of(place)][None] for part in (explorer.x, explorer.y)))[0]

        def open_row(place: float) -> list:
            row = frame.iloc[row_of(place)]
            return [*(str(row[column.name]) for column in shown), *self._values(labels_of(place)), None]

        def edit_row(place: float, *values: Any) -> Any:
            row = dict(frame.iloc[row_of(place)])
            row |= {column.name: value for column, value in zip(shown, values, strict=False)}
            return explorer.counterfactual(row, self._asked(labels_of(place), values[len(shown) :]))

        inputs = [number, *cells, *controls]
        self._on([number.change], open_row, [number], [*cells, *controls, changes])
        self._on([each.input for each in (*cells, *controls)], edit_row, inputs, [changes])

    def _edit_rows(self) -> None:
        from export import apply

        with gr.Row():
            with gr.Column(min_width=280):
                given = gr.File(label="A table like the one trained on, CSV or Parquet", type="filepath")
                controls = [widgets.open_control(label) for label in self.labels]
                start = gr.Button("Change all rows")
            with gr.Column(min_width=280):
                made = gr.File(label="The changed table", interactive=False)

        def edit_table(path: str | None, *values: Any) -> str:
            if not path:
                raise InputError("Choose a table first.")
            out = tempfile.mkdtemp(dir=self.folder)
            asked = zip(self.labels, map(widgets.asked, values), strict=True)
            asked = tuple(f"{label.name}={value}" for label, value in asked if value is not None)
            of_run = {"run_dir": self.explorer.run.path, "judge": self.explorer.judge_path}
            apply.apply(apply.ApplyConfig(**of_run, input=path, set=asked, out=out))
            return os.path.join(out, "transfer.csv")

        self._on([start.click], edit_table, [given, *controls], [made])

    # New examples.

    def _make(self) -> None:
        explorer = self.explorer
        with gr.Row():
            with gr.Column(min_width=280):
                controls = [widgets.open_control(label) for label in self.labels]
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
            asked = self._of_all([*map(widgets.asked, values)])
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
