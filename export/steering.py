"""What is asked of a model: labels and seeds. And its answers as files: images and JSON lines."""

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from export.configs import SteeringConfig
from tf_csvae import files
from tf_csvae.errors import InputError
from tf_csvae.labels import Label


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
    for pair in pairs:
        name, _, text = pair.partition("=")
        if name not in known:
            raise InputError(f"No label {name!r}. Labels of this model: {', '.join(known)}.")
        label = known[name]
        value = label.value(text)
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


def label_rows(
    pairs: Sequence[str], labels: Sequence[Label], rows: int, default: float = math.nan
) -> np.ndarray:
    """Returns float32 [rows, k], the same ``label_values`` in each row."""
    row = np.array(label_values(pairs, labels, default), np.float32)
    return np.tile(row, (rows, 1))


def request(
    config: SteeringConfig, signature: str, labels: Sequence[Label], known: np.ndarray, first: int
) -> dict[str, np.ndarray]:
    """Returns the inputs of a request beside its examples.

    Args:
        config: the labels and the seed that are asked for.
        signature: name of the signature, without "_bytes".
        labels: the k labels; none for a model without labels.
        known: float32 [rows, k], the labels of the examples in their own units, NaN where they
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
    """Writes encoded images as NAME.png, or NAME_00.png, NAME_01.png, ... if a row has several.

    Args:
        out: the folder.
        names: of the n rows.
        images: PNG files as bytes, [n] or [n, ...].
    """
    for name, row in zip(names, images, strict=True):
        several = np.ravel(np.array(row, object))
        for number, content in enumerate(several):
            ending = "" if len(several) == 1 else f"_{number:02d}"
            files.write_bytes(os.path.join(out, f"{name}{ending}.png"), content)


def json_lines(names: Sequence[str], outputs: Mapping[str, np.ndarray]) -> list[str]:
    """Returns a JSON object for each row: its name, and the row of every output."""
    return [
        json.dumps({"file": name, **{key: each[row].tolist() for key, each in outputs.items()}})
        for row, name in enumerate(names)
    ]
