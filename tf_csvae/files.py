"""Files: written whole, read as JSON, and kept within their folders."""

import contextlib
import json
import os
import re
from collections.abc import Iterator
from typing import Any

from tf_csvae.errors import InputError


@contextlib.contextmanager
def written_whole(path: str) -> Iterator[str]:
    """Yields a temporary path beside ``path`` and renames it to ``path`` after the block.

    The temporary name has the ending of ``path``, because some writers choose a format by it. If
    the block raises, the temporary file is removed. A power cut leaves the old or the new file.
    """
    folder, name = os.path.split(path)
    os.makedirs(folder or ".", exist_ok=True)
    temporary = os.path.join(folder, f".{os.getpid()}.{name}")
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
        directory = os.open(folder or ".", os.O_RDONLY)
        try:
            os.fsync(directory)  # the rename changed the directory
        finally:
            os.close(directory)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)


def remove_unfinished(folder: str) -> None:
    """Removes the temporary files that a killed process left in a folder, if the folder exists."""
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        if re.match(r"\.\d+\.", name):
            os.remove(os.path.join(folder, name))


def write_bytes(path: str, content: bytes) -> None:
    """Writes a file whole."""
    with written_whole(path) as temporary, open(temporary, "wb") as file:
        file.write(content)


def write_text(path: str, text: str) -> None:
    """Writes a text file whole, in UTF-8."""
    write_bytes(path, text.encode())


def write_json(path: str, value: Any) -> None:
    """Writes plain values as JSON, whole."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def read_json(path: str) -> dict[str, Any]:
    """Reads a JSON object, perhaps of somebody else; raises ``InputError`` if it is none."""
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"{path} cannot be read: {reason}. Train or evaluate the run again.") from error
    if not isinstance(value, dict):
        raise InputError(
            f"{path} must hold a JSON object. Received: a {type(value).__name__}. Train the run again."
        )
    return value


def is_within(path: str, *folders: str) -> bool:
    """Returns whether a path, which need not exist, is in a folder, once links are resolved."""
    target = os.path.realpath(path)
    return any(os.path.commonpath([home, target]) == home for home in map(os.path.realpath, folders))
