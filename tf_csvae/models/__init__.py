"""The systems, one file each, and ``load_model``."""

import os
import warnings
import zipfile
import zlib

import keras

from tf_csvae import hub
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

    ``path`` is the file, or hf://user/name, a run that ``export.publish`` has published.

    Raises:
        InputError: no such file, a damaged one, or one that is no model of this package and
            version.
    """
    if isinstance(path, str) and path.startswith(hub.PREFIX):
        path = os.path.join(hub.local(path), "model.keras")
    _check_file(path)
    try:
        with warnings.catch_warnings():
            # A page of warnings before the error about weights that do not fit.
            warnings.filterwarnings("ignore", message="Skipping nested container")
            model = keras.models.load_model(path, safe_mode=True)
    except InputError as error:
        raise InputError(f"Cannot load a model from {path}: {error}") from error
    except Exception as error:  # a file that anyone may have made can fail in any way
        text = str(error) or repr(error)
        # Keras counts objects whose weights it could not read, and shows one in another line.
        if "could not be loaded" in text or isinstance(error, OSError):
            text = "its weights do not fit the networks that it describes, or are damaged. " + _COPY
        raise InputError(f"Cannot load a model from {path}: {text.splitlines()[0][:500]}") from error
    if not isinstance(model, LabelledModel):
        raise InputError(f"{path} holds a {type(model).__name__}, which is no model of tf_csvae.")
    return model


_COPY = "Copy the file again, or train the run again."

# What a Keras file holds.
_MEMBERS = ("metadata.json", "config.json", "model.weights.h5")


def _check_file(path: str | os.PathLike) -> None:
    """Raises ``InputError`` unless a path is a whole file of a Keras model."""
    told = f"Cannot load a model from {path}: "
    try:
        size = os.path.getsize(path)
        with zipfile.ZipFile(path) as archive:
            missing = [name for name in _MEMBERS if name not in archive.namelist()]
            damaged = None if missing else archive.testzip()
    except IsADirectoryError:
        raise InputError(f"{told}it is a folder. Give the file model.keras of a run.") from None
    except FileNotFoundError:
        raise InputError(f"{told}there is no such file. Give the file model.keras of a run.") from None
    except zipfile.BadZipFile:
        what = "the file is empty" if not size else f"the file of {size:,} bytes is cut off or no Keras file"
        raise InputError(f"{told}{what}. {_COPY}") from None
    except (OSError, ValueError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise InputError(f"{told}{getattr(error, 'strerror', None) or error}. {_COPY}") from error
    if missing:
        raise InputError(f"{told}it is a zip file without {missing[0]}, so no Keras file. {_COPY}")
    if damaged:
        raise InputError(f"{told}the file of {size:,} bytes is damaged in {damaged}. {_COPY}")
