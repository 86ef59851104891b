"""The run directory: what a training leaves behind, and how it is gone on with.

    flags.txt      a flagfile that repeats the run
    backup/        checkpoints, to resume from
    history.csv    one row per epoch
    tensorboard/   the same for TensorBoard
    model.keras    the trained model
    info.json      what is known of its data: labels, shape, scaling
    figures/*.png  the pictures
    report.html    tables and pictures on one page
    metrics.json   the numbers; written last, so a run that has it is finished

Every file appears whole, by rename, but for the two logs that grow by the epoch.
"""

import contextlib
import csv
import fcntl
import json
import math
import os
import re
import shutil

from tf_csvae.errors import InputError
from tf_csvae.paths import is_within

FLAGS, METRICS, MODEL, HISTORY = "flags.txt", "metrics.json", "model.keras", "history.csv"
REPORT, FIGURES, BACKUP, TENSORBOARD = "report.html", "figures", "backup", "tensorboard"
INFO = "info.json"
CAPTIONS = "captions.json"  # of the figures, beside them
LOCK = ".lock"

# In the order in which they are removed: what is left of a run at any moment is still one.
_CONTENTS = (METRICS, BACKUP, HISTORY, MODEL, INFO, REPORT, FIGURES, TENSORBOARD)


@contextlib.contextmanager
def written_whole(path):
    """Gives a temporary path beside ``path`` and renames it there once the block is done.

    The temporary name ends as ``path`` does, since some writers look at the ending. If the
    block raises, nothing is left. A power cut leaves the old file or the new one.
    """
    folder, name = os.path.split(path)
    os.makedirs(folder or ".", exist_ok=True)
    temporary = os.path.join(folder, f".{os.getpid()}.{name}")
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
        directory = os.open(folder or ".", os.O_RDONLY)  # whose entry the rename changed
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)


def remove_unfinished(folder):
    """Removes the temporary files that a process which was killed left in a folder, if there is one."""
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        if re.match(r"\.\d+\.", name):
            os.remove(os.path.join(folder, name))


def write_bytes(path, content):
    """Writes a file whole."""
    with written_whole(path) as temporary, open(temporary, "wb") as file:
        file.write(content)


def write_text(path, text):
    """Writes a text file whole."""
    write_bytes(path, text.encode())


