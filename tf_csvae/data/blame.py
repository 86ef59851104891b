"""Failures of TensorFlow that an example or a lack of memory explains."""

import contextlib
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from tf_csvae.data.dataset import Dataset
from tf_csvae.errors import InputError
from tf_csvae.process import quietly


@contextlib.contextmanager
def blaming(dataset: Dataset, sizes: dict[str, Any]) -> Iterator[None]:
    """Raises failures of TensorFlow in the block again as mistakes, where their cause is known.

    The block reads the data set. The memory depends on the options ``sizes``, {name: value}.

    Raises:
        InputError: an example cannot be read, or the memory is exhausted.
        OSError: no space is left on a disk.
    """
    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        if "No space left on device" in str(error):  # TensorFlow has one error for both
            raise OSError(str(error).splitlines()[0]) from error
        flags = ", ".join(f"--{name}={_text(value)}" for name, value in sizes.items())
        raise InputError(f"The memory does not suffice. Lower one of these options: {flags}.") from error
    except tf.errors.OpError:
        with quietly():  # the decoders write to stderr, too
            reason = dataset.explain_failure()
        if reason is None:
            raise
        raise InputError(reason) from None


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
