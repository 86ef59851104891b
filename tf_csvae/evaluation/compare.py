"""Compares finished runs: their numbers side by side, and all pictures, on one page."""

import json
import os
from collections.abc import Sequence
from typing import Any

from tf_csvae import files, runs
from tf_csvae.configs import EvaluationConfig
from tf_csvae.data import Info
from tf_csvae.errors import InputError
from tf_csvae.evaluation import report
from tf_csvae.evaluation.evaluate import evaluate, judge_of
from tf_csvae.runs import Run


def compare(
    run_dirs: Sequence[str], judge: str = "auto", out: str = "runs/comparison", **options: Any
) -> dict[str, list[dict]]:
    """Compares finished runs of the same data; writes page, figures and metrics.json to ``out``.

    The judge is a finished run of a classifier on the same data; "auto": the one that the runs
    share. A run is evaluated first if this judge has not measured it as the ``options`` ask, which
    are fields of ``EvaluationConfig``. Runs that differ only in their seeds count as one system:
    mean ± standard deviation.

    Returns:
        {title of the system: the metrics.json of each of its runs}, as in metrics.json of ``out``.

    Raises:
        InputError: no finished runs, runs of different data, or of different judges.
    """
    if not run_dirs:
        raise InputError("Give --run_dirs, the runs to compare, separated by commas.")
    config = EvaluationConfig.from_texts({}, **options, judge=judge)
    found = [Run(path) for path in run_dirs]
    # Raise if a run is not finished, before anything is evaluated.
    before = [run.metrics() for run in found]
    _check_different(found)
    known = {_described(run.info()): run.path for run in found}
    if len(known) > 1:
        data = "; ".join(f"{path}: {words}" for words, path in known.items())
        raise InputError(f"--run_dirs holds runs of different data ({data}). Give runs of the same.")
    files.check_folder(out, "--out")
    shown = judge_of(found[0], judge)
    judge_numbers = {} if shown == "none" else Run(shown).metrics()
    wanted = {} if judge in ("auto", "none") else {"sha256": Run(judge).checksum()}
    if wanted or "samples" in options:
        wanted["samples"] = config.samples
    if os.path.exists(os.path.join(out, runs.FLAGFILE)):
        raise InputError(f"--out={out} is a run, and would be written over. Give another folder.")
    numbers = []
    for run, each in zip(found, before, strict=True):
        if options.keys() & {"pictured_labels", "seed"} or not _is_complete(each, wanted):
            print(f"Evaluating {run.path}", flush=True)
            each = evaluate(run.path, judge, **{**options, "samples": config.samples})
        numbers.append(each)
    if len({json.dumps(each["judge"]) for each in numbers if "judge" in each}) > 1:
        raise InputError("The runs were measured by different judges. Give --judge, one for all.")
    systems = titles(list(zip(found, numbers, strict=True)))
    _write(Run(out), found, systems, judge_numbers)
    return {title: [each for _, each in members] for title, members in systems.items()}


def _check_different(found: Sequence[Run]) -> None:
    """Raises ``InputError`` for a run that is there twice, by another path or as a copy."""
    places, models = {}, {}
    for run in found:
        place, model = os.path.realpath(run.path), run.checksum()
        for known, key, words in ((places, place, "the same run"), (models, model, "copies of one run")):
            if key in known:
                raise InputError(
                    f"--run_dirs={known[key]},{run.path} are {words}, which would count as several "
                    "trainings. Give each run once."
                )
            known[key] = run.path


def _is_complete(numbers: dict, wanted: dict) -> bool:
    """Returns whether a run has all numbers of the judge that is wanted.

    ``wanted`` has the entries that "judge" in metrics.json must have. Without a checksum among them
    a run without a judge is complete, too.
    """
    if "run" not in numbers or "measured_on" in numbers:  # other data than its own
        return False
    there = numbers.get("judge", {} if "sha256" in wanted else wanted)
    return numbers["run"]["system"] == "Classifier" or wanted.items() <= there.items()


def titles(found: Sequence[tuple[Run, dict]]) -> dict[str, list[tuple[Run, dict]]]:
    """Groups pairs of a run and its metrics.json by system.

    The title of a system is its class and what tells it from others of that class.
    """
    systems = {}
    for run, numbers in found:
        lines = (line for config in run.settings().configs for line in config.lines())
        lines = tuple(line for line in lines if not line.startswith("--seed="))
        systems.setdefault((numbers["run"]["system"], lines), []).append((run, numbers))
    named = {}
    for (title, lines), members in systems.items():
        others = [other for system, other in systems if system == title and other != lines]
        own = [line for line in lines if any(line not in other for other in others)]
        if own:
            path = os.path.abspath(members[0][0].path)
            title = f"{title} {own[0]}" if len(own) == 1 else f"{title}, {os.path.basename(path)}"
            if title in named:
                title = f"{title} ({path})"
        named[title] = members
    return named


def _described(info: Info) -> str:
    """Describes data as far as runs must share them to be compared."""
    names = [f"{each.name} ({each.kind})" if each.kind != "binary" else each.name for each in info.labels]
    labels = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    count = info.counts["test"]
    return f"{info.name} of shape {list(info.shape)}, {count} test examples, labels {labels}"


def _write(out: Run, found: Sequence[Run], systems: dict, judge: dict) -> None:
    """Writes figures, page and metrics.json of a comparison."""
    numbers = {title: [each for _, each in members] for title, members in systems.items()}
    ran = [each[0]["run"] for each in numbers.values()]
    dataset = ran[0]["dataset"]
    tables = [
        report.side_by_side(numbers),
        *report.label_tables(numbers, dataset),
        report.by_label(judge, "Classifier", dataset),
        report.what_was_run(ran),
    ]
    pictures = {}
    for title, ((run, _), *_) in systems.items():
        for name, caption, png in run.pictures():
            pictures.setdefault(name, []).append((f"{title}. {caption}", png))
    names = files.file_names(pictures)
    for name, versions in pictures.items():
        for number, (_, png) in enumerate(versions):
            files.write_bytes(out.file(runs.FIGURES, f"{names[name]}_{number}.png"), png)
    drawn = [picture for versions in pictures.values() for picture in versions]
    flags = {run.path: run.flags() for run in found}
    verdict = report.verdicts(numbers)
    page = report.render(f"{len(systems)} systems on {dataset}", tables, drawn, flags, verdict)
    files.write_text(out.file(runs.REPORT), page)
    files.write_json(out.file(runs.METRICS), numbers)
