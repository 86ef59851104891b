"""Checkpoints that survive anything, as a Keras callback."""

import contextlib
import dataclasses
import hashlib
import io
import json
import math
import os
import re
import time
import warnings
from collections.abc import Sequence

import keras
import numpy as np

from tf_csvae.errors import InputError
from tf_csvae.files import checksum, remove_unfinished, write_bytes, write_json
from tf_csvae.models.labelled import constant_rate, optimizers_of, unscaled
from tf_csvae.training.cluster import Cluster
from tf_csvae.training.progress import Progress

# Halvings of the learning rate after which a training that still diverges ends.
MAX_ROLLBACKS = 5

# Several workers ask each other after so many calls of TensorFlow whether to save or to stop.
ASK_EVERY = 10

WEIGHTS = ".weights.h5"
STATE = re.compile(r"epoch-\d+(-step-\d+)?\.json")


class Diverged(InputError):
    """A loss, a metric or a weight is no longer a finite number."""


class _InMemory(io.BytesIO):
    """A file of weights in memory, with the name that Keras asks for."""

    def __str__(self) -> str:
        return WEIGHTS


class Checkpoints(keras.callbacks.Callback):
    """Saves a training at ends of epochs and, if those are long, within them; restores it.

    Keras' weights file holds the model, every optimizer and the seed generators. A JSON beside it,
    written afterwards, holds its ``Progress`` and its checksum. So a checkpoint is whole or does
    not count, whenever the process dies. ``Diverged`` is raised after the first step whose loss is
    not finite.

    Args:
        folder: the run's backup folder.
        seconds: an epoch that ends sooner than this after the last checkpoint is not saved, unless
            it is the last or the best; short epochs would spend more time on it than on training.
        keep: checkpoints to keep, beside that of the best epoch.
        most_seconds: after so long without a checkpoint one is written within the epoch.
        best: (column of the logs, "min" or "max") that defines the best epoch, whose checkpoint is
            kept; None: no epoch is best.
        logs: paths of files that grow by the epoch, flushed to the disk before a checkpoint.
        cluster: the devices that train; None: one device. The chief of several workers alone
            writes and reads files. All must save and stop after the same step, so they ask each
            other.
        stopped_elsewhere: exception that ends the training if ``stop`` was called on another
            worker.

    Attributes:
        progress: ``Progress`` at which the training begins.
        newest: path of the weights in the newest checkpoint; None: there is none.
    """

    def __init__(
        self,
        folder: str,
        seconds: float = 0.0,
        keep: int = 2,
        most_seconds: float = math.inf,
        best: tuple[str, str] | None = None,
        logs: Sequence[str] = (),
        cluster: Cluster | None = None,
        stopped_elsewhere: BaseException | None = None,
    ) -> None:
        super().__init__()
        self.cluster, self.stopped_elsewhere = cluster or Cluster("one_device"), stopped_elsewhere
        self.folder, self.seconds, self.keep = folder, seconds, keep
        self.most_seconds, self.best, self.logs = most_seconds, best, logs
        self.progress, self.newest = Progress(), None
        self._saved_at, self._stop = -math.inf, None

    def find(self) -> Progress:
        """Sets ``progress`` and ``newest`` to the newest whole checkpoint; removes damaged ones.

        All workers get what the chief finds. Returns ``progress``.
        """
        found = self._find() if self.cluster.is_chief else (Progress(), None)
        plain, self.newest = self.cluster.of_chief([dataclasses.asdict(found[0]), found[1]])
        self.progress = Progress.from_dict(plain)
        return self.progress

    def _find(self) -> tuple[Progress, str | None]:
        remove_unfinished(self.folder)
        self._remove_halves()
        for state in reversed(self._states()):
            progress, weights = self._read(state), _weights_of(state)
            if progress is not None:
                return progress, weights
            print(f"{weights} is damaged; going back to the checkpoint before it.", flush=True)
            _remove(state)  # otherwise it would stay the newest
        return Progress(), None

    def restore(self, model: keras.Model) -> Progress:
        """Loads the newest whole checkpoint into a compiled model; returns its ``Progress``.

        Learning rates that are no schedule stay as they were compiled.

        Raises:
            InputError: the checkpoint is of other networks or optimizers.
        """
        if not self.cluster.is_chief:
            return self.progress
        if self.newest is None:
            self.progress, self.newest = self._find()  # not ``find``: the others do not wait here
        if self.newest:
            rates = [(each, constant_rate(each)) for each in _constant_rates(model)]
            self._load(model, self.newest)
            for optimizer, rate in rates:
                optimizer.learning_rate = rate
        return self.progress

    def restore_best(self, model: keras.Model) -> None:
        """Loads the best epoch into a model; if it is damaged, the model stays as it is."""
        if self.progress.best is None or not self.cluster.is_chief:
            return
        epoch = self.progress.best[0]
        state = self._path(epoch, 0) + ".json"
        if self._read(state) is None:
            print(f"The checkpoint of the best epoch, {epoch}, is damaged; using the last epoch.", flush=True)
        else:
            self._load(model, _weights_of(state))

    @staticmethod
    def _load(model, weights) -> None:
        try:
            with warnings.catch_warnings():
                # Networks that do not fit raise, after a page of warnings. An optimizer that does
                # not fit only warns, and would begin anew.
                warnings.filterwarnings("ignore", message="Skipping nested container")
                warnings.filterwarnings("error", message="Skipping variable loading")
                model.load_weights(weights)
        except (ValueError, UserWarning) as error:
            raise InputError(
                f"{weights} does not fit this model: flags that shape the networks or the "
                f"optimizers differ from the run's. ({str(error).splitlines()[0]})"
            ) from error

    def begin(self, model: keras.Model) -> None:
        """Saves a model before its first step, unless there is a checkpoint, to return to it."""
        self.set_model(model)
        if not self.newest:
            self._save(self.progress, "its beginning")

    def roll_back(self, diverged: Diverged) -> Progress:
        """Halves the learning rate of the newest checkpoint, for ``restore``; returns its progress.

        After ``MAX_ROLLBACKS`` it raises ``diverged`` again.
        """
        progress = self.find()
        if not self.newest or progress.rate_factor <= 0.5**MAX_ROLLBACKS:
            raise diverged
        progress = dataclasses.replace(progress, rate_factor=progress.rate_factor / 2)
        if self.cluster.is_chief:
            self._write(self.newest.removesuffix(WEIGHTS), progress, checksum(self.newest))
        return progress

    def stop(self, exception: BaseException) -> None:
        """Ends the training after the current step, with a checkpoint and this exception."""
        self._stop = exception

    @property
    def stopping(self) -> bool:
        """Whether ``stop`` was called."""
        return self._stop is not None

    def raise_if_stopped(self) -> None:
        """Raises the exception that ``stop`` got."""
        if self.stopping:
            raise self._stop

    # Called by Keras.

    def on_train_begin(self, logs=None) -> None:
        """Starts the clock of ``most_seconds``."""
        self._saved_at_most = max(self._saved_at, time.perf_counter())
        self._executions = 0

    def on_epoch_begin(self, epoch, logs=None) -> None:
        """Notes where the epoch begins: in its middle if it was interrupted there."""
        at = self.progress
        self._epoch = epoch
        self._first = at.step if epoch == at.epoch else 0
        self._before = at.seconds if self._first else 0.0
        self._sums = at.sums if self._first else []
        self._steps = self._first + self.params["steps"]
        self._start = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None) -> None:
        """Checks that the loss is finite, and saves when it is time to."""
        size = self.model.steps_per_execution
        begun = self._first + batch // size * size
        done = min(begun + size, self._steps)
        steps = f"step {done}" if done == begun + 1 else f"steps {begun + 1} to {done}"
        self._check_finite(logs, f"{steps} of epoch {self._epoch + 1}")
        self._take_sums()
        if done == self._steps:  # the end of the epoch saves, once it was validated
            return
        self._executions += 1
        if self.cluster.workers > 1 and self._executions % ASK_EVERY:
            return
        if self._agreed(time.perf_counter() - self._saved_at_most >= self.most_seconds):
            seconds = self._before + time.perf_counter() - self._start
            sums = [variable.numpy().tolist() for variable in self.model.metrics_variables]
            at = self.progress
            progress = Progress(self._epoch, done, self._steps, seconds, sums, at.rate_factor, at.best)
            self._save(progress, f"step {done} of epoch {self._epoch + 1}")
        self.raise_if_stopped()

    def on_epoch_end(self, epoch, logs=None) -> None:
        """Checks means and validation, and saves unless the last checkpoint is recent."""
        done, best = epoch + 1, self.progress.best
        self._check_finite(logs, f"the validation of epoch {done}")
        if self.best:
            column, mode = self.best
            value, sign = float(logs[column]), -1 if mode == "min" else 1
            best = (done, value) if best is None or sign * value > sign * best[1] else best
        factor = self.progress.rate_factor
        progress = Progress(done, steps_per_epoch=self._steps, rate_factor=factor, best=best)
        last = done == self.params["epochs"] or self.model.stop_training
        due = time.perf_counter() - self._saved_at >= self.seconds or last
        if self._agreed(due or best != self.progress.best):
            self._save(progress, f"the last step of epoch {done}")
        self.raise_if_stopped()

    def _agreed(self, due) -> bool:
        """Returns whether any worker is to save or to stop; then all do."""
        due, stopping = self.cluster.any(due, self.stopping)
        if stopping and not self.stopping:
            self.stop(self.stopped_elsewhere)
        return due or stopping

    def _take_sums(self) -> None:
        """Adds the sums of an interrupted epoch's metrics after its first step, when all exist."""
        sums, self._sums = self._sums, []
        for variable, before in zip(self.model.metrics_variables, sums, strict=False):
            if np.shape(before) == tuple(variable.shape):
                variable.assign_add(np.asarray(before, np.float32))

    def _check_finite(self, logs, where):
        lost = [name for name, value in logs.items() if not math.isfinite(value)]
        if lost:
            raise Diverged(self._diverged(where, ", ".join(lost)))

    def _diverged(self, where, what):
        found = f"The last good checkpoint is {self.newest}."
        kept = found if self.newest else "There is no checkpoint yet."
        return f"Training diverged in {where}: {what} not finite. {kept} Lower --learning_rate."

    # Files.

    def _path(self, epoch, step):
        name = f"epoch-{epoch:06d}" + (f"-step-{step:08d}" if step else "")
        return os.path.join(self.folder, name)

    def _states(self) -> list[str]:
        """Returns the paths of the checkpoints' JSON files, the oldest first."""
        names = os.listdir(self.folder) if os.path.isdir(self.folder) else []
        stems = sorted(name.removesuffix(".json") for name in names if STATE.fullmatch(name))
        return [os.path.join(self.folder, f"{stem}.json") for stem in stems]

    def _remove_halves(self):
        """Removes weights without a JSON, from a process that died between the two."""
        names = os.listdir(self.folder) if os.path.isdir(self.folder) else []
        for name in names:
            state = name.removesuffix(WEIGHTS) + ".json"
            if name.endswith(WEIGHTS) and STATE.fullmatch(state) and state not in names:
                os.remove(os.path.join(self.folder, name))

    def _read(self, state):
        """Returns the ``Progress`` of a checkpoint, or None if it is not whole."""
        try:
            with open(state, encoding="utf-8") as file:
                saved = json.load(file)
            whole = saved.pop("sha256") == checksum(_weights_of(state))
            return Progress.from_dict(saved) if whole else None
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None

    def _save(self, progress, where):
        # A step with a finite loss may leave weights that are not finite.
        if not all(np.isfinite(weights).all() for weights in self.model.get_weights()):
            raise Diverged(self._diverged(where, "weights"))
        path = self._path(progress.epoch, progress.step)
        if self.cluster.is_chief:
            self._write_all(path, progress)
        self.progress, self.newest = progress, path + WEIGHTS
        self._saved_at = self._saved_at_most = time.perf_counter()

    def _write_all(self, path, progress):
        """Writes a checkpoint, and removes those that are too old."""
        try:
            for log in self.logs:
                if os.path.exists(log):
                    with open(log, "rb") as file:
                        os.fsync(file.fileno())
            # By way of memory: HDF5 crashes the process on a disk that fills up.
            content = _InMemory()
            self.model.save_weights(content)
            write_bytes(path + WEIGHTS, content.getbuffer())
            self._write(path, progress, hashlib.sha256(content.getbuffer()).hexdigest())
        except OSError as error:
            kept = f"The checkpoint before it, {self.newest}, is kept." if self.newest else ""
            reason = os.strerror(error.errno) if error.errno else str(error).splitlines()[0]
            raise OSError(f"{path}{WEIGHTS} cannot be written: {reason}. {kept}") from error
        best = self._path(progress.best[0], 0) + ".json" if progress.best else None
        for old in self._states()[: -self.keep]:
            if old != best:
                _remove(old)

    @staticmethod
    def _write(path, progress, digest) -> None:
        write_json(path + ".json", {**dataclasses.asdict(progress), "sha256": digest})


def _constant_rates(model):
    """Returns the optimizers of a model whose learning rate is a variable, not a schedule."""
    return [each for each in map(unscaled, optimizers_of(model)) if constant_rate(each) is not None]


def _weights_of(state):
    return state.removesuffix(".json") + WEIGHTS


def _remove(state):
    for path in (state, _weights_of(state)):
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
