"""Searches options of CSVAE with Optuna: transfer against leak against reconstruction.

A study is a folder: study.db (Optuna's storage), a run for each trial, and at the end best.flags
and report.html. A study that was interrupted continues; its interrupted trial goes on from its
checkpoint.
"""

import dataclasses
import functools
import io
import math
import os
import statistics
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import keras
import optuna

from tf_csvae import files, runs
from tf_csvae.errors import InputError, check_known
from tf_csvae.evaluation import report
from tf_csvae.evaluation.verdict import STEERED, leak_limit, sight
from tf_csvae.labels import Label
from tf_csvae.options import Option
from tf_csvae.runs import Run
from tf_csvae.settings import Settings, config_classes, settings
from tf_csvae.training import fit

SYSTEM = "csvae"
STORAGE, BEST = "study.db", "best.flags"

# Without --search: these options, as far as they are not 0, between their value divided by the
# factor and times the factor.
SEARCHED = {"learning_rate": 3, "beta3": 4, "beta4": 4, "mmd_weight": 4, "consistency_weight": 4}

# The folder of a trial's run, which a restarted trial takes over, and why a trial ended early.
_RUN, _WHY = "run", "why"


@dataclasses.dataclass(frozen=True)
class Objective:
    """A number of a finished run.

    Attributes:
        words: what it is.
        direction: "minimize" or "maximize".
        value: function of metrics.json and the labels -> the number; NaN where it is not measured.
        watched: column of history.csv that tells early which trials are hopeless.
    """

    words: str
    direction: str
    value: Callable[[dict, Sequence[Label]], float]
    watched: str


def _transfer(numbers: dict, labels: Sequence[Label]) -> float:
    seen = [sight(numbers, label) for label in labels]
    shares = [each.transfer for each in seen if each and each.visible and each.transfer is not None]
    return statistics.fmean(shares) if shares else math.nan


def _leak(numbers: dict, labels: Sequence[Label]) -> float:
    found = [leak_limit(numbers, label)[0] for label in labels]
    return statistics.fmean(found) if found and None not in found else math.nan


def _error(numbers: dict, labels: Sequence[Label]) -> float:
    found = numbers["reconstruction"]
    return 1 - found["r2"] if "r2" in found else found["mse"]


OBJECTIVES = {
    "transfer": Objective(
        "transfer, as a share of what the judge sees in real data",
        "maximize",
        _transfer,
        "val_exchanges_seen",
    ),
    "leak": Objective("AUC of the labels from z (R² of real ones)", "minimize", _leak, "val_mmd"),
    "reconstruction": Objective(
        "error of reconstructions: mse, of tables 1 - R²", "minimize", _error, "val_reconstruction"
    ),
}


class _Pruning(keras.callbacks.Callback):
    """Ends a trial that Optuna finds hopeless. Optuna does so for a single objective only."""

    def __init__(self, trial: optuna.Trial, watched: str) -> None:
        super().__init__()
        self._trial, self._watched = trial, watched

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if self._watched in (logs or {}):
            self._trial.report(float(logs[self._watched]), epoch)
            if self._trial.should_prune():
                raise optuna.TrialPruned


def tune(
    trials: int,
    out: str = "runs/tuning",
    objectives: Sequence[str] = tuple(OBJECTIVES),
    search: Sequence[str] = (),
    **options: Any,
) -> report.Table:
    """Trains CSVAE until a study has so many finished trials, and writes the study's page.

    Args:
        trials: number of trials, those of earlier calls included. A trial that failed, for example
            by a loss that is not finite, counts as one.
        out: folder of the study.
        objectives: keys of ``OBJECTIVES``. Of one, Optuna prunes hopeless trials early.
        search: what to search: texts as "beta3=1:8", the ends of a range, and "z_dim=8|16|32";
            numbers above 0 are searched on a logarithmic scale. Empty: ``SEARCHED``.
        **options: of every training, as of ``tf_csvae.fit``.

    Returns:
        The table of the trials.

    Raises:
        InputError: an option or a range that is not allowed, or a study of other objectives.
        Interrupted: Ctrl-C or SIGTERM; the same call continues.
    """
    files.check_folder(out, "--out")
    for name in objectives:
        check_known(name, OBJECTIVES, "objective")
    chosen = settings(SYSTEM, **options)
    space = search_space(search, chosen)
    for name in sorted(space.keys() & options.keys()):
        raise InputError(f"--{name} is searched, and given as {options[name]}. Leave one of them out.")
    with Run(out).locked(), warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = _study(out, objectives, chosen.training.seed)
        _restart_interrupted(study)
        while (done := len(finished(study))) < trials:
            _one(study, out, objectives, space, options, f"trial {done + 1} of {trials}")
        return _write(study, out, objectives)


