"""Experiment trackers, by their own Keras callbacks: MLflow, Weights & Biases.

A tracker gets the options of the training, what history.csv gets, and at the end the numbers of
metrics.json. A training that is resumed goes on in the same run of the tracker.
"""

import contextlib
import importlib.util
import math
import os
import re
from collections.abc import Iterator
from typing import Any

import keras

from tf_csvae.errors import InputError
from tf_csvae.files import read_json, write_json
from tf_csvae.runs import TRACK, Run
from tf_csvae.settings import Settings

PROJECT = "tf_csvae"


class Tracker:
    """What a training asks of a tracker; this one is none."""

    callbacks: tuple[keras.callbacks.Callback, ...] = ()

    def log(self, metrics: dict[str, Any]) -> None:
        """Logs the content of metrics.json."""

    def close(self, failed: bool) -> None:
        """Ends the run; a failed one may be resumed."""


class _MLflow(Tracker):
    def __init__(self, uri: str, run: Run, parameters: dict[str, Any]) -> None:
        import mlflow
        import mlflow.keras

        self._mlflow = mlflow
        mlflow.set_tracking_uri(uri)
        mlflow.set_experiment(PROJECT)
        name = os.path.basename(os.path.abspath(run.path))
        active = mlflow.start_run(run_id=_known(run, "mlflow"), run_name=name)
        write_json(run.file(TRACK), {"mlflow": active.info.run_id})
        # MLflow refuses another value than that of the first part of a training.
        logged = mlflow.get_run(active.info.run_id).data.params
        mlflow.log_params({name: parameters[name] for name in parameters if name not in logged})
        self.callbacks = (mlflow.keras.MlflowCallback(),)

    def log(self, metrics: dict[str, Any]) -> None:
        numbers = flattened(metrics)
        # The names that MLflow allows.
        self._mlflow.log_metrics({re.sub(r"[^\w. :/-]", "_", name): numbers[name] for name in numbers})

    def close(self, failed: bool) -> None:
        self._mlflow.end_run("KILLED" if failed else "FINISHED")


class _WandB(Tracker):
    def __init__(self, uri: str, run: Run, parameters: dict[str, Any]) -> None:
        import wandb
        import wandb.integration.keras

        self._run = wandb.init(
            project=PROJECT,
            name=os.path.basename(os.path.abspath(run.path)),
            id=_known(run, "wandb"),
            resume="allow",
            config=parameters,
            dir=run.path,
        )
        write_json(run.file(TRACK), {"wandb": self._run.id})
        self.callbacks = (wandb.integration.keras.WandbMetricsLogger(),)

    def log(self, metrics: dict[str, Any]) -> None:
        self._run.summary.update(flattened(metrics))

    def close(self, failed: bool) -> None:
        self._run.finish(exit_code=int(failed))


_KINDS = {"mlflow": _MLflow, "wandb": _WandB}


def check_tracker(track: str | None) -> None:
    """Raises ``InputError`` unless a tracker of this name, as of --track, can be used."""
    kind, _, uri = (track or "").partition(":")
    if track and (kind not in _KINDS or (kind == "mlflow") != bool(uri)):
        raise InputError(f"--track: expected mlflow:URI or wandb. Received: {track}.")
    if kind and importlib.util.find_spec(kind) is None:
        raise InputError(f"--track={track} needs {kind}: pip install -e '.[track]'.")


@contextlib.contextmanager
def tracked(settings: Settings, run: Run, is_chief: bool = True) -> Iterator[Tracker]:
    """Yields the tracker that --track names, and ends its run with the block; only for a chief.

    ``check_tracker`` has passed its name.

    Raises:
        InputError: the tracker refuses.
    """
    track = getattr(settings.training, "track", None) if is_chief else None
    if not track:
        yield Tracker()
        return
    kind, _, uri = track.partition(":")
    parameters = {name: value for config in settings.configs for name, value in config.to_dict().items()}
    try:
        tracker = _KINDS[kind](uri, run, {"system": settings.system, **parameters})
    except Exception as error:  # each package has its own, such as for a server that is away
        raise InputError(f"--track={track}: {error}") from error
    try:
        yield tracker
    except BaseException:
        tracker.close(failed=True)
        raise
    tracker.close(failed=False)


def _known(run: Run, kind: str) -> str | None:
    """Returns the tracker's name of an earlier part of this training, if there is one."""
    if not os.path.exists(run.file(TRACK)):
        return None
    return read_json(run.file(TRACK), "Remove it.").get(kind)


def flattened(metrics: dict[str, Any]) -> dict[str, float]:
    """Returns the finite numbers of metrics.json, by names as in transfer/Smiling/accuracy."""
    found = {}
    for name, value in metrics.items():
        if isinstance(value, dict):
            found |= {f"{name}/{inner}": number for inner, number in flattened(value).items()}
        elif isinstance(value, int | float) and math.isfinite(value):
            found[name] = float(value)
    return found
