"""Datasets by name.

A new dataset is one file with a ``load`` function and one line in ``_MODULES``.
"""

import importlib
import inspect

from tf_csvae.data.dataset import Dataset, Info
from tf_csvae.errors import InputError, check_known

__all__ = ["NAMES", "Dataset", "Info", "load", "options"]

_MODULES = {
    "celeba": "tf_csvae.data.celeba",
    "drawn_faces": "tf_csvae.data.drawn_faces",
    "folder": "tf_csvae.data.folder",
    "swiss_roll": "tf_csvae.data.swiss_roll",
    "table": "tf_csvae.data.table",
}

NAMES = tuple(_MODULES)


def load(name, **given):
    """Loads a dataset.

    Args:
        name: str, one of ``NAMES``.
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
    return _module(name).load(**given)


def options(name):
    """Returns the names of the arguments that ``load(name, ...)`` takes."""
    return tuple(inspect.signature(_module(name).load).parameters)


def _module(name):
    check_known(name, NAMES, "dataset")
    return importlib.import_module(_MODULES[name])
