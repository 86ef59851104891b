"""The systems, one file each, and ``load_model``."""

import os

import keras

from tf_csvae.errors import InputError
from tf_csvae.models.classifier import Classifier
from tf_csvae.models.condvae import CondVAE
from tf_csvae.models.condvae_info import CondVAEInfo
from tf_csvae.models.csvae import CSVAE
from tf_csvae.models.generative import GenerativeModel
from tf_csvae.models.labelled import LabelledModel, check_same
from tf_csvae.models.vae import VAE
from tf_csvae.objectives.term import Code

__all__ = [
    "CSVAE",
    "SYSTEMS",
    "VAE",
    "Classifier",
    "Code",
    "CondVAE",
    "CondVAEInfo",
    "GenerativeModel",
    "LabelledModel",
    "check_same",
    "load_model",
]

SYSTEMS = {
    "csvae": CSVAE,
    "condvae": CondVAE,
    "condvae_info": CondVAEInfo,
    "vae": VAE,
    "classifier": Classifier,
}


def load_model(path: str | os.PathLike) -> LabelledModel:
    """Loads a model with its weights and optimizers from ``model.keras`` in Keras' safe mode.

    Raises:
        InputError: no such file, or one that is no model of this package and version.
    """
    try:
        model = keras.models.load_model(path, safe_mode=True)
    except Exception as error:  # a file that anyone may have made can fail in any way
        reason = (str(error) or repr(error)).splitlines()[0]
        raise InputError(f"Cannot load a model from {path}: {reason}") from error
    if not isinstance(model, LabelledModel):
        raise InputError(f"{path} holds a {type(model).__name__}, which is no model of tf_csvae.")
    return model
