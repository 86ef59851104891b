"""What concerns the process: messages of TensorFlow at its import, Ctrl-C and SIGTERM."""

import contextlib
import logging
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tf_csvae.training.checkpoints import Checkpoints

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM, by the number of the signal."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"signal {signum}")
        self.signum = signum


@contextlib.contextmanager
def finishing_steps(checkpoints: "Checkpoints") -> Iterator[None]:
    """Makes the first signal in the block wait for the step and a checkpoint; a second one kills.

    It raises ``Interrupted`` after that checkpoint. In another thread than the main one, signals
    stay as they are.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def finish(signum, frame):
        for each in SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        checkpoints.stop(Interrupted(signum))
        os.write(1, b"\nSaving after this step. A second signal ends it at once.\n")

    before = {each: signal.signal(each, finish) for each in SIGNALS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    checkpoints.raise_if_stopped()  # the signal came after the last step


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Hides what is written to stderr in the block, unless the block fails.

    TensorFlow reports on processor and drivers while it is imported, before a setting of its log
    level counts.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # It warns of functions that are traced anew, as those of each model in a process are.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as hidden:
        os.dup2(hidden.fileno(), 2)
        try:
            yield
        except BaseException:
            hidden.seek(0)
            os.write(stderr, hidden.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
