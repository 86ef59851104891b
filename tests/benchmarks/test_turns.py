"""No TensorFlow here: the processes of the sides import this file."""

import os
import time

import pytest

from benchmarks import turns

SLEEPER = f"{__name__}:sleeper"


def sleeper(seconds):
    def step():
        time.sleep(seconds)
        return os.getpid()

    return {"seconds": seconds}, step


def broken():
    raise ValueError("no such side")


def test_sides_take_turns_in_processes_of_their_own():
    with turns.Side(SLEEPER, 0.01) as short, turns.Side(SLEEPER, 0.03) as long:
        assert (short.facts, long.facts) == ({"seconds": 0.01}, {"seconds": 0.03})
        times = turns.timed([short, long], rounds=2, steps=3)
        assert len({os.getpid(), *short.results, *long.results}) == 3
        assert min(short.peak, long.peak) > 2**20
    assert [len(taken) for taken in times] == [6, 6]
    for taken, least in zip(times, (0.01, 0.03), strict=True):
        assert taken == sorted(taken)
        assert taken[0] >= least


def test_what_goes_wrong_in_a_side_is_raised_here():
    with pytest.raises(ValueError, match="no such side"), turns.Side(f"{__name__}:broken"):
        pass