def search_space(search: Sequence[str], chosen: Settings) -> dict[str, optuna.distributions.BaseDistribution]:
    """Returns {option: Optuna's distribution} of texts as ``tune`` takes; raises ``InputError``."""
    values = {name: value for config in chosen.configs for name, value in config.to_dict().items()}
    if not search:
        factors = {name: factor for name, factor in SEARCHED.items() if values[name]}
        ranges = {name: (values[name] / factor, values[name] * factor) for name, factor in factors.items()}
        return {
            name: optuna.distributions.FloatDistribution(*ends, log=True) for name, ends in ranges.items()
        }
    known = {name: each for kind in config_classes(SYSTEM) for name, each in kind.options().items()}
    space = {}
    for text in search:
        name, equals, given = text.partition("=")
        check_known(name, known, "option to search")
        if not equals or not given or known[name].many:
            raise InputError(f"--search: expected NAME=LOW:HIGH or NAME=A|B|C. Received: {text}.")
        space[name] = _distribution(known[name], given)
    return space


def _distribution(option: Option, given: str) -> optuna.distributions.BaseDistribution:
    """Returns what "1:8" or "8|16|32" asks for, of an option."""
    low, colon, high = given.partition(":")
    if "|" in given or not colon or option.type is str:
        return optuna.distributions.CategoricalDistribution([option.parse(each) for each in given.split("|")])
    low, high = option.parse(low), option.parse(high)
    if option.type is bool or not low < high:
        raise InputError(f"--search: the range of {option.name} is empty. Received: {given}.")
    kinds = {int: optuna.distributions.IntDistribution, float: optuna.distributions.FloatDistribution}
    return kinds[option.type](low, high, log=low > 0)


def finished(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """Returns the trials of a study that came to an end, not the interrupted ones."""
    states = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    return study.get_trials(deepcopy=False, states=states)


def _study(out: str, objectives: Sequence[str], seed: int) -> optuna.Study:
    """Returns the study in a folder, which may be new."""
    directions = [OBJECTIVES[name].direction for name in objectives]
    storage = f"sqlite:///{os.path.abspath(os.path.join(out, STORAGE))}"
    study = optuna.create_study(
        storage=storage, study_name=SYSTEM, directions=directions, load_if_exists=True
    )
    known = study.metric_names or list(objectives)
    if known != list(objectives):
        raise InputError(f"--out={out} is a study of {', '.join(known)}. Give another --out.")
    study.set_metric_names(list(objectives))
    # A sampler with the same seed would propose the first trials again.
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.get_trials(deepcopy=False)))
    study.pruner = optuna.pruners.MedianPruner(n_startup_trials=4)
    return study


def _restart_interrupted(study: optuna.Study) -> None:
    """Queues the trials again that no process works on any more; the folder is locked."""
    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        study.enqueue_trial(trial.params, user_attrs=trial.user_attrs)


def _one(
    study: optuna.Study,
    out: str,
    objectives: Sequence[str],
    space: dict[str, optuna.distributions.BaseDistribution],
    options: dict[str, Any],
    title: str,
) -> None:
    """Asks for a trial, trains it and tells what came out."""
    trial = study.ask(space)
    if _RUN not in trial.user_attrs:
        trial.set_user_attr(_RUN, f"trial_{trial.number:04d}")
    run = Run(os.path.join(out, trial.user_attrs[_RUN]))
    flags = " ".join(f"--{name}={_written(value)}" for name, value in trial.params.items())
    print(f"Trial {run.path}, {title}: {flags}", flush=True)
    callbacks = [_Pruning(trial, OBJECTIVES[objectives[0]].watched)] if len(objectives) == 1 else []
    keras.backend.clear_session()  # names and memory as in a process of its own
    try:
        if not run.finished:
            fit(SYSTEM, callbacks=callbacks, **{**options, **trial.params, "run_dir": run.path})
        labels = run.info().labels
        values = [OBJECTIVES[name].value(run.metrics(), labels) for name in objectives]
        missing = [name for name, each in zip(objectives, values, strict=True) if math.isnan(each)]
        why = f"no {missing[0]}" if missing else ""
    except optuna.TrialPruned:
        why = "hopeless"
    except InputError as error:
        if not finished(study):  # the first one: the options are wrong, not those of the trial
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            raise
        why = str(error)
    if why:
        trial.set_user_attr(_WHY, why)
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        print(f"Left out: {why}", flush=True)
    else:
        study.tell(trial, values)
        print(", ".join(f"{name} {each:.4g}" for name, each in zip(objectives, values, strict=True)))


