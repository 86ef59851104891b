"""Runs that were published with ``export.publish``: ``hf://user/name`` in place of a folder.

A published run is as little trusted as any file: its model is read in Keras' safe mode, and every
file must have the checksum that stands beside it.
"""

import functools
import os
import re
import types

from tf_csvae.errors import InputError
from tf_csvae.files import checksum, is_within, read_json, write_json

PREFIX = "hf://"

# Checksums of the files of a published run, and a mark that all of them were compared.
CHECKSUMS, CHECKED = "checksums.json", ".checked"

# Where runs of the hub are kept, by name and revision.
FOLDER = os.path.join("runs", "hub")

# What is taken from a repository, whatever else it holds.
FILES = (
    CHECKSUMS,
    "model.keras",
    "info.json",
    "flags.txt",
    "metrics.json",
    "history.csv",
    "figures/*",
    "judge/*",
)


@functools.lru_cache
def local(path: str) -> str:
    """Returns a folder for a path: the path itself, or of ``hf://user/name`` a copy of that run.

    ``hf://user/name@REVISION`` names a revision: a branch, a tag, or a commit. One that is here
    already is not asked for again if it is named by its whole commit.

    Raises:
        InputError: no such name, huggingface-hub is not installed, the hub cannot be reached, the
            run is not there or is private, or a file is not the one that was published.
    """
    if not path.startswith(PREFIX):
        return path
    name, _, revision = path.removeprefix(PREFIX).partition("@")
    if not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name) or not re.fullmatch(r"[\w./-]*", revision):
        raise InputError(f"{path!r:.200}: expected hf://user/name or hf://user/name@revision.")
    parent = os.path.join(FOLDER, name.replace("/", "--"))
    if re.fullmatch("[0-9a-f]{40}", revision):
        folder = os.path.join(parent, revision)
        if os.path.exists(os.path.join(folder, CHECKED)):
            return folder
    api = imported()
    try:
        revision = api.HfApi().model_info(name, revision=revision or None).sha
        if not re.fullmatch("[0-9a-f]{40}", str(revision)):
            raise InputError(f"{path}: the hub names no commit.")
        folder = os.path.join(parent, revision)
        if not os.path.exists(os.path.join(folder, CHECKED)):
            api.snapshot_download(name, revision=revision, local_dir=folder, allow_patterns=list(FILES))
            check(folder, path)
            write_json(os.path.join(folder, CHECKED), {"revision": revision})
            print(f"{path} is in {folder}.", flush=True)
    except InputError:
        raise
    except Exception as error:  # of HTTP libraries below it
        raise InputError(f"{path}: {sentence(error)}") from error
    return folder


def imported() -> types.ModuleType:
    """Returns the module huggingface_hub; raises ``InputError`` if it is not installed."""
    try:
        import huggingface_hub
    except ModuleNotFoundError:
        raise InputError("hf:// needs huggingface-hub: pip install -e '.[share]'.") from None
    return huggingface_hub


def sentence(error: Exception) -> str:
    """Returns what an error of huggingface_hub means."""
    errors = imported().errors
    if isinstance(error, errors.GatedRepoError):
        return "the hub asks for a login and its owner's consent. Log in: hf auth login."
    if isinstance(error, errors.RepositoryNotFoundError):
        return "there is no such repository, or it is private. Log in: hf auth login."
    if isinstance(error, errors.RevisionNotFoundError):
        return "the repository has no such revision."
    if isinstance(error, errors.HfHubHTTPError) and error.response is not None:
        return f"the hub answered {error.response.status_code}."
    return f"the hub cannot be reached ({type(error).__name__}). Give a folder, or try again later."


def check(folder: str, name: str) -> None:
    """Raises ``InputError`` unless the files in a folder are those of a published run."""
    listed = read_json(os.path.join(folder, CHECKSUMS), "export.publish writes it.")
    missing = {"model.keras", "info.json", "flags.txt", "metrics.json"} - set(listed)
    if missing:
        raise InputError(f"{name} is no run that export.publish wrote: it has no {min(missing)}.")
    there = {
        os.path.relpath(os.path.join(at, file), folder)
        for at, _, files in os.walk(folder)
        if ".cache" not in os.path.relpath(at, folder).split(os.sep)
        for file in files
    }
    for file in sorted(there - {CHECKSUMS, CHECKED, "README.md"} | set(listed)):
        path = os.path.join(folder, file)
        known = is_within(path, folder) and os.path.isfile(path) and file in listed
        if not known or checksum(path) != listed[file]:
            raise InputError(f"{name}: {file} is not the file that was published. Nothing is loaded.")
