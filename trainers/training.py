"""What every trainer does: parse the flags, build, fit, evaluate, write the run."""

import contextlib
import dataclasses
import math
import os
import signal
import statistics
import sys
import tempfile
from collections.abc import Callable

import flags
import flags.data
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
        compile: function of (model, dataset, factor on the learning rates).
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
        _at_signals(_interrupt)
        work()
    except (InputError, OSError) as error:  # OSError: no permission, no space, not a directory
        print(f"error: {error}", file=sys.stderr)
        _end(1)
    except Interrupted as interruption:
        print(f"\nInterrupted. {when_interrupted}")
        _end(128 + interruption.args[0])


def _end(code):
    """Ends the process; one of several workers at once, since TensorFlow's way out may wait for the others for ever."""
    if os.environ.get("TF_CONFIG"):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _at_signals(handler):
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, handler)


def _interrupt(signum, frame):
    """Turns the first Ctrl-C or SIGTERM into ``Interrupted``; a second one kills."""
    _at_signals(signal.SIG_DFL)
    raise Interrupted(signum)


@contextlib.contextmanager
def _finishing_steps(checkpoints):
    """Has the first Ctrl-C or SIGTERM in the block wait for the step and a checkpoint; a second one kills."""

    def finish(signum, frame):
        _at_signals(signal.SIG_DFL)
        checkpoints.stop(Interrupted(signum))
        os.write(1, b"\nSaving after this step. A second signal ends it at once.\n")

    _at_signals(finish)
    try:
        yield
    finally:
        if not checkpoints.stopping:
            _at_signals(_interrupt)
    checkpoints.raise_if_stopped()  # it came after the last step


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
    """Loads --dataset with those of the flags that are options of it; raises ``InputError`` where others are given."""
    from tf_csvae import data
    from tf_csvae.errors import InputError

    options = data.options(FLAGS.dataset)
    for flag in FLAGS.get_flags_for_module(flags.data):
        if flag.name not in ("dataset", *options) and flag.present and flag.value != flag.default:
            raise InputError(
                f"{flag.serialize()}: --dataset={FLAGS.dataset} has no such option. "
                f"Its options: {', '.join(f'--{name}' for name in options if name in FLAGS)}."
            )
    values = {name: FLAGS[name].value for name in options if name in FLAGS}
    loaded = data.load(FLAGS.dataset, **{name: value for name, value in values.items() if value is not None})
    if loaded.left_out:
        told = "\n".join(loaded.left_out)
        print(f"Left out {len(loaded.left_out)} bad examples:\n{told}", flush=True)
    return loaded


def optimizer(rate, steps):
    """Returns the optimizer that the flags describe, for a learning rate over so many steps."""
    import keras

    from tf_csvae.models import fused

    if FLAGS.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, steps)
    return {"adam": fused.Adam, "rmsprop": keras.optimizers.RMSprop}[FLAGS.optimizer](rate)


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
    from tf_csvae import cluster, data, runs

    data.check(FLAGS.dataset)
    run = runs.Run(trainer.run_dir)
    flagfile = flags.serialized(trainer.groups, f"trainers.{trainer.name}")
    if cluster.place(FLAGS.distribute)[1]:  # the files are the chief's
        _train(trainer, run, flagfile)
        return
    run.check(flagfile, FLAGS.resume, FLAGS.overwrite)
    with run.locked():
        _train(trainer, run, flagfile)


def _train(trainer, run, flagfile):
    from tf_csvae import runs
    from tf_csvae.errors import InputError

    with quietly():
        import keras  # seconds; mistakes above are told before it
        import tensorflow as tf

        from tf_csvae import callbacks
        from tf_csvae.cluster import Cluster

        if FLAGS.deterministic:
            tf.config.experimental.enable_op_determinism()
        cluster = Cluster(FLAGS.distribute)
    keras.utils.set_random_seed(FLAGS.seed)
    keras.config.set_dtype_policy("float32" if FLAGS.precision == "float32" else f"mixed_{FLAGS.precision}")
    dataset = load_data()
    cluster.check(dataset.batch_size, FLAGS.precision, FLAGS.jit_compile)
    judge = helper = None
    if "helper" in FLAGS and FLAGS.helper:
        helper = measuring.checksum(runs.Run(FLAGS.helper))
    if cluster.is_chief and "classifier" in FLAGS:  # not in the trainer of one
        measuring.pictured_labels(dataset.info)  # raises before hours of training
        judge = measuring.load_judge(dataset.info, helper)
    checkpoints = callbacks.Checkpoints(
        run.file(runs.BACKUP),
        FLAGS.checkpoint_seconds,
        FLAGS.checkpoints_to_keep,
        60 * FLAGS.checkpoint_minutes or math.inf,
        trainer.best,
        [run.file(runs.HISTORY)],
        cluster,
        told=Interrupted(signal.SIGTERM),
    )
    with data_blamed(dataset), _workers_blamed(cluster):
        model = _prepared(trainer, dataset, run, checkpoints, FLAGS.overwrite)
        if cluster.is_chief:
            run.begin(flagfile, FLAGS.overwrite)
        if FLAGS.on_nan == "rollback":
            checkpoints.begin(model)
        while True:
            try:
                _fit(trainer, model, dataset, run, checkpoints)
                break
            except callbacks.Diverged as diverged:
                if FLAGS.on_nan == "stop":
                    way = "Or go on with --resume --on_nan=rollback, which halves it at each divergence."
                    raise InputError(f"{diverged} {way}") from None
                factor = checkpoints.roll_back(diverged).rate_factor
                print(f"{diverged} Going back, at {factor:g} times the learning rates.", flush=True)
                model = _prepared(trainer, dataset, run, checkpoints)
        if cluster.is_chief:
            _finish(model, dataset, run, judge, helper)
        cluster.any(False)  # the others wait for the chief, whose cluster they are


