"""What every trainer does: parse the flags, build, fit, evaluate, write the run."""

import contextlib
import dataclasses
import os
import signal
import statistics
import sys
import tempfile
from collections.abc import Callable

import flags
from trainers import measuring

FLAGS = flags.FLAGS


class Interrupted(BaseException):
    """Ctrl-C or SIGTERM; its argument is the signal's number.

    Not an ``Exception``: no library on the way may take it for a failure of its own.
    """


@dataclasses.dataclass(frozen=True)
class Trainer:
    """What tells one trainer from another.

    Attributes:
        name: str, the module below ``trainers``, as in "csvae".
        groups: flag modules, the trainer's flags.
        build: function of a dataset's ``Info`` -> a model that is not compiled.
        usage: str, what --help says first.
        compile: function of (model, dataset).
        start: function of a compiled model, before the first epoch of a new run.
        best: (column of history.csv, "min" or "max"): the epoch whose weights are kept; None:
            the last.
    """

    name: str
    groups: tuple
    build: Callable
    usage: str
    compile: Callable
    start: Callable = lambda model: None
    best: tuple | None = None

    @property
    def run_dir(self):
        """Where the flags put the run."""
        name = f"{self.name}_{FLAGS.dataset}".replace(":", "_").replace("/", "_")  # of tfds:NAME/CONFIG
        return FLAGS.run_dir or os.path.join("runs", name)


def main(trainer):
    """Runs a trainer from its command line and exits with the documented code."""
    flags.parse(sys.argv, trainer.groups, trainer.usage, trainer.name)
    again = "The same command" + (", without --overwrite," if FLAGS.overwrite else "")
    exit_cleanly(lambda: train(trainer), f"{again} goes on from the last checkpoint in {trainer.run_dir}.")


def exit_cleanly(work, when_interrupted):
    """Calls ``work`` and ends the process with a line and the documented code where it fails.

    Args:
        work: function without arguments.
        when_interrupted: str, how to go on after Ctrl-C or SIGTERM.
    """
    # What TensorFlow says at start-up about the processor and missing GPUs is not the user's.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from tf_csvae.errors import InputError

    try:
        with _interruptible():
            work()
    except (InputError, OSError) as error:  # OSError: no permission, no space, not a directory
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except Interrupted as interruption:
        print(f"\nInterrupted. {when_interrupted}")
        sys.exit(128 + interruption.args[0])


@contextlib.contextmanager
def _interruptible():
    """Turns the first Ctrl-C or SIGTERM into ``Interrupted``; a second one kills."""

    def interrupt(signum, frame):
        signal.signal(signum, signal.SIG_DFL)
        raise Interrupted(signum)

    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, interrupt)
    yield


@contextlib.contextmanager
def quietly():
    """Hides what C++ writes to stderr in the block, unless the block fails.

    TensorFlow reports on processor and drivers while it is imported, before any setting of
    its log level counts.
    """
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as hidden:
        os.dup2(hidden.fileno(), 2)
        try:
            yield
        except BaseException:
            hidden.seek(0)
            os.write(stderr, hidden.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


def load_data():
    """Loads --dataset with those of the flags that are options of it."""
    from tf_csvae import data

    values = {name: FLAGS[name].value for name in data.options(FLAGS.dataset) if name in FLAGS}
    return data.load(FLAGS.dataset, **{name: value for name, value in values.items() if value is not None})


def optimizer(rate, steps):
    """Returns the optimizer that the flags describe, for a learning rate over so many steps."""
    import keras

    if FLAGS.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, steps)
    return {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop}[FLAGS.optimizer](rate)


def compile_options(dataset):
    """Returns the arguments that every model's ``compile`` takes from the flags."""
    from tf_csvae.errors import InputError

    steps = dataset.steps_per_epoch
    if FLAGS.steps_per_execution and steps % FLAGS.steps_per_execution:
        raise InputError(
            f"--steps_per_execution={FLAGS.steps_per_execution} does not divide the {steps} steps of an epoch. "
            "Give a divisor, or 0 for the default."
        )
    return {
        "jit_compile": {"auto": "auto", "true": True, "false": False}[FLAGS.jit_compile],
        "steps_per_execution": FLAGS.steps_per_execution or (1 if dataset.info.is_image else steps),
    }


