"""Priors p(w|y) of the label subspaces: the gamma of the CSVAE paper."""

import keras
import tensorflow as tf

from tf_csvae.models import networks
from tf_csvae.models.distributions import MIN_SCALE, diagonal_normal, tfd

PRIORS = ("factorized", "fixed", "joint")


class FactorizedPrior(keras.layers.Layer):
    """p(w|y) = prod_i p(w_i|y_i), each subspace a diagonal normal that only its label moves.

    For every label i and value v of it there is a mean and a scale. They start at
    ``-separation`` (v = 0) and ``+separation`` (v = 1) with scale 1; ``learned`` trains them.

    Args:
        labels: int, k.
        w_dim: int, dimensions of each subspace.
        separation: float, distance of the two means from the origin.
        learned: bool, train means and scales.
    """

    def __init__(self, labels, w_dim, separation=1.0, learned=True, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        means = tf.stack([-separation, separation])[:, None, None] * tf.ones((2, labels, w_dim))
        self.mean = self.add_weight(
            name="mean",
            shape=(2, labels, w_dim),
            dtype="float32",
            initializer=lambda shape, dtype: tf.cast(means, dtype),
            trainable=learned,
        )
        self.log_scale = self.add_weight(
            name="log_scale",
            shape=(2, labels, w_dim),
            dtype="float32",
            initializer="zeros",
            trainable=learned,
        )
        self.built = True

    def call(self, y):
        """Y float32 [n, k] -> a distribution of batch shape [n], event shape [k w_dim].

        A y between 0 and 1 gives parameters between those of the two values.
        """
        y = y[..., None]

        def at(table):
            values = table[0] + y * (table[1] - table[0])
            return tf.reshape(values, (tf.shape(y)[0], table.shape[1] * table.shape[2]))

        return tfd.Independent(tfd.Normal(at(self.mean), MIN_SCALE + tf.exp(at(self.log_scale))), 1)


class JointPrior(keras.layers.Layer):
    """p(w|y) by a network from all labels to one w, as in the student report.

    The subspaces are then not tied to single labels: every w_i may carry any of them.

    Args:
        labels: int, k.
        w_dim: int, dimensions per label; w has k w_dim.
        config: networks.NetworkConfig of the network.
    """

    def __init__(self, labels, w_dim, config, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.network = networks.dense(labels, 2 * labels * w_dim, config, "float32", name="prior_network")
        self.built = True

    def call(self, y):
        """Y float32 [n, k] -> a distribution of batch shape [n], event shape [k w_dim]."""
        return diagonal_normal(self.network(y))
