"""Sides of a benchmark that take turns, each in a process of its own.

A side's libraries, threads and memory are then its own, and what else happens on the machine meets
all sides alike.
"""

import multiprocessing
import resource
import signal
import time


class Side:
    """One side: a process that is there for the length of a ``with`` block.

    Args:
        make: function, importable by its name, of the arguments -> (facts, step): plain values about
            the side, and a function without arguments that does what is timed and returns plain values.
        *arguments: plain values.

    Attributes:
        facts: what ``make`` said.
        peak: int, most bytes that the process has had in memory.
        results: list, what the steps of the last turn returned.
    """

    def __init__(self, make, *arguments):
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make, arguments), daemon=True)
        self.peak, self.results = 0, []

    def __enter__(self):
        self._process.start()
        self.facts = self._received()
        return self

    def __exit__(self, *exception):
        self._pipe.close()  # at which it ends
        self._process.join(10)
        self._process.kill()

    def turn(self, steps):
        """Returns the seconds of each of so many steps."""
        self._pipe.send(steps)
        seconds, self.results, self.peak = self._received()
        return seconds

    def _received(self):
        try:
            answer = self._pipe.recv()
        except EOFError:
            raise RuntimeError(
                f"The process of a side died, with exit code {self._process.exitcode}"
            ) from None
        if isinstance(answer, Exception):
            raise answer
        return answer


def peak():
    """Returns the most bytes that this process has had in memory."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _serve(pipe, make, arguments):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the benchmark, and that its sides
    try:
        facts, step = make(*arguments)
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


def timed(sides, rounds, steps, warm=2):
    """Returns the seconds of each side's steps, which it makes in turns with the others.

    Args:
        sides: list of ``Side``s.
        rounds: int, turns of each.
        steps: int, of a turn.
        warm: int, steps of each before that are not counted.

    Returns:
        list of lists of seconds, sorted.
    """
    for side in sides:
        side.turn(warm)
    times = [[] for _ in sides]
    for _ in range(rounds):
        for side, taken in zip(sides, times, strict=True):
            taken += side.turn(steps)
    return [sorted(taken) for taken in times]
