"""The systems, one file each, and ``load_model``."""

import keras

from tf_csvae.errors import InputError
from tf_csvae.models.base import Code, GenerativeModel
from tf_csvae.models.classifier import Classifier
from tf_csvae.models.condvae import CondVAE
from tf_csvae.models.condvae_info import CondVAEInfo
from tf_csvae.models.csvae import CSVAE
from tf_csvae.models.labelled import LabelledModel
from tf_csvae.models.networks import NetworkConfig
from tf_csvae.models.vae import VAE
from tf_csvae.models.warm_start import warm_start

__all__ = [
    "CSVAE",
    "VAE",
    "Classifier",
    "Code",
    "CondVAE",
    "CondVAEInfo",
    "GenerativeModel",
    "NetworkConfig",
    "load_model",
    "warm_start",
]


def load_model(path):
    """Loads a trained model from ``model.keras`` in Keras' safe mode.

    Args:
        path: str, the file.

    Returns:
        The model, with its weights, and compiled with its optimizers' state.

    Raises:
        InputError: no such file, or one that is not a model of this package.
    """
    try:
        model = keras.models.load_model(path, safe_mode=True)
    except Exception as error:  # a file that anyone may have made can fail in any way
        reason = (str(error) or repr(error)).splitlines()[0]
        raise InputError(f"Cannot load a model from {path}: {reason}") from error
    if not isinstance(model, LabelledModel):
        raise InputError(f"{path} holds a {type(model).__name__}, which is no model of tf_csvae.")
    return model
