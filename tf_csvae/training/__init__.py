"""Training: ``fit`` trains, resumes, measures and writes a run.

This module is light: mistakes in options and run directories are told before TensorFlow, which
takes seconds, is imported.
"""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tf_csvae import data as datasets
from tf_csvae.configs import STEPS, DataConfig
from tf_csvae.errors import InputError
from tf_csvae.process import quietly
from tf_csvae.runs import Run
from tf_csvae.settings import Settings, settings
from tf_csvae.training.tf_config import place

if TYPE_CHECKING:
    import keras
    import pandas

    from tf_csvae.data import Dataset
    from tf_csvae.frames import Frames
    from tf_csvae.models import LabelledModel


@dataclasses.dataclass(frozen=True)
class FitResult:
    """What ``fit`` returns.

    Attributes:
        model: the trained model.
        data: what it was trained on.
        metrics: the content of metrics.json; empty on a worker that is not the chief.
        run: the run directory.
        frame: the DataFrame that was given; None: there was none.
    """

    model: "LabelledModel"
    data: "Dataset"
    metrics: dict[str, Any]
    run: Run
    frame: "pandas.DataFrame | None" = None

    @property
    def frames(self) -> "Frames":
        """The model for DataFrames; raises ``InputError`` unless it is one of a table."""
        from tf_csvae.frames import Frames

        if not self.data.info.columns:
            raise InputError(f"DataFrames need a model of a table. This one is of {self.data.info.name}.")
        return Frames(self.model, self.data.info, self.frame)

    def sample(self, n: int = 1, seed: int | None = None, **labels: Any) -> "pandas.DataFrame":
        """Returns ``Frames.sample``: new rows with these labels."""
        return self.frames.sample(n, seed, **labels)

    def counterfactual(self, frame: "pandas.DataFrame", **labels: Any) -> "pandas.DataFrame":
        """Returns ``Frames.counterfactual``: the rows as they would be with these labels."""
        return self.frames.counterfactual(frame, **labels)

    def impute(self, frame: "pandas.DataFrame") -> "pandas.DataFrame":
        """Returns ``Frames.impute``: the rows with their missing features filled in."""
        return self.frames.impute(frame)

    def encode(self, frame: "pandas.DataFrame") -> "pandas.DataFrame":
        """Returns ``Frames.encode``: the latent codes of rows."""
        return self.frames.encode(frame)

    def summary(self) -> str:
        """Returns the main numbers as a table, and where the results are."""
        from tf_csvae.evaluation import summary

        return summary(self.run)


def fit(
    system: "str | Settings | pandas.DataFrame",
    data: "Dataset | pandas.DataFrame | None" = None,
    labels: Sequence[str] | None = None,
    callbacks: Sequence["keras.callbacks.Callback"] = (),
    **options: Any,
) -> FitResult:
    """Trains a system, resumes an interrupted training, measures it and writes the run.

    ``fit("csvae", dataset="celeba", epochs=3)`` does what the command
    ``python -m trainers.csvae --dataset=celeba --epochs=3`` does. Ctrl-C or SIGTERM saves a
    checkpoint and raises ``KeyboardInterrupt``; the same call then continues.

    ``fit(frame, labels=["sick"])`` trains a CSVAE on a DataFrame.

    Args:
        system: "csvae", "condvae", "condvae_info", "vae" or "classifier"; or ``Settings``; or a
            DataFrame, for which it is "csvae".
        data: the data; None: as the options say. With a ``Dataset``, options of data are refused,
            and the defaults are those for ``data.info.name``.
        labels: the columns of a DataFrame that are labels; of other data as the flag.
        callbacks: Keras callbacks of the training of the model, not of its guide and judge.
        **options: by the names of the flags, over the defaults for the data set.

    Raises:
        InputError: a mistake in an option or in the data.
    """
    frame = None
    if hasattr(system, "iloc"):
        system, data = "csvae", system
    if hasattr(data, "iloc"):
        frame, data = data, _load(data, labels, options)
    elif labels is not None:
        options["labels"] = labels
    chosen = _chosen(system, data, options)
    if data is None:
        datasets.check(chosen.data.dataset)
    run, training = Run(chosen.run_dir), chosen.training
    if getattr(training, "minutes", 0) and not training.overwrite and run.begun:
        chosen = _with_steps(chosen, run)
    is_chief = place(training.distribute)[1] == 0
    if is_chief:
        run.check(chosen.flagfile(), training.resume, training.overwrite)
    with quietly():
        from tf_csvae.training.session import train
    if not is_chief:  # the files belong to the chief
        return FitResult(*train(chosen, run, data, callbacks=callbacks), run, frame)
    with run.locked():
        return FitResult(*train(chosen, run, data, callbacks=callbacks), run, frame)


def _load(frame: "pandas.DataFrame", labels: Sequence[str] | None, options: dict[str, Any]) -> "Dataset":
    """Returns a DataFrame as data; takes the options of data out of ``options``."""
    if not labels:
        raise InputError("fit: name the columns that are labels, as in labels=['sick'].")
    own = set(DataConfig.options()) - {"seed", "dataset"}
    chosen = {name: options.pop(name) for name in sorted(own & set(options))}
    if "seed" in options:
        chosen["seed"] = options["seed"]
    with quietly():
        from tf_csvae import frames
    return frames.load(frame, labels, **chosen)


def _with_steps(chosen: Settings, run: Run) -> Settings:
    """Returns settings with the steps that an unfinished run chose for its minutes."""
    recorded = run.settings().training
    steps = {name: getattr(recorded, name) for name in STEPS if hasattr(recorded, name)}
    return dataclasses.replace(chosen, training=dataclasses.replace(chosen.training, **steps, minutes=0.0))


def _chosen(system: str | Settings, data: "Dataset | None", options: dict[str, Any]) -> Settings:
    """Returns the settings that the arguments of ``fit`` describe; raises ``InputError``."""
    if isinstance(system, Settings):
        if options:
            raise InputError(f"fit: give options in Settings, not beside them. Received: {options}.")
        return system
    if data is None:
        return settings(system, **options)
    of_data = sorted(set(options) & set(DataConfig.options()) - {"seed"})
    if of_data:
        raise InputError(
            f"Options of data cannot change data that are given. Received: {', '.join(of_data)}."
        )
    batch_size = data.asked_batch_size or data.batch_size
    return settings(system, dataset=data.info.name, batch_size=batch_size, **options)
