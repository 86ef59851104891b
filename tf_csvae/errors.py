"""The one exception a user's own mistake raises."""

import difflib


class InputError(ValueError):
    """A mistake in what the user gave: a flag's value, a file, an array.

    The message is one complete sentence or two: what was given, where, what was expected
    and how to get it. The trainers print it without a traceback and exit with 1.

    Args:
        message: str.
        problems: sentences about all that is wrong, where the message tells only the first.
    """

    def __init__(self, message, problems=()):
        super().__init__(message)
        self.problems = tuple(problems) or (message,)


def check_known(given, known, what):
    """Raises ``InputError`` unless ``given`` is one of ``known``, offering the nearest.

    Args:
        given: str, the name that the user gave.
        known: iterable of str, the names that exist.
        what: str, what is being named, as in "dataset".

    Raises:
        InputError: ``given`` is not in ``known``.
    """
    known = list(known)
    if given in known:
        return
    folded = {name.lower(): name for name in known}
    nearest = [folded[name] for name in difflib.get_close_matches(given.lower(), folded, n=3, cutoff=0.6)]
    hint = f"Did you mean {' or '.join(nearest)}? " if nearest else ""
    raise InputError(f"Unknown {what} {given!r}. {hint}Known: {', '.join(known)}.")
