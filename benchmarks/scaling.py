"""Training steps of CSVAE on several replicas: weak and strong scaling, and what all-reduce takes.

    python -m benchmarks.scaling --dataset=celeba --replicas=1,2,4
    TF_CONFIG=... python -m benchmarks.scaling      (on every worker)

On one machine the replicas are its GPUs or, where there is none, logical CPUs that share its cores: that
shows what dividing a step costs, not what more hardware gains. Network, image size and batch
(strong scaling: of all replicas; weak: of each) are those of the dataset's preset. Images are made up and stay
where they are: no input is measured. On one machine each number of replicas has a process of its own, and they take
their steps in turns. The all-reduce is that of one tensor for each of the model's weights, by itself.
"""

import contextlib
import statistics
import sys
import time

import flags
import flags.data
import flags.distribute
import flags.networks
import flags.scaling_benchmark
from benchmarks import turns
from trainers import training

FLAGS = flags.FLAGS

GROUPS = (flags.data, flags.networks, flags.distribute, flags.scaling_benchmark)

# Turns that are not counted.
WARM = 2


def stepper(cluster, batch):
    """Returns two functions that each do one thing on all replicas: a training step, an all-reduce.

    Args:
        cluster: ``Cluster``.
        batch: int, examples of all replicas together.
    """
    import tensorflow as tf

    from tf_csvae import CSVAE

    names = [f"label_{number}" for number in range(FLAGS.label_count)]
    shape = (FLAGS.image_size, FLAGS.image_size, 3)
    with cluster.scope():
        model = CSVAE(
            shape,
            names,
            FLAGS.z_dim,
            FLAGS.w_dim,
            networks={
                name: FLAGS[name].value
                for name in ("hidden", "filters", "kernel_size", "activation", "batch_norm")
            },
            bounded=True,
        )
        model.compile(jit_compile=False)
    each = batch // cluster.replicas
    x = tf.random.stateless_uniform((each, *shape), (0, 0))
    y = tf.cast(tf.random.stateless_uniform((each, len(names)), (0, 1)) < 0.5, tf.float32)
    same = tf.data.Dataset.from_tensors((x, y)).repeat()
    batches = iter(
        cluster.strategy.distribute_datasets_from_function(lambda context: same) if cluster.strategy else same
    )
    model.make_train_function()

    def step():
        return [float(value) for value in model.train_function(batches).values()]

    sizes = [tuple(variable.shape) for variable in model.trainable_variables]

    @tf.function
    def reduced():
        def on_replica():
            values = [tf.ones(size) for size in sizes]
            summed = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, values)
            return tf.add_n([tf.reduce_max(value) for value in summed])

        return cluster.strategy.experimental_local_results(cluster.strategy.run(on_replica))[0]

    return step, (lambda: float(reduced())) if cluster.replicas > 1 else None


def turner(cluster):
    """Returns ({"replicas", "batches"}, a function that times a step and an all-reduce of each variant).

    The variants are strong and weak scaling. The function returns (seconds, seconds or None) of each.
    """
    from tf_csvae import InputError

    if FLAGS.batch_size % cluster.replicas:
        raise InputError(
            f"--batch_size={FLAGS.batch_size} does not divide among {cluster.replicas} replicas."
        )
    batches = [FLAGS.batch_size, FLAGS.batch_size * cluster.replicas]
    pairs = [stepper(cluster, batch) for batch in batches]

    def turn():
        return [tuple(function and seconds_of(function) for function in pair) for pair in pairs]

    return {"replicas": cluster.replicas, "batches": batches}, turn


def seconds_of(function):
    """Returns the seconds that a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def on_this_machine(arguments, count):
    """A side: so many replicas on this machine's first devices.

    They have a process of their own since TensorFlow takes devices that were in a group of two for
    members of it for ever.
    """
    parse(arguments)
    with training.quietly():
        import tensorflow as tf

        from tf_csvae import InputError
        from tf_csvae.cluster import Cluster

    gpus = tf.config.list_physical_devices("GPU")
    if gpus and count > len(gpus):
        raise InputError(f"--replicas={count}: this machine has {len(gpus)} GPUs.")
    for gpu in gpus:  # which all sides share
        tf.config.experimental.set_memory_growth(gpu, True)
    if not gpus:
        parts = [tf.config.LogicalDeviceConfiguration()] * count
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
    return turner(Cluster("mirrored", most=count) if count > 1 else Cluster("one_device"))


def benchmark():
    """Prints the table."""
    from tf_csvae import report
    from tf_csvae.cluster import Cluster, place

    workers, own_place = place(FLAGS.distribute)
    with contextlib.ExitStack() as stack:
        if FLAGS.distribute == "multi_worker" or workers > 1:
            with training.quietly():
                cluster = Cluster("multi_worker")
            facts, turn = turner(cluster)
            found = [(facts, [turn() for _ in range(WARM + FLAGS.timed_steps)][WARM:])]
        else:
            counts = sorted({int(count) for count in FLAGS.replicas})
            sides = [stack.enter_context(turns.Side(on_this_machine, sys.argv, count)) for count in counts]
            found = [(side.facts, []) for side in sides]
            for turn in range(WARM + FLAGS.timed_steps):
                for side, (_, results) in zip(sides, found, strict=True):
                    side.turn(1)
                    results += side.results if turn >= WARM else []
    rows = [["scaling", "replicas", "batch", "step ms", "images/s", "efficiency", "all-reduce"]]
    for place_of, scaling in enumerate(("strong", "weak")):
        alone = None
        for facts, results in found:
            replicas, batch = facts["replicas"], facts["batches"][place_of]
            steps, reduces = zip(*(result[place_of] for result in results), strict=True)
            seconds = statistics.median(steps)
            each = batch / seconds / replicas
            alone = alone or each
            rows.append(
                [
                    scaling,
                    str(replicas),
                    str(batch),
                    f"{1000 * seconds:.0f}",
                    f"{batch / seconds:.1f}",
                    f"{each / alone:.2f}",
                    "–" if reduces[0] is None else f"{statistics.median(reduces) / seconds:.1%}",
                ]
            )
    if own_place == 0:
        print(report.as_text(report.Table("", rows)))


def parse(arguments):
    """Parses the command line."""
    FLAGS.set_default("dataset", "celeba")
    flags.parse(arguments, GROUPS, __doc__)


if __name__ == "__main__":
    parse(sys.argv)
    training.exit_cleanly(benchmark, "Nothing is written by a benchmark.")
