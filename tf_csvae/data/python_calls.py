"""Python functions that threads of tf.data call, such that the process can end.

While the interpreter ends, a thread that waits for it waits forever. A pipeline that still reads
ahead, since a script has kept its iterator, would then keep the process from ending. So before the
interpreter ends, such calls fail at once, until the buffers ahead are full and no call comes.
"""

import atexit
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

# Seconds without a call after which none is expected, and the longest wait.
QUIET, LONGEST = 0.05, 2.0

_ends = threading.Event()
_last = 0.0


def python_call(function: Callable, inputs: Sequence[Any], output: Any) -> Any:
    """Returns what a function of NumPy arrays does, as ``tf.numpy_function`` does.

    ``output`` is the type of the result, or a list of types.
    """

    def guarded(*arrays: Any) -> Any:
        global _last
        _last = time.monotonic()
        if _ends.is_set():
            raise StopIteration
        result = function(*arrays)
        _last = time.monotonic()
        return result

    return tf.numpy_function(guarded, inputs, output, stateful=False)


@atexit.register
def _end() -> None:
    _ends.set()
    start = time.monotonic()
    while _last and time.monotonic() - _last < QUIET and time.monotonic() - start < LONGEST:
        time.sleep(QUIET / 5)
