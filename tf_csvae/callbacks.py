"""Keras callbacks: checkpoints that survive anything, and a clock."""

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

import keras
import numpy as np

from tf_csvae.cluster import Cluster
from tf_csvae.errors import InputError
from tf_csvae.runs import remove_unfinished, write_bytes, write_json

# Halvings of the learning rate after which a training that still diverges is given up.
MOST_ROLLBACKS = 5

# Several workers ask each other after so many calls into TensorFlow whether to save or to stop.
ASK_EVERY = 10

WEIGHTS = ".weights.h5"
STATE = re.compile(r"epoch-\d+(-step-\d+)?\.json")


class Diverged(InputError):
    """A training has lost its way: a loss, a metric or a weight is no longer a finite number."""


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a training had come when a checkpoint was written.

    Attributes:
        epoch: int, epochs done.
        step: int, steps done of the epoch after those.
        steps_per_epoch: int; 0: unknown, and so no steps are done.
        seconds: float, how long those steps took.
        sums: list of nested lists of float, what the metrics' variables had added up over them.
        rate_factor: float in (0, 1], by which the learning rates were cut after a divergence.
        best: (int, float), the best epoch so far, from 1, and its value; None: not looked for.
    """

    epoch: int = 0
    step: int = 0
    steps_per_epoch: int = 0
    seconds: float = 0.0
    sums: list = dataclasses.field(default_factory=list)
    rate_factor: float = 1.0
    best: tuple | None = None

    @classmethod
    def from_dict(cls, plain):
        """Returns the ``Progress`` of these plain values; raises ``ValueError`` where they make none."""
        self = cls(**plain)
        best = () if self.best is None else tuple(self.best)
        counts = (self.epoch, self.step, self.steps_per_epoch, *best[:1])
        numbers = (*counts, self.seconds, self.rate_factor, *best[1:])
        if not (
            all(type(count) is int and count >= 0 for count in counts)
            and all(type(number) in (int, float) and math.isfinite(number) for number in numbers)
            and self.step <= self.steps_per_epoch
            and 0 < self.rate_factor <= 1
            and len(best) in (0, 2)
            and isinstance(self.sums, list)
        ):
            raise ValueError(f"No progress of a training: {plain}")
        return dataclasses.replace(self, best=best or None)

    def scaled(self, steps_per_epoch, multiple):
        """Returns the same for epochs of so many steps: as far in its epoch, in whole multiples of steps."""
        step = self.step * steps_per_epoch // max(self.steps_per_epoch, 1) // multiple * multiple
        return dataclasses.replace(self, step=step, steps_per_epoch=steps_per_epoch)


class _InMemory(io.BytesIO):
    """A file of weights in memory, of the name that Keras asks for."""

    def __str__(self):
        return WEIGHTS


class Checkpoints(keras.callbacks.Callback):
    """Saves a training at the ends of epochs and, where those are long, within them; restores it.

    Model, every optimizer and the seed generators are in Keras' weights file; beside it
    stands a JSON with its ``Progress`` and its checksum, written after it. So a checkpoint either
    is whole or does not count, whenever the process dies. It also keeps watch over what it saves:
    it raises ``Diverged`` after the first step with a loss that is not finite.

    Args:
        folder: str, the run's backup folder.
        seconds: float, an epoch that ends sooner than this after the last checkpoint is not
            saved, unless it is the last or the best; short epochs would spend more on it than on
            training.
        keep: int, checkpoints to keep, beside that of the best epoch.
        most_seconds: float, after so long without a checkpoint one is written within the epoch.
        best: (column of the logs, "min" or "max"), by which the best epoch is found, whose
            checkpoint is kept; None: none is looked for.
        logs: paths of files that grow by the epoch, to be on the disk before a checkpoint is.
        cluster: ``Cluster`` that trains; None: one device. Of several workers the chief alone writes
            and reads files. All must save and stop after the same step, so they ask each other.
        told: exception with which the training ends where another worker was told to ``stop``.

    Attributes:
        progress: ``Progress`` at which the training begins.
        newest: str, path of the weights in the newest checkpoint; None: there is none.
    """

    def __init__(
        self, folder, seconds=0.0, keep=2, most_seconds=math.inf, best=None, logs=(), cluster=None, told=None
    ):
        super().__init__()
        self.cluster, self.told = cluster or Cluster("one_device"), told
        self.folder, self.seconds, self.keep, self.most_seconds = folder, seconds, keep, most_seconds
        self.best, self.logs = best, logs
        self.progress, self.newest = Progress(), None
        self._saved_at, self._stop = -math.inf, None

    def find(self):
        """Looks for the newest checkpoint that is whole, and removes those after it, which are not.

        Returns:
            ``Progress``, also kept as the attribute; that of a beginning where there is no checkpoint;
            on a worker that is not the chief what the attribute is.
        """
        if not self.cluster.is_chief:
            return self.progress
        remove_unfinished(self.folder)
        self._remove_halves()
        self.progress, self.newest = Progress(), None
        for state in reversed(self._states()):
            progress = self._read(state)
            if progress is not None:
                self.progress, self.newest = progress, _weights_of(state)
                break
            print(f"{_weights_of(state)} is damaged; going back to the checkpoint before it.", flush=True)
            _remove(state)  # else it would count as the newest for ever
        return self.progress

    def restore(self, model):
        """Loads the newest checkpoint that is whole into a compiled model.

        Learning rates that are no schedule stay as they were compiled.

        Args:
            model: keras.Model, compiled, of the architecture that was saved.

        Returns:
            ``Progress``, that of a beginning where there is no checkpoint.

        Raises:
            InputError: the checkpoint is of other networks or optimizers.
        """
        self.find()
        if self.newest and self.cluster.is_chief:
            rates = [(optimizer, float(optimizer.learning_rate)) for optimizer in _constant_rates(model)]
            self._load(model, self.newest)
            for optimizer, rate in rates:
                optimizer.learning_rate = rate
        return self.progress

    def restore_best(self, model):
        """Loads the best epoch into a model; where that is damaged, the model stays as it is and it is said."""
        if self.progress.best is None or not self.cluster.is_chief:
            return
        epoch = self.progress.best[0]
        state = self._path(epoch, 0) + ".json"
        if self._read(state) is None:
            print(
                f"The checkpoint of the best epoch, {epoch}, is damaged; taking the last epoch.", flush=True
            )
        else:
            self._load(model, _weights_of(state))

    @staticmethod
    def _load(model, weights):
        try:
            with warnings.catch_warnings():
                # Networks that do not fit raise, after a page of warnings; an optimizer that
                # does not is only warned of, and would begin anew.
                warnings.filterwarnings("ignore", message="Skipping nested container")
                warnings.filterwarnings("error", message="Skipping variable loading")
                model.load_weights(weights)
        except (ValueError, UserWarning) as error:
            raise InputError(
                f"{weights} does not fit this model: flags that shape the networks or the optimizers "
                f"differ from the run's. ({str(error).splitlines()[0]})"
            ) from error

    def begin(self, model):
        """Saves a model before its first step, where nothing is saved yet, to have a way back to it."""
        self.set_model(model)
        if not self.newest:
            self._save(self.progress, "its beginning")

    def roll_back(self, diverged):
        """Halves the learning rate that the newest checkpoint goes on with, for ``restore`` to go back to it.

        Args:
            diverged: ``Diverged``, raised again after ``MOST_ROLLBACKS``.

        Returns:
            ``Progress`` of that checkpoint.
        """
        progress = self.find()
        if not self.newest or progress.rate_factor <= 0.5**MOST_ROLLBACKS:
            raise diverged
        progress = dataclasses.replace(progress, rate_factor=progress.rate_factor / 2)
        if self.cluster.is_chief:
            self._write(self.newest.removesuffix(WEIGHTS), progress, _checksum(self.newest))
        return progress

    def stop(self, exception):
        """Has the training end after the step that it is at: saved, and with this exception."""
        self._stop = exception

    @property
    def stopping(self):
        """Whether ``stop`` was called."""
        return self._stop is not None

    def raise_if_stopped(self):
        """Raises what ``stop`` was given."""
        if self.stopping:
            raise self._stop

    # What Keras calls.

    def on_train_begin(self, logs=None):
        """Starts the clock of ``most_seconds``."""
        self._saved_at_most = max(self._saved_at, time.perf_counter())
        self._executions = 0

    def on_epoch_begin(self, epoch, logs=None):
        """Notes where the epoch begins: in its middle, where it was left there."""
        at = self.progress
        self._epoch = epoch
        self._first = at.step if epoch == at.epoch else 0
        self._before = at.seconds if self._first else 0.0
        self._sums = at.sums if self._first else []
        self._steps = self._first + self.params["steps"]
        self._start = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        """Looks for a loss that is not finite, and saves where it is time to."""
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
            progress = dataclasses.replace(
                self.progress,
                epoch=self._epoch,
                step=done,
                steps_per_epoch=self._steps,
                seconds=seconds,
                sums=sums,
            )
            self._save(progress, f"step {done} of epoch {self._epoch + 1}")
        self.raise_if_stopped()

    def on_epoch_end(self, epoch, logs=None):
        """Looks at the means and the validation as after a step, and saves unless the last time was just now."""
        done, best = epoch + 1, self.progress.best
        self._check_finite(logs, f"the validation of epoch {done}")
        if self.best:
            column, mode = self.best
            better = best is None or (logs[column] < best[1] if mode == "min" else logs[column] > best[1])
            best = (done, float(logs[column])) if better else best
        progress = Progress(
            done, steps_per_epoch=self._steps, rate_factor=self.progress.rate_factor, best=best
        )
        due = time.perf_counter() - self._saved_at >= self.seconds or done == self.params["epochs"]
        if self._agreed(due or best != self.progress.best):
            self._save(progress, f"the last step of epoch {done}")
        self.raise_if_stopped()

    def _agreed(self, due):
        """Whether any worker is to save or to stop; all then do."""
        due, stopping = self.cluster.any(due, self.stopping)
        if stopping and not self.stopping:
            self.stop(self.told)
        return due or stopping

    def _take_sums(self):
        """Adds what the metrics had summed up before the epoch was interrupted.

        After the first step, when all of them are there. Each is a sum over examples, or two.
        """
        sums, self._sums = self._sums, []
        for variable, before in zip(self.model.metrics_variables, sums, strict=False):
            if np.shape(before) == tuple(variable.shape):
                variable.assign_add(np.asarray(before, np.float32))

    def _check_finite(self, logs, where):
        lost = [name for name, value in logs.items() if not math.isfinite(value)]
        if lost:
            raise Diverged(self._diverged(where, ", ".join(lost)))

    def _diverged(self, where, what):
        kept = f"The last good checkpoint is {self.newest}." if self.newest else "There is no checkpoint yet."
        return f"Training diverged in {where}: {what} not finite. {kept} Lower --learning_rate."

    # Files.

    def _path(self, epoch, step):
        return os.path.join(self.folder, f"epoch-{epoch:06d}" + (f"-step-{step:08d}" if step else ""))

    def _states(self):
        """Returns the paths of the checkpoints' JSON files, the oldest first."""
        names = os.listdir(self.folder) if os.path.isdir(self.folder) else []
        stems = sorted(name.removesuffix(".json") for name in names if STATE.fullmatch(name))
        return [os.path.join(self.folder, f"{stem}.json") for stem in stems]

    def _remove_halves(self):
        """Removes weights whose JSON was never written, by a process that died between the two."""
        names = os.listdir(self.folder) if os.path.isdir(self.folder) else []
        for name in names:
            state = name.removesuffix(WEIGHTS) + ".json"
            if name.endswith(WEIGHTS) and STATE.fullmatch(state) and state not in names:
                os.remove(os.path.join(self.folder, name))

    def _read(self, state):
        """Returns the ``Progress`` of a checkpoint, or None where that is not whole."""
        try:
            with open(state, encoding="utf-8") as file:
                saved = json.load(file)
            checksum = saved.pop("sha256")
            progress = Progress.from_dict(saved)
            return progress if checksum == _checksum(_weights_of(state)) else None
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None

    def _save(self, progress, where):
        # A step whose loss was fine may leave weights that are not.
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
            # By way of memory: HDF5 does not outlive a disk that fills up under it.
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
    def _write(path, progress, checksum):
        write_json(path + ".json", {**dataclasses.asdict(progress), "sha256": checksum})


