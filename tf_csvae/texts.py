"""What the texts in a user's table or on a command line stand for."""

import math

# What stands for a value that is not known, in any case.
MISSING = ("", "na", "n/a", "nan", "none", "null", "?")

# Words of a binary label, in any case.
_BINARY = {"false": 0, "true": 1, "no": 0, "yes": 1}


def number(text):
    """Returns a text's finite number, or NaN."""
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def missing(text):
    """Whether a text stands for a value that is not known."""
    return text.casefold() in MISSING


def binary(text):
    """Returns -1, 0 or 1, or None for a text that is no value of a binary label."""
    value = number(text)
    if math.isnan(value):
        return _BINARY.get(text.casefold())
    return int(value) if value in (-1, 0, 1) else None
