"""Conditional Subspace VAEs and the systems they are compared with, in TensorFlow and Keras 3.

``import tf_csvae`` is cheap: a name loads TensorFlow when it is first used. The map:

* ``fit``, ``evaluate``, ``compare`` -- train, measure and compare, as the commands do
* ``load_data``, ``load_model`` -- data sets and trained models
* ``CSVAE``, ``CondVAE``, ``CondVAEInfo``, ``VAE``, ``Classifier`` -- the systems
* ``CSVAEConfig`` and its like, in ``configs`` -- every option and its default; ``settings`` -- all
  options of one training
* ``data``, ``networks``, ``objectives``, ``models``, ``editing``, ``training``, ``evaluation`` --
  the packages
"""

import importlib
import os
from typing import Any

# Imported now, over the module of the same name.
from tf_csvae.settings import settings

# TensorFlow's wheel turns oneDNN off on processors without AVX512-VNNI, where convolutions are
# then about five times slower. TensorFlow reads the variable once, when it is imported. A user's
# own TF_ENABLE_ONEDNN_OPTS=0 wins.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

__version__ = "0.2.0"

_NAMES_OF = {
    "configs": ("CSVAEConfig", "ClassifierConfig", "CondVAEConfig", "CondVAEInfoConfig", "VAEConfig"),
    "data": ("load_data",),
    "errors": ("InputError",),
    "evaluation.compare": ("compare",),
    "evaluation.evaluate": ("evaluate",),
    "labels": ("Label",),
    "models": ("CSVAE", "Classifier", "CondVAE", "CondVAEInfo", "VAE", "load_model"),
    "training": ("fit",),
}
_NAMES = {name: module for module, names in _NAMES_OF.items() for name in names}
_MODULES = ("configs", "data", "editing", "errors", "evaluation", "labels", "models", "runs", "training")

__all__ = [*_MODULES, *_NAMES, "__version__", "settings"]


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        value = getattr(importlib.import_module(f"{__name__}.{_NAMES[name]}"), name)
        globals()[name] = value  # over a module of the same name, which the import has set
        return value
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
