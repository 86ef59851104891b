"""Files: named safely, written whole, read as JSON, and kept within their folders."""

import collections
import contextlib
import hashlib
import json
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from tf_csvae.errors import InputError

# Longest name of a file that is made from a text, and longest path within a folder of ours.
MAX_NAME, MAX_BELOW = 60, 120

# Names that some systems keep for devices.
_RESERVED = re.compile("(con|prn|aux|nul|(com|lpt)[0-9])", re.IGNORECASE)

# The hash behind a name that was changed. A text that ends like it is changed too.
_HASHED = re.compile("-[0-9a-f]{10}$", re.IGNORECASE)


def file_names(texts: Iterable[str]) -> dict[str, str]:
    """Returns {text: name of a file} of texts from anywhere, such as the names of labels.

    A name has letters, digits, "_" and "-" only. A text that is such a name stays as it is. If
    something in it has to change, if it is too long, or if another of the texts differs from it in
    case only, a hash of the text follows. So no two texts share a name, on any file system, and no
    name leads anywhere.
    """
    texts = list(dict.fromkeys(texts))
    alike = collections.Counter(text.casefold() for text in texts)
    return {text: _file_name(text, alone=alike[text.casefold()] == 1) for text in texts}


def file_name(text: str) -> str:
    """Returns the name of a file for one text, as ``file_names`` does."""
    return file_names([text])[text]


def _file_name(text: str, alone: bool) -> str:
    plain = re.fullmatch(rf"\w[\w-]{{0,{MAX_NAME - 1}}}", text) and len(text.encode()) <= 3 * MAX_NAME
    same = text == unicodedata.normalize("NFKC", text)
    if alone and plain and same and not _RESERVED.fullmatch(text) and not _HASHED.search(text):
        return text
    words = re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-")[: MAX_NAME - 11]
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"{words or 'name'}-{digest}"


def checksum(path: str) -> str:
    """Returns the SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_folder(path: str, flag: str) -> None:
    """Raises ``InputError`` unless files can be written to a folder, which need not exist.

    It changes nothing. ``flag`` is what gave the path, as in "--run_dir".
    """
    shown = f"{flag}={path if path.isprintable() else ascii(path)}"
    other = "Give another folder."
    try:
        path.encode()
    except UnicodeEncodeError:
        raise InputError(f"{shown} is not valid UTF-8. {other}") from None
    if "\0" in path:
        raise InputError(f"{shown} has a NUL in it, which no path can have. {other}")
    whole = os.path.abspath(path)
    longest = max(len(os.fsencode(part)) for part in whole.split(os.sep))
    if longest > 255 or len(os.fsencode(whole)) + MAX_BELOW > 4095:
        raise InputError(f"{flag}={path[:100]} ... is too long for a path: {len(path)} characters. {other}")
    there = whole
    while not os.path.lexists(there):
        there = os.path.dirname(there)
    if not os.path.isdir(there):
        it = "it is a file" if there == whole else f"{there} is a file"
        raise InputError(f"{shown} cannot be a folder: {it}. {other}")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"{shown} cannot be written: there is no permission to write to {there}. {other}")


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
    """Writes a text file whole, in UTF-8; what has no UTF-8 is written as its number."""
    write_bytes(path, text.encode(errors="backslashreplace"))


def write_json(path: str, value: Any) -> None:
    """Writes plain values as JSON, whole."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def read_json(path: str, remedy: str = "Train or evaluate the run again.") -> dict[str, Any]:
    """Reads a JSON object, perhaps of somebody else; raises ``InputError`` if it is none.

    ``remedy`` is the end of the message: what to do.
    """
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file)
    except FileNotFoundError:
        raise InputError(f"There is no file {path}. {remedy}") from None
    except (OSError, ValueError, RecursionError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"{path} cannot be read: {reason}. {remedy}") from error
    if not isinstance(value, dict):
        raise InputError(f"{path} must hold a JSON object. Received: a {type(value).__name__}. {remedy}")
    return value


def is_within(path: str, *folders: str) -> bool:
    """Returns whether a path, which need not exist, is in a folder, once links are resolved."""
    target = os.path.realpath(path)
    return any(os.path.commonpath([home, target]) == home for home in map(os.path.realpath, folders))
