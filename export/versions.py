"""A server's folder: the versions of its models, and models.config, which lists them."""

import os
import pathlib
import shutil
from collections.abc import Mapping

import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from export.signatures import Served
from tf_csvae.errors import InputError

CONFIG = "models.config"


def versions_of(folder: str) -> list[int]:
    """Returns the numbers of a model's versions, in order."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return sorted(int(name) for name in names if name.isdecimal())


def write(served: Served, name: str, export_dir: str, version: int, beside: Mapping[str, bytes]) -> str:
    """Writes a version of a model, whole, by rename.

    Args:
        served: the model.
        name: of the model.
        export_dir: the server's folder.
        version: number of the version.
        beside: {name: content} of the files in assets.extra.

    Returns:
        the version's folder.

    Raises:
        InputError: the version exists.
        OSError: the files cannot be written.
    """
    folder = os.path.join(export_dir, name)
    final = os.path.join(folder, str(version))
    os.makedirs(folder, exist_ok=True)
    # A server loads folders whose names are numbers, so this one has none until it is complete.
    temporary = os.path.join(folder, f".{os.getpid()}.{version}")
    try:
        default = next(iter(served.signatures.values()))
        signatures = {**served.signatures, "serving_default": default}
        # Without gradients: a server needs none, and those of SiLU double the time and the size.
        options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
        tf.saved_model.save(served.holder, temporary, signatures, options)
        extra = pathlib.Path(temporary, "assets.extra")
        extra.mkdir()
        for file, content in beside.items():
            (extra / file).write_bytes(content)
        for path in pathlib.Path(temporary).rglob("*"):
            if path.is_file():
                with path.open("rb") as file:
                    os.fsync(file.fileno())
        try:
            os.rename(temporary, final)
        except OSError:
            if not os.path.isdir(final):
                raise
            raise InputError(
                f"{final} is there, and a version is never written over. "
                "Give another --version, or none for the next."
            ) from None
    except tf.errors.OpError as error:  # such as a full disk
        raise OSError(f"{final} cannot be written: {error.message.splitlines()[0]}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return final


def models_config(path: str, name: str, version: int) -> str:
    """Returns a models.config in which a model has a new version with the label "stable".

    The version that had the label gets "previous". Entries of other models stay as they are.

    Args:
        path: the file as it is; need not exist.
        name: of the model.
        version: number of the new version.

    Raises:
        InputError: the file is no models.config.
    """
    config = model_server_config_pb2.ModelServerConfig()
    if os.path.exists(path):
        try:
            with open(path, encoding="utf-8") as file:
                text_format.Parse(file.read(), config)
        except (text_format.ParseError, UnicodeDecodeError) as error:
            raise InputError(f"{path} cannot be read ({error}). Repair or remove it.") from None
    models = config.model_config_list.config
    entry = next((model for model in models if model.name == name), None)
    if entry is None:
        entry = models.add(name=name, base_path=f"/models/{name}", model_platform="tensorflow")
    previous = entry.version_labels.get("stable")
    if previous == version:  # it was removed and exported again
        previous = entry.version_labels.get("previous")
    labels = {"previous": previous, "stable": version} if previous else {"stable": version}
    entry.version_labels.update(labels)
    entry.model_version_policy.specific.versions[:] = labels.values()
    return text_format.MessageToString(config)
