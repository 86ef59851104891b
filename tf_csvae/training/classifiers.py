"""The guide and the judge of a training, which are trained before its model.

Each is a run of its own, in the run directory of the training: it resumes by itself. They learn
from different halves of the training examples. A finished one of the same data and settings, in a
run directory beside this one, is copied, so that systems beside each other have the same two.
"""

import glob
import os
import shutil
from collections.abc import Callable

from tf_csvae import runs
from tf_csvae.configs import DataConfig, TrainingConfig
from tf_csvae.data import Dataset
from tf_csvae.files import write_bytes
from tf_csvae.runs import Run
from tf_csvae.settings import Settings, settings
from tf_csvae.training.cluster import Cluster

# The half of the training examples from which each learns, and its seed. They do not depend on the
# seed of the training, so that its repetitions with other seeds have the same guide and judge.
_HALVES = {runs.GUIDE: ("second", 1), runs.JUDGE: ("first", 0)}

# What a copy leaves behind.
_APART = (runs.BACKUP, runs.TENSORBOARD, runs.LOCK)


def trained(
    role: str, chosen: Settings, run: Run, dataset: Dataset, cluster: Cluster, train: Callable
) -> str:
    """Returns the path of the finished run of a guide or judge; trains it unless it is there.

    ``chosen`` and ``run`` are those of the training that it is for. ``train`` is
    ``session.train``.

    Raises:
        InputError: an unfinished run of other data is in its place.
        Interrupted: Ctrl-C or SIGTERM; the next training goes on with it.
    """
    own, home = classifier_settings(role, chosen), Run(run.file(role))
    half, _ = _HALVES[role]
    part = dataset.half(half, own.data.batch_size)
    if cluster.is_chief and not home.finished:
        other = _same(role, own, part, run)
        if other:
            apart = shutil.ignore_patterns(*_APART, runs.METRICS)
            shutil.copytree(other, home.path, ignore=apart, dirs_exist_ok=True)
            with open(Run(other).file(runs.METRICS), "rb") as file:  # last: it marks a finished run
                write_bytes(home.file(runs.METRICS), file.read())
            print(f"The {role} is that of {os.path.dirname(other)}: it has the same data.", flush=True)
    if cluster.of_chief(home.finished):
        return home.path
    print(f"Training the {role}, a classifier, on the {half} half of the training examples ...", flush=True)
    if not cluster.is_chief:
        train(own, home, part, cluster)
        return home.path
    home.check(own.flagfile(), resume=os.path.exists(home.file(runs.FLAGFILE)))
    with home.locked():
        train(own, home, part, cluster)
    return home.path


def classifier_settings(role: str, chosen: Settings) -> Settings:
    """Returns the settings of the guide or judge of a training: its data, and their presets."""
    half, seed = _HALVES[role]
    data = {name: getattr(chosen.data, name) for name in DataConfig.options()}
    data.pop("batch_size")
    apart = ("run_dir", "resume", "overwrite")
    options = TrainingConfig.options().values()
    kept = [each.name for each in options if not each.recorded and each.name not in apart]
    training = {name: getattr(chosen.training, name) for name in ("deterministic", *kept)}
    steps = getattr(chosen.training, f"{role}_steps")
    training |= {"steps": steps} if steps else {}
    return settings("classifier", **{**data, **training, "half": half, "seed": seed}, role=role)


def _same(role: str, own: Settings, part: Dataset, run: Run) -> str | None:
    """Returns the path of a finished run of the same role, settings and data beside ``run``."""
    if not part.info.fingerprint:
        return None
    here, wanted = os.path.abspath(run.path), part.info.to_dict()
    for flags in sorted(
        glob.glob(os.path.join(glob.escape(os.path.dirname(here)), "*", role, runs.FLAGFILE))
    ):
        other = Run(os.path.dirname(flags))
        if other.finished and other.flags() == own.flagfile() and other.info().to_dict() == wanted:
            return other.path
    return None
