"""Decoded images, kept in memory or in a folder; and sources of examples that are read at random.

A store is filled as it is read. So nobody waits for it, a process that reads a part decodes a part,
and what was decoded before an interruption is there after it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import shutil
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from tf_csvae.data.python_calls import python_call
from tf_csvae.errors import InputError

# Images that are decoded at a time where all are.
_CHUNK = 256

# More of the free memory than this share, or more bytes, are not taken for decoded images.
MEMORY_SHARE, MOST_MEMORY = 0.25, 2**30


class Store:
    """Arrays of n images, uint8 [n, *shape], and a checksum of each; a checksum of 0: not there.

    Args:
        shape: of an image.
        n: number of images.
        path: file of the images, which a second file of checksums stands beside; None: in memory.
            Several processes may fill the same files. Each image is checked when it is read, so a
            write that a crash cut off counts as none.
    """

    def __init__(self, shape: Sequence[int], n: int, path: str | None = None) -> None:
        self._shape, self._file = tuple(shape), None
        if path is None:
            self._x, self._sums = np.zeros((n, *shape), np.uint8), np.zeros(n, np.uint32)
        else:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            for kind, size in (("images", n * self._size), ("sums", n * 4)):
                _make(f"{path}.{kind}", size)
            # Read and written, not mapped: pages of a map would count as memory of the process.
            self._file = open(f"{path}.images", "r+b", buffering=0)  # noqa: SIM115
            self._sums = np.memmap(f"{path}.sums", np.uint32, "r+", shape=(n,))

    def get(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the images of rows, uint8 [b, *shape], and which of them are there, bool [b]."""
        sums = self._sums[rows]
        if self._file is None:
            return self._x[rows], sums > 0
        parts = [os.pread(self._file.fileno(), self._size, int(row) * self._size) for row in rows]
        x = np.frombuffer(b"".join(parts), np.uint8).reshape(-1, *self._shape)
        return x, np.array([found > 0 and found == _sum(image) for image, found in zip(x, sums, strict=True)])

    def put(self, rows: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Keeps images, uint8 [b, *shape], of rows; returns them."""
        if self._file is None:
            self._x[rows], self._sums[rows] = x, 1
            return x
        for row, image in zip(rows, x, strict=True):
            os.pwrite(self._file.fileno(), image.tobytes(), int(row) * self._size)
        # After the images: who reads in between finds no checksum, or one that does not fit.
        self._sums[rows] = [_sum(image) for image in x]
        return x

    @property
    def _size(self) -> int:
        """Bytes of an image."""
        return math.prod(self._shape)


def _sum(image: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(image)) or 1


def _make(path: str, size: int) -> None:
    """Makes a file of so many zeros, at once, if it is not there; they take no room on the disk."""
    if os.path.exists(path):
        return
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "wb") as file:
        file.truncate(size)
    try:
        os.link(temporary, path)  # unlike a rename it replaces nothing
    except FileExistsError:  # another process was faster
        pass
    finally:
        os.remove(temporary)


@dataclasses.dataclass(frozen=True)
class Source:
    """Examples that can be read in any order.

    Attributes:
        y: labels, float32 [n, k].
        x: float32 [n, d] or uint8 [n, *shape], if they fit in memory; None: ``read`` makes them.
        read: function of tensors, int64 [] -> the image of that number, uint8 [*shape].
        stream: the images from first to last, where they can be read in no other order.
        store: keeps what was read; None: every image is read anew each time.
    """

    y: np.ndarray
    x: np.ndarray | None = None
    read: Callable[[tf.Tensor], tf.Tensor] | None = None
    stream: tf.data.Dataset | None = None
    store: Store | None = None

    def __len__(self) -> int:
        return len(self.y)

    @classmethod
    def of_files(
        cls, paths: Sequence[bytes], y: np.ndarray, read: Callable[[tf.Tensor], tf.Tensor]
    ) -> Source:
        """Returns a source of files; ``read`` is a function of a path, string []."""
        names = tf.constant(list(paths), tf.string)
        return cls(np.asarray(y, np.float32), read=lambda number: read(tf.gather(names, number)))

    def kept(self, shape: Sequence[int], path: str | None) -> Source:
        """Returns the source with a store, in memory or in a file; a stream is read to its end."""
        store = Store(shape, len(self), path)
        if self.stream is not None:
            _fill(store, self.stream, len(self))
        return dataclasses.replace(self, store=store)

    def batches(
        self, numbers: tf.data.Dataset, shape: Sequence[int], change: Callable = lambda x, y, *_: (x, y)
    ) -> tf.data.Dataset:
        """Returns batches (x [b, *shape], y [b, k]) of batches of numbers, int64 [b].

        What stands beside the numbers goes with x and y to ``change``, which makes the batch.
        """
        y = tf.constant(self.y)
        if self.x is not None and self.x.dtype != np.uint8:
            x = tf.constant(self.x)
            return numbers.map(lambda rows, *rest: change(tf.gather(x, rows), tf.gather(y, rows), *rest))

        # AutoGraph takes seconds to rewrite all functions that read an image. None needs it.
        @tf.autograph.experimental.do_not_convert
        def batch(rows: tf.Tensor, *rest: tf.Tensor) -> Any:
            return change(tf.ensure_shape(self._images(rows), [None, *shape]), tf.gather(y, rows), *rest)

        return numbers.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

    def _images(self, rows: tf.Tensor) -> tf.Tensor:
        if self.x is not None:
            return python_call(lambda rows: self.x[rows], [rows], tf.uint8)
        if self.store is None:
            return self._read_all(rows)
        x, is_there = python_call(self.store.get, [rows], [tf.uint8, tf.bool])
        if self.read is None:  # all were read before
            return x
        is_there = tf.ensure_shape(is_there, [None])

        def filled() -> tf.Tensor:
            missing = tf.where(~is_there)
            new = tf.gather(rows, missing[:, 0])
            made = self._read_all(new)
            made = python_call(self.store.put, [new, made], tf.uint8)
            return tf.tensor_scatter_nd_update(x, missing, made)

        return tf.cond(tf.reduce_all(is_there), lambda: x, filled)

    def _read_all(self, rows: tf.Tensor) -> tf.Tensor:
        return tf.map_fn(self.read, rows, fn_output_signature=tf.uint8, parallel_iterations=os.cpu_count())


def _fill(store: Store, images: tf.data.Dataset, n: int) -> None:
    """Fills a store with images from first to last, unless all are there."""
    chunks = [np.arange(start, min(start + _CHUNK, n)) for start in range(0, n, _CHUNK)]
    if all(store.get(rows)[1].all() for rows in chunks):
        return
    made = iter(images.batch(_CHUNK).as_numpy_iterator())
    for rows, x in zip(tqdm(chunks, "decoding", unit="chunk", disable=None), made, strict=True):
        store.put(rows, x)


def fits_in_memory(size: int) -> bool:
    """Returns whether so many bytes are few, and a small part of this machine's free memory."""
    return size <= min(MOST_MEMORY, MEMORY_SHARE * free_memory())


def check_room(folder: str, paths: Sequence[str], size: int) -> None:
    """Raises ``InputError`` unless a folder has room for stores of ``paths``, ``size`` bytes."""
    for path in paths:  # what is written already
        with contextlib.suppress(OSError):
            size -= os.stat(f"{path}.images").st_blocks * 512
    there = os.path.abspath(folder)
    while not os.path.exists(there):
        there = os.path.dirname(there)
    free = shutil.disk_usage(there).free
    if size > free:
        raise InputError(
            f"--cache={folder} has {free / 2**30:.1f} GiB of free disk, and the decoded images take "
            f"{size / 2**30:.1f} GiB. Choose another folder, or --cache=none, which decodes images anew "
            "in every epoch."
        )


def free_memory() -> float:
    """Returns the bytes that this process may still take; infinite where nothing tells it."""
    free = float("inf")
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            fields = dict(line.split(":") for line in file)
        free = 1024.0 * int(fields["MemAvailable"].split()[0])
        with open("/sys/fs/cgroup/memory.max", encoding="ascii") as most:
            limit = most.read().strip()
        with open("/sys/fs/cgroup/memory.current", encoding="ascii") as used:
            return free if limit == "max" else min(free, float(limit) - float(used.read()))
    except (OSError, KeyError, ValueError):  # another system, or no control group
        return free
