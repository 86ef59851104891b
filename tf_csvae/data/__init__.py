"""Datasets by name.

A new dataset is one file with a ``load`` function and one line in ``_MODULES``.
"""

import importlib
import inspect

from tf_csvae.data.dataset import Dataset, Info
from tf_csvae.errors import InputError, check_known

__all__ = ["NAMES", "Dataset", "Info", "check", "load", "options"]

_MODULES = {
    "celeba": "tf_csvae.data.celeba",
    "drawn_faces": "tf_csvae.data.drawn_faces",
    "folder": "tf_csvae.data.folder",
    "swiss_roll": "tf_csvae.data.swiss_roll",
    "table": "tf_csvae.data.table",
    "tfds": "tf_csvae.data.tfds",
}

NAMES = tuple(_MODULES)


def load(name, **given):
    """Loads a dataset.

    Args:
        name: str, one of ``NAMES``, or "tfds:" and the name of a set of TensorFlow Datasets.
        **given: the arguments of that dataset's ``load``: ``batch_size`` and ``seed`` for
            all, ``data_dir``, ``attributes``, ... for some.

    Returns:
        A ``Dataset``.

    Raises:
        InputError: no such dataset, an option it does not have, or a mistake in its files.

    Example:
        >>> from tf_csvae import data
        >>> roll = data.load("swiss_roll", batch_size=64)
        >>> roll.info.counts["train"], roll.info.labels[0].name
        (10000, 'x1_at_least_10')
    """
    known = options(name)
    unknown = [option for option in given if option not in known]
    if unknown:
        raise InputError(
            f"Dataset {name!r} has no option {', '.join(unknown)}. Its options: {', '.join(known)}."
        )
    module, rest = _module(name)
    return module.load(**rest, **given)


def options(name):
    """Returns the names of the arguments that ``load(name, ...)`` takes."""
    module, rest = _module(name)
    return tuple(option for option in inspect.signature(module.load).parameters if option not in rest)


def check(name):
    """Raises ``InputError`` unless there is a dataset of this name; loads nothing."""
    kind, _, rest = name.partition(":")
    check_known(kind if kind == "tfds" else name, NAMES, "dataset")
    if kind == "tfds" and not rest:
        raise InputError(f"--dataset={name}: give the set's name too, as in tfds:cats_vs_dogs.")


def _module(name):
    """Returns (the dataset's module, the arguments that its name stands for)."""
    check(name)
    kind, _, rest = name.partition(":")
    return importlib.import_module(_MODULES[kind]), {"name": rest} if rest else {}
