"""What a person sees of a training while it runs: a line per epoch, and pictures of transfers."""

import math
import os
import time

import keras
import numpy as np
import tensorflow as tf

from tf_csvae.data import Dataset
from tf_csvae.evaluation import figures, report
from tf_csvae.files import write_bytes
from tf_csvae.runs import TRANSFERS
from tf_csvae.training.pace import BOUND

# Seconds between two lines if epochs are short, and between two pictures; examples and labels in a
# picture.
LINE_SECONDS, PICTURE_SECONDS, EXAMPLES, LABELS = 2.0, 120.0, 8, 6


class ProgressLine(keras.callbacks.Callback):
    """Prints the numbers that matter after an epoch, at most every ``LINE_SECONDS``.

    They are the validation bound in nats per example, the reconstruction error, the probability
    that the guide gives to exchanged labels, and how many nats of the labels the adversary finds in
    z; of a classifier its accuracy. All other numbers are in history.csv.
    """

    def __init__(self) -> None:
        super().__init__()
        self._printed = -math.inf

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Prints a line."""
        now, last = time.perf_counter(), self.params["epochs"]
        if now - self._printed < LINE_SECONDS and epoch + 1 < last and not self.model.stop_training:
            return
        self._printed = now
        numbers = ", ".join(self._numbers(logs))
        print(f"epoch {epoch + 1} of {last}: {numbers}, {logs['seconds']:.1f} s", flush=True)

    def _numbers(self, logs) -> list[str]:
        if "val_accuracy" in logs:
            return [f"loss {logs['loss']:.3f}", f"validation accuracy {logs['val_accuracy']:.3f}"]
        parts = [logs[name] for name in BOUND if name in logs]
        found = [f"validation bound {sum(parts):.1f}"] if parts else [f"loss {logs['loss']:.3f}"]
        if "val_scale" in logs:
            found.append(f"reconstruction error {logs['val_scale']:.3f}")
        if "val_exchanges_seen" in logs:
            found.append(f"exchanges seen by the guide {logs['val_exchanges_seen']:.2f}")
        kinds = {label.kind for label in self.model.labels}
        if "val_adversary" in logs and "real" not in kinds:
            chance = sum(math.log(len(label.points[0])) for label in self.model.labels)
            found.append(f"labels in z {max(0.0, chance - logs['val_adversary']):.2f} nats")
        return found


class TransferPictures(keras.callbacks.Callback):
    """Draws transfers of some validation images every ``PICTURE_SECONDS``.

    The picture is transfers.png in the run directory and, if ``tensorboard`` is a folder, in
    TensorBoard. Each row has another label changed; the first one is that of the images.
    """

    def __init__(self, dataset: Dataset, folder: str, tensorboard: str | None = None) -> None:
        super().__init__()
        self.dataset, self.folder, self.tensorboard = dataset, folder, tensorboard
        self._drawn = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Draws if it is time to."""
        if time.perf_counter() - self._drawn < PICTURE_SECONDS:
            return
        png = report.as_png(figures.image_rows(*self._rows()))
        write_bytes(os.path.join(self.folder, TRANSFERS), png)
        if self.tensorboard:
            with tf.summary.create_file_writer(os.path.join(self.tensorboard, "pictures")).as_default():
                tf.summary.image("transfers", tf.io.decode_png(png, 3)[None], epoch + 1)
        self._drawn = time.perf_counter()

    def _rows(self) -> tuple[list[np.ndarray], list[str]]:
        # Files are often sorted by a label: the first ones may all have one value.
        every = max(1, self.dataset.info.counts["validation"] // EXAMPLES)
        chosen = self.dataset.validation.unbatch().shard(every, 0).take(EXAMPLES)
        x, y = (np.stack(part) for part in zip(*chosen.as_numpy_iterator(), strict=True))
        rows, titles = [x], ["original"]
        for i, label in enumerate(self.model.labels[:LABELS]):
            target, values = y.copy(), len(label.points[0])
            column = np.nan_to_num(y[:, i])
            target[:, i] = -column if label.kind == "real" else (column + 1) % values
            rows.append(self.model.transfer(x, y, target).numpy())
            titles.append(f"another {label.name}")
        return rows, titles
