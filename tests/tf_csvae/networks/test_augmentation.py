import numpy as np
import tensorflow as tf

from tf_csvae.networks.augmentation import random_shift


def test_a_shift_moves_the_image_and_repeats_its_border():
    x = tf.random.stateless_uniform((200, 6, 5, 3), [0, 0])
    padded = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="edge")
    seen = set()
    for number, moved in enumerate(random_shift(x, 2, [3, 4]).numpy()):
        places = [
            (i, j)
            for i in range(5)
            for j in range(5)
            if np.array_equal(moved, padded[number, i : i + 6, j : j + 5])
        ]
        assert len(places) == 1
        seen.add(places[0])
    assert len(seen) == 25