def _written(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def best(study: optuna.Study, out: str) -> optuna.trial.FrozenTrial | None:
    """Returns the trial to use: of the Pareto front the one that steers the most labels.

    Of several it is the one with the largest transfer. None: no trial is complete.
    """

    def rank(trial: optuna.trial.FrozenTrial) -> tuple[float, float]:
        run = Run(os.path.join(out, trial.user_attrs[_RUN]))
        numbers = run.metrics()
        transfer = _transfer(numbers, run.info().labels)
        return _steered(numbers), -math.inf if math.isnan(transfer) else transfer

    return max(study.best_trials, key=rank, default=None)


def _steered(numbers: dict) -> int:
    return sum(each["status"] == STEERED for each in numbers.get("verdict", {}).values())


def _write(study: optuna.Study, out: str, objectives: Sequence[str]) -> report.Table:
    """Writes best.flags and the page; returns the table of the trials."""
    chosen, flags = best(study, out), {}
    names = list(dict.fromkeys(name for trial in finished(study) for name in trial.params))
    rows = [["trial", *objectives, "steered", *names, "ended"]]
    for trial in finished(study):
        own = Run(os.path.join(out, trial.user_attrs[_RUN]))
        complete = trial.values is not None
        values = [f"{value:.4g}" for value in trial.values] if complete else [report.NONE] * len(objectives)
        numbers = own.metrics() if complete else {}
        labels = len(numbers.get("verdict", {}))
        steered = f"{_steered(numbers)} of {labels}" if labels else report.NONE
        parameters = [_written(trial.params[name]) if name in trial.params else report.NONE for name in names]
        is_best = chosen is not None and trial.number == chosen.number
        ended = "best" if is_best else trial.user_attrs.get(_WHY, "")
        rows.append([trial.user_attrs[_RUN], *values, steered, *parameters, ended[:200]])
    table = report.Table("The trials.", rows)
    if chosen is not None:
        text = Run(os.path.join(out, chosen.user_attrs[_RUN])).flags()
        files.write_text(os.path.join(out, BEST), text)
        flags[BEST] = text
    words = ", ".join(f"{name}: {OBJECTIVES[name].words}" for name in objectives)
    page = report.render("Tuning", [], _pictures(study, objectives), flags, first=table, advice=[words])
    files.write_text(os.path.join(out, runs.REPORT), page)
    return table


def _pictures(study: optuna.Study, objectives: Sequence[str]) -> list[tuple[str, bytes]]:
    """Returns Optuna's own plots of a study, (caption, PNG)."""
    import matplotlib

    matplotlib.use("agg")  # Optuna draws with pyplot, which may have no display
    from optuna.visualization import matplotlib as plots

    if len([trial for trial in finished(study) if trial.values is not None]) < 2:
        return []
    made = []
    if 1 < len(objectives) < 4:
        made.append(("The trials and the Pareto front.", lambda: plots.plot_pareto_front(study)))
    for place, name in enumerate(objectives):
        # The importance is that for low values.
        sign = 1 if OBJECTIVES[name].direction == "minimize" else -1

        def value(trial: optuna.trial.FrozenTrial, place: int = place, sign: int = 1) -> float:
            return sign * trial.values[place]

        history = functools.partial(plots.plot_optimization_history, study, target=value, target_name=name)
        signed = functools.partial(value, sign=sign)
        importance = functools.partial(plots.plot_param_importances, study, target=signed, target_name=name)
        made.append((f"{name} by trial.", history))
        made.append((f"How much each option matters for {name}.", importance))
    pictures = []
    for caption, draw in made:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are for authors of scripts
            try:
                axes = draw()
            except (RuntimeError, ValueError):  # too few trials, or all alike
                continue
        buffer = io.BytesIO()
        axes.figure.savefig(buffer, format="png", bbox_inches="tight")
        matplotlib.pyplot.close(axes.figure)
        pictures.append((caption, buffer.getvalue()))
    return pictures
