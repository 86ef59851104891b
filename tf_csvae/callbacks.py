"""Keras callbacks: checkpoints that survive anything, and a clock."""

import contextlib
import hashlib
import json
import math
import os
import time
import warnings

import keras

from tf_csvae.errors import InputError
from tf_csvae.runs import write_json, written_whole


class Checkpoints(keras.callbacks.Callback):
    """Saves the training at the ends of epochs, and restores it.

    Model, every optimizer and the seed generators are in Keras' weights file; beside it
    stands a JSON with its checksum, written after it. So a checkpoint either is whole or
    does not count, whenever the process dies.

    Args:
        folder: str, the run's backup folder.
        seconds: float, an epoch that ends sooner than this after the last checkpoint is not
            saved, unless it is the last; short epochs would spend more on it than on training.
        keep: int, checkpoints to keep.
    """

    def __init__(self, folder, seconds=0.0, keep=2):
        super().__init__()
        self.folder, self.seconds, self.keep = folder, seconds, keep
        self._saved_at = -float("inf")

    def restore(self, model):
        """Loads the newest checkpoint that is whole into a compiled model.

        Args:
            model: keras.Model, compiled, of the architecture that was saved.

        Returns:
            int, the number of epochs done: 0 where there is no checkpoint.

        Raises:
            InputError: the checkpoint is of other networks or optimizers.
        """
        found, damaged = 0, []
        for state in sorted(self._states(), reverse=True):
            with open(state, encoding="utf-8") as file:
                saved = json.load(file)
            weights = _weights_of(state)
            if not os.path.exists(weights) or _checksum(weights) != saved["sha256"]:
                print(f"{weights} is damaged; going back to the checkpoint before it.", flush=True)
                damaged.append(state)
                continue
            self._load(model, weights)
            found = saved["epoch"]
            break
        for state in damaged:  # else they would count as the newest for ever
            _remove(state)
        return found

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

    def _states(self):
        names = os.listdir(self.folder) if os.path.isdir(self.folder) else []
        return [
            os.path.join(self.folder, name) for name in names if name.endswith(".json") and name[0] != "."
        ]

    def on_epoch_end(self, epoch, logs=None):
        """Saves, unless the last time was just now; raises ``InputError`` for a lost training."""
        done = epoch + 1
        lost = [name for name, value in logs.items() if not math.isfinite(value)]
        if lost:
            raise InputError(
                f"Training diverged in epoch {done}: {', '.join(lost)} not finite. The last good checkpoint "
                "is kept. Lower --learning_rate."
            )
        if time.perf_counter() - self._saved_at < self.seconds and done < self.params["epochs"]:
            return
        name = os.path.join(self.folder, f"epoch-{done:06d}")
        with written_whole(name + ".weights.h5") as temporary:
            self.model.save_weights(temporary)
            checksum = _checksum(temporary)
        write_json(name + ".json", {"epoch": done, "sha256": checksum})
        for old in sorted(self._states())[: -self.keep]:
            _remove(old)
        self._saved_at = time.perf_counter()


class Clock(keras.callbacks.Callback):
    """Adds "seconds" and "examples_per_second" of each epoch to its logs, and so to history.csv.

    The time of validation and of writing checkpoints counts to the seconds, not to the rate.

    Args:
        examples: int, training examples of an epoch.
    """

    def __init__(self, examples):
        super().__init__()
        self.examples = examples

    def on_epoch_begin(self, epoch, logs=None):
        """Starts the clock; what lay between two epochs belongs to the second."""
        self._start = time.perf_counter()
        self._began = getattr(self, "_ended", self._start)

    def on_train_batch_end(self, batch, logs=None):
        """Notes when the last batch so far was done."""
        self._trained = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        """Adds the two numbers."""
        self._ended = time.perf_counter()
        logs["seconds"] = self._ended - self._began
        logs["examples_per_second"] = self.examples / (self._trained - self._start)


def _weights_of(state):
    return state.removesuffix(".json") + ".weights.h5"


def _remove(state):
    for path in (state, _weights_of(state)):
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)


def _checksum(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
