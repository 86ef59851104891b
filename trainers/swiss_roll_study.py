"""The student report's figures 1 to 3, and ours: four systems on the swiss roll, over seeds.

    python -m trainers.swiss_roll_study

Trains VAE, CSVAE without adversary, CSVAE, and CSVAE with the objective as published, each in a
run of its own; what is finished is not trained again. Writes a table and the planes of the
latent codes to one page, report.html.
"""

import os
import statistics
import subprocess
import sys

import flags
import flags.study
from trainers import measuring, training

FLAGS = flags.FLAGS

GROUPS = (flags.study,)

# Name, trainer and its flags, the student report's figure, which flag gives the seeds.
SYSTEMS = (
    ("VAE", ("trainers.vae",), "figure 1", "seeds"),
    ("CSVAE without adversary", ("trainers.csvae", "--noadversarial"), "figure 2", "seeds"),
    ("CSVAE", ("trainers.csvae",), "figure 3", "seeds"),
    (
        "CSVAE as published",
        ("trainers.csvae", "--flagfile=flags/swiss_roll_published.flags"),
        "–",
        "published_seeds",
    ),
)


def train(module, seed, path):
    """Trains one run, or leaves it be where it is finished.

    Args:
        module: tuple of the trainer's module and its flags.
        seed: str.
        path: str, its run directory.
    """
    from tf_csvae import runs

    if runs.Run(path).finished:
        return
    command = [sys.executable, "-m", *module, f"--seed={seed}", f"--run_dir={path}", *FLAGS.run_flag]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        sys.exit(done.returncode)  # the trainer has said why


def summary(name, results):
    """Returns the table's row for the runs of one system: mean ± deviation over seeds."""
    row = [name, str(len(results))]
    for column, first in results[0].items():
        values = [result[column] for result in results]
        if isinstance(first, bool):
            row.append(f"{sum(values)} of {len(values)}")
        elif first is None:
            row.append("–")
        else:
            spread = f" ± {statistics.stdev(values):.2g}" if len(values) > 1 else ""
            row.append(f"{statistics.mean(values):.3g}{spread}")
    return row


def study():
    """Trains what is missing and writes the page."""
    from tf_csvae import report, runs
    from tf_csvae.errors import InputError

    given = os.path.join(FLAGS.out, "run_flags.txt")
    run_flags = "\n".join(FLAGS.run_flag)
    if os.path.exists(given):
        with open(given, encoding="utf-8") as file:
            there = file.read()
        if there != run_flags:
            raise InputError(
                f"--out={FLAGS.out} was made with other --run_flag: {there!r}. Give another --out."
            )
    runs.write_text(given, run_flags)

    rows, pictures = [], []
    for name, module, figure, seeds in SYSTEMS:
        paths = [
            os.path.join(FLAGS.out, f"{name.lower().replace(' ', '_')}_{seed}") for seed in FLAGS[seeds].value
        ]
        for seed, path in zip(FLAGS[seeds].value, paths, strict=True):
            print(f"{name}, seed {seed}: {path}", flush=True)
            train(module, seed, path)
            with open(runs.Run(path).file(runs.FIGURES, "planes_x1_at_least_10.png"), "rb") as file:
                pictures.append((f"{name}, seed {seed}. The student report: {figure}.", file.read()))
        results = [measuring.swiss_roll_numbers(runs.Run(path)) for path in paths]
        rows = rows or [("system", "runs", *results[0])]
        rows.append(summary(name, results))
    rows.append(("student report, CSVAE", "1", "0.018", "1.33", "–", "about 23", "–"))
    table = report.Table("Mean ± standard deviation over the seeds.", rows)
    page = os.path.join(FLAGS.out, runs.REPORT)
    runs.write_text(
        page,
        report.render(
            "The swiss roll, four systems",
            [table],
            pictures,
            {"the study": flags.serialized(GROUPS, "trainers.swiss_roll_study")},
        ),
    )
    print(f"{report.as_text(table)}\nPage: {page}")


if __name__ == "__main__":
    flags.parse(sys.argv, GROUPS, __doc__)
    training.exit_cleanly(study, "The same command goes on where it was.")
