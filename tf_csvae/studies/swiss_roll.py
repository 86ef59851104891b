"""Figures 1 to 3 of the student report, and ours: four systems on the swiss roll, over seeds."""

import contextlib
import json
import os
import statistics
from collections.abc import Sequence

import keras

from tf_csvae import files, runs
from tf_csvae.errors import InputError
from tf_csvae.evaluation import report
from tf_csvae.options import preset
from tf_csvae.runs import Run
from tf_csvae.settings import config_classes
from tf_csvae.training import fit

# Title, system, options over the defaults as texts, and figure of the student report.
SYSTEMS = (
    ("VAE", "vae", {}, "figure 1"),
    ("CSVAE without adversary", "csvae", {"adversarial": "false"}, "figure 2"),
    ("CSVAE", "csvae", {}, "figure 3"),
    ("CSVAE as published", "csvae", preset("swiss_roll_published"), "–"),
)
STUDENT_REPORT = ["student report, CSVAE", "1", "0.018", "1.33", "–", "about 23", "–"]

# The label counts as removed from z if the divergence is within three standard deviations of its
# null, and the AUC of a probe within four of chance (0.0083 for 1,366 in 10,000).
MOST_DEVIATIONS, MOST_AUC = 3, 0.533


def outcome(run: Run) -> dict[str, float | bool | None]:
    """Returns the numbers by which a finished run on the swiss roll is judged; None: not there."""
    numbers = run.metrics()
    ((label, z),) = numbers["divergence"]["z"].items()
    auc = numbers["probe"]["z"][label]["auc"]
    near = z["kl"] <= z["null_mean"] + MOST_DEVIATIONS * z["null_sd"]
    return {
        "divergence z": z["kl"],
        "divergence w": numbers["divergence"].get("w", {}).get(label, {}).get("kl"),
        "AUC from z": auc,
        "mse": numbers["reconstruction"]["mse"],
        "label removed from z": near and auc <= MOST_AUC,
    }


def study(
    seeds: Sequence[int], published_seeds: Sequence[int], out: str, options: dict | None = None
) -> report.Table:
    """Trains what is not finished, and writes a table and the planes of the codes to one page.

    ``published_seeds`` are of the CSVAE with the objective as published, ``seeds`` of the other
    systems, ``options`` of every training, as of ``fit``. Runs and page go to the folder ``out``.
    Returns the table: mean ± standard deviation over the seeds.

    Raises:
        InputError: ``out`` was made with other options, or a run cannot be trained.
    """
    files.check_folder(out, "--out")
    options = json.loads(json.dumps(options or {}))  # as they are read back
    kept = os.path.join(out, "options.json")
    if os.path.exists(kept) and (given := files.read_json(kept)) != options:
        raise InputError(f"--out={out} was made with other options: {given}. Give another --out.")
    files.write_json(kept, options)
    rows, pictures = [], []
    for title, system, texts, figure in SYSTEMS:
        kinds, results = config_classes(system), []
        own = {name: value for kind in kinds for name, value in kind.values(texts).items()}
        for seed in published_seeds if title == "CSVAE as published" else seeds:
            run = Run(os.path.join(out, f"{title.lower().replace(' ', '_')}_{seed}"))
            print(f"{title}, seed {seed}: {run.path}", flush=True)
            if not run.finished:
                keras.backend.clear_session()  # names and memory as in a process of its own
                with open(os.devnull, "w") as hidden, contextlib.redirect_stdout(hidden):
                    fit(system, **{"judge": "none", **own, **options, "seed": seed, "run_dir": run.path})
            with open(run.file(runs.FIGURES, "planes_x1_at_least_10.png"), "rb") as file:
                pictures.append((f"{title}, seed {seed}. Student report: {figure}.", file.read()))
            results.append(outcome(run))
        rows = rows or [["system", "runs", *results[0]]]
        columns = zip(*(result.values() for result in results), strict=True)
        rows.append([title, str(len(results)), *map(_summary, columns)])
    table = report.Table("Mean ± standard deviation over the seeds.", [*rows, STUDENT_REPORT])
    given = {"seeds": list(seeds), "published_seeds": list(published_seeds), "options": options}
    flags = {"the study": json.dumps(given)}
    page = report.render("The swiss roll, four systems", [], pictures, flags, first=table)
    files.write_text(os.path.join(out, runs.REPORT), page)
    return table


def _summary(values: Sequence) -> str:
    """Returns the cell of one number of several runs."""
    if isinstance(values[0], bool):
        return f"{sum(values)} of {len(values)}"
    if values[0] is None:
        return report.NONE
    spread = f" ± {statistics.stdev(values):.2g}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.3g}{spread}"
