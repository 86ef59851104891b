"""Sides of ``benchmarks.scaling``: training steps and all-reduces of CSVAE on several replicas."""

import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from benchmarks.keras_step import model_of, random_images
from tf_csvae.data.image_format import chosen_sides
from tf_csvae.errors import InputError
from tf_csvae.labels import Label
from tf_csvae.settings import Settings, settings
from tf_csvae.training.cluster import Cluster

# Seconds of a step and of an all-reduce; None: nothing is sent.
Times = tuple[float, float | None]


def stepper(
    cluster: Cluster, chosen: Settings, label_count: int, batch: int
) -> tuple[Callable[[], Any], Callable[[], Any] | None]:
    """Returns functions that do one thing on all replicas: a training step, an all-reduce.

    Args:
        cluster: the replicas.
        chosen: the model's settings.
        label_count: binary labels of an image.
        batch: examples of all replicas together.
    """
    labels = [Label(f"label_{number}") for number in range(label_count)]
    dataset = random_images(chosen_sides(chosen.data)[0], labels, batch // cluster.replicas)
    with cluster.scope():
        model = model_of(chosen, dataset)
    batches = dataset.train
    if cluster.strategy:
        batches = cluster.strategy.distribute_datasets_from_function(lambda context: dataset.train)
    iterator = iter(batches)
    model.make_train_function()

    def step():
        return [float(value) for value in model.train_function(iterator).values()]

    sizes = [tuple(variable.shape) for variable in model.trainable_variables]

    @tf.function
    def reduced():
        def on_replica():
            values, context = [tf.ones(size) for size in sizes], tf.distribute.get_replica_context()
            summed = context.all_reduce(tf.distribute.ReduceOp.SUM, values)
            return tf.add_n([tf.reduce_max(value) for value in summed])

        everywhere = cluster.strategy.run(on_replica)
        return cluster.strategy.experimental_local_results(everywhere)[0]

    return step, (lambda: float(reduced())) if cluster.replicas > 1 else None


def turner(
    cluster: Cluster, options: dict[str, Any], label_count: int
) -> tuple[dict[str, Any], Callable[[], list[Times]]]:
    """Returns {"replicas", "batches"} and a function that times strong, then weak scaling.

    Args:
        cluster: the replicas.
        options: of CSVAE, as in ``settings``.
        label_count: binary labels of an image.

    Raises:
        InputError: the batch does not divide among the replicas.
    """
    chosen, replicas = settings("csvae", **{"guide": "none", **options}), cluster.replicas
    batch_size = chosen.data.batch_size
    if batch_size % replicas:
        raise InputError(f"--batch_size={batch_size} does not divide among {replicas} replicas.")
    batches = [batch_size, batch_size * replicas]
    pairs = [stepper(cluster, chosen, label_count, batch) for batch in batches]

    def turn():
        return [tuple(function and _seconds_of(function) for function in pair) for pair in pairs]

    return {"replicas": replicas, "batches": batches}, turn


def _seconds_of(function: Callable[[], Any]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def on_this_machine(
    options: dict[str, Any], label_count: int, count: int
) -> tuple[dict[str, Any], Callable[[], list[Times]]]:
    """Makes a side: a number of replicas on the first devices of this machine.

    They need a process of their own: TensorFlow never releases devices from a group.

    Args:
        options: of CSVAE, as in ``settings``.
        label_count: binary labels of an image.
        count: number of replicas.

    Raises:
        InputError: fewer GPUs, or a batch that does not divide among the replicas.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if gpus and count > len(gpus):
        raise InputError(f"--replicas={count}: this machine has {len(gpus)} GPUs.")
    for gpu in gpus:  # which all sides share
        tf.config.experimental.set_memory_growth(gpu, True)
    if not gpus:
        parts = [tf.config.LogicalDeviceConfiguration()] * count
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
    cluster = Cluster("mirrored", most=count) if count > 1 else Cluster("one_device")
    return turner(cluster, options, label_count)
