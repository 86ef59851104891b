"""Sides of ``benchmarks.input_pipeline``: passes over images, and a training fed by them."""

import os
import time
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from benchmarks import turns
from benchmarks.keras_step import model_of
from tf_csvae import data
from tf_csvae.settings import Settings, settings


def _settings(options: dict[str, Any], threads: int) -> Settings:
    """Returns the settings of CSVAE, after a seed and a number of threads are set."""
    os.environ["TF_NUM_INTRAOP_THREADS"] = str(threads)  # read when TensorFlow is first used
    chosen = settings("csvae", **{"guide": "none", **options})
    keras.utils.set_random_seed(chosen.training.seed)
    return chosen


def reading(options: dict[str, Any], threads: int) -> tuple[dict[str, int], Callable[[], None]]:
    """Makes a side: a pass over the training images.

    Args:
        options: of the data, as in ``settings``.
        threads: of tf.data, and of each of TensorFlow's operations.

    Returns:
        {"images" of a pass, "before": bytes in memory before the first}, and a function that makes
        a pass.
    """
    dataset = data.load(_settings(options, threads).data)
    private = tf.data.Options()
    private.threading.private_threadpool_size = threads
    batches = dataset.train.with_options(private)

    def step():
        for x, _ in batches:
            tf.identity(x)  # on the device

    images = dataset.steps_per_epoch * dataset.batch_size
    return {"images": images, "before": turns.peak()}, step


def fed(options: dict[str, Any]) -> tuple[dict[str, int], Callable[[], float]]:
    """Makes a side: a step of a training that is fed from the cache, on all cores.

    Args:
        options: of CSVAE, as in ``settings``.

    Returns:
        {"images" of a step, "before": bytes in memory before the first batch}, and a function that
        makes a step and returns the seconds that it waited for its batch.
    """
    chosen = _settings(options, threads=0)
    dataset = data.load(chosen.data)
    model = model_of(chosen, dataset)
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
