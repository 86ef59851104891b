"""How long ``python -m trainers.csvae`` takes to remove the label from z on the swiss roll.

    python -m benchmarks.swiss_roll

Each seed is trained by the command itself, with its defaults but without a judge, in a process and
a folder of its own. The time is split: start-up, until the training begins (Python, TensorFlow, the
data, the model); compilation, by which the first epoch is longer than the others; training, all
epochs with validation and checkpoints; and measuring and drawing after it. The table says whether
the result is within ``BOUNDS``. There is no peer: the two public codes do not reach these bounds.
"""

import csv
import dataclasses
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from flags import command, parse
from tf_csvae.configs import SEED
from tf_csvae.options import Config, option

TRAINER = ("-m", "trainers.csvae", "--judge=none")

# Requirements on the swiss roll. The divergence of z must be within its null, too.
BOUNDS = {
    "divergence z": ("at most", 0.06),
    "divergence w": ("at least", 3.0),
    "AUC from z": ("at most", 0.53),
    "mse": ("at most", 0.05),
    "active z": ("at least", 1),
}


@dataclasses.dataclass(frozen=True)
class BenchmarkConfig(Config):
    """Benchmark of the swiss roll: its seeds."""

    first_seed: int = option(0, "The first seed.", low=0, high=SEED)
    seed_count: int = option(5, "Number of seeds.", low=1)
    trainer_flag: tuple[str, ...] = option(
        (), "Flags of every training, as in --trainer_flag=--epochs=2,--hidden=8,8."
    )


def trained(seed: int, folder: str, more: Sequence[str] = ()) -> dict[str, float]:
    """Trains a seed by the command line.

    Args:
        seed: the seed.
        folder: where the run is written.
        more: further flags.

    Returns:
        {"start-up", "compilation", "training", "measuring"}: seconds.
    """
    line = [sys.executable, *TRAINER, f"--seed={seed}", *more, f"--run_dir={folder}"]
    start = time.perf_counter()
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        begun = ended = start
        for text in process.stdout:
            if text.startswith("CSVAE on "):
                begun = time.perf_counter()
            elif text.startswith("Measuring"):
                ended = time.perf_counter()
    if process.returncode:
        sys.exit(process.returncode)  # the command has printed the reason
    with open(os.path.join(folder, "history.csv"), encoding="utf-8") as file:
        first, *others = [float(row["seconds"]) for row in csv.DictReader(file)]
    compilation = max(0.0, first - statistics.median(others)) if others else 0.0
    return {
        "start-up": begun - start,
        "compilation": compilation,
        "training": first + sum(others) - compilation,
        "measuring": time.perf_counter() - ended,
    }


def outcome(folder: str) -> tuple[dict[str, float], bool]:
    """Returns ({number of ``BOUNDS``: its value}, whether all bounds are kept) of a run."""
    from tf_csvae.runs import Run
    from tf_csvae.studies import swiss_roll

    run = Run(folder)
    measured = {**swiss_roll.outcome(run), "active z": run.metrics()["active_units"]["z"]}
    numbers = {name: measured[name] for name in BOUNDS}
    kept = all(
        numbers[name] <= bound if sense == "at most" else numbers[name] >= bound
        for name, (sense, bound) in BOUNDS.items()
    )
    return numbers, kept and measured["label removed from z"]


def benchmark(config: BenchmarkConfig) -> None:
    """Prints a table with a row for each seed."""
    with command.quietly():
        from tf_csvae.evaluation import report
    more = ",".join(config.trainer_flag).replace(",--", "\n--").splitlines()
    rows = []
    for seed in range(config.first_seed, config.first_seed + config.seed_count):
        with tempfile.TemporaryDirectory() as folder:
            seconds = trained(seed, folder, more)
            numbers, kept = outcome(folder)
        rows = rows or [["seed", *(f"{name}, s" for name in seconds), *numbers, "within bounds"]]
        times = (f"{value:.1f}" for value in seconds.values())
        values = (f"{value:.3g}" for value in numbers.values())
        rows.append([str(seed), *times, *values, "yes" if kept else "no"])
        print(f"seed {seed}: {seconds['training']:.1f} s of training", flush=True)
    bounds = ", ".join(f"{name} {sense} {bound}" for name, (sense, bound) in BOUNDS.items())
    print(f"\n{report.as_text(report.Table('', rows))}\nBounds: {bounds}; z within its null.")


def main(argv: list[str] | None = None) -> None:
    """Runs the command."""
    config = parse(argv or sys.argv, (BenchmarkConfig,), __doc__).config(BenchmarkConfig)
    command.run(lambda: benchmark(config), "A benchmark writes nothing.")


if __name__ == "__main__":
    main()
