"""Answers of a model as files: images as PNG, numbers as JSON lines."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from tf_csvae import files


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
