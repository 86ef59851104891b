"""Images per second from a folder to the device, beside what a training uses.

    python -m benchmarks.input_pipeline --dataset=celeba --data_dir=FOLDER

There are three kinds of pass over the training images, in a process of its own for each number of
threads: from the disk (the operating system is asked to forget the files before); from the
operating system's cache of files, which leaves decoding, cropping and resizing; and from the
pipeline's cache in memory, as in all epochs of a training after the first. Then CSVAE is trained
from that cache, and the time that its steps wait for a batch is measured.
"""

import dataclasses
import os
import statistics
import sys
from typing import Any

from benchmarks import turns
from flags import Parsed, command, parse
from tf_csvae.configs import DataConfig
from tf_csvae.errors import InputError
from tf_csvae.options import Config, option

FOLDERS = ("celeba", "folder")


@dataclasses.dataclass(frozen=True)
class BenchmarkConfig(Config):
    """Benchmark of the input pipeline: on how many threads, and how long beside a training."""

    threads: tuple[int, ...] = option(
        tuple(count for count in (1, 2, 4, 8, 16, 32) if count <= (os.cpu_count() or 1)),
        "Threads that read images.",
        low=1,
    )
    train_steps: int = option(100, "Steps of the training that the pipeline feeds.", low=1)


def forget(folder: str) -> None:
    """Asks the operating system to drop the files of a folder from its cache; only Linux can."""
    if not hasattr(os, "posix_fadvise"):
        return
    for path, _, names in os.walk(folder):
        for name in names:
            file = os.open(os.path.join(path, name), os.O_RDONLY)
            try:
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(file)


def passes(options: dict[str, Any], threads: int) -> list[list[str]]:
    """Returns the rows of the table for a number of threads.

    Args:
        options: of the data, as in ``settings``.
        threads: number of threads.
    """
    rows = []

    def add(name, side, seconds):
        speed = side.facts["images"] / statistics.median(seconds)
        rows.append([name, str(threads), f"{speed:.0f}", *_memory(side), "–"])

    make = "benchmarks.input_passes:reading"
    with turns.Side(make, {**options, "cache": "none"}, threads) as side:
        forget(options["data_dir"])
        add("from disk", side, side.turn(1))
        add("from the system's cache", side, side.turn(2))
    with turns.Side(make, {**options, "cache": "memory"}, threads) as side:
        side.turn(1)
        add("from the cache", side, side.turn(5))
    return rows


def _memory(side: turns.Side) -> list[str]:
    return [f"{size / 2**20:.0f}" for size in (side.facts["before"], side.peak)]


def benchmark(parsed: Parsed) -> None:
    """Prints the table.

    Raises:
        InputError: the data are no folder of images.
    """
    config, data = parsed.config(BenchmarkConfig), parsed.config(DataConfig)
    options = parsed.asked_for(DataConfig)
    if data.dataset not in FOLDERS or not data.data_dir:
        raise InputError(
            f"Give a folder of images: --dataset={' or '.join(FOLDERS)}, and --data_dir. "
            f"Received: --dataset={data.dataset} --data_dir={data.data_dir or ''}."
        )
    with command.quietly():
        from tf_csvae.evaluation import report
    rows = [["images", "threads", "images/s", "MiB before", "MiB at most", "waits"]]
    for threads in config.threads:
        rows += passes(options, threads)
    with turns.Side("benchmarks.input_passes:fed", {**options, "cache": "memory"}) as side:
        seconds = side.turn(config.train_steps)
    speed = side.facts["images"] * len(seconds) / sum(seconds)
    waits = f"{100 * sum(side.results) / sum(seconds):.2f} %"
    rows.append(["trained from the cache", "all", f"{speed:.0f}", *_memory(side), waits])
    print(report.as_text(report.Table("", rows)))


def main(argv: list[str] | None = None) -> None:
    """Runs the command."""
    parsed = parse(argv or sys.argv, (BenchmarkConfig, DataConfig), __doc__, "csvae")
    command.run(lambda: benchmark(parsed), "A benchmark writes nothing.")


if __name__ == "__main__":
    main()