def write_json(path, value):
    """Writes plain values as JSON, whole."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def read_json(path):
    """Reads a JSON object, such as one of a run that somebody else sent.

    Raises:
        InputError: no such file, or no JSON, or no object.
    """
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read: {_line(error)}. Train or evaluate the run anew.") from error
    if not isinstance(value, dict):
        raise InputError(f"{path} holds no JSON object but a {type(value).__name__}. Train the run anew.")
    return value


def _line(error):
    return (str(error) or type(error).__name__).splitlines()[0]


def _is_number(value):
    return type(value) in (int, float) and math.isfinite(value)


def _wrong_numbers(value, where=""):
    """Returns where in nested dicts something stands that is no finite number or list of such, or None."""
    if isinstance(value, dict):
        found = (_wrong_numbers(each, f"{where}/{name}") for name, each in value.items())
        return next((each for each in found if each), None)
    several = isinstance(value, list) and all(map(_is_number, value))
    return None if several or _is_number(value) else where


def _wrong_run(ran):
    """Returns what is wrong with the part "run" of metrics.json, or None."""
    kinds = {"system": str, "dataset": str, "seed": int, "counts": dict, "versions": dict}
    for name, kind in kinds.items():
        if not isinstance(ran, dict) or type(ran.get(name)) is not kind:
            return f"/run/{name}"
    if not all(type(count) is int for count in ran["counts"].values()):
        return "/run/counts"
    return None if all(isinstance(each, str) for each in ran["versions"].values()) else "/run/versions"


class Run:
    """One run directory.

    Args:
        path: str, the directory; need not exist.
    """

    def __init__(self, path):
        self.path = path

    def file(self, *names):
        """Returns the path of something in the run."""
        return os.path.join(self.path, *names)

    @property
    def finished(self):
        """Whether the run was trained and evaluated to its end."""
        return os.path.exists(self.file(METRICS))

    def check(self, flags, resume=False, overwrite=False):
        """Raises unless a training with these flags may be written here; changes nothing.

        An unfinished run of the same flags is gone on with. A finished one, or one of other
        flags, is not touched without being told to.

        Args:
            flags: str, the flagfile of this training. Lines that begin with # count too: the
                first says which trainer it is.
            resume: bool, go on with what is there although flags differ, or although it was
                finished (to train for more epochs).
            overwrite: bool, the run that is there may be removed.

        Raises:
            InputError: the directory holds another run and neither was asked for; or it
                holds something that is no run; or there is nothing to resume.
        """
        if os.path.exists(self.path) and not os.path.isdir(self.path):
            raise InputError(f"--run_dir={self.path} is a file. Give a directory.")
        if resume and overwrite:
            raise InputError("--resume and --overwrite exclude each other. Give one of them.")
        present = os.listdir(self.path) if os.path.isdir(self.path) else []
        if FLAGS in present and self.flags().startswith("# python -m trainers."):
            if not overwrite:
                self._check_same(flags, resume)
        # A power cut may leave the temporary name of a file in writing.
        elif [name for name in present if not name.startswith(".")]:
            raise InputError(
                f"--run_dir={self.path} holds other files and no run (no {FLAGS}). "
                "Give an empty or a new directory."
            )
        elif resume:
            raise InputError(
                f"--resume: there is no run in --run_dir={self.path}. Leave --resume out to begin one."
            )

    @contextlib.contextmanager
    def locked(self):
        """Keeps other processes from writing this run while the block runs; makes the directory.

        The lock is the kernel's, so a process that dies by whatever means holds it no longer.

        Raises:
            InputError: another process holds it.
        """
        os.makedirs(self.path, exist_ok=True)
        with open(self.file(LOCK), "a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise InputError(
                    f"--run_dir={self.path} is being written by another process ({file.read(20).strip()}). "
                    "Wait for it, or give another --run_dir."
                ) from None
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            try:
                yield
            finally:
                if os.listdir(self.path) == [LOCK]:  # it came to nothing
                    shutil.rmtree(self.path)

    def begin(self, flags, overwrite=False):
        """Makes the directory ready for the training that ``check`` allowed."""
        for name in _CONTENTS if overwrite else (METRICS,):  # no metrics until it is finished
            path = self.file(name)
            if os.path.isdir(path):
                shutil.rmtree(path)
            elif os.path.exists(path):
                os.remove(path)
        remove_unfinished(self.path)
        write_text(self.file(FLAGS), flags)

    def flags(self):
        """Returns the text of flags.txt; raises ``InputError`` where it is none."""
        try:
            with open(self.file(FLAGS), encoding="utf-8") as file:
                return file.read()
        except UnicodeDecodeError as error:
            raise InputError(f"{self.file(FLAGS)} is no text: {error}.") from error

    def _check_same(self, flags, resume):
        there = self.flags()
        ways = (
            "Give another --run_dir, --overwrite to begin anew, or --resume to go on from its last checkpoint "
            "with the flags given now."
        )
        if resume:
            if _trainer(there) != _trainer(flags):
                raise InputError(
                    f"--run_dir={self.path} holds a run of {_trainer(there)}, not of {_trainer(flags)}."
                )
            return
        if _differences(there, flags):
            raise InputError(
                f"--run_dir={self.path} holds another run ({_differences(there, flags)}). {ways}"
            )
        if self.finished:
            raise InputError(
                f"--run_dir={self.path} holds this run, finished. Give another --run_dir, --overwrite to repeat "
                "it, or --resume with more --epochs to train on."
            )

    def history(self):
        """Returns history.csv as {column: list of float}; empty before the first epoch."""
        if not os.path.exists(self.file(HISTORY)):
            return {}
        try:
            with open(self.file(HISTORY), encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
            return {name: [float(row[name]) for row in rows] for name in (rows[0] if rows else ())}
        except (ValueError, TypeError, csv.Error) as error:
            raise InputError(f"{self.file(HISTORY)} is no table of numbers: {_line(error)}.") from error

    def cut_history(self, epochs):
        """Drops the rows of history.csv after the first ``epochs``.

        An epoch that was logged but not checkpointed is trained, and logged, again.
        """
        if os.path.exists(self.file(HISTORY)):
            with open(self.file(HISTORY), encoding="utf-8") as file:
                lines = file.readlines()
            if epochs:
                write_text(self.file(HISTORY), "".join(lines[: 1 + epochs]))
            else:  # the header too, which a power cut may have left unfinished
                os.remove(self.file(HISTORY))

    def metrics(self):
        """Returns metrics.json; raises ``InputError`` where the run is not finished or that is malformed."""
        if not self.finished:
            raise InputError(f"{self.path} holds no finished run: there is no {METRICS}.")
        numbers = read_json(self.file(METRICS))
        told = {name: value for name, value in numbers.items() if name in ("run", "judge")}
        wrong = _wrong_numbers({name: value for name, value in numbers.items() if name not in told})
        if "run" in told:
            wrong = wrong or _wrong_run(told["run"])
        if wrong:
            raise InputError(
                f"{self.file(METRICS)} has no number, or not the one that belongs there, at {wrong}."
            )
        return numbers

    def pictures(self):
        """Returns [(name, caption, PNG bytes)] of the figures.

        Raises:
            InputError: captions.json names what is no picture in the run's folder of figures.
        """
        folder, found = self.file(FIGURES), []
        for name, caption in read_json(self.file(FIGURES, CAPTIONS)).items():
            path = os.path.join(folder, f"{name}.png")
            if not is_within(path, folder) or not isinstance(caption, str):
                raise InputError(
                    f"{self.file(FIGURES, CAPTIONS)} names {name!r}, which is no picture of the run."
                )
            with open(path, "rb") as file:
                content = file.read()
            if not content.startswith(b"\x89PNG"):
                raise InputError(f"{path} is no PNG file.")
            found.append((name, caption, content))
        return found


def _trainer(flags):
    return flags.partition("\n")[0].lstrip("# ")


def flag_values(flags):
    """Returns {flag: value} of a flagfile; a boolean's is true or false."""
    values = {}
    for line in flags.splitlines():
        name, equals, value = line.partition("=")
        if equals:
            values[name] = value
        elif name.startswith("--"):
            negated = name.startswith("--no")
            values["--" + name[4:] if negated else name] = "false" if negated else "true"
    return values


def _differences(there, here, most=3):
    """Says which flags differ between two flagfiles, as in "--epochs: 80 there, 60 here"."""
    if _trainer(there) != _trainer(here):
        return f"{_trainer(there)} there, {_trainer(here)} here"
    old, new = flag_values(there), flag_values(here)
    said = [
        f"{name}: {old.get(name, 'absent')} there, {new.get(name, 'absent')} here"
        for name in dict.fromkeys([*old, *new])
        if old.get(name) != new.get(name)
    ]
    more = [f"and {len(said) - most} more"] if len(said) > most else []
    return "; ".join(said[:most] + more)
