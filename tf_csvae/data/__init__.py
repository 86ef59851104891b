"""Data sets by name.

A new data set is one module here, with ``OPTIONS`` (the fields of ``DataConfig`` that it reads
beside dataset and seed) and ``load(config)``, and its name in ``NAMES``.
"""

import importlib
from collections.abc import Collection
from types import ModuleType
from typing import Any

from tf_csvae.configs import DataConfig
from tf_csvae.data.dataset import Dataset, Info
from tf_csvae.errors import InputError, check_known
from tf_csvae.options import preset_names

__all__ = ["NAMES", "Dataset", "Info", "check", "load", "load_data", "options"]

NAMES = ("celeba", "drawn_faces", "folder", "swiss_roll", "table", "tfds")


def load_data(name: str, **options: Any) -> Dataset:
    """Loads a data set of ``NAMES``, or "tfds:" and the name of a set of TensorFlow Datasets.

    The options are fields of ``DataConfig``, over the values of the preset of this data set.

    Raises:
        InputError: no such data set, an option that it does not have, or a mistake in its files.

    Example:
        >>> from tf_csvae import load_data
        >>> roll = load_data("swiss_roll", batch_size=64)
        >>> roll.info.counts["train"], roll.info.labels[0].name
        (10000, 'x1_at_least_10')
    """
    check(name)
    presets = {name.partition(":")[0]} & set(preset_names())
    return load(DataConfig.preset(*presets, **{**options, "dataset": name}), options)


def load(config: DataConfig, given: Collection[str] = ()) -> Dataset:
    """Loads the data set of a config; ``given`` names the options that were asked for explicitly.

    Raises:
        InputError: no such data set, an option that it does not have, or a mistake in its files.
    """
    known = options(config.dataset)
    for name, option in DataConfig.options().items():
        value = getattr(config, name)
        if name not in ("dataset", *known) and (name in given or value != option.default):
            raise InputError(
                f"{option.line(value)}: --dataset={config.dataset} has no such option. "
                f"Its options: {', '.join(f'--{each}' for each in known)}."
            )
    loaded = _source(config.dataset).load(config)
    if loaded.left_out:
        print(f"Left out {len(loaded.left_out)} bad examples:", *loaded.left_out, sep="\n", flush=True)
    return loaded


def options(name: str) -> tuple[str, ...]:
    """Returns the fields of ``DataConfig`` that a data set reads; raises ``InputError``."""
    return (*_source(name).OPTIONS, "seed")


def check(name: str) -> None:
    """Raises ``InputError`` unless there is a data set of this name; loads nothing."""
    kind, _, rest = name.partition(":")
    check_known(kind if kind == "tfds" else name, NAMES, "dataset")
    if kind == "tfds" and not rest:
        raise InputError(f"--dataset={name}: give the set's name too, as in tfds:cats_vs_dogs.")


def _source(name: str) -> ModuleType:
    """Returns the module of a data set; raises ``InputError``."""
    check(name)  # imported here, because it needs TensorFlow, and NAMES and Info do not
    return importlib.import_module(f"{__name__}.{name.partition(':')[0]}")
