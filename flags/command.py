"""How every command ends: exit codes, and what Ctrl-C and SIGTERM do."""

import os
import signal
import sys
from collections.abc import Callable

from tf_csvae.errors import InputError
from tf_csvae.process import SIGNALS, Interrupted, quietly

__all__ = ["quietly", "run"]


def run(work: Callable[[], object], when_interrupted: str) -> None:
    """Calls ``work``; if it fails, ends the process with a line and the documented code.

    A user's mistake and a failing disk end it with 1, Ctrl-C and SIGTERM with 128 + the signal and
    ``when_interrupted``, which says how to continue.
    """
    # TensorFlow's messages about processor and GPUs at start-up are not for users.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        for each in SIGNALS:
            signal.signal(each, _interrupt)
        work()
    except (InputError, OSError) as error:  # OSError: no permission, no space, not a directory
        print(f"error: {error}", file=sys.stderr)
        _end(1)
    except Interrupted as interruption:
        for each in SIGNALS:  # a second signal ends the process at once
            signal.signal(each, signal.SIG_DFL)
        print(f"\nInterrupted. {when_interrupted}")
        _end(128 + interruption.signum)


def _interrupt(signum, frame) -> None:
    """Turns the first signal into ``Interrupted``; a second one kills."""
    for each in SIGNALS:
        signal.signal(each, signal.SIG_DFL)
    raise Interrupted(signum)


def _end(code: int) -> None:
    """Ends the process. A worker ends at once: TensorFlow's exit may wait for the others."""
    if os.environ.get("TF_CONFIG"):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
