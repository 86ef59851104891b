"""Measures a model, draws the result and writes both into its run: after training, or again."""

import dataclasses
import importlib.metadata
import platform
from collections.abc import Collection
from typing import Any

from tf_csvae import data as sources
from tf_csvae import files, runs
from tf_csvae.configs import DataConfig, EvaluationConfig
from tf_csvae.data import Dataset, Info
from tf_csvae.data.blame import blaming
from tf_csvae.data.known import changes, check_fits
from tf_csvae.errors import InputError, check_known
from tf_csvae.evaluation import report
from tf_csvae.evaluation.classifier import classifier_pictures, measure_classifier
from tf_csvae.evaluation.figures import Pictures
from tf_csvae.evaluation.measure import measure
from tf_csvae.evaluation.pictures import pictures
from tf_csvae.evaluation.verdict import verdict
from tf_csvae.models import Classifier, LabelledModel, check_same
from tf_csvae.runs import Run
from tf_csvae.settings import settings

# A judge and the checksum of its model.
LoadedJudge = tuple[Classifier, str]

# Packages whose versions may change a result.
PACKAGES = ("tf_csvae", "tensorflow", "keras", "tensorflow-probability", "numpy", "scikit-learn")

# Parts of metrics.json about the training, which an evaluation leaves as they are.
OF_TRAINING = ("seconds_training", "examples_per_second", "parameters", "run", "training")


def evaluate(run_dir: str, judge: str = "auto", data: Dataset | None = None, **options: Any) -> dict:
    """Measures the model of a finished run again, and writes its numbers, pictures and page anew.

    The model and info.json are not changed. If an evaluation fails, the run stays as it was. The
    judge is a finished run of a classifier on the same data, not the guide of the run; "auto": that
    of the run, if it has one; "none": no judge. Without ``data`` the run's own are taken. Options
    are fields of ``EvaluationConfig``, and of ``DataConfig`` over those of the run, such as
    ``data_dir``. Other data are read with the run's labels, scaling and columns.

    Returns the content of metrics.json.

    Raises:
        InputError: no finished run, other data than those of the run, or a judge that is no
            classifier, of other data, or the guide.
    """
    if not run_dir:
        raise InputError("Give --run_dir, the run to evaluate.")
    run = Run(run_dir)
    numbers = run.metrics()
    with run.locked():
        return _evaluate(run, numbers, data, {**options, "judge": judge})


def _evaluate(run: Run, numbers: dict, data_given: Dataset | None, options: dict[str, Any]) -> dict:
    for name in options:
        check_known(name, {**DataConfig.options(), **EvaluationConfig.options()}, "option")
    recorded = run.settings()
    of_data = {name: value for name, value in options.items() if name in DataConfig.options()}
    known, model, dataset = run.info(), run.model(), data_given
    _check_model(run, model, known)
    if dataset is None:
        recorded = dataclasses.replace(recorded, data=dataclasses.replace(recorded.data, **of_data))
        dataset = sources.load(recorded.data, of_data, known)
    elif names := sorted(of_data.keys() - {"seed"}):
        raise InputError(f"Options of data cannot change data that are given. Received: {', '.join(names)}.")
    else:
        check_fits(known, dataset.info, run.path)
    # The given options over the run's seed over the presets of its data set.
    given = {name: options[name] for name in EvaluationConfig.options() if name in options}
    base = {"dataset": recorded.data.dataset, "seed": recorded.training.seed}
    config = settings(recorded.system, **{**base, **given}).evaluation
    pictured_labels(config, options, dataset.info)  # raises before minutes of measuring
    numbers.setdefault("run", what_ran(model, known, recorded.training.seed))
    judge = load_judge(judge_of(run, config.judge), dataset.info, numbers["run"].get("guide"))
    with blaming(dataset, recorded.sizes):
        measured, figures = measure_any(model, dataset, run.history(), judge, config, options)
    trained = {name: numbers[name] for name in OF_TRAINING if name in numbers}
    different = changes(known, dataset.info)
    if different:
        print(f"These are not the data of the training: {'; '.join(different)}.", flush=True)
        where = recorded.data.data_path or recorded.data.data_dir
        place = {"path": where} if where and data_given is None else {}
        info = dataset.info
        measured["measured_on"] = {"dataset": info.name, **place, "counts": info.counts}
    return write_results(run, model, dataset, trained, measured, figures)


def _check_model(run: Run, model: LabelledModel, known: Info) -> None:
    """Raises ``InputError`` unless model.keras and info.json of a run fit each other."""
    try:
        check_same(model, known.shape, known.labels, f"The model of {run.path}")
    except InputError as error:
        raise InputError(f"{run.file(runs.INFO)} does not fit {runs.MODEL}. {error}") from None


def judge_of(run: Run, judge: str) -> str:
    """Returns the path of a judge, or "none"; "auto" is the one that the training of a run made."""
    if judge != "auto":
        return judge
    own = Run(run.file(runs.JUDGE))
    return own.path if own.finished else "none"


