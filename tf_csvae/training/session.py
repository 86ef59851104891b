"""One training from data to a finished run; ``tf_csvae.fit`` is its entry."""

import contextlib
import dataclasses
import math
import os
import signal
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from tf_csvae import data as datasets
from tf_csvae import evaluation, runs
from tf_csvae.configs import STEPS
from tf_csvae.data import Dataset, Info
from tf_csvae.data.blame import blaming
from tf_csvae.data.known import changes, check_fits
from tf_csvae.devices import choices
from tf_csvae.errors import InputError
from tf_csvae.files import written_whole
from tf_csvae.models import LabelledModel, load_model
from tf_csvae.process import Interrupted, finishing_steps
from tf_csvae.settings import Settings
from tf_csvae.training import classifiers, minutes
from tf_csvae.training.checkpoints import Checkpoints, Diverged
from tf_csvae.training.clock import Clock
from tf_csvae.training.cluster import LOST, Cluster
from tf_csvae.training.compilation import build_model, compile_model
from tf_csvae.training.pace import Pace, pace_numbers, paced
from tf_csvae.training.tracking import check_tracker, tracked
from tf_csvae.training.warm_start import warm_start
from tf_csvae.training.watching import ProgressLine, TransferPictures

# The epoch of a classifier that is kept is the one of the best accuracy. The balanced accuracy
# favours networks that predict rare values too often. The validation loss also grows when a network
# that still improves becomes overconfident.
BEST = {"classifier": ("val_accuracy", "max")}