def _prepared(trainer, dataset, run, checkpoints, anew=False):
    """Returns the model, compiled: as of the newest checkpoint; a new one where there is none."""
    from tf_csvae import callbacks

    cluster = checkpoints.cluster
    if not anew:
        checkpoints.find()
    found = cluster.of_chief([dataclasses.asdict(checkpoints.progress), checkpoints.newest])
    checkpoints.progress, checkpoints.newest = callbacks.Progress.from_dict(found[0]), found[1]
    with cluster.scope():
        model = trainer.build(dataset.info)
        trainer.compile(model, dataset, checkpoints.progress.rate_factor)
    if cluster.is_chief:
        if not anew:
            checkpoints.restore(model)
            # Before it is read: a power cut may have left its last row unfinished.
            run.cut_history(checkpoints.progress.epoch)
        _check_resumed(model, run, checkpoints.progress.epoch)
        if checkpoints.newest is None:
            trainer.start(model)
    cluster.share_state(model)
    checkpoints.progress = checkpoints.progress.scaled(dataset.steps_per_epoch, model.steps_per_execution)
    return model


@contextlib.contextmanager
def data_blamed(dataset):
    """Turns TensorFlow's failures in the block into ``InputError`` where an example or a lack of memory is to blame."""
    import tensorflow as tf

    from tf_csvae.errors import InputError

    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        if "No space left on device" in str(error):  # which TensorFlow calls an exhausted resource, too
            raise OSError(str(error).splitlines()[0]) from error
        sizes = [name for name in ("batch_size", "image_size", "filters", "hidden", "width") if name in FLAGS]
        given = ", ".join(FLAGS[name].serialize() for name in sizes if FLAGS[name].value is not None)
        raise InputError(
            f"The memory does not suffice. Lower one of the flags that it depends on: {given}."
        ) from error
    except tf.errors.OpError:
        with quietly():
            blame = dataset.explain_failure()
        if blame is None:
            raise
        raise InputError(blame) from None


@contextlib.contextmanager
def _workers_blamed(cluster):
    """Turns what TensorFlow raises in the block where another worker is gone into a ``ConnectionError``."""
    import tensorflow as tf

    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.DeadlineExceededError) as error:
        if cluster.workers == 1:
            raise
        raise ConnectionError(
            f"Worker {cluster.place} of {cluster.workers} has lost another one. The same command on all workers "
            "goes on from the last checkpoint."
        ) from error


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


def _fit(trainer, model, dataset, run, checkpoints):
    import keras

    from tf_csvae import callbacks, runs

    info, steps = dataset.info, dataset.steps_per_epoch
    at, cluster = checkpoints.progress, checkpoints.cluster
    done = f"epoch {at.epoch}" + (f" and {at.step} steps" if at.step else "")
    told = (
        f"{type(model).__name__} on {info.name}: {info.counts['train']} training examples, "
        f"{len(info.labels)} label{'s' * (len(info.labels) != 1)}, {model.count_params():,} parameters, "
        f"{FLAGS.epochs} epochs of {steps} steps, "
        + (f"{cluster.replicas} replicas, " if cluster.replicas > 1 else "")
        + (f"written to {run.path}" if cluster.is_chief else f"worker {cluster.place}, which writes nothing")
        + (f"; going on after {done}" if at.epoch or at.step else "")
    )
    used = []
    if cluster.is_chief:
        used.append(callbacks.Clock(dataset.batch_size, at))
        used.append(keras.callbacks.CSVLogger(run.file(runs.HISTORY), append=True))
    if cluster.is_chief and FLAGS.tensorboard:
        used.append(keras.callbacks.TensorBoard(run.file(runs.TENSORBOARD)))

    validation, validation_steps = cluster.validation(dataset)

    def fit(first, done, last):
        model.fit(
            cluster.train_from(dataset, first, done),
            epochs=last,
            initial_epoch=first,
            steps_per_epoch=steps - done,
            validation_data=validation,
            validation_steps=validation_steps,
            shuffle=False,  # it is; Keras would warn that it cannot
            verbose=(1 if sys.stdout.isatty() else 2) if cluster.is_chief else 0,
            callbacks=[*used, checkpoints],
        )

    first = at.epoch
    with _finishing_steps(checkpoints):
        print(told, flush=True)
        if at.step:  # the rest of an epoch that was interrupted
            first += 1
            fit(at.epoch, at.step, first)
        fit(first, 0, FLAGS.epochs)
    if trainer.best:
        checkpoints.restore_best(model)


def _finish(model, dataset, run, judge, helper):
    """Saves the model, measures it, and writes what the measurement gives."""
    from tf_csvae import load_model, runs

    with runs.written_whole(run.file(runs.MODEL)) as temporary:
        model.save(temporary)
    if model.distribute_strategy.num_replicas_in_sync > 1:  # it is measured on one device
        model = load_model(run.file(runs.MODEL))
    print("Measuring ...", flush=True)
    history = run.history()
    rates = history["examples_per_second"]
    trained = {
        "seconds_training": sum(history["seconds"]),
        "examples_per_second": statistics.median(rates[1:] or rates),  # the first epoch compiles
        "parameters": model.count_params(),
        "run": measuring.what_ran(model, dataset.info, helper),
    }
    measured, figures = measuring.measure(model, dataset, history, judge)
    measuring.write(run, model, dataset, trained, measured, figures)
