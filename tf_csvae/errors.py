"""The exception that is raised for a mistake of the user."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """A mistake in what the user gave: the value of a flag, a file, an array.

    The message has one or two full sentences: what was given, where, what was expected and how to
    get it. ``problems`` has those about all mistakes, if there are several. The commands print it
    without a traceback and exit with code 1.
    """

    def __init__(self, message: str, problems: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems) or (message,)


def check_known(given: str, known: Iterable[str], what: str) -> None:
    """Raises ``InputError`` unless ``given`` is in ``known``; ``what`` is its kind: "dataset"."""
    known = list(known)
    if given in known:
        return
    folded = {name.lower(): name for name in known}
    similar = difflib.get_close_matches(given.lower(), folded, n=3, cutoff=0.6)
    hint = f"Did you mean {' or '.join(folded[name] for name in similar)}? " if similar else ""
    raise InputError(f"Unknown {what} {given!r}. {hint}Known: {', '.join(known)}.")
