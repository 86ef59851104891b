"""What is asked of a model: labels and seeds. And its answers as files: images and JSON lines."""

import json
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from export.configs import SteeringConfig
from tf_csvae import files
from tf_csvae.errors import InputError
from tf_csvae.labels import Label, values_dtype

Described = TypeVar("Described")


def read_labels_file(path: str | None, read: Callable[[dict[str, Any]], Described]) -> Described:
    """Returns what ``read`` makes of --labels_file, assets.extra/labels.json of an exported model.

    Raises:
        InputError: there is no such file, or it is another one.
    """
    give = "Give assets.extra/labels.json of the exported model."
    if not path or not os.path.exists(path):
        raise InputError(f"--labels_file={path} is not there. {give}")
    content = files.read_json(path, give)
    if "labels" not in content:
        raise InputError(f"--labels_file={path} is no labels.json of an exported model. {give}")
    try:
        return read(content)
    except InputError as error:
        raise InputError(f"--labels_file={path}: {error} {give}") from error


def label_values(pairs: Sequence[str], labels: Sequence[Label], default: float = math.nan) -> list[float]:
    """Reads values of labels, given in their own words and units.

    Args:
        pairs: such as ["Smiling=1", "species=virginica", "age=40"].
        labels: the k labels of the model.
        default: value of binary labels that are not named. Other labels that are not named, and
            all of them if it is NaN, are NaN; the signature says what NaN means.

    Returns:
        k values: 0 or 1, the index of a class, or a number in the label's own units.

    Raises:
        InputError: no such label, or no value of it.
    """
    values = {label.name: default if label.kind == "binary" else math.nan for label in labels}
    known, given = {label.name: label for label in labels}, set()
    for pair in _joined(pairs):
        named = [each for each in known if pair.startswith(f"{each}=")] or [pair.partition("=")[0]]
        name = max(named, key=len)  # of the labels "dose" and "dose=high" the second, if both fit
        if name not in known:
            raise InputError(f"No label {name!r}. Labels of this model: {', '.join(known)}.")
        label, text = known[name], pair[len(name) + 1 :]
        value = label.value({_tight(each): each for each in label.classes}.get(_tight(text), text))
        if value is None or math.isnan(value):
            example = label.classes[0] if label.classes else {"real": "12.5"}.get(label.kind, "1")
            raise InputError(
                f"{pair!r} gives no value to the label {name}. "
                f"Expected {label.wanted()}, as in {name}={example}."
            )
        if name in given:
            raise InputError(f"The label {name} is given twice: {', '.join(pairs)}. Give it one value.")
        given.add(name)
        values[name] = label.in_units(value)
    return list(values.values())


def _joined(pairs: Sequence[str]) -> list[str]:
    """Joins pairs that the comma in the name of a class has cut, as in "colour=red, dark"."""
    joined = []
    for pair in pairs:
        if joined and "=" not in pair:
            joined[-1] += f",{pair}"
        else:
            joined.append(pair)
    return joined


def _tight(text: str) -> str:
    """Returns a text without blanks after commas, since flags have none."""
    return re.sub(r",\s+", ",", text)


def label_rows(
    pairs: Sequence[str], labels: Sequence[Label], rows: int, default: float = math.nan
) -> np.ndarray:
    """Returns [rows, k], the same ``label_values`` in each row, of the type that holds them."""
    row = np.array(label_values(pairs, labels, default), values_dtype(labels))
    return np.tile(row, (rows, 1))


def request(
    config: SteeringConfig, signature: str, labels: Sequence[Label], known: np.ndarray, first: int
) -> dict[str, np.ndarray]:
    """Returns the inputs of a request beside its examples.

    Args:
        config: the labels and the seed that are asked for.
        signature: name of the signature, without "_bytes".
        labels: the k labels; none for a model without labels.
        known: float [rows, k], the labels of the examples in their own units, NaN where they
            are to be predicted.
        first: number of the first row among all rows that are asked for.

    Returns:
        {input: array with as many rows}.
    """
    rows, inputs = len(known), {}
    if signature == "sample":
        inputs["seed"] = np.arange(first, first + rows, dtype=np.int32) + config.seed
        if labels:
            inputs["labels"] = label_rows(config.set, labels, rows, 0.0)
    elif signature == "transfer":
        inputs["source_labels"] = known
        inputs["target_labels"] = label_rows(config.set, labels, rows)
    elif labels:
        inputs["labels"] = known
    return inputs


def write_images(out: str, names: Sequence[str], images: Iterable) -> None:
    """Writes encoded images under their ``image_names``.

    Args:
        out: the folder.
        names: of the n rows.
        images: PNG files as bytes, [n] or [n, ...].
    """
    for name, row in zip(names, images, strict=True):
        several = np.ravel(np.array(row, object))
        for file, content in zip(image_names(name, len(several)), several, strict=True):
            files.write_bytes(os.path.join(out, file), content)


def sample_names(count: int) -> list[str]:
    """Returns the names of so many samples, which their files and lines have."""
    return [f"sample_{number:05d}" for number in range(count)]


def image_names(name: str, count: int) -> list[str]:
    """Returns the files of a row: NAME.png, or NAME_00.png, NAME_01.png, ... if it has several."""
    return [f"{name}.png"] if count == 1 else [f"{name}_{number:02d}.png" for number in range(count)]


def json_lines(names: Sequence[str], outputs: Mapping[str, np.ndarray]) -> list[str]:
    """Returns a JSON object for each row: its name, and the row of every output."""
    return [
        json.dumps({"file": name, **{key: each[row].tolist() for key, each in outputs.items()}})
        for row, name in enumerate(names)
    ]
