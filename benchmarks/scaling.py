"""Training steps of CSVAE on several replicas: weak and strong scaling, and what all-reduce takes.

    python -m benchmarks.scaling --dataset=celeba --replicas=1,2,4
    TF_CONFIG=... python -m benchmarks.scaling      (on every worker)

On one machine the replicas are its GPUs or, where there is none, logical CPUs that share its cores: that
shows what dividing a step costs, not what more hardware gains. Network, image size and batch
(strong scaling: of all replicas; weak: of each) are those of the dataset's preset. Images are made up and stay
where they are: no input is measured. The variants take their steps in turns. The all-reduce is that of
one tensor for each of the model's weights, by itself.
"""

import statistics
import sys
import time

import flags
import flags.data
import flags.distribute
import flags.networks
import flags.scaling_benchmark
from trainers import training

FLAGS = flags.FLAGS

GROUPS = (flags.data, flags.networks, flags.distribute, flags.scaling_benchmark)


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


def timed(functions, times):
    """Calls functions in turns, so many times each, after two calls that are not counted.

    Not for a time each: all workers must call them equally often.

    Returns:
        list of the median seconds of each.
    """
    taken = [[] for _ in functions]
    for turn in range(2 + times):
        for function, seconds in zip(functions, taken, strict=True):
            start = time.perf_counter()
            function()
            if turn >= 2:
                seconds.append(time.perf_counter() - start)
    return [statistics.median(seconds) for seconds in taken]


def clusters():
    """Returns the clusters to compare: this machine's first devices, or all workers."""
    import tensorflow as tf

    from tf_csvae import InputError
    from tf_csvae.cluster import Cluster, place

    if FLAGS.distribute == "multi_worker" or place(FLAGS.distribute)[0] > 1:
        return [Cluster("multi_worker")]
    counts = sorted({int(count) for count in FLAGS.replicas})
    gpus = tf.config.list_physical_devices("GPU")
    if gpus and counts[-1] > len(gpus):
        raise InputError(f"--replicas={counts[-1]}: this machine has {len(gpus)} GPUs.")
    if not gpus:
        parts = [tf.config.LogicalDeviceConfiguration()] * counts[-1]
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
    return [Cluster("mirrored", most=count) if count > 1 else Cluster("one_device") for count in counts]


def benchmark():
    """Prints the table."""
    from tf_csvae import InputError, report

    with training.quietly():
        found = clusters()
    for cluster in found:
        if FLAGS.batch_size % cluster.replicas:
            raise InputError(
                f"--batch_size={FLAGS.batch_size} does not divide among {cluster.replicas} replicas."
            )
    variants = [
        (cluster, scaling, FLAGS.batch_size * (cluster.replicas if scaling == "weak" else 1))
        for scaling in ("strong", "weak")
        for cluster in found
    ]
    pairs = [stepper(cluster, batch) for cluster, _, batch in variants]
    steps = timed([step for step, _ in pairs], FLAGS.timed_steps)
    reduces = iter(timed([reduce for _, reduce in pairs if reduce], FLAGS.timed_steps))
    rows = [["scaling", "replicas", "batch", "step ms", "images/s", "efficiency", "all-reduce"]]
    first = {}
    for (cluster, scaling, batch), seconds, (_, reduce) in zip(variants, steps, pairs, strict=True):
        rate = batch / seconds
        alone = first.setdefault(scaling, rate / cluster.replicas)  # per replica
        rows.append(
            [
                scaling,
                str(cluster.replicas),
                str(batch),
                f"{1000 * seconds:.0f}",
                f"{rate:.1f}",
                f"{rate / cluster.replicas / alone:.2f}",
                f"{next(reduces) / seconds:.1%}" if reduce else "–",
            ]
        )
    if found[0].is_chief:
        print(report.as_text(report.Table("", rows)))


if __name__ == "__main__":
    FLAGS.set_default("dataset", "celeba")
    flags.parse(sys.argv, GROUPS, __doc__)
    training.exit_cleanly(benchmark, "Nothing is written by a benchmark.")
