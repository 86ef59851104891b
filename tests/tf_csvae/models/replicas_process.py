"""One process of ``test_replicas``: trains small models under strategies and saves what came out.

    python -m tests.tf_csvae.models.replicas_process FOLDER STEPS

With a TF_CONFIG it trains them as one of its workers; else on a single device, and then on two
logical ones.
"""

import os
import sys

import keras
import numpy as np
import tensorflow as tf

from tf_csvae import CSVAE, Classifier, CondVAEInfo
from tf_csvae.cluster import Cluster
from tf_csvae.data import Info, pipeline

BATCH = 16
NETWORKS = {"hidden": (8,), "filters": (4, 4)}


def data():
    """Images of 8 x 8 with two labels that are seen in their colours; 40 for training, 21 for validation."""
    random = np.random.default_rng(0)
    counts = {"train": 40, "validation": 21, "test": 4}
    y = {split: (random.random((n, 2)) < 0.4).astype(np.float32) for split, n in counts.items()}
    x = {split: random.random((n, 8, 8, 3)) * 100 for split, n in counts.items()}
    arrays = {
        split: (
            (x[split] + 100 * np.pad(y[split], ((0, 0), (0, 1)))[:, None, None]).astype(np.uint8),
            y[split],
        )
        for split in counts
    }
    info = Info("noise", (8, 8, 3), (0.0, 1.0), ({"name": "red"}, {"name": "green"}), counts)
    examples = {split: tf.data.Dataset.from_tensor_slices(pair) for split, pair in arrays.items()}
    return pipeline.build_images(examples, info, BATCH, 0, ("flip",), "none")


def csvae():
    """A CSVAE with all that looks at several examples: batch normalisation, MMD, the optimal scale, a helper."""
    model = CSVAE(
        (8, 8, 3),
        ["red", "green"],
        networks=NETWORKS,
        bounded=True,
        consistency_weight=1.0,
        helper=Classifier((8, 8, 3), ["red", "green"], depth=10, width=1, shift=1, noise=0.1),
    )
    model.compile(keras.optimizers.Adam(1e-3), kl_warmup_steps=30, steps_per_execution=5)
    return model


def condvae_info():
    """A CondVAE-info with its four players, instance noise, spectral normalisation and R1."""
    model = CondVAEInfo((8, 8, 3), ["red", "green"], networks=NETWORKS, bounded=True, r1=0.1)
    model.compile(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(2e-3), kl_warmup_steps=30)
    return model


def classifier():
    """A classifier with all of its noise."""
    options = {"shift": 1, "blur": 0.5, "noise": 0.1, "dropout": 0.2}
    model = Classifier((8, 8, 3), ["red", "green"], depth=10, width=2, **options)
    model.compile(keras.optimizers.Adam(1e-3))
    return model


MODELS = (classifier, csvae, condvae_info)


def train(cluster, steps):
    """Trains all of them for so many steps and returns {name: array} of weights and logs."""
    found, dataset = {}, data()
    for make in MODELS:
        keras.utils.set_random_seed(0)
        with cluster.scope():
            model = make()
        validation, validation_steps = cluster.validation(dataset)
        history = model.fit(
            cluster.train_from(dataset, 0),
            epochs=2,
            steps_per_epoch=steps // 2,
            validation_data=validation,
            validation_steps=validation_steps,
            shuffle=False,
            verbose=0,
        ).history
        for number, weights in enumerate(model.get_weights()):
            found[f"{make.__name__}/{number}"] = weights
        found |= {f"{make.__name__}/{name}": np.array(values) for name, values in history.items()}
    return found


def main(folder, steps):
    """Trains as said above."""
    keras.config.set_dtype_policy("float64")
    devices = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], devices)
    if "TF_CONFIG" in os.environ:
        cluster = Cluster("multi_worker")
        np.savez(f"{folder}/worker_{int(not cluster.is_chief)}.npz", **train(cluster, steps))
    else:
        np.savez(f"{folder}/one.npz", **train(Cluster("one_device"), steps))
        np.savez(f"{folder}/mirrored.npz", **train(Cluster("mirrored"), steps))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
