"""Fuzzes with atheris, for a bounded time.

    python -m tests.fuzz attributes 60
    python -m tests.fuzz images 60
    python -m tests.fuzz tables 60
    python -m tests.fuzz runs 60

An input that makes a target raise another exception than it may is kept among the seeds, which
``tests/fuzz/test_seeds.py`` tries in every run of the tests.
"""

import pathlib
import sys
import tempfile

import atheris

from tests.fuzz import targets

# Bytes of the longest input.
LONGEST = {"attributes": 4096, "images": 20_000, "tables": 4096, "runs": 32}


def main(name, seconds):
    """Runs one target; libFuzzer ends the process, with 0 if it found nothing."""
    seeds = targets.SEEDS / name
    instrumented = ["tf_csvae.data.celeba", "tf_csvae.data.decoding", "export.inputs"]
    with atheris.instrument_imports(include=[*instrumented, "export.signatures"]):
        targets.TARGETS[name](b"")
    corpus = pathlib.Path(tempfile.mkdtemp())  # for inputs that reach new code
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST[name]}",
        f"-artifact_prefix={seeds}/",
        "-rss_limit_mb=0",
        "-timeout=60",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus), str(seeds)], targets.TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
