"""The swiss roll of the student report: a surface in three dimensions and one label.

10,000 points each for training and test from scikit-learn's ``make_swiss_roll``, without
noise. The label is x_1 >= 10: the outer edge of the roll, 14 % of the points. It is a function
of the point, so a code that reconstructs x knows y: the model has to put it all into w.
"""

import numpy as np
import tensorflow as tf
from sklearn.datasets import make_swiss_roll

from tf_csvae.data import pipeline
from tf_csvae.data.dataset import Info
from tf_csvae.labels import Label

# Each split is its own draw, the same in every run, whatever the training's seed.
_DRAWS = {"train": (10_000, 0), "validation": (2_000, 2), "test": (10_000, 1)}


def load(batch_size=256, seed=0):
    """Loads the swiss roll.

    Args:
        batch_size: int.
        seed: int, of the order of the training examples; the points are always the same.

    Returns:
        A ``Dataset`` of x float32 [3], each coordinate standardised by the training points,
        and y float32 [1].
    """
    points = {
        split: make_swiss_roll(count, random_state=draw)[0].astype(np.float32)
        for split, (count, draw) in _DRAWS.items()
    }
    offset, scale = points["train"].mean(0), points["train"].std(0)
    items = {
        split: ((x - offset) / scale, (x[:, :1] >= 10).astype(np.float32)) for split, x in points.items()
    }
    info = Info(
        name="swiss_roll",
        shape=(3,),
        value_range=None,
        labels=(Label("x1_at_least_10", frequency=float(items["train"][1].mean())),),
        counts={split: count for split, (count, _) in _DRAWS.items()},
        offset=offset,
        scale=scale,
        feature_names=("x1", "x2", "x3"),
    )
    examples = {split: tf.data.Dataset.from_tensor_slices(arrays) for split, arrays in items.items()}
    return pipeline.build(examples, info, batch_size, seed, cache="none")
