"""The run directory: what a training leaves behind, and how it is resumed.

    flags.txt      a flagfile that repeats the run
    backup/        checkpoints, to resume from
    history.csv    one row per epoch
    tensorboard/   the same for TensorBoard
    model.keras    the trained model
    info.json      the data of the training: labels, shape, scaling; no evaluation changes it
    figures/*.png  the pictures
    transfers.png  of images: transfers while it trained
    report.html    tables and pictures on one page
    guide/, judge/ the runs of the classifiers that the training made
    track.json     what an experiment tracker calls the run
    metrics.json   the numbers; written last, so a run that has it is finished

Every file appears whole, by rename, except the two logs that grow by the epoch.
"""

import contextlib
import csv
import os
import re
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import filelock

from tf_csvae import hub
from tf_csvae.data.dataset import Info
from tf_csvae.data.known import check_fits
from tf_csvae.errors import InputError
from tf_csvae.files import (
    check_folder,
    checksum,
    is_within,
    read_json,
    remove_unfinished,
    write_json,
    write_text,
)
from tf_csvae.measured import wrong_in
from tf_csvae.options import flag_values
from tf_csvae.settings import Settings, recorded

if TYPE_CHECKING:  # a run is checked before TensorFlow is imported
    from tf_csvae.models import LabelledModel

FLAGFILE, METRICS, MODEL, HISTORY = "flags.txt", "metrics.json", "model.keras", "history.csv"
REPORT, FIGURES, BACKUP, TENSORBOARD = "report.html", "figures", "backup", "tensorboard"
INFO, CAPTIONS, LOCK = "info.json", "captions.json", ".lock"
GUIDE, JUDGE, TRANSFERS, TRACK = "guide", "judge", "transfers.png", "track.json"

# Flags whose values are paths; only the last part of them is published.
PATHS = ("data_dir", "data_path", "labels", "guide", "judge", "init_from", "cache")

# In the order of removal: what is left at any moment is still a run.
_CONTENTS = (METRICS, BACKUP, HISTORY, MODEL, INFO, REPORT, FIGURES, TENSORBOARD, TRANSFERS, GUIDE, JUDGE)
_CONTENTS += (TRACK,)