def train(
    settings: Settings,
    run: runs.Run,
    dataset: Dataset | None,
    cluster: Cluster | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> tuple[LabelledModel, Dataset, dict[str, Any]]:
    """Trains, measures and writes a run, whose directory is checked and locked.

    The guide and the judge are trained before, unless they are given; ``cluster`` is None for the
    devices that the settings name. ``callbacks`` are those of ``tf_csvae.fit``.

    Returns:
        The model, the data, and the content of metrics.json; {} on a worker that is not the chief.

    Raises:
        InputError: a mistake in an option or in the data.
        Interrupted: Ctrl-C or SIGTERM.
    """
    training, start = settings.training, time.perf_counter()
    if training.deterministic:
        tf.config.experimental.enable_op_determinism()
    cluster = cluster or Cluster(training.distribute)
    dataset = _data_of(settings, run, dataset, cluster)
    guide_every = getattr(settings.model, "guide_every", 1)
    cluster.check(dataset.batch_size, training.precision, training.jit_compile, guide_every)
    if hasattr(training, "minutes"):  # of an unfinished run, the chief alone knows its steps
        known = cluster.of_chief({name: getattr(training, name) for name in ("minutes", *STEPS)})
        training = dataclasses.replace(training, **known)
        settings = dataclasses.replace(settings, training=training)
        if training.minutes:
            with _dtype_policy(training.precision, dataset.info):
                settings = minutes.chosen(settings, dataset, cluster, start)
    session = _Session(settings, run, dataset, cluster, callbacks)
    keras.utils.set_random_seed(training.seed)
    with (
        _dtype_policy(training.precision, dataset.info),
        blaming(dataset, settings.sizes),
        _workers_blamed(cluster),
    ):
        return session.train()


def _data_of(settings: Settings, run: runs.Run, dataset: Dataset | None, cluster: Cluster) -> Dataset:
    """Returns the data of a training; of one that continues they are those that it began with.

    With --resume they may be others, which are read with the run's labels and scaling.

    Raises:
        InputError: a mistake in the data, or data that are not those of the run.
    """
    resume, there = settings.training.resume, None
    if cluster.is_chief and not settings.training.overwrite and os.path.exists(run.file(runs.INFO)):
        there = run.info().to_dict()
    there = cluster.of_chief(there)
    known = there and Info.from_dict(there)
    if dataset is None:
        dataset = datasets.load(settings.data, known=known if resume else None)
    elif known and resume:
        check_fits(known, dataset.info, run.path)
    different = changes(known, dataset.info) if known else []
    if different and not resume:
        raise InputError(
            f"--run_dir={run.path} was trained on other data: {'; '.join(different)}. Give the data of "
            "the run or another --run_dir, --overwrite to begin anew, or --resume to continue on "
            "these data with the run's labels and scaling."
        )
    if different:
        print(f"Continuing on other data: {'; '.join(different)}.", flush=True)
    return dataset


class _Session:
    """What the parts of one training share."""

    def __init__(
        self,
        settings: Settings,
        run: runs.Run,
        dataset: Dataset,
        cluster: Cluster,
        callbacks: Sequence[keras.callbacks.Callback],
    ) -> None:
        self.settings, self.training, self.run, self.callbacks = settings, settings.training, run, callbacks
        self.dataset, self.cluster, self.judge = dataset, cluster, None
        self.paced, self.epochs = paced(dataset, self.training)
        self.warmup = getattr(self.training, "kl_warmup", 0.0)
        self.guide = self.guide_checksum = None
        if cluster.is_chief and settings.system != "classifier":
            # Mistakes in the evaluation's options are told before hours of training.
            evaluation.pictured_labels(settings.evaluation, settings.given, dataset.info)
        self.load_given()
        self.is_new = self.training.overwrite or not run.begun
        if self.is_new:
            self.begin()
        if settings.system != "classifier":
            self.train_classifiers()
        self.checkpoints = Checkpoints(
            run.file(runs.BACKUP),
            seconds=self.training.checkpoint_seconds,
            keep=self.training.checkpoints_to_keep,
            most_seconds=60 * self.training.checkpoint_minutes or math.inf,
            best=BEST.get(settings.system),
            logs=[run.file(runs.HISTORY)],
            cluster=cluster,
            stopped_elsewhere=Interrupted(signal.SIGTERM),
        )

    def begin(self) -> None:
        """Prepares the run directory, once nothing more can be wrong with the options."""
        if not self.cluster.is_chief:
            return
        asked = getattr(self.training, "guide", None), self.settings.evaluation.judge
        waits = self.settings.system != "classifier" and "auto" in asked
        if self.is_new and (self.run.begun or waits):
            # A mistake in them must not cost the run that is there, nor be told after the training
            # of the guide and the judge.
            info, guide = self.dataset.info, self.guide
            if guide is None and self.settings.needs_guide:
                guide = build_model(classifiers.classifier_settings(runs.GUIDE, self.settings), info)
            model = build_model(self.settings, info, guide)
            compile_model(model, self.training, self.paced, self.epochs)
        self.run.begin(self.settings.flagfile(), self.training.overwrite)
        self.run.write_info(self.dataset.info)

    def load_given(self) -> None:
        """Loads the runs that options name; raises ``InputError`` before anything is written."""
        info, evaluated = self.dataset.info, self.settings.evaluation
        check_tracker(getattr(self.training, "track", None))
        guide, source = (getattr(self.training, name, None) for name in ("guide", "init_from"))
        if guide not in (None, "auto", "none"):
            self.guide, self.guide_checksum = runs.load_classifier(guide, info, runs.GUIDE)
        if self.settings.system != "classifier" and evaluated.judge != "auto" and self.cluster.is_chief:
            self.judge = evaluation.load_judge(evaluated.judge, info, self.guide_checksum)
        self.source = runs.Run(source).model() if source else None

    def train_classifiers(self) -> None:
        """Trains the guide and the judge that are not given, and loads them."""
        info, given = self.dataset.info, (self.settings, self.run, self.dataset, self.cluster, train)
        if self.training.guide == "auto" and self.settings.needs_guide:
            path = classifiers.trained(runs.GUIDE, *given)
            if self.cluster.is_chief:
                self.guide, self.guide_checksum = runs.load_classifier(path, info, runs.GUIDE)
            else:  # the chief has its files, and sends all weights when the model is made
                self.guide = build_model(classifiers.classifier_settings(runs.GUIDE, self.settings), info)
        if self.settings.evaluation.judge == "auto":
            path = classifiers.trained(runs.JUDGE, *given)
            if self.cluster.is_chief:
                self.judge = evaluation.load_judge(path, info, self.guide_checksum)

    def train(self) -> tuple[LabelledModel, Dataset, dict[str, Any]]:
        """Trains from the newest checkpoint, measures and writes the run."""
        with tracked(self.settings, self.run, self.cluster.is_chief) as tracker:
            self.callbacks = [*self.callbacks, *tracker.callbacks]
            model, metrics = self.trained()
            tracker.log(metrics)
        return model, self.dataset, metrics

    def trained(self) -> tuple[LabelledModel, dict[str, Any]]:
        """Trains and measures; returns the model and the content of metrics.json."""
        model = self.prepared()
        if not self.is_new:  # what is there fits these options
            self.begin()
        if self.training.on_nan == "rollback":
            self.checkpoints.begin(model)
        while True:
            try:
                self.fit(model)
                break
            except Diverged as diverged:
                if self.training.on_nan == "stop":
                    way = "Or use --resume --on_nan=rollback, which halves it at each divergence."
                    raise InputError(f"{diverged} {way}") from None
                factor = self.checkpoints.roll_back(diverged).rate_factor
                print(f"{diverged} Going back, at {factor:g} times the learning rates.", flush=True)
                model = self.prepared()
        metrics = {}
        if self.cluster.is_chief:
            model, metrics = self.finish(model)
        self.cluster.leave()
        return model, metrics

    def prepared(self) -> LabelledModel:
        """Returns the model, compiled: of the newest checkpoint, or a new one."""
        cluster, checkpoints = self.cluster, self.checkpoints
        checkpoints.find()
        with cluster.scope():
            model = build_model(self.settings, self.dataset.info, self.guide)
            compile_model(model, self.training, self.paced, self.epochs, checkpoints.progress.rate_factor)
        if cluster.is_chief:
            checkpoints.restore(model)
            # Before it is read: a power cut may have left its last row unfinished.
            self.run.cut_history(checkpoints.progress.epoch)
            self.check_resumed(model)
            if checkpoints.newest is None:
                self.start(model)
        cluster.share_state(model)
        checkpoints.progress = checkpoints.progress.scaled(
            self.paced.steps_per_epoch, model.steps_per_execution
        )
        return model

    def check_resumed(self, model: LabelledModel) -> None:
        """Raises ``InputError`` if these options cannot continue what was restored."""
        done, epochs = self.checkpoints.progress.epoch, self.epochs
        if done > epochs:
            raise InputError(f"{self.run.path} has {done} epochs done. Received: --epochs={epochs}.")
        if done and hasattr(model, "term_names"):
            history = self.run.history()
            # Callbacks of the user may add columns, such as the learning rate. A term is validated.
            logged = {name for name in history if f"val_{name}" in history}
            other = sorted(logged ^ set(model.term_names))
            if other:
                raise InputError(
                    f"{self.run.path} logged other terms ({', '.join(other)}): options that "
                    "add or remove terms of the objective cannot change in the middle of a run."
                )

    def start(self, model: LabelledModel) -> None:
        """Gives a new model the weights of the run in --init_from, as far as they fit."""
        source, path = self.source, getattr(self.training, "init_from", None)
        if source is None:
            return
        copied = ", ".join(
            f"{count} of {of} layers of {network}"
            for network, (count, of) in warm_start(model, source).items()
        )
        print(f"Started from the {type(source).__name__} in {path}: {copied}", flush=True)

    def fit(self, model: LabelledModel) -> None:
        """Trains the epochs that are left."""
        run, cluster, checkpoints = self.run, self.cluster, self.checkpoints
        at, steps, callbacks = checkpoints.progress, self.paced.steps_per_epoch, [*self.callbacks]
        pace = None
        if self.training.schedule == "plateau":
            rate = self.training.learning_rate * at.rate_factor
            pace = Pace(cluster.of_chief(run.history()), self.epochs, self.warmup, rate)
            callbacks.append(pace)
        if cluster.is_chief:
            callbacks.append(Clock(self.dataset.batch_size, at))
            callbacks.append(ProgressLine())
            if self.dataset.info.is_image and getattr(model, "label_widths", ()):
                logs = run.file(runs.TENSORBOARD) if self.training.tensorboard else None
                callbacks.append(TransferPictures(self.dataset, run.path, logs))
            callbacks.append(keras.callbacks.CSVLogger(run.file(runs.HISTORY), append=True))
            if self.training.tensorboard:
                callbacks.append(keras.callbacks.TensorBoard(run.file(runs.TENSORBOARD)))
        validation, validation_steps = cluster.validation(self.dataset)

        def epochs(first, done, last):
            # Keras' own fit: the data were checked when they were loaded, and a look at the first
            # batch would empty the cache.
            keras.Model.fit(
                model,
                cluster.train_from(self.paced, first, done),
                epochs=last,
                initial_epoch=first,
                steps_per_epoch=steps - done,
                validation_data=validation,
                validation_steps=validation_steps,
                shuffle=False,  # the data are shuffled; Keras would warn that it cannot
                verbose=1 if sys.stdout.isatty() and cluster.is_chief else 0,
                callbacks=[*callbacks, checkpoints],
            )

        first = at.epoch
        with finishing_steps(checkpoints):
            print(self.described(model), flush=True)
            if at.step:  # the rest of an epoch that was interrupted
                first += 1
                epochs(at.epoch, at.step, first)
            if pace is None or first < pace.plan.epochs:
                epochs(first, 0, self.epochs)
        if checkpoints.best:
            checkpoints.restore_best(model)

    def described(self, model: LabelledModel) -> str:
        """Returns one line that says what is trained."""
        info, cluster, at = self.dataset.info, self.cluster, self.checkpoints.progress
        labels = f"{len(info.labels)} label{'s' * (len(info.labels) != 1)}"
        where = f"worker {cluster.place}, which writes nothing"
        done = f"epoch {at.epoch}" + (f" and {at.step} steps" if at.step else "")
        return (
            f"{type(model).__name__} on {info.name}: {info.counts['train']} training examples, "
            f"{labels}, {model.count_params():,} parameters, {self.epochs} epochs of "
            f"{self.paced.steps_per_epoch} steps, "
            + (f"{cluster.replicas} replicas, " if cluster.replicas > 1 else "")
            + (f"written to {self.run.path}" if cluster.is_chief else where)
            + (f"; continuing after {done}" if at.epoch or at.step else "")
        )

    def finish(self, model: LabelledModel) -> tuple[LabelledModel, dict[str, Any]]:
        """Saves the model, measures it, and writes the results."""
        run, info = self.run, self.dataset.info
        with written_whole(run.file(runs.MODEL)) as temporary:
            model.save(temporary)
        if model.distribute_strategy.num_replicas_in_sync > 1:  # it is measured on one device
            model = load_model(run.file(runs.MODEL))
        print("Measuring ...", flush=True)
        history = run.history()
        rates = history["examples_per_second"]
        trained = {
            "seconds_training": sum(history["seconds"]),
            "examples_per_second": statistics.median(rates[1:] or rates),  # the first compiles
            "parameters": model.count_params(),
            "training": pace_numbers(history, self.paced.steps_per_epoch, self.training, self.epochs),
            "run": evaluation.what_ran(model, info, self.training.seed, self.guide_checksum),
        }
        measured, figures = evaluation.measure_any(
            model, self.dataset, history, self.judge, self.settings.evaluation, self.settings.given
        )
        return model, evaluation.write_results(run, model, self.dataset, trained, measured, figures)


@contextlib.contextmanager
def _dtype_policy(precision: str, info: Info) -> Iterator[None]:
    """Sets Keras' dtype policy in the block."""
    before = keras.config.dtype_policy()
    if precision == "auto":
        precision = choices().precision if info.is_image else "float32"
    keras.config.set_dtype_policy("float32" if precision == "float32" else f"mixed_{precision}")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextlib.contextmanager
def _workers_blamed(cluster: Cluster) -> Iterator[None]:
    """Turns TensorFlow's failure after the loss of a worker into a ``ConnectionError``."""
    try:
        yield
    except LOST as error:
        if cluster.workers == 1:
            raise
        raise ConnectionError(
            f"Worker {cluster.place} of {cluster.workers} has lost another one. The same command "
            "on all workers continues from the last checkpoint."
        ) from error
