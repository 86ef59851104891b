"""Training: ``fit`` trains, resumes, measures and writes a run.

This module is light: mistakes in options and run directories are told before TensorFlow, which
takes seconds, is imported.
"""

import dataclasses
from typing import TYPE_CHECKING, Any

from tf_csvae import data as datasets
from tf_csvae.errors import InputError
from tf_csvae.process import quietly
from tf_csvae.runs import Run
from tf_csvae.settings import Settings, settings
from tf_csvae.training.tf_config import place

if TYPE_CHECKING:
    from tf_csvae.data import Dataset
    from tf_csvae.models import LabelledModel


@dataclasses.dataclass(frozen=True)
class FitResult:
    """What ``fit`` returns.

    Attributes:
        model: the trained model.
        data: what it was trained on.
        metrics: the content of metrics.json; empty on a worker that is not the chief.
        run: the run directory.
    """

    model: "LabelledModel"
    data: "Dataset"
    metrics: dict[str, Any]
    run: Run

    def summary(self) -> str:
        """Returns the main numbers as a table, and where the results are."""
        from tf_csvae.evaluation import summary

        return summary(self.run)


def fit(system: str | Settings, data: "Dataset | None" = None, **options: Any) -> FitResult:
    """Trains a system, resumes an interrupted training, measures it and writes the run.

    ``fit("csvae", dataset="celeba", epochs=3)`` does what the command
    ``python -m trainers.csvae --dataset=celeba --epochs=3`` does. Ctrl-C or SIGTERM saves a
    checkpoint and raises ``KeyboardInterrupt``; the same call then continues.

    Args:
        system: "csvae", "condvae", "condvae_info", "vae" or "classifier"; or ``Settings``.
        data: the data; None: as the options say.
        **options: by the names of the flags, over the defaults for the data set.

    Returns:
        ``FitResult``.

    Raises:
        InputError: a mistake in an option or in the data.
    """
    if isinstance(system, Settings) and options:
        raise InputError(f"fit: give options in Settings, not beside them. Received: {options}.")
    chosen = system if isinstance(system, Settings) else settings(system, **options)
    if data is None:
        datasets.check(chosen.data.dataset)
    run, training = Run(chosen.run_dir), chosen.training
    is_chief = place(training.distribute)[1] == 0
    if is_chief:
        run.check(chosen.flagfile(), training.resume, training.overwrite)
    with quietly():
        from tf_csvae.training.session import train
    if not is_chief:  # the files belong to the chief
        return FitResult(*train(chosen, run, data), run)
    with run.locked():
        return FitResult(*train(chosen, run, data), run)
