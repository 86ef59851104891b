"""The form of metrics.json, which may be somebody else's: numbers, by name, at known depths."""

from typing import Any

# Levels of names above the numbers: of a part, a label, a number. Other names: at most three.
DEPTHS = {
    **dict.fromkeys(("seconds_training", "examples_per_second", "parameters"), 0),
    **dict.fromkeys(("mean_accuracy", "mean_balanced_accuracy", "mean_r2"), 0),
    **dict.fromkeys(("frechet", "frechet_real", "diversity_overall"), 0),
    **dict.fromkeys(("reconstruction", "active_units", "diversity", "subspace_kl", "training"), 1),
    **dict.fromkeys(("classification", "generation", "transfer", "style", "goes_with", "kept"), 2),
    **dict.fromkeys(("divergence", "probe", "leak", "by_value"), 3),
    "effects": 4,
}
MOST_LEVELS = 3

# Parts with other values than numbers, and what these are.
OTHERS = {
    "run": {"system": str, "dataset": str, "seed": int, "counts": {"*": int}, "versions": {"*": str}},
    "judge": {"sha256": str, "samples": int},
    "verdict": {"*": {"status": str, "reasons": [str], "next": [str]}},
    "measured_on": {"dataset": str, "counts": {"train": int, "validation": int, "test": int}},
}

# Larger numbers than any measure here; their squares are still numbers.
LARGEST = 1e100


def is_number(value: Any) -> bool:
    """Returns whether a value is a finite number, and not absurdly large."""
    return type(value) in (int, float) and abs(value) <= LARGEST  # false for NaN


def wrong_in(numbers: dict[str, Any]) -> str | None:
    """Returns where metrics.json is not as it must be, as in "/run/seed"; None: nowhere."""
    for name, value in numbers.items():
        if name in OTHERS:
            wrong = _unlike(value, OTHERS[name], f"/{name}")
        else:
            levels, exact = DEPTHS.get(name, MOST_LEVELS), name in DEPTHS
            wrong = _wrong_numbers(value, name, levels, exact, f"/{name}")
        if wrong:
            return wrong
    return None


def _wrong_numbers(value: Any, name: str, levels: int, exact: bool, where: str) -> str | None:
    """Returns where a value is no number, or an interval not two, below so many levels of names.

    Unless ``exact``, there may be fewer levels.
    """
    if isinstance(value, dict):
        if not levels:
            return where
        found = (
            _wrong_numbers(each, key, levels - 1, exact, f"{where}/{key}") for key, each in value.items()
        )
        return next(filter(None, found), None)
    if exact and levels:  # a number where an object belongs
        return where
    if isinstance(value, list):  # a label's own name may have this ending, too
        fits = name.endswith("_interval") and len(value) == 2 and all(map(is_number, value))
    else:
        fits = is_number(value)
    return None if fits else where


def _unlike(value: Any, form: dict | list | type, where: str) -> str | None:
    """Returns where a value has not the types of a form; that of a list is of each value in it."""
    if isinstance(form, list):
        fits = isinstance(value, list) and all(_unlike(each, form[0], where) is None for each in value)
        return None if fits else where
    if not isinstance(form, dict):
        fits = type(value) is form and (form is not int or (value >= 0 and is_number(value)))
        return None if fits else where
    if not isinstance(value, dict):
        return where
    forms = dict.fromkeys(value, form["*"]) if "*" in form else form
    found = (_unlike(value.get(name), each, f"{where}/{name}") for name, each in forms.items())
    return next(filter(None, found), None)
