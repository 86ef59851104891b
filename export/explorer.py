"""What the explorer computes with a trained model: edits, styles, new examples. No page."""

import dataclasses
import io
import zipfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd
import PIL.Image
import tensorflow as tf

from export import full_size, steering
from export.signatures import Served
from tf_csvae import data as sources
from tf_csvae import frames
from tf_csvae.data import images
from tf_csvae.errors import InputError
from tf_csvae.evaluation.evaluate import judge_of, load_judge
from tf_csvae.labels import Label, values_dtype
from tf_csvae.runs import Run

if TYPE_CHECKING:  # it needs the extra "serving"
    from export.remote import Remote

# Test examples that are offered, and those whose codes are points of a pad.
EXAMPLES, POINTS = 24, 400

# The longer side of what is shown of an image file, in pixels. The file itself has them all.
SHOWN = 512

# Most new examples at a time.
MOST = 64


@dataclasses.dataclass(frozen=True)
class Opened:
    """An image that is edited.

    Attributes:
        x: the model's image, float32 [1, height, width, c].
        labels: its labels in their own units, [1, k].
        shown: what is shown of it, uint8 [h, w, 4].
        path: the user's file; None: an example of the data set.
    """

    x: np.ndarray
    labels: np.ndarray
    shown: np.ndarray
    path: str | None = None


