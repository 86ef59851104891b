"""Data sets by name.

A new data set is one module here, with ``OPTIONS`` (the fields of ``DataConfig`` that it reads
beside dataset and seed) and ``load(config, known=None)``, and its name in ``NAMES``. ``known`` is
the ``Info`` of the data that a run was trained on; the data are then read with its labels, scaling
and columns.
"""

import importlib
from collections.abc import Collection
from types import ModuleType
from typing import Any

from tf_csvae.configs import DataConfig
from tf_csvae.data.dataset import Dataset, Info
from tf_csvae.data.known import check_fits
from tf_csvae.errors import InputError, check_known
from tf_csvae.options import preset_names

__all__ = ["NAMES", "Dataset", "Info", "check", "load", "load_data", "options"]

NAMES = ("celeba", "drawn_faces", "folder", "swiss_roll", "table", "tfds")


def load_data(name: str, known: Info | None = None, **options: Any) -> Dataset:
    """Loads a data set of ``NAMES``, or "tfds:" and the name of a set of TensorFlow Datasets.

    The options are fields of ``DataConfig``, over the values of the preset of this data set.
    ``known`` is the ``info`` of other data; then these are read with its labels and scaling.

    Raises:
        InputError: no such data set, an option that it does not have, a mistake in its files, or
            data that differ in kind from the known ones.

    Example:
        >>> from tf_csvae import load_data
        >>> roll = load_data("swiss_roll", batch_size=64)
        >>> roll.info.counts["train"], roll.info.labels[0].name
        (10000, 'x1_at_least_10')
    """
    check(name)
    presets = {name.partition(":")[0]} & set(preset_names())
    return load(DataConfig.preset(*presets, **{**options, "dataset": name}), options, known)


def load(config: DataConfig, given: Collection[str] = (), known: Info | None = None) -> Dataset:
    """Loads the data set of a config; ``given`` names the options that were asked for explicitly.

    ``known`` is the ``Info`` of the data that a run was trained on. With it the data are read with
    the labels, classes, scaling and columns of that run, and nothing is fitted anew.

    Raises:
        InputError: no such data set, an option that it does not have, a mistake in its files, or
            data whose labels or columns are not those of the run.
    """
    own = options(config.dataset)
    for name, option in DataConfig.options().items():
        value = getattr(config, name)
        if name not in ("dataset", *own) and (name in given or value != option.default):
            raise InputError(
                f"{option.line(value)}: --dataset={config.dataset} has no such option. "
                f"Its options: {', '.join(f'--{each}' for each in own)}."
            )
    if known is not None:
        _check_images(config, given, known)
    loaded = _source(config.dataset).load(config, known)
    if known is not None:
        check_fits(known, loaded.info, "The run")
    if loaded.left_out:
        print(f"Left out {len(loaded.left_out)} bad examples:", *loaded.left_out, sep="\n", flush=True)
    return loaded


def _check_images(config: DataConfig, given: Collection[str], known: Info) -> None:
    """Raises ``InputError`` where options ask for other images than the run has."""
    if not known.is_image or "image_size" not in options(config.dataset):
        return
    from tf_csvae.data.image_format import sides

    if sides(config) not in (None, known.shape[:2]):
        raise InputError(
            f"--image_size={config.image_size}: the run has images of {known.shape[0]} x "
            f"{known.shape[1]} pixels. Leave the flag out, or train a new run."
        )
    if "crop" in given:
        from tf_csvae.data.images import parse_crop

        if parse_crop(config.crop) != known.crop:
            raise InputError(
                f"--crop={config.crop}: the run crops images as {known.crop}. Leave the flag out, or "
                "train a new run."
            )


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
