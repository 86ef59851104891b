"""Sides of a benchmark that take turns, each in a process of its own.

So each side has its own libraries, threads and memory, and other jobs of the machine slow down all
sides alike.
"""

import importlib
import multiprocessing
import resource
import signal
import time
from collections.abc import Sequence
from typing import Any, Self

from tf_csvae.process import quietly


class Side:
    """One side: a process that runs for the length of a ``with`` block.

    Args:
        make: "MODULE:FUNCTION", which only the process imports. The function returns (facts, step):
            plain values about the side, and a function without arguments that does what is timed
            and returns plain values.
        *arguments: of the function, plain values.

    Attributes:
        facts: what the function returned.
        peak: largest memory of the process so far, in bytes.
        results: what the steps of the last turn returned.
    """

    def __init__(self, make: str, *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make, arguments), daemon=True)
        self.peak, self.results = 0, []

    def __enter__(self) -> Self:
        """Starts the process and waits until it has made its step."""
        self._process.start()
        self.facts = self._received()
        return self

    def __exit__(self, *exception) -> None:
        """Ends the process, which returns as soon as the pipe is closed."""
        self._pipe.close()
        self._process.join(10)
        self._process.kill()

    def turn(self, steps: int) -> list[float]:
        """Makes some steps and returns the seconds of each; raises what a step raised."""
        self._pipe.send(steps)
        seconds, self.results, self.peak = self._received()
        return seconds

    def _received(self) -> Any:
        try:
            answer = self._pipe.recv()
        except EOFError:
            raise RuntimeError(
                f"The process of a side died, with exit code {self._process.exitcode}"
            ) from None
        if isinstance(answer, Exception):
            raise answer
        return answer


def peak() -> int:
    """Returns the largest memory of this process so far, in bytes."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _serve(pipe, make, arguments) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the benchmark, which ends its sides
    module, _, name = make.partition(":")
    try:
        with quietly():
            imported = importlib.import_module(module)
        facts, step = getattr(imported, name)(*arguments)
        pipe.send(facts)
        while True:
            steps, seconds, results = pipe.recv(), [], []
            for _ in range(steps):
                start = time.perf_counter()
                results.append(step())
                seconds.append(time.perf_counter() - start)
            pipe.send((seconds, results, peak()))
    except EOFError:
        return
    except Exception as error:
        pipe.send(error)


def timed(sides: Sequence[Side], rounds: int, steps: int, warm: int = 2) -> list[list[float]]:
    """Times the steps of several sides, which take turns.

    Args:
        sides: the sides.
        rounds: turns of each.
        steps: steps of a turn.
        warm: steps of each before the first turn, which do not count.

    Returns:
        the sorted seconds of the steps, for each side.
    """
    for side in sides:
        side.turn(warm)
    times = [[] for _ in sides]
    for _ in range(rounds):
        for side, taken in zip(sides, times, strict=True):
            taken += side.turn(steps)
    return [sorted(taken) for taken in times]
