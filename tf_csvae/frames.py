"""Tables in memory: from a pandas DataFrame to a model and back.

``tf_csvae.fit(frame, labels=["Survived"])`` returns a result with ``sample``, ``counterfactual``
and ``encode``, which give DataFrames with the columns, types and index of the frame.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tf_csvae import texts
from tf_csvae.configs import DataConfig
from tf_csvae.data import label_columns, table
from tf_csvae.data.dataset import Dataset, Info
from tf_csvae.data.table_files import Problems, Table
from tf_csvae.errors import InputError
from tf_csvae.labels import Label

if TYPE_CHECKING:
    from tf_csvae.models import GenerativeModel

# Rows that a model gets at once.
BATCH = 4096


def as_table(frame: pd.DataFrame, name: str = "the DataFrame") -> Table:
    """Returns a DataFrame as a table of texts; ``name`` stands for the file in messages.

    Raises:
        InputError: no rows, or a column that is there twice.
    """
    names = [str(each) for each in frame.columns]
    twice = {each for each in names if names.count(each) > 1}
    if twice or not len(frame):
        what = f"the column {min(twice)!r} is there twice" if twice else "it has no rows"
        raise InputError(f"{name}: {what}.")
    columns, typed = {}, set()
    for place, each in enumerate(names):
        column = frame.iloc[:, place]
        columns[each] = [_text(value) for value in column]
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            typed.add(each)
    return Table(name, columns, list(range(1, len(frame) + 1)), "row", frozenset(typed))


def load(frame: pd.DataFrame, labels: Sequence[str], **options: Any) -> Dataset:
    """Loads a DataFrame as ``load_data("table", ...)`` loads a file; options: as there.

    Raises:
        InputError: a mistake in the options or in the data.
    """
    ignore = [str(name) for name in options.pop("ignore", ())]
    unknown = [name for name in ignore if name not in map(str, frame.columns)]
    if unknown:
        raise InputError(f"ignore names {unknown[0]!r}, which is no column of the DataFrame.")
    kept = frame[[name for name in frame.columns if str(name) not in ignore]]
    config = DataConfig.preset("table", **options, dataset="table", label_columns=tuple(map(str, labels)))
    return table.load(config, table=as_table(kept))


def _text(value: Any) -> str:
    """Returns a cell as it would stand in a file; "" if it is missing."""
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return ""
    if isinstance(value, (datetime.datetime, np.datetime64)):
        moment = pd.Timestamp(value)
        return moment.strftime("%Y-%m-%d" if moment == moment.normalize() else "%Y-%m-%d %H:%M:%S")
    if isinstance(value, (float, np.floating)) and float(value).is_integer() and abs(value) < 1e15:
        return str(int(value))  # pandas makes floats of whole numbers where one is missing
    return str(value).strip()


@dataclasses.dataclass(frozen=True)
class Frames:
    """A trained model of a table, for DataFrames.

    Attributes:
        model: the trained model.
        info: of its data.
        like: a DataFrame with the types of the columns, and with the words for their values.
    """

    model: GenerativeModel
    info: Info
    like: pd.DataFrame | None = None

    def sample(self, n: int = 1, seed: int | None = None, **labels: Any) -> pd.DataFrame:
        """Returns n new rows with these labels; labels that are not given are drawn.

        Raises:
            InputError: no such label, or no value of it.
        """
        seeds = np.random.default_rng(seed).integers(2**31, size=(2, 2)).astype(np.int32)
        y = np.tile(self._requested(labels), (n, 1)).astype(np.float32)
        y = self.model.space.filled(y, seeds[0]).numpy()
        x = self.model.sample(y, seed=seeds[1]).numpy()
        made = self.info.to_columns(x)
        for label, column in zip(self.info.labels, y.T, strict=True):
            known = {} if self.like is None else words(label, map(_text, self.like[label.name].unique()))
            made[label.name] = [known.get(float(value), label.text(value)) for value in column]
        order = [str(name) for name in self.like] if self.like is not None else list(made)
        return self._typed({name: made[name] for name in order if name in made}, None)

    def counterfactual(self, frame: pd.DataFrame, **labels: Any) -> pd.DataFrame:
        """Returns the rows as they would be with these labels, in the frame's columns and types.

        A cell that does not move is as in the frame, and so are columns that are no features.

        Raises:
            InputError: no such label, no value of it, or a frame without a column of the model.
        """
        requested = self._requested(labels)
        rows, x, y = self._read(frame)
        target = np.where(np.isnan(requested), y, requested).astype(np.float32)
        after = self.info.unscale(_in_batches(self.model.transfer, x, y, target))
        cells, _ = changed(self.info, rows.columns, x, after)
        for label, value in zip(self.info.labels, requested, strict=True):
            if label.name in rows.columns and not np.isnan(value):
                cells[label.name] = relabelled(label, rows.columns[label.name], value)
        return self._typed(rows.columns | cells, frame)

    def impute(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Returns the rows with their missing features filled in by ``reconstruct``, the likeliest.

        All else is as in the frame, in its columns and types.
        """
        rows, x, y = self._read(frame)
        _, cells, _ = imputed(self.info, rows.columns, x, _in_batches(self.model.reconstruct, x, y))
        return self._typed(rows.columns | cells, frame)

    def encode(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Returns the means of the codes: z_1, z_2, ... and w_LABEL_1, ... of each label."""
        _, x, y = self._read(frame)
        z, w = self.model.encode(x, y).mean()
        codes = {f"z_{i + 1}": column for i, column in enumerate(z.numpy().T)}
        for label in self.info.labels if w is not None else ():
            own = self.model.subspace(w.numpy(), label.name)
            codes |= {f"w_{label.name}_{i + 1}": column for i, column in enumerate(own.T)}
        return pd.DataFrame(codes, index=frame.index)

    def _read(self, frame: pd.DataFrame) -> tuple[Table, np.ndarray, np.ndarray]:
        """Returns a frame as texts, and x and y of it."""
        problems = Problems()
        rows, x = table.read_features(as_table(frame), self.info, None, problems)
        problems.raise_any()
        x = np.float32(self.info.scaled(x))
        return rows, x, self._labels(rows, x)

    def _labels(self, rows: Table, x: np.ndarray) -> np.ndarray:
        """Returns the labels of rows, float32 [n, k]; what is not known is what the guide sees."""
        problems, columns = Problems(), []
        for label in self.info.labels:
            has = label.name in rows.columns
            if not has and not self.model.reads_labels:
                problems.append(f"{rows.path} lacks the label {label.name}, which the model must be told.")
            known = label_columns.read_known_label(rows, label, problems) if has else np.nan
            columns.append(np.broadcast_to(known, len(rows)))
        problems.raise_any()
        y = np.stack(columns, 1).astype(np.float32)
        if np.isnan(y).any() and self.model.reads_labels:
            y = np.where(np.isnan(y), self.model.predicted_labels(x), y)
        return y

    def _requested(self, labels: Mapping[str, Any]) -> np.ndarray:
        """Returns float [k], the values of labels in y; NaN of those that are not named."""
        known = {label.name: label for label in self.info.labels}
        unknown = sorted(set(labels) - set(known))
        if unknown:
            raise InputError(f"No label {unknown[0]!r}. Labels of this model: {', '.join(known)}.")
        found = np.full(len(known), np.nan)
        for place, (name, label) in enumerate(known.items()):
            if name in labels:
                value = label.value(_text(labels[name]))
                if value is None or np.isnan(value):
                    raise InputError(
                        f"{name}={labels[name]!r} is no value of the label. Expected {label.wanted()}."
                    )
                found[place] = value
        return found

    def _typed(self, columns: Mapping[str, Sequence], frame: pd.DataFrame | None) -> pd.DataFrame:
        """Returns columns as a DataFrame with the types, and the index, of a frame."""
        like = self.like if frame is None else frame
        known = {} if like is None else {str(name): like[name] for name in like}
        made = pd.DataFrame(
            {
                name: _as_series(values, known[name]) if name in known else values
                for name, values in columns.items()
            }
        )
        if frame is not None:
            made.index, made.columns = frame.index, frame.columns
        return made


def _in_batches(function: Callable, *arrays: np.ndarray) -> np.ndarray:
    """Returns a function of the rows of arrays."""
    starts = range(0, len(arrays[0]), BATCH)
    parts = [function(*(array[start : start + BATCH] for array in arrays)) for start in starts]
    return np.concatenate([np.asarray(part) for part in parts])


def imputed(
    info: Info, written: Mapping[str, Sequence[str]], x: np.ndarray, made: np.ndarray
) -> tuple[np.ndarray, dict[str, list], list[str]]:
    """Returns rows whose missing features are filled in.

    Args:
        info: of the model's data.
        written: {column: n texts}, the rows as they are in the table.
        x: float32 [n, d], the rows as the model reads them; NaN where missing.
        made: float [n, d], what fills them, as the model reads it.

    Returns:
        x without NaN; {column: n values} of the columns that had gaps; and a sentence for each.
    """
    x = np.where(np.isnan(x), made, x)
    # Of what stands in x, so that a number is one of the column's own, in its decimals.
    values, cells, sentences = info.to_columns(x), {}, []
    for column in info.columns:
        lost = [texts.missing(text) for text in written[column.name]]
        if any(lost):
            pairs = zip(lost, values[column.name], written[column.name], strict=True)
            cells[column.name] = [value if gap else text for gap, value, text in pairs]
            sentences.append(f"{column.name}: {sum(lost):,} missing values are filled in by the model.")
    return x, cells, sentences


def changed(
    info: Info, written: Mapping[str, Sequence[str]], x: np.ndarray, after: np.ndarray
) -> tuple[dict[str, list], list[str]]:
    """Returns the cells of edited rows, and what moved.

    Args:
        info: of the model's data.
        written: {column: n texts}, the rows as they are in the table.
        x: float32 [n, d], the rows as the model reads them.
        after: float [n, d], what the model made of them, in the units of the table.

    Returns:
        {column: n values}, in which a cell that did not move is as in the table; and for each
        column that moved a sentence: in how many rows, and by how much.
    """
    # Before: what is beyond the training range is its end.
    pairs = zip(info.parts(info.unscale(x)), info.parts(after), strict=True)
    made, cells, sentences = info.in_columns(after), {}, []
    for column, (old, new) in zip(info.columns, pairs, strict=True):
        width = 1.0 if column.categories else np.ptp(column.knots) or 1.0
        moved = np.any(np.abs(old - new) > 1e-4 * width, 1)  # NaN, a missing value, does not move
        values = zip(moved, made[column.name], written[column.name], strict=True)
        cells[column.name] = [value if move else text for move, value, text in values]
        if moved.any():
            how = column.moved(old[moved], new[moved])
            sentences.append(f"{column.name} moved in {moved.sum():,} rows, {how}.")
    return cells, sentences


def relabelled(label: Label, written: Sequence[str], value: float) -> list[str]:
    """Returns the texts of a label's column after all have got a value of y, in its own words."""
    word = words(label, written).get(value, label.text(value))
    return [text if label.value(text) == value else word for text in written]


def words(label: Label, written: Iterable[str]) -> dict[float, str]:
    """Returns {value of y: a text for it} of texts in a label's column."""
    pairs = [(label.value(text), text) for text in dict.fromkeys(written)]
    return {value: text for value, text in reversed(pairs) if value is not None}


def _as_series(values: Sequence, like: pd.Series) -> pd.Series:
    """Returns values, or texts of them, with the type of a column."""
    # The column's own objects, such as True or a category that is a number.
    own = {_text(value): value for value in like.dropna().unique()}
    cells = [None if text == "" else own.get(_text(text), text) for text in values]
    if pd.api.types.is_datetime64_any_dtype(like.dtype):
        return pd.to_datetime(pd.Series(cells)).astype(like.dtype)
    if pd.api.types.is_numeric_dtype(like.dtype) and not pd.api.types.is_bool_dtype(like.dtype):
        numbers = pd.to_numeric(pd.Series(cells))
        return numbers.astype(like.dtype) if numbers.notna().all() else numbers
    return pd.Series(cells, dtype=like.dtype)
