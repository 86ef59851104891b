"""How long ``python -m trainers.csvae`` takes to part the label from z on the swiss roll, seed by seed.

    python -m benchmarks.swiss_roll

Each seed is trained by the trainer itself, with its defaults, in a process and a folder of its own. Its time
is told apart: start-up, until the training begins (Python, TensorFlow, the data, the model); the
compilation of the step, by which the first epoch is longer than the others; the training, all epochs with
validation and checkpoints; and the measuring and drawing after it. Beside it stands whether what came out keeps
``BOUNDS``. A training has no peer here: the two public codes do not reach these bounds.
"""

import csv
import os
import statistics
import subprocess
import sys
import tempfile
import time

import flags
import flags.swiss_roll_benchmark
from trainers import measuring, training

FLAGS = flags.FLAGS

GROUPS = (flags.swiss_roll_benchmark,)

TRAINER = ("-m", "trainers.csvae")

# What the swiss roll is asked for. The divergence of z must lie within three deviations of its null, too.
BOUNDS = {
    "divergence z": ("at most", 0.06),
    "divergence w": ("at least", 3.0),
    "AUC from z": ("at most", 0.53),
    "mse": ("at most", 0.05),
    "active z": ("at least", 1),
}


def trained(seed, folder, more=()):
    """Trains a seed by the command line.

    Args:
        seed: int.
        folder: str, where the run is written.
        more: further flags.

    Returns:
        {"start-up", "compilation", "training", "measuring"}: seconds.
    """
    command = [sys.executable, *TRAINER, f"--seed={seed}", f"--run_dir={folder}", *more]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        begun = ended = start
        for line in process.stdout:
            if line.startswith("CSVAE on "):
                begun = time.perf_counter()
            elif line.startswith("Measuring"):
                ended = time.perf_counter()
    if process.returncode:
        sys.exit(process.returncode)  # the trainer has said why
    with open(os.path.join(folder, "history.csv"), encoding="utf-8") as file:
        first, *others = [float(row["seconds"]) for row in csv.DictReader(file)]
    compilation = max(0.0, first - statistics.median(others)) if others else 0.0
    return {
        "start-up": begun - start,
        "compilation": compilation,
        "training": first + sum(others) - compilation,
        "measuring": time.perf_counter() - ended,
    }


def outcome(folder):
    """Returns ({number of ``BOUNDS``: its value}, whether all bounds are kept) of a run."""
    from tf_csvae import runs

    run = runs.Run(folder)
    measured = {**measuring.swiss_roll_numbers(run), "active z": run.metrics()["active_units"]["z"]}
    numbers = {name: measured[name] for name in BOUNDS}
    # Gone: within its null, too.
    kept = measured["label gone from z"] and all(
        numbers[name] <= bound if sense == "at most" else numbers[name] >= bound
        for name, (sense, bound) in BOUNDS.items()
    )
    return numbers, kept


def benchmark():
    """Prints the table, a row for each seed as it is done."""
    from tf_csvae import report

    rows = []
    for seed in range(FLAGS.first_seed, FLAGS.first_seed + FLAGS.seed_count):
        with tempfile.TemporaryDirectory() as folder:
            seconds = trained(seed, folder, FLAGS.trainer_flag)
            numbers, kept = outcome(folder)
        rows = rows or [["seed", *(f"{name}, s" for name in seconds), *numbers, "within the bounds"]]
        rows.append(
            [
                str(seed),
                *(f"{value:.1f}" for value in seconds.values()),
                *(f"{value:.3g}" for value in numbers.values()),
                "yes" if kept else "no",
            ]
        )
        print(f"seed {seed}: {seconds['training']:.1f} s of training", flush=True)
    bounds = ", ".join(f"{name} {sense} {bound}" for name, (sense, bound) in BOUNDS.items())
    print(f"\n{report.as_text(report.Table('', rows))}\nBounds: {bounds}; z within its null.")


if __name__ == "__main__":
    flags.parse(sys.argv, GROUPS, __doc__)
    training.exit_cleanly(benchmark, "Nothing is written by a benchmark.")