def train(trainer):
    """Trains, measures and writes the run that the flags describe.

    Args:
        trainer: ``Trainer``.

    Raises:
        InputError: a mistake in the flags' values or in the data.
        Interrupted: Ctrl-C or SIGTERM.
    """
    from tf_csvae import data, runs

    data.check(FLAGS.dataset)
    run = runs.Run(trainer.run_dir)
    flagfile = flags.serialized(trainer.groups, f"trainers.{trainer.name}")
    run.check(flagfile, FLAGS.resume, FLAGS.overwrite)

    with quietly():
        import keras  # seconds; mistakes above are told before it

        from tf_csvae import callbacks

    keras.utils.set_random_seed(FLAGS.seed)
    keras.config.set_dtype_policy("float32" if FLAGS.precision == "float32" else f"mixed_{FLAGS.precision}")
    dataset = load_data()
    judge = None
    if "classifier" in FLAGS:  # not in the trainer of one
        measuring.pictured_labels(dataset.info)  # raises before hours of training
        judge = measuring.load_judge(dataset.info)
    model = trainer.build(dataset.info)
    trainer.compile(model, dataset)
    checkpoints = callbacks.Checkpoints(run.file(runs.BACKUP), FLAGS.checkpoint_seconds)
    done = 0 if FLAGS.overwrite else checkpoints.restore(model)
    _check_resumed(model, run, done)
    if not done:
        trainer.start(model)
    run.begin(flagfile, FLAGS.overwrite)
    run.cut_history(done)
    with data_blamed(dataset):
        _fit(trainer, model, dataset, run, checkpoints, done)
        _finish(model, dataset, run, judge)


@contextlib.contextmanager
def data_blamed(dataset):
    """Turns TensorFlow's failures in the block into ``InputError`` where an example is to blame."""
    import tensorflow as tf

    from tf_csvae.errors import InputError

    try:
        yield
    except tf.errors.OpError:
        with quietly():
            blame = dataset.explain_failure()
        if blame is None:
            raise
        raise InputError(blame) from None


def _check_resumed(model, run, done):
    """Raises ``InputError`` where what was restored cannot be gone on with by these flags."""
    from tf_csvae.errors import InputError

    if done > FLAGS.epochs:
        raise InputError(f"{run.path} has {done} epochs done. Received: --epochs={FLAGS.epochs}.")
    logged = {name for name in run.history() if not name.startswith("val_")}
    reported = {*getattr(model, "term_names", ()), "epoch", "seconds", "examples_per_second"}
    if done and hasattr(model, "term_names") and logged != reported:
        raise InputError(
            f"{run.path} logged other terms ({', '.join(sorted(logged ^ reported))}): flags that add or "
            "remove terms of the objective cannot change in the middle of a run."
        )


def _fit(trainer, model, dataset, run, checkpoints, done):
    import keras

    from tf_csvae import callbacks, runs

    info = dataset.info
    print(
        f"{type(model).__name__} on {info.name}: {info.counts['train']} training examples, "
        f"{len(info.labels)} label{'s' * (len(info.labels) != 1)}, {model.count_params():,} parameters, "
        f"{FLAGS.epochs} epochs of {dataset.steps_per_epoch} steps, written to {run.path}"
        + (f"; going on after epoch {done}" if done else ""),
        flush=True,
    )
    used = [
        callbacks.Clock(min(FLAGS.batch_size, info.counts["train"]) * dataset.steps_per_epoch),
        keras.callbacks.CSVLogger(run.file(runs.HISTORY), append=True),
    ]
    if FLAGS.tensorboard:
        used.append(keras.callbacks.TensorBoard(run.file(runs.TENSORBOARD)))
    if trainer.best:
        column, mode = trainer.best
        best = run.file(runs.BACKUP, "best.weights.h5")
        so_far = run.history().get(column, [])
        used.append(
            keras.callbacks.ModelCheckpoint(
                best,
                monitor=column,
                mode=mode,
                save_best_only=True,
                save_weights_only=True,
                initial_value_threshold={"min": min, "max": max}[mode](so_far) if so_far else None,
            )
        )
    model.fit(
        dataset.train_from(done),
        epochs=FLAGS.epochs,
        initial_epoch=done,
        steps_per_epoch=dataset.steps_per_epoch,
        validation_data=dataset.validation,
        shuffle=False,  # it is; Keras would warn that it cannot
        verbose=1 if sys.stdout.isatty() else 2,
        callbacks=[*used, checkpoints],
    )
    if trainer.best:
        model.load_weights(best)


def _finish(model, dataset, run, judge):
    """Saves the model, measures it, and writes what the measurement gives."""
    from tf_csvae import runs

    with runs.written_whole(run.file(runs.MODEL)) as temporary:
        model.save(temporary)
    print("Measuring ...", flush=True)
    history = run.history()
    rates = history["examples_per_second"]
    trained = {
        "seconds_training": sum(history["seconds"]),
        "examples_per_second": statistics.median(rates[1:] or rates),  # the first epoch compiles
        "parameters": model.count_params(),
        "run": measuring.what_ran(model, dataset.info),
    }
    measured, figures = measuring.measure(model, dataset, history, judge)
    measuring.write(run, model, dataset, trained, measured, figures)