class Clock(keras.callbacks.Callback):
    """Adds "seconds" and "examples_per_second" of each epoch to its logs, and so to history.csv.

    The time of validation and of writing checkpoints counts to the seconds, not to the rate.

    Args:
        examples: int, training examples of a step.
        progress: ``Progress`` at which the training begins; the seconds of an epoch that was
            interrupted go on from there.
    """

    def __init__(self, examples, progress=None):
        super().__init__()
        self.examples, self.progress = examples, progress or Progress()

    def on_epoch_begin(self, epoch, logs=None):
        """Starts the clock; what lay between two epochs belongs to the second."""
        self._start = time.perf_counter()
        self._began = getattr(self, "_ended", self._start)
        if self.progress.step and epoch == self.progress.epoch:
            self._began = self._start - self.progress.seconds

    def on_train_batch_end(self, batch, logs=None):
        """Notes when the last batch so far was done."""
        self._trained = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        """Adds the two numbers."""
        self._ended = time.perf_counter()
        logs["seconds"] = self._ended - self._began
        logs["examples_per_second"] = self.examples * self.params["steps"] / (self._trained - self._start)


def _constant_rates(model):
    """Returns the optimizers of a model whose learning rate is a variable, which a checkpoint holds too."""
    wrapped = [model.optimizer, *getattr(model, "player_optimizers", {}).values()]
    optimizers = [getattr(optimizer, "inner_optimizer", optimizer) for optimizer in wrapped]
    return [
        optimizer for optimizer in optimizers if isinstance(optimizer.get_config()["learning_rate"], float)
    ]


def _weights_of(state):
    return state.removesuffix(".json") + WEIGHTS


def _remove(state):
    for path in (state, _weights_of(state)):
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)


def _checksum(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
