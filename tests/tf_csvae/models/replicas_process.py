"""One process of ``test_replicas``: trains small models under strategies and saves the results.

    python -m tests.tf_csvae.models.replicas_process FOLDER STEPS

With a TF_CONFIG it trains them as one of its workers; otherwise on a single device, and then on
two logical ones. It also tries what Keras does not do by itself.
"""

import os
import sys

import keras
import numpy as np
import tensorflow as tf

from tests import processes
from tf_csvae import (
    CSVAE,
    Classifier,
    ClassifierConfig,
    CondVAEInfo,
    CondVAEInfoConfig,
    CSVAEConfig,
    Label,
)
from tf_csvae.configs import DataConfig
from tf_csvae.data import Info, pipeline
from tf_csvae.training.cluster import Cluster

BATCH = 16
COUNTS = {"train": 40, "validation": 21, "test": 4}
LABELS = (Label("old"), Label("height", kind="real"))
IMAGE_LABELS = (Label("red"), Label("green"))
DATA = DataConfig(batch_size=BATCH, augment=["flip"])


def vectors():
    """Points with a binary label and a real one."""
    random = np.random.default_rng(0)
    arrays = {}
    for split, n in COUNTS.items():
        y = np.stack([random.random(n) < 0.4, random.normal(size=n)], 1).astype(np.float32)
        x = np.concatenate([y, random.normal(size=(n, 2))], 1).astype(np.float32)
        arrays[split] = x, y
    return pipeline.from_arrays(arrays, Info("vectors", (4,), None, LABELS, COUNTS), DATA)


def images():
    """Images of 4 x 4 whose labels are seen in their colours, mirrored at random in training."""
    random = np.random.default_rng(0)
    arrays = {}
    for split, n in COUNTS.items():
        y = (random.random((n, 2)) < 0.4).astype(np.float32)
        x = random.random((n, 4, 4, 3)) * 100 + 100 * np.pad(y, ((0, 0), (0, 1)))[:, None, None]
        arrays[split] = x.astype(np.uint8), y
    info = Info("images", (4, 4, 3), (0.0, 1.0), IMAGE_LABELS, COUNTS)
    return pipeline.from_arrays(arrays, info, DATA)


def csvae():
    """A CSVAE with all that reads several examples, or draws something for each."""
    guide = Classifier((4,), LABELS, ClassifierConfig(width=4))
    names = ("aggregate_weight", "consistency_weight", "minimality_weight", "perceptual_weight")
    weights = dict.fromkeys(names, 1.0)
    config = CSVAEConfig(
        hidden=(8, 8),
        erase_labels=True,
        erase_covariance=True,
        exchange_target=0.9,
        realism_weight=1.0,
        style_weight=1.0,
        counterfactual=True,
        guide_every=2,
        **weights,
    )
    model = CSVAE((4,), LABELS, config, guide=guide)
    # Without XLA, which draws other numbers from a seed, and does not run on several replicas.
    model.compile(keras.optimizers.Adam(1e-3), None, 30, jit_compile=False, steps_per_execution=5)
    return model, vectors()


def condvae_info():
    """A CondVAE-info: four players, instance noise, spectral and batch normalisation."""
    config = CondVAEInfoConfig(hidden=(8,), filters=(4,))
    model = CondVAEInfo((4, 4, 3), IMAGE_LABELS, config, bounded=True)
    model.compile(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(2e-3), kl_warmup_steps=30)
    return model, images()


def classifier():
    """A classifier with dropout and adversarial examples."""
    model = Classifier((4,), LABELS, ClassifierConfig(width=8, dropout=0.2, epsilon=0.5))
    model.compile(keras.optimizers.Adam(1e-3), jit_compile=False)
    return model, vectors()


def train(cluster, steps):
    """Trains all of them for so many steps and returns {name: array} of weights and logs."""
    found = {}
    for make in (csvae, condvae_info, classifier):
        keras.utils.set_random_seed(0)
        with cluster.scope():
            model, dataset = make()
        options = {}
        if make is not csvae:  # whose graph takes the longest to make
            validation, batches = cluster.validation(dataset)
            options = {"validation_data": validation, "validation_steps": batches}
        history = model.fit(
            cluster.train_from(dataset, 0),
            epochs=2,
            steps_per_epoch=steps // 2,
            shuffle=False,
            verbose=0,
            **options,
        ).history
        for number, weights in enumerate(model.get_weights()):
            found[f"{make.__name__}/{number}"] = weights
        found |= {f"{make.__name__}/{name}": np.array(values) for name, values in history.items()}
    return found


def keras_alone(cluster):
    """Whether Keras' own ``fit`` trains under the strategy, with several steps per execution."""
    with cluster.scope():
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        model.compile("sgd", "mse", steps_per_execution=2)
    try:
        model.fit(cluster.train_from(vectors(), 0), steps_per_epoch=2, verbose=0)
    except Exception:  # of whatever kind; the tests say what to do where there is none
        return False
    return True


def main(folder, steps):
    """Trains as said above."""
    devices = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], devices)
    keras.config.set_dtype_policy("float64")
    processes.quick_graphs()
    if "TF_CONFIG" in os.environ:
        cluster = Cluster("multi_worker")
        trained = {f"worker_{cluster.place}": cluster}
    else:
        trained = {"one": Cluster("one_device"), "mirrored": Cluster("mirrored")}
    for name, cluster in trained.items():
        found = train(cluster, steps)
        if cluster.strategy:
            found["keras_alone"] = np.array(keras_alone(cluster))
        np.savez(f"{folder}/{name}.npz", **found)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