class Run:
    """One run directory, which need not exist; of ``hf://user/name`` a copy of that run."""

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = hub.local(os.fspath(path))
        if "\0" in self.path:
            raise InputError(f"A path of a run cannot have a NUL in it. Received: {self.path!r}.")

    def file(self, *names: str) -> str:
        """Returns the path of something in the run."""
        return os.path.join(self.path, *names)

    @property
    def finished(self) -> bool:
        """Whether the run was trained and measured to its end."""
        return os.path.exists(self.file(METRICS))

    @property
    def begun(self) -> bool:
        """Whether a training was begun here."""
        return os.path.exists(self.file(FLAGFILE))

    # Writing.

    def check(self, flags: str, resume: bool = False, overwrite: bool = False) -> None:
        """Raises unless a training with these flags may be written here; changes nothing.

        An unfinished run of the same flags, the text of a flags.txt, is resumed. A finished run,
        or one of other flags, is touched only on request.

        Raises:
            InputError: the directory holds another run and neither was asked for, or something
                that is no run; or there is nothing to resume.
        """
        check_folder(self.path, "--run_dir")
        if resume and overwrite:
            raise InputError("--resume and --overwrite exclude each other. Give one of them.")
        present = os.listdir(self.path) if os.path.isdir(self.path) else []
        if FLAGFILE in present and self.flags().startswith("# python -m trainers."):
            if not overwrite:
                self._check_same(flags, resume)
        # A power cut may leave the temporary name of a file.
        elif [name for name in present if not name.startswith(".")]:
            raise InputError(
                f"--run_dir={self.path} holds other files and no run (no {FLAGFILE}). "
                "Give an empty or a new directory."
            )
        elif resume:
            raise InputError(
                f"--resume: there is no run in --run_dir={self.path}. Leave --resume out to begin one."
            )

    def _check_same(self, flags, resume) -> None:
        there = self.flags()
        self.settings()  # raises for a run of an earlier version
        old, new = _trainer(there), _trainer(flags)
        if resume and old == new:
            return
        if resume:
            raise InputError(f"--run_dir={self.path} holds a run of {old}, not of {new}.")
        different = _differences(there, flags)
        if different:
            raise InputError(
                f"--run_dir={self.path} holds another run ({different}). Give another --run_dir, --overwrite "
                "to begin anew, or --resume to continue from its last checkpoint with the flags given now."
            )
        if self.finished:
            raise InputError(
                f"--run_dir={self.path} holds this run, finished. Give another --run_dir, "
                "--overwrite to repeat it, or --resume with more --epochs to train on."
            )

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other processes from writing this run in the block; makes the directory.

        The lock belongs to the kernel, so it ends with the process. If another process holds it,
        it raises ``InputError``.
        """
        check_folder(self.path, "--run_dir")
        lock = filelock.FileLock(self.file(LOCK))
        try:
            os.makedirs(self.path, exist_ok=True)
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise InputError(
                f"--run_dir={self.path} is being written by another process. "
                "Wait for it, or give another --run_dir."
            ) from None
        except OSError as error:
            raise InputError(
                f"--run_dir={self.path} cannot be written: {error.strerror}. Give another --run_dir."
            ) from error
        try:
            yield
        finally:
            if not set(os.listdir(self.path)) - {LOCK}:  # nothing was written
                shutil.rmtree(self.path)  # before another process may lock it
            lock.release()

    def begin(self, flags: str, overwrite: bool = False) -> None:
        """Prepares the directory for the training that ``check`` allowed."""
        for name in _CONTENTS if overwrite else (METRICS,):  # no metrics until it is finished
            path = self.file(name)
            if os.path.isdir(path):
                shutil.rmtree(path)
            elif os.path.exists(path):
                os.remove(path)
        remove_unfinished(self.path)
        write_text(self.file(FLAGFILE), flags)

    def write_info(self, info: Info) -> None:
        """Writes info.json, the description of the data, as the training begins."""
        write_json(self.file(INFO), info.to_dict())

    def cut_history(self, epochs: int) -> None:
        """Drops the rows of history.csv after the first ``epochs``: they are logged again."""
        if os.path.exists(self.file(HISTORY)):
            with open(self.file(HISTORY), encoding="utf-8", errors="replace") as file:
                lines = file.readlines()
            if epochs:
                write_text(self.file(HISTORY), "".join(lines[: 1 + epochs]))
            else:  # the header, too, which a power cut may have left unfinished
                os.remove(self.file(HISTORY))

    # Reading. Every method raises ``InputError`` for a file that is missing or malformed.

    def flags(self) -> str:
        """Returns the text of flags.txt."""
        try:
            with open(self.file(FLAGFILE), encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            raise InputError(f"{self.path} holds no run: there is no {FLAGFILE}.") from None
        except UnicodeDecodeError as error:
            raise InputError(f"{self.file(FLAGFILE)} is no text: {error}.") from error
        except OSError as error:
            raise InputError(f"{self.file(FLAGFILE)} cannot be read: {error.strerror}.") from error

    def settings(self) -> Settings:
        """Returns the settings of the training, from flags.txt."""
        return recorded(self.flags(), self.file(FLAGFILE))

    def info(self) -> Info:
        """Returns the ``Info`` of the data that it was trained on, from info.json."""
        path = self.file(INFO)
        remedy = "It describes the data of the run: copy the run again, or train it again."
        try:
            return Info.from_dict(read_json(path, remedy))
        except InputError as error:
            raise InputError(str(error) if path in str(error) else f"{path}: {error} {remedy}") from error

    def model(self) -> "LabelledModel":
        """Returns the trained model of a finished run."""
        from tf_csvae.models import load_model

        self.check_finished()
        return load_model(self.file(MODEL))

    def checksum(self) -> str:
        """Returns the SHA-256 of model.keras of a finished run."""
        self.metrics()
        try:
            return checksum(self.file(MODEL))
        except OSError as error:
            raise InputError(f"{self.file(MODEL)} cannot be read: {error.strerror}.") from error

    def history(self) -> dict[str, list[float]]:
        """Returns history.csv as {column: values}; empty before the first epoch."""
        if not os.path.exists(self.file(HISTORY)):
            return {}
        try:
            with open(self.file(HISTORY), encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
            return {name: [float(row[name]) for row in rows] for name in (rows[0] if rows else ())}
        except (ValueError, TypeError, csv.Error, OSError) as error:
            raise InputError(f"{self.file(HISTORY)} is no table of numbers: {error}.") from error

    def check_finished(self) -> None:
        """Raises ``InputError`` unless the run is finished and of this version."""
        if not self.finished:
            raise InputError(f"{self.path} holds no finished run: there is no {METRICS}.")
        self.settings()

    def metrics(self) -> dict[str, Any]:
        """Returns metrics.json of a finished run."""
        self.check_finished()
        numbers = read_json(self.file(METRICS), "Train the run again.")
        wrong = wrong_in(numbers)
        if wrong:
            at = wrong if len(wrong) < 200 else f"{wrong[:200]} ..."
            raise InputError(f"{self.file(METRICS)} has no valid value at {at!r}. Evaluate the run again.")
        return numbers

    def pictures(self) -> list[tuple[str, str, bytes]]:
        """Returns [(name, caption, PNG bytes)] of the figures."""
        folder, captions, found = self.file(FIGURES), self.file(FIGURES, CAPTIONS), []
        for name, caption in read_json(captions, "Evaluate the run again.").items():
            path, plain = os.path.join(folder, f"{name}.png"), name == os.path.basename(name)
            if "\0" in name or not plain or not is_within(path, folder) or not isinstance(caption, str):
                raise InputError(f"{captions} names {name!r}, which is no picture of the run.")
            try:
                with open(path, "rb") as file:
                    content = file.read()
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or error
                raise InputError(f"{path} cannot be read: {reason}. Evaluate the run again.") from error
            if not content.startswith(b"\x89PNG"):
                raise InputError(f"{path} is no PNG file. Evaluate the run again.")
            found.append((name, caption, content))
        return found


def load_classifier(path: str, info: Info, role: str) -> tuple["LabelledModel", str]:
    """Loads the ``Classifier`` of a run; returns it with the ``checksum`` of the run.

    ``info`` is of the data that it is for; ``role`` is "guide" or "judge", and the flag's name.

    Raises:
        InputError: no finished run, not one of a classifier, or of other data or labels.
    """
    from tf_csvae.models import Classifier, check_same

    run = Run(path)
    checksum, found = run.checksum(), run.model()
    if not isinstance(found, Classifier):
        raise InputError(
            f"--{role}={path} holds a {type(found).__name__}. Give a run of trainers.classifier."
        )
    check_same(found, info.shape, info.labels, f"The {role}")
    check_fits(run.info(), info, f"--{role}={path}")
    return found, checksum


def without_paths(flags: str) -> str:
    """Returns the text of a flags.txt in which paths have their last part only."""

    def last(match: re.Match) -> str:
        return f"--{match[1]}={os.path.basename(match[2].rstrip(os.sep))}"

    return re.sub(rf"^--({'|'.join(PATHS)})=(.*)$", last, flags, flags=re.MULTILINE)


def _trainer(flags: str) -> str:
    """Returns the command that a flagfile names, as in "python -m trainers.csvae"."""
    return flags.partition("\n")[0].partition(" --")[0].lstrip("# ")


def _differences(there: str, here: str, most: int = 3) -> str:
    """Says which flags differ between two flagfiles, as in "--epochs: 80 there, 60 here"."""
    if _trainer(there) != _trainer(here):
        return f"{_trainer(there)} there, {_trainer(here)} here"
    old, new = flag_values(there.splitlines()), flag_values(here.splitlines())
    said = [
        f"--{name}: {old.get(name, 'absent')} there, {new.get(name, 'absent')} here"
        for name in old | new
        if old.get(name) != new.get(name)
    ]
    more = [f"and {len(said) - most} more"] if len(said) > most else []
    return "; ".join(said[:most] + more)
