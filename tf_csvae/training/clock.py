"""A clock, as a Keras callback."""

import time

import keras

from tf_csvae.training.progress import Progress


class Clock(keras.callbacks.Callback):
    """Adds "seconds" and "examples_per_second" of each epoch to its logs, and so to history.csv.

    Validation and checkpoints count in the seconds, not in the rate. ``examples`` are those of a
    step. The seconds of an epoch that was interrupted at ``progress`` continue.
    """

    def __init__(self, examples: int, progress: Progress | None = None) -> None:
        super().__init__()
        self.examples, self.progress = examples, progress or Progress()

    def on_epoch_begin(self, epoch, logs=None) -> None:
        """Starts the clock; the time between two epochs belongs to the second."""
        self._start = time.perf_counter()
        self._began = getattr(self, "_ended", self._start)
        if self.progress.step and epoch == self.progress.epoch:
            self._began = self._start - self.progress.seconds

    def on_train_batch_end(self, batch, logs=None) -> None:
        """Notes when the last batch so far was done."""
        self._trained = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None) -> None:
        """Adds the two numbers."""
        self._ended = time.perf_counter()
        logs["seconds"] = self._ended - self._began
        examples = self.examples * self.params["steps"]
        logs["examples_per_second"] = examples / (self._trained - self._start)
