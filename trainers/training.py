"""What every trainer does: parse the flags, build, fit, evaluate, write the run."""

import contextlib
import os
import signal
import statistics
import sys
import tempfile

import flags

FLAGS = flags.FLAGS


class Interrupted(Exception):
    """Ctrl-C or SIGTERM; its argument is the signal's number."""


def run(system, groups, build, usage):
    """Runs a trainer from its command line and exits with the documented code.

    Args:
        system: str, the trainer's module below ``trainers``, as in "csvae".
        groups: flag modules, the trainer's flags.
        build: function of a dataset's ``Info`` -> an uncompiled model.
        usage: str, what --help says first.
    """
    flags.parse(sys.argv, groups, usage)
    # What TensorFlow says at start-up about the processor and missing GPUs is not the user's.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from tf_csvae.errors import InputError

    try:
        with _interruptible():
            train(system, groups, build)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except Interrupted as interruption:
        print(f"\nInterrupted. The same command goes on from the last checkpoint in {_run_dir(system)}.")
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
def _quietly():
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


def _run_dir(system):
    return FLAGS.run_dir or os.path.join("runs", f"{system}_{FLAGS.dataset}")


def load_data():
    """Loads --dataset with those of the flags that are options of it."""
    from tf_csvae import data

    values = {name: FLAGS[name].value for name in data.options(FLAGS.dataset) if name in FLAGS}
    return data.load(FLAGS.dataset, **{name: value for name, value in values.items() if value is not None})


def network_options(info):
    """Returns the arguments that every generative model takes from the flags."""
    return {
        "data_shape": info.shape,
        "labels": info.labels,
        "z_dim": FLAGS.z_dim,
        "networks": {
            "hidden": FLAGS.hidden,
            "filters": FLAGS.filters,
            "kernel_size": FLAGS.kernel_size,
            "activation": FLAGS.activation,
            "batch_norm": FLAGS.batch_norm,
        },
        "likelihood": FLAGS.likelihood,
        "likelihood_scale": FLAGS.likelihood_scale,
        "bounded": info.value_range == (0.0, 1.0),
        "seed": FLAGS.seed,
    }


def _compile(model, dataset):
    import keras

    steps = dataset.steps_per_epoch * FLAGS.epochs

    def adam(rate):
        if FLAGS.schedule == "cosine":
            rate = keras.optimizers.schedules.CosineDecay(rate, steps)
        return keras.optimizers.Adam(rate)

    adversary_rate = FLAGS.adversary_learning_rate
    model.compile(
        adam(FLAGS.learning_rate),
        adam(FLAGS.learning_rate if adversary_rate is None else adversary_rate),
        kl_warmup_steps=round(FLAGS.kl_warmup * steps),
        jit_compile={"auto": "auto", "true": True, "false": False}[FLAGS.jit_compile],
        steps_per_execution=FLAGS.steps_per_execution
        or (1 if dataset.info.is_image else dataset.steps_per_epoch),
    )


def train(system, groups, build):
    """Trains, evaluates and writes the run that the flags describe.

    Args:
        system: str, the trainer's module below ``trainers``.
        groups: flag modules, the trainer's flags.
        build: function of a dataset's ``Info`` -> an uncompiled model.

    Raises:
        InputError: a mistake in the flags' values or in the data.
        Interrupted: Ctrl-C or SIGTERM.
    """
    from tf_csvae import data, runs
    from tf_csvae.errors import check_known

    check_known(FLAGS.dataset, data.NAMES, "dataset")
    run_ = runs.Run(_run_dir(system))
    flagfile = flags.serialized(groups, f"trainers.{system}")
    run_.check(flagfile, FLAGS.resume, FLAGS.overwrite)

    with _quietly():
        import keras  # seconds; mistakes above are told before it

    keras.utils.set_random_seed(FLAGS.seed)
    keras.config.set_dtype_policy("float32" if FLAGS.precision == "float32" else f"mixed_{FLAGS.precision}")
    dataset = load_data()
    model = build(dataset.info)
    _compile(model, dataset)
    run_.begin(flagfile, FLAGS.overwrite)
    _fit(model, dataset, run_)
    _finish(model, dataset, run_)


def _fit(model, dataset, run_):
    import keras
    import tensorflow as tf

    from tf_csvae import callbacks, runs
    from tf_csvae.errors import InputError

    checkpoints = callbacks.Checkpoints(run_.file(runs.BACKUP), FLAGS.checkpoint_seconds)
    done = checkpoints.restore(model)
    run_.cut_history(done)
    info = dataset.info
    print(
        f"{type(model).__name__} on {info.name}: {info.counts['train']} training examples, "
        f"{len(info.labels)} label{'s' * (len(info.labels) != 1)}, {model.count_params():,} parameters, "
        f"{FLAGS.epochs} epochs of {dataset.steps_per_epoch} steps, written to {run_.path}"
        + (f"; going on after epoch {done}" if done else ""),
        flush=True,
    )
    try:
        model.fit(
            dataset.train_from(done),
            epochs=FLAGS.epochs,
            initial_epoch=done,
            steps_per_epoch=dataset.steps_per_epoch,
            validation_data=dataset.validation,
            shuffle=False,  # it is; Keras would warn that it cannot
            verbose=1 if sys.stdout.isatty() else 2,
            callbacks=[
                callbacks.Clock(min(FLAGS.batch_size, info.counts["train"]) * dataset.steps_per_epoch),
                keras.callbacks.CSVLogger(run_.file(runs.HISTORY), append=True),
                *([keras.callbacks.TensorBoard(run_.file(runs.TENSORBOARD))] if FLAGS.tensorboard else []),
                checkpoints,
            ],
        )
    except tf.errors.InvalidArgumentError:
        with _quietly():
            blame = dataset.explain_failure()
        if blame is None:
            raise
        raise InputError(blame) from None


def _finish(model, dataset, run_):
    """Saves the model, measures it, and writes what the measurement gives; metrics.json last."""
    from tf_csvae import evaluation, report, runs

    with runs.written_whole(run_.file(runs.MODEL)) as temporary:
        model.save(temporary)
    print("Measuring ...", flush=True)
    result = evaluation.evaluate(model, dataset, seed=FLAGS.seed)
    history = run_.history()
    rates = history["examples_per_second"]
    numbers = {
        "seconds_training": sum(history["seconds"]),
        "examples_per_second": statistics.median(rates[1:] or rates),  # the first epoch compiles
        "parameters": model.count_params(),
        **result.numbers,
    }
    pictures = {
        name: (caption, report.as_png(figure))
        for name, (caption, figure) in evaluation.pictures(result, dataset.info, history).items()
    }
    for name, (_, png) in pictures.items():
        runs.write_bytes(run_.file(runs.FIGURES, f"{name}.png"), png)
    system = type(model).__name__
    rows = report.table(numbers, system, dataset.info.name)
    page = report.render(f"{system} on {dataset.info.name}", rows, pictures.values(), run_.flags())
    runs.write_text(run_.file(runs.REPORT), page)
    runs.write_json(run_.file(runs.METRICS), numbers)
    print(report.as_text(rows))
    print(
        f"Numbers: {run_.file(runs.METRICS)}\nPictures: {run_.file(runs.FIGURES)}\nPage: {run_.file(runs.REPORT)}"
    )
