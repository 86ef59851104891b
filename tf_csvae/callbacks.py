"""Keras callbacks: checkpoints that survive anything, and a clock."""

import hashlib
import json
import os
import time

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
            InputError: the checkpoint is of another architecture.
        """
        for state in sorted(self._states(), reverse=True):
            with open(state, encoding="utf-8") as file:
                saved = json.load(file)
            weights = state.removesuffix(".json") + ".weights.h5"
            if not os.path.exists(weights) or _checksum(weights) != saved["sha256"]:
                print(f"{weights} is damaged; going back to the checkpoint before it.")
                continue
            try:
                model.load_weights(weights)
            except ValueError as error:
                raise InputError(
                    f"{weights} does not fit this model: flags that shape the networks differ from the run's. "
                    f"({str(error).splitlines()[0]})"
                ) from error
            return saved["epoch"]
        return 0

    def _states(self):
        names = os.listdir(self.folder) if os.path.isdir(self.folder) else []
        return [
            os.path.join(self.folder, name) for name in names if name.endswith(".json") and name[0] != "."
        ]

    def on_epoch_end(self, epoch, logs=None):
        """Saves, unless the last time was just now."""
        done = epoch + 1
        if time.perf_counter() - self._saved_at < self.seconds and done < self.params["epochs"]:
            return
        name = os.path.join(self.folder, f"epoch-{done:06d}")
        with written_whole(name + ".weights.h5") as temporary:
            self.model.save_weights(temporary)
            checksum = _checksum(temporary)
        write_json(name + ".json", {"epoch": done, "sha256": checksum})
        for old in sorted(self._states())[: -self.keep]:
            os.remove(old)
            os.remove(old.removesuffix(".json") + ".weights.h5")
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


def _checksum(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
