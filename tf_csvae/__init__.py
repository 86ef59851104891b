"""Conditional Subspace VAEs and their rivals, in TensorFlow and Keras 3.

The package is imported lazily: ``import tf_csvae`` costs nothing, and TensorFlow is
loaded when a name that needs it is first used. The map:

* ``tf_csvae.data`` -- ``load("swiss_roll")`` and the other datasets
* ``tf_csvae.models`` -- ``CSVAE`` and the bricks it is built from
* ``tf_csvae.metrics`` -- pure functions: divergence, probes, latents, reconstruction
* ``tf_csvae.evaluation`` -- a model and its data -> one dict of numbers
* ``tf_csvae.figures`` -- arrays in, matplotlib figures out
* ``tf_csvae.runs`` -- the run directory; ``callbacks`` -- its checkpoints; ``report`` -- its page
* ``tf_csvae.cluster`` -- the devices and machines that train together
"""

import importlib
import os

# TensorFlow's wheel leaves oneDNN off on processors without AVX512-VNNI, where it makes
# the convolutional networks about five times slower. It is read once, when TensorFlow is
# imported, so it is set here; a user's own TF_ENABLE_ONEDNN_OPTS=0 wins.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

__version__ = "0.1.0"

_MODULES = (
    "callbacks",
    "cluster",
    "data",
    "errors",
    "evaluation",
    "figures",
    "labels",
    "metrics",
    "models",
    "report",
    "runs",
)
_NAMES = {
    "CSVAE": "models",
    "Classifier": "models",
    "CondVAE": "models",
    "CondVAEInfo": "models",
    "VAE": "models",
    "InputError": "errors",
    "Label": "labels",
    "load_model": "models",
}

__all__ = [*_MODULES, *_NAMES, "__version__"]


def __getattr__(name):
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(f"{__name__}.{_NAMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