def load_judge(path: str, info: Info, guide: str | None = None) -> LoadedJudge | None:
    """Loads the judge in the run at ``path``; "none": no judge.

    Raises:
        InputError: no finished run, no classifier, one of other data or labels, or the guide, whose
            checksum is ``guide``.
    """
    if path == "none":
        return None
    judge, checksum = runs.load_classifier(path, info, "judge")
    if checksum == guide:
        raise InputError(
            f"--judge={path} is the guide that took part in the training, so the model has learned "
            "to satisfy it. Give another judge."
        )
    return judge, checksum


def pictured_labels(config: EvaluationConfig, given: Collection[str], info: Info) -> list[str] | None:
    """Returns the labels with pictures of their own; None: the default.

    Labels of a preset that the data do not have are left out. ``given`` are names of the options
    that were asked for, not taken from a preset.

    Raises:
        InputError: a label that was asked for and that the data do not have.
    """
    names = [label.name for label in info.labels]
    shown = config.pictured_labels or ()
    if "pictured_labels" in given:
        for name in shown:
            check_known(name, names, "label")
    return [name for name in shown if name in names] or None


def measure_any(
    model: LabelledModel,
    dataset: Dataset,
    history: dict[str, list[float]],
    judge: LoadedJudge | None = None,
    config: EvaluationConfig | None = None,
    given: Collection[str] = (),
) -> tuple[dict, Pictures]:
    """Returns the part of metrics.json about a generative model or a classifier, and the pictures.

    ``history`` is {name: value per epoch}, as history.csv has it; only a generative model has a
    judge; ``given`` is as of ``pictured_labels``.
    """
    if isinstance(model, Classifier):
        numbers = measure_classifier(model, dataset)
        return numbers, classifier_pictures(numbers, history)
    config = config or EvaluationConfig()
    classifier, checksum = judge or (None, None)
    result = measure(model, dataset, classifier, config.samples, config.seed)
    shown = pictured_labels(config, given, dataset.info)
    drawn = pictures(model, result, dataset.info, history, shown, config.seed)
    judged = {"judge": {"sha256": checksum, "samples": config.samples}} if judge else {}
    return {**result.numbers, **judged}, drawn


def what_ran(model: LabelledModel, info: Info, seed: int, guide: str | None = None) -> dict:
    """Returns the part "run" of metrics.json of a training; ``guide`` is a checksum of a run."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:  # such as tensorflow-cpu in its place
            versions[package] = "unknown"
    ran = {"system": type(model).__name__, "dataset": info.name, "seed": seed, "counts": info.counts}
    return {**ran, "versions": versions, **({"guide": guide} if guide else {})}


def write_results(
    run: Run, model: LabelledModel, dataset: Dataset, trained: dict, measured: dict, figures: Pictures
) -> dict:
    """Writes figures, page and, last, metrics.json of a run; returns the content of metrics.json.

    It joins the parts about the training and about the model, ``trained`` and ``measured``.
    """
    system, info, numbers = type(model).__name__, dataset.info, {**trained, **measured}
    if getattr(model, "label_widths", ()):
        numbers["verdict"] = verdict(numbers, info.labels, run.settings())
    drawn = {name: (caption, report.as_png(figure)) for name, (caption, figure) in figures.items()}
    for name, (_, png) in drawn.items():
        files.write_bytes(run.file(runs.FIGURES, f"{name}.png"), png)
    captions = {name: caption for name, (caption, _) in drawn.items()}
    files.write_json(run.file(runs.FIGURES, runs.CAPTIONS), captions)
    tables = [
        *report.effect_tables(numbers),
        report.headline(numbers, system, info.name),
        report.by_label(numbers, system, info.name),
        report.columns(info),
        report.what_was_run(
            [{**numbers["run"], "measured_on": numbers.get("measured_on"), "seen": numbers.get("seen")}]
        ),
    ]
    page = report.render(
        f"{system} on {info.name}",
        tables,
        drawn.values(),
        {run.path: run.flags()},
        report.verdict_table(numbers, info.labels),
        report.advice(numbers),
    )
    files.write_text(run.file(runs.REPORT), page)
    files.write_json(run.file(runs.METRICS), numbers)
    return numbers


def summary(run: Run) -> str:
    """Returns the main numbers of a finished run, and where its results are, for a terminal."""
    numbers = run.metrics()
    ran = numbers["run"]
    tables = [
        report.headline(numbers, ran["system"], ran["dataset"]),
        report.verdict_table(numbers, run.info().labels),
    ]
    places = {"Numbers": runs.METRICS, "Pictures": runs.FIGURES, "Page": runs.REPORT}
    lines = [f"{words}: {run.file(name)}" for words, name in places.items()]
    texts = [report.as_text(table) for table in tables if table]
    return "\n".join(["\n\n".join(texts), *report.advice(numbers), *lines])
