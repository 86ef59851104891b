"""Files of answers: each has a name of its own, and no other file is written over unasked."""

import collections
import os
import unicodedata
from collections.abc import Iterable, Sequence

from tf_csvae.errors import InputError


def names_of(paths: Sequence[str]) -> list[str]:
    """Returns the names, without ".png", of the answers about files: their paths without ending.

    Where two answers would have one name, they keep the ending, as in "a.jpg" and "a.bmp". Upper
    and lower case count as equal, as they are on some disks. What is still equal gets a number.
    """
    names = [os.path.splitext(path)[0] for path in paths]
    while rows := [row for row in _clashing(names) if names[row] != paths[row]]:
        for row in rows:
            names[row] = paths[row]
    clashing = _clashing(names)
    taken = {_key(name) for row, name in enumerate(names) if row not in clashing}
    for row in clashing:
        number, whole = 1, names[row]
        while _key(names[row]) in taken or _key(names[row]) in _folders(names):
            number += 1
            names[row] = f"{whole}_{number}"
        taken.add(_key(names[row]))
    return names


def _clashing(names: Sequence[str]) -> list[int]:
    """Returns the places of names whose files are those of other names, or folders of theirs."""
    counts, folders = collections.Counter(map(_key, names)), _folders(names)
    return [row for row, name in enumerate(names) if counts[_key(name)] > 1 or _key(name) in folders]


def _key(name: str) -> str:
    """Returns the file of a name, equal for names that are one on some file system."""
    return unicodedata.normalize("NFC", f"{name}.png".casefold())


def _folders(names: Iterable[str]) -> set[str]:
    """Returns the folders, as in ``_key``, in which the files of names are."""
    found, left = set(), {os.path.dirname(_key(name)) for name in names}
    while left:
        found |= left
        left = {os.path.dirname(folder) for folder in left} - found
    return found


def check_free(out: str, names: Iterable[str], overwrite: bool, inputs: Iterable[str]) -> None:
    """Makes the folder ``out`` and checks that the files of answers can be written into it.

    Args:
        out: the folder.
        names: of the files that will be written.
        overwrite: whether other files may be written over.
        inputs: files that are never written over.

    Raises:
        InputError: a file is there already, or is one of ``inputs``, or ``out`` is no folder.
        OSError: the folder cannot be made.
    """
    if os.path.lexists(out) and not os.path.isdir(out):
        raise InputError(f"--out={out} is a file. Give a folder.")
    os.makedirs(out, exist_ok=True)
    there = [path for path in (os.path.join(out, name) for name in names) if os.path.lexists(path)]
    own = {_identity(path) for path in inputs if os.path.exists(path)} if there else set()
    for path in there:
        if os.path.isdir(path):
            raise InputError(f"The answer cannot be written to {path}, which is a folder.")
        if os.path.exists(path) and _identity(path) in own:
            raise InputError(
                f"The answer would be written over {path}, a file of the input. Give another --out."
            )
    if there and not overwrite:
        more = f", as are {len(there) - 1} others" if there[1:] else ""
        raise InputError(
            f"{there[0]} is there already{more}. Give another --out, or --overwrite to replace files."
        )


def _identity(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino
