"""The swiss roll of the student report: a surface in three dimensions, and one label.

10,000 points each for training and test from ``make_swiss_roll`` of scikit-learn, without noise.
The label is x_1 >= 10: the outer edge of the roll, 14 % of the points. It is a function of the
point, so a code that reconstructs x determines y. The model has to put this information into w.
"""

import dataclasses

import numpy as np
from sklearn.datasets import make_swiss_roll

from tf_csvae.configs import DataConfig
from tf_csvae.data import pipeline
from tf_csvae.data.dataset import Dataset, Info
from tf_csvae.labels import Label

OPTIONS = ("batch_size", "half", "balanced_batches")

# Each split is a draw of its own, the same in every run, whatever the seed of the training.
_DRAWS = {"train": (10_000, 0), "validation": (2_000, 2), "test": (10_000, 1)}


def load(config: DataConfig, known: Info | None = None) -> Dataset:
    """Loads the swiss roll: x float32 [3], standardised by the training points; y float32 [1].

    The points are always the same, so ``known`` changes nothing.
    """
    points = {
        split: make_swiss_roll(count, random_state=draw)[0].astype(np.float32)
        for split, (count, draw) in _DRAWS.items()
    }
    offset, scale = points["train"].mean(0), points["train"].std(0)
    arrays = {
        split: ((x - offset) / scale, (x[:, :1] >= 10).astype(np.float32)) for split, x in points.items()
    }
    labels = (Label("x1_at_least_10", frequency=float(arrays["train"][1].mean())),)
    counts = {split: len(x) for split, x in points.items()}
    info = Info("swiss_roll", (3,), None, labels, counts, offset, scale, feature_names=("x1", "x2", "x3"))
    info = dataclasses.replace(info, fingerprint=pipeline.MADE)
    return pipeline.from_arrays(arrays, info, config)
