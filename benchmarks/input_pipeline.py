"""Images per second from a folder to the device, beside what a training consumes.

    python -m benchmarks.input_pipeline --dataset=celeba --data_dir=FOLDER

Three kinds of pass over the training images, in a process of its own for each number of threads: from the disk
(the operating system is asked to forget the files before); from files that it still has in its own cache,
which leaves decoding, cutting and resizing; and from the pipeline's cache in memory, as all epochs of a training
after the first. Then CSVAE is trained from that cache, and the time is taken that its steps wait for a batch.
"""

import os
import statistics
import sys
import time

import flags
import flags.data
import flags.input_pipeline_benchmark
import flags.seed
from benchmarks import turns
from trainers import csvae, training

FLAGS = flags.FLAGS

GROUPS = (flags.seed, flags.data, flags.input_pipeline_benchmark)

FOLDERS = ("celeba", "folder")


def loaded(arguments, threads=0):
    """Loads the data that these flags of ``trainers.csvae`` describe, in the process of a side.

    Args:
        arguments: list of flags.
        threads: int, of each of TensorFlow's operations; 0: as many as the machine has cores.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["TF_NUM_INTRAOP_THREADS"] = str(threads)  # read when TensorFlow is first used
    flags.parse(["csvae", *arguments], csvae.TRAINER.groups, "", "csvae")
    with training.quietly():
        import keras

        from tf_csvae import callbacks  # noqa: F401  all that a training imports, ours first
    keras.utils.set_random_seed(FLAGS.seed)
    return training.load_data()


def reading(arguments, threads):
    """A side: a pass over the training images.

    Args:
        arguments: list of the trainer's flags.
        threads: int, of tf.data and of TensorFlow's operations.

    Returns:
        ({"images" of a pass, "before": bytes in memory before the first}, a function that makes a pass).
    """
    dataset = loaded(arguments, threads)
    import tensorflow as tf

    options = tf.data.Options()
    options.threading.private_threadpool_size = threads
    batches = dataset.train.with_options(options)

    def step():
        for x, _ in batches:
            tf.identity(x)  # on the device

    images = dataset.steps_per_epoch * dataset.batch_size
    return {"images": images, "before": turns.peak()}, step


def fed(arguments):
    """A side: a step of a training that is fed from the cache.

    Args:
        arguments: list of the trainer's flags.

    Returns:
        ({"images" of a step, "before": bytes in memory before the first batch}, a function that makes a step
        and returns the seconds for which it waited for its batch).
    """
    dataset = loaded(arguments)
    import tensorflow as tf

    model = csvae.TRAINER.build(dataset.info)
    csvae.TRAINER.compile(model, dataset, 1.0)
    train_step = tf.function(model.train_step, jit_compile=model.jit_compile)
    iterator = iter(dataset.train_from(0))
    before = turns.peak()
    batch = next(iterator)
    train_step(batch)  # traced
    for _ in range(dataset.steps_per_epoch - 1):  # fills the cache
        next(iterator)

    def step():
        start = time.perf_counter()
        batch = next(iterator)
        waited = time.perf_counter() - start
        [float(value) for value in train_step(batch).values()]
        return waited

    return {"images": dataset.batch_size, "before": before}, step


def forget(folder):
    """Asks the operating system to drop the files of a folder from its cache; only Linux can be asked."""
    if not hasattr(os, "posix_fadvise"):
        return
    for path, _, names in os.walk(folder):
        for name in names:
            file = os.open(os.path.join(path, name), os.O_RDONLY)
            try:
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(file)


def passes(arguments, threads):
    """Returns the rows of the table for a number of threads."""
    rows = []

    def add(name, side, seconds):
        rows.append(
            [
                name,
                str(threads),
                f"{side.facts['images'] / statistics.median(seconds):.0f}",
                f"{side.facts['before'] / 2**20:.0f}",
                f"{side.peak / 2**20:.0f}",
                "–",
            ]
        )

    with turns.Side(reading, [*arguments, "--cache=none"], threads) as side:
        forget(FLAGS.data_dir)
        add("from disk", side, side.turn(1))
        add("from the system's cache", side, side.turn(2))
    with turns.Side(reading, [*arguments, "--cache=memory"], threads) as side:
        side.turn(1)
        add("from the cache", side, side.turn(5))
    return rows


def benchmark():
    """Prints the table."""
    from tf_csvae import report
    from tf_csvae.errors import InputError

    if FLAGS.dataset not in FOLDERS or not FLAGS.data_dir:
        raise InputError(
            f"Give a folder of images: --dataset={' or '.join(FOLDERS)}, and --data_dir. "
            f"Received: --dataset={FLAGS.dataset} --data_dir={FLAGS.data_dir or ''}."
        )
    lines = flags.serialized((flags.seed, flags.data), "trainers.csvae").splitlines()
    arguments = [line for line in lines if line.startswith("--")]
    rows = [["images", "threads", "images/s", "MiB before", "MiB at most", "waits"]]
    for threads in map(int, FLAGS.threads):
        rows += passes(arguments, threads)
    with turns.Side(fed, [*arguments, "--cache=memory"]) as side:
        seconds = side.turn(FLAGS.train_steps)
    rows.append(
        [
            "trained from the cache",
            "all",
            f"{side.facts['images'] * len(seconds) / sum(seconds):.0f}",
            f"{side.facts['before'] / 2**20:.0f}",
            f"{side.peak / 2**20:.0f}",
            f"{100 * sum(side.results) / sum(seconds):.2f} %",
        ]
    )
    print(report.as_text(report.Table("", rows)))


if __name__ == "__main__":
    flags.parse(sys.argv, GROUPS, __doc__, "csvae")
    training.exit_cleanly(benchmark, "Nothing is written by a benchmark.")
