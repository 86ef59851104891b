"""Fits a training to a number of minutes: chooses steps by their measured time."""

import dataclasses
import time

import keras

from tf_csvae import runs
from tf_csvae.data import Dataset
from tf_csvae.settings import Settings
from tf_csvae.training.classifiers import classifier_settings
from tf_csvae.training.cluster import Cluster
from tf_csvae.training.compilation import build_model, compile_model
from tf_csvae.training.pace import paced

# Shares of the time; the rest, with so many seconds, is for measuring and pictures.
SHARES, MODEL, MEASURING_SECONDS = {runs.GUIDE: 0.2, runs.JUDGE: 0.15}, 0.5, 20

# Steps are chosen in multiples of this many; the steps of images that are timed.
MULTIPLE, TIMED = 50, 10


def chosen(settings: Settings, dataset: Dataset, cluster: Cluster, start: float) -> Settings:
    """Returns settings whose steps take the minutes that were asked for.

    Each network makes a few steps, on the data, with new weights that are thrown away. ``start`` is
    when the command began, of ``time.perf_counter``.
    """
    roles = []
    if settings.needs_guide and settings.training.guide == "auto":
        roles.append(runs.GUIDE)
    if settings.evaluation.judge == "auto":
        roles.append(runs.JUDGE)
    guide, costs = None, {}
    for role in roles:
        own = classifier_settings(role, settings)
        part = dataset.half("first", own.data.batch_size)
        model, costs[role] = _timed(own, part, cluster)
        guide = model if role == runs.GUIDE else guide
    if guide is None and settings.needs_guide:
        own = classifier_settings(runs.GUIDE, settings)
        guide = build_model(own, dataset.info)
    _, (compiling, step) = _timed(settings, dataset, cluster, guide)
    left = 60 * settings.training.minutes - (time.perf_counter() - start) - MEASURING_SECONDS
    left -= compiling + sum(each for each, _ in costs.values())
    steps = {f"{role}_steps": _steps(left * SHARES[role], costs[role][1]) for role in roles}
    # What is not needed for a guide or a judge goes to the model.
    share = MODEL + sum(each for role, each in SHARES.items() if role not in roles)
    steps["steps"] = _steps(left * share, step)
    steps = cluster.of_chief(steps)
    said = ", ".join(f"--{name}={count}" for name, count in steps.items())
    print(f"--minutes={settings.training.minutes:g} takes {said}.", flush=True)
    return dataclasses.replace(settings, training=dataclasses.replace(settings.training, **steps))


def _steps(seconds: float, each: float) -> int:
    return max(1, int(seconds / each) // MULTIPLE) * MULTIPLE


def _timed(
    settings: Settings, dataset: Dataset, cluster: Cluster, guide: keras.Model | None = None
) -> tuple[keras.Model, tuple[float, float]]:
    """Returns a new model, the seconds of its compilation and those of a step."""
    training = dataclasses.replace(settings.training, steps=settings.training.steps or MULTIPLE)
    data, _ = paced(dataset, training)
    with cluster.scope():
        model = build_model(settings, dataset.info, guide)
        compile_model(model, training, data, 1)
    steps = max(TIMED, model.steps_per_execution)
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        batches = cluster.train_from(data, 0, 0)
        keras.Model.fit(model, batches, epochs=1, steps_per_epoch=steps, shuffle=False, verbose=0)
        seconds.append(time.perf_counter() - began)
    return model, (seconds[0] - seconds[1], seconds[1] / steps)