class Explorer:
    """A generative model, for a person who looks at it and steers it.

    Args:
        served: the model, of a run or behind a server.
        run: its run; None: only the server is known.
        judge: a run of a classifier, whose view of the images is shown; "auto": that of the run, if
            it has one; "none".

    Attributes:
        served, run, info: the model, its run and its data.
        labels: those that steer the model; none for a VAE.
        x, y: up to ``POINTS`` test examples, as the model takes them; none if the data of the run
            are not where they were.
        notes: sentences about what is missing.

    Raises:
        InputError: a model that makes no examples, or a judge of other data.
    """

    def __init__(self, served: "Served | Remote", run: Run | None, judge: str = "auto") -> None:
        self.served, self.run, self.info, self.labels = served, run, served.info, served.labels
        if "sample" not in served.signatures:
            raise InputError(f"This is a {served.description.system}, which makes no examples.")
        path = judge_of(run, judge) if run else judge.replace("auto", "none")
        loaded = load_judge(path, self.info)
        self.judge = loaded and loaded[0].in_full_precision()
        self.judge_path = path if loaded else None
        self.notes = []
        self.x, self.y = self._test_examples()

    @classmethod
    def of_run(cls, run_dir: str, judge: str = "auto") -> Self:
        """Returns the explorer of a finished run; raises ``InputError`` if it is none."""
        run = Run(run_dir)
        return cls(Served.of_run(run), run, judge)

    def _test_examples(self) -> tuple[np.ndarray, np.ndarray]:
        x, y = [np.zeros((0, *self.info.shape), np.float32)], [np.zeros((0, len(self.info.labels)))]
        if self.run is None:
            self.notes.append("The model is behind a server, so there are no test examples.")
            return x[0], y[0]
        try:
            dataset = sources.load(self.run.settings().data, {}, self.info)
            for batch in dataset.test:
                x.append(batch[0].numpy())
                y.append(batch[1].numpy())
                if sum(map(len, x)) >= POINTS:
                    break
        except InputError as error:
            self.notes.append(f"The run's data cannot be read, so there are no examples. {error}")
        return np.concatenate(x)[:POINTS], np.concatenate(y)[:POINTS]

    # Labels.

    @property
    def reads_labels(self) -> bool:
        """Whether the labels of an example that is brought can be predicted."""
        return self.judge is not None or self.served.description.predicts_labels

    def known(self, x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
        """Returns the labels of x in their own units, [n, k]; what is unknown in y is predicted.

        Raises:
            InputError: nothing predicts them.
        """
        if not self.labels:
            return np.zeros((len(x), 0), np.float32)
        y = np.full((len(x), len(self.labels)), np.nan) if y is None else np.array(y, np.float64)
        if np.isnan(y).any():
            if not self.reads_labels:
                raise InputError(
                    "Nothing predicts the labels of this example: the run has no guide and no judge. "
                    "Choose a test example."
                )
            if self.judge is None:
                own = self._in_units(y)
                read = self.served.answer("encode", self._inputs(x, own))["labels"]
                return np.where(np.isnan(own), read, own)
            y = np.where(np.isnan(y), self.judge.read(x).numpy(), y)
        return self._in_units(y)

    def _in_units(self, y: np.ndarray) -> np.ndarray:
        """Returns labels [n, k] as they stand in y in their own units."""
        pairs = zip(self.labels, np.asarray(y).T, strict=True)
        return np.stack([label.in_units(column) for label, column in pairs], 1).astype(self._type)

    def _inputs(self, x: np.ndarray, labels: np.ndarray, **more: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the inputs of a signature: images, or vectors in the units of the data."""
        return {"x": x if self.info.is_image else self.info.unscale(x), "labels": labels, **more}

    @property
    def _type(self) -> type:
        return values_dtype(self.labels)

    def _in_y(self, labels: np.ndarray) -> np.ndarray:
        """Returns labels [n, k] in their own units as they stand in y."""
        pairs = zip(self.labels, np.asarray(labels).T, strict=True)
        return np.stack([label.standardised(column) for label, column in pairs], 1).astype(np.float32)

    def requested(self, values: Sequence) -> np.ndarray:
        """Returns values of all labels in their own units, [k]; None: NaN.

        A value is a bool or a number, a class by its name.

        Raises:
            InputError: no value of the label.
        """
        found = []
        for label, value in zip(self.labels, values, strict=True):
            text = "" if value is None else str(int(value) if isinstance(value, bool) else value)
            number = label.value(text)
            if number is None:
                raise InputError(f"{text[:80]!r} is no value of {label.name}. Expected {label.wanted()}.")
            found.append(label.in_units(number))
        return np.array(found, self._type)

    def seen(self, x: np.ndarray) -> list[list[str]]:
        """Returns what the judge sees of each label in x, [n, ...]: n texts for each label."""
        if self.judge is None:
            return []
        found, start = [], 0
        values = self.judge.classify(x).numpy()
        for label in self.info.labels:
            width = len(label.feature_names)
            found.append([_in_words(label, row[start : start + width]) for row in values])
            start += width
        return found

    # Images.

    def example(self, place: int) -> Opened:
        """Returns a test example; raises ``InputError`` if there is none of that number."""
        if not 0 <= place < len(self.x):
            raise InputError("There is no such example.")
        x = self.x[place : place + 1]
        return Opened(x, self.known(x, self.y[place : place + 1]), self.picture(x[0], 4))

    def opened(self, path: str | None) -> Opened:
        """Returns an image file of the user.

        Raises:
            InputError: no image that can be read, or labels that nothing predicts.
        """
        if not path:
            raise InputError("Choose an image first.")
        try:
            image = images.load(path)
            x = images.crop_and_resize(image, self.info.crop, self.info.shape, self.info.background)
        except (tf.errors.OpError, OSError, ValueError) as error:
            sentence = images.reason(error).rstrip(".").replace(path, "it")
            raise InputError(f"This file cannot be read as an image: {sentence}.") from None
        x = (x.numpy().astype(np.float32) / 255)[None]
        shown = image.numpy()
        in_pixels = not isinstance(self.info.crop, (str, type(None))) and max(self.info.crop) > 1
        if max(shown.shape) > SHOWN and not in_pixels:
            small = PIL.Image.fromarray(shown)
            small.thumbnail((SHOWN, SHOWN))
            shown = np.asarray(small)
        return Opened(x, self.known(x), shown, path)

    def edited(self, opened: Opened, target: np.ndarray) -> np.ndarray:
        """Returns the model's image with other labels, [1, ...].

        ``target`` are the labels in their own units, [k]; NaN: a label stays.
        """
        asked = {"source_labels": opened.labels, "target_labels": target[None].astype(self._type)}
        return self.served.answer("transfer", {"x": opened.x, **asked})["x"]

    def reconstructed(self, opened: Opened) -> np.ndarray:
        """Returns the reconstruction of an image, [1, ...]."""
        return self.served.answer("reconstruct", {"x": opened.x, "labels": opened.labels})["x"]

    def base(self, opened: Opened) -> np.ndarray:
        """Returns what an edit of an image begins from, [1, ...]: an edit without any change."""
        if not self.labels:  # then the reconstruction itself is shown
            return opened.x
        return full_size.unchanged(self.served, opened.x, opened.labels)

    def pictures(self, opened: Opened, after: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns what is shown of an image before and after an edit, and the difference, uint8."""
        before = self.base(opened)
        if opened.path is None:  # the model's image is all there is
            own, made = (self.picture(each[0]) for each in (before, after))
        else:
            own, made = (
                full_size.changed(opened.shown, self.info, before[0], each[0]) for each in (before, after)
            )
        change = np.abs(made.astype(int) - own).max(-1)
        return _shown(own), _shown(made), _shown(np.uint8(255 - change)[..., None])

    def file(self, opened: Opened, after: np.ndarray) -> bytes:
        """Returns the edited image as a PNG file, as large as the user's file."""
        if opened.path is None:
            return images.encoded(tf.constant(after[0])).numpy()
        before = self.base(opened)
        return full_size.edited(opened.path, self.info, before[0], after[0])

    def picture(self, x: np.ndarray, channels: int = 0) -> np.ndarray:
        """Returns a model's image, [height, width, c], as uint8; with 4 channels if asked."""
        content = images.encoded(tf.constant(np.float32(x))).numpy()
        image = PIL.Image.open(io.BytesIO(content))
        return np.asarray(image.convert("RGBA" if channels == 4 else "RGB" if image.mode == "L" else None))

    # The subspaces.

    @property
    def has_pads(self) -> bool:
        """Whether each label has a subspace w_i of its own."""
        return self.served.description.style > 0

    def points(self, label: Label) -> tuple[np.ndarray, np.ndarray]:
        """Returns w_i of the test examples, float [n, w_dim], and their labels in y, [n]."""
        if not len(self.x):
            return np.zeros((0, self.served.description.style)), np.zeros(0)
        labels = self.known(self.x, self.y)
        return self._w(self.x, labels, label), self._in_y(labels)[:, self.labels.index(label)]

    def style(self, opened: Opened, label: Label) -> np.ndarray:
        """Returns w_i of an image, [w_dim]."""
        return self._w(opened.x, opened.labels, label)[0]

    def _w(self, x: np.ndarray, labels: np.ndarray, label: Label) -> np.ndarray:
        return self.served.answer("encode", self._inputs(x, labels))[f"w_{label.name}_mean"]

    def styled(self, opened: Opened, label: Label, w: np.ndarray) -> np.ndarray:
        """Returns the model's image, [1, ...], with another w_i, [w_dim], of a label."""
        place = np.array([self.labels.index(label)], np.int32)
        inputs = self._inputs(opened.x, opened.labels, label=place, w=np.float32(w)[None])
        return self.served.answer("restyle", inputs)["x"]

    # New examples.

    def made(self, values: Sequence, count: int, seed: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Returns new examples with labels, [n, ...], and all that they were made from.

        Args:
            values: of the labels, as of ``requested``; None: drawn as in the data.
            count: number of examples, n.
            seed: of the first; each further one has the next.

        Raises:
            InputError: no value of a label, or a number out of range.
        """
        _in_range("the number of examples", count, 1, MOST)
        _in_range("the seed", seed, 0, 2**31 - MOST - 1)
        labels = self.requested(values)[None] if self.labels else None
        if not isinstance(self.served, Served):  # a server does not tell what it drew
            seeds = np.int32(seed) + np.arange(count, dtype=np.int32)
            asked = {} if labels is None else {"labels": labels.repeat(int(count), 0)}
            x = self.served.answer("sample", {"seed": seeds, **asked})["x"]
            return x if self.info.is_image else np.float32(self.info.scaled(x)), {}
        model, y = self.served.model, None if labels is None else tf.constant(self._in_y(labels))
        each = [model.sample_code(y, 1, int(seed) + number) for number in range(int(count))]
        drawn = {name: tf.concat([part[name] for part in each], 0) for name in each[0]}
        return model.made(drawn).numpy(), {name: part.numpy() for name, part in drawn.items()}

    def archive(self, x: np.ndarray, drawn: dict[str, np.ndarray]) -> bytes:
        """Returns a ZIP file of new images and their codes, a JSON object each."""
        names, content = steering.sample_names(len(x)), io.BytesIO()
        codes = {name: drawn[name] for name in ("z", "w") if name in drawn}
        with zipfile.ZipFile(content, "w") as file:
            for name, each in zip(names, x, strict=True):
                file.writestr(f"{name}.png", images.encoded(tf.constant(each)).numpy())
            if codes:
                file.writestr("codes.jsonl", "\n".join(steering.json_lines(names, codes)) + "\n")
        return content.getvalue()

    # Tables.

    @property
    def rows(self) -> frames.Frames:
        """The model for DataFrames."""
        return frames.Frames(self.served.model, self.info)

    def made_rows(self, values: Sequence, count: int, seed: int) -> pd.DataFrame:
        """Returns new rows with labels; the arguments are those of ``made``."""
        if not (self.labels and self.info.columns and isinstance(self.served, Served)):
            made = self.info.unscale(self.made(values, count, seed)[0])
            if self.info.columns:
                return pd.DataFrame(self.info.in_columns(made))
            names = self.info.feature_names or [f"x{number}" for number in range(made.shape[1])]
            return pd.DataFrame(made, columns=names)
        _in_range("the number of examples", count, 1, MOST)
        _in_range("the seed", seed, 0, 2**31 - 1)
        return self.rows.sample(int(count), int(seed), **self._named(self.requested(values)))

    def _named(self, requested: np.ndarray) -> dict[str, str]:
        """Returns {label: text} of the labels that are requested, [k] in their own units."""
        pairs = zip(self.labels, requested, strict=True)
        return {
            label.name: label.text(label.standardised(value)) for label, value in pairs if not np.isnan(value)
        }

    def frame(self) -> pd.DataFrame:
        """Returns the test examples as a table: the features, then the labels."""
        table = pd.DataFrame(self.info.to_columns(self.x))
        for label, column in zip(self.info.labels, self.y.T, strict=True):
            table[label.name] = [label.text(value) for value in column]
        return table

    def counterfactual(self, row: dict[str, object], values: Sequence) -> pd.DataFrame:
        """Returns what changes in a row with other labels: a row for each column that moves.

        Args:
            row: {column: cell}, the labels too.
            values: of the labels, as of ``requested``; None: a label stays.
        """
        before = pd.DataFrame([{name: "" if cell is None else str(cell) for name, cell in row.items()}])
        asked = self._named(self.requested(values))
        after = self.rows.counterfactual(before, **asked) if asked else before
        pairs = ((name, before[name].iloc[0], after[name].iloc[0]) for name in before)
        moved = [(name, was, now) for name, was, now in pairs if str(was) != str(now)]
        return pd.DataFrame(moved, columns=["column", "before", "after"])


def _in_words(label: Label, values: np.ndarray) -> str:
    """Returns what a classifier says of a label: its probability, class, or number."""
    if label.kind == "real":
        return label.text(float(values[0]))
    if label.kind == "categorical":
        return f"{label.classes[int(values.argmax())]} ({values.max():.2f})"
    return f"{values[0]:.2f}"


def _in_range(name: str, value: object, least: int, most: int) -> None:
    whole = isinstance(value, (int, float)) and not isinstance(value, bool) and value == value // 1
    if not whole or not least <= value <= most:
        raise InputError(f"{name} must be a whole number from {least} to {most}. Received: {value!r:.80}.")


def _shown(pixels: np.ndarray) -> np.ndarray:
    """Returns pixels, uint8 [h, w, c], in colour; those of small images are repeated."""
    larger = max(1, round(SHOWN / max(pixels.shape) - 0.4))
    pixels = np.repeat(pixels, 3, -1) if pixels.shape[-1] == 1 else pixels
    return pixels.repeat(larger, 0).repeat(larger, 1)
