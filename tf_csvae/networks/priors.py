"""Priors p(w|y) of the label subspaces: the gamma of the CSVAE paper."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from tf_csvae.configs import NetworkConfig
from tf_csvae.labels import Label
from tf_csvae.networks import trunks
from tf_csvae.networks.distributions import MIN_SCALE, Dtype, diagonal_normal, outer_dtype, tfd
from tf_csvae.networks.label_space import LabelSpace

# Units of the hidden layer that bends the learned prior of a real label away from a line.
HIDDEN = 16


class Prior(keras.layers.Layer):
    """p(w|y) of k labels, each with a subspace of ``w_dim`` dimensions."""

    def __init__(self, labels: Sequence[Label], w_dim: int, dtype: Dtype = None, **kwargs) -> None:
        super().__init__(dtype=outer_dtype(dtype), **kwargs)
        self.labels, self.w_dim = labels, w_dim

    def kl(self, q: tfd.Distribution, y: tf.Tensor) -> tf.Tensor:
        """Returns KL(q(w|x, y) || p(w|y)) in nats, [n]; y is float [n, k], NaN where unknown."""
        return tfd.kl_divergence(q, self(y))

    def in_units(self, w: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """Returns w, float [n, k w_dim], in standard deviations from the mean of p(w|y)."""
        prior = self(y)
        return (w - prior.mean()) / prior.stddev()

    def tied(self, w: tfd.Distribution, y: tf.Tensor, residual: bool, absent_style: bool) -> tfd.Distribution:
        """Ties q(w|x, y) to p(w|y).

        ``residual``: ``w`` is in units of the prior. Without ``absent_style`` a binary label that
        is 0 has the mean and the deviation of the prior, so no style.
        """
        prior, mean, deviation = self(y), w.mean(), w.stddev()
        if residual:
            mean, deviation = prior.mean() + prior.stddev() * mean, prior.stddev() * deviation
        if not absent_style:
            absent = [[label.kind == "binary" for label in self.labels]] & (y <= 0.5)  # not unknown
            absent = tf.repeat(absent, self.w_dim, axis=1)
            mean = tf.where(absent, prior.mean(), mean)
            deviation = tf.where(absent, prior.stddev(), deviation)
        return tfd.Independent(tfd.Normal(mean, deviation), 1)


class FactorizedPrior(Prior):
    """p(w|y) = prod_i p(w_i|y_i): each subspace has a diagonal normal that depends on its label.

    A binary label has a mean and a scale for each value. They start at ``-separation`` (value 0)
    and ``+separation`` (value 1) with scale 1; at value 0 the scale is ``absent_scale``. A
    categorical label has a mean and a scale for each class; ``class_means`` gives the means. The
    mean of a real label starts at ``separation`` times its value, with scale 1. ``learned`` trains
    all of them, and for a real label a small network beside the line.

    ``absent_scale`` is for a label that every training example has. If it is unknown in some rows,
    two such unequal scales would predict its value better than x does.
    """

    def __init__(
        self,
        labels: Sequence[Label],
        w_dim: int,
        separation: float = 1.0,
        learned: bool = True,
        absent_scale: float = 1.0,
        **kwargs,
    ) -> None:
        super().__init__(labels, w_dim, **kwargs)
        # Two rows per label: its parameters at 0 and at 1; a line passes through both.
        lines = [i for i, label in enumerate(labels) if label.kind != "categorical"]
        starts = [(0.0 if labels[i].kind == "real" else -separation, separation) for i in lines]
        narrow = [labels[i].kind == "binary" and not labels[i].missing for i in lines]
        scales = [(np.log(absent_scale) * of, 0.0) for of in narrow]
        starts, scales = (np.float32(table).reshape(-1, 2).T[:, :, None] for table in (starts, scales))
        tables = [("", lines, starts, scales)]
        for i, label in enumerate(labels):
            if label.kind == "categorical":
                means = class_means(len(label.classes), w_dim, separation)
                tables.append((f"_{i}", [i], means[:, None], 0 * means[:, None]))
        self._tables = []
        for name, columns, *starts in tables:
            if columns:
                starts = [np.broadcast_to(start, (len(start), len(columns), w_dim)) for start in starts]
                mean = self._table(f"mean{name}", starts[0], learned)
                log_scale = self._table(f"log_scale{name}", starts[1], learned)
                self._tables.append((columns, LabelSpace([labels[i] for i in columns]), mean, log_scale))
        *_, self.mean, self.log_scale = self._tables[0]
        reals = [i for i, label in enumerate(labels) if label.kind == "real" and learned]
        self.bends = {str(i): _bend(w_dim, self.variable_dtype, f"bend_{i}") for i in reals}
        self.built = True

    def _table(self, name, start, learned):
        def initializer(shape, dtype):
            return tf.cast(start, dtype)

        return self.add_weight(name=name, shape=start.shape, initializer=initializer, trainable=learned)

    def call(self, y: tf.Tensor) -> tfd.Distribution:
        """Returns p(w|y), batch shape [n], event shape [k w_dim], of y float [n, k].

        A value between 0 and 1 gives parameters between those of the two values. An unknown label
        has the parameters of its mean.
        """
        found = {}
        for table in self._tables:
            own = y if len(table[0]) == y.shape[-1] else tf.gather(y, table[0], axis=1)
            found |= self._parameters(table, own)
        each = [found[i] for i in range(len(self.labels))]
        mean, log_scale = (tf.concat(parts, -1) for parts in zip(*each, strict=True))
        return tfd.Independent(_normal(mean, log_scale), 1)

    def _parameters(self, table, y):
        """Returns {label: (means, log scales)}, [n, w_dim] each, of the labels of a table."""
        columns, space, *tables = table
        features = space.features(y)
        if self.labels[columns[0]].kind == "categorical":
            mean, log_scale = (tf.tensordot(features, values, 1) for values in tables)
        else:
            at = features[..., None]
            mean, log_scale = (values[0] + at * (values[1] - values[0]) for values in tables)
        found = {}
        for place, i in enumerate(columns):
            found[i] = mean[:, place], log_scale[:, place]
            if str(i) in self.bends:
                bends = tf.split(self.bends[str(i)](features[:, place : place + 1]), 2, axis=-1)
                found[i] = tuple(own + bend for own, bend in zip(found[i], bends, strict=True))
        return found

    def kl(self, q: tfd.Distribution, y: tf.Tensor) -> tf.Tensor:
        """Returns the KL as ``Prior`` does, and a bound of it for labels that are unknown.

        The prior of an unknown label is the mixture of p(w_i|v) over its values v, of
        probabilities pi_v. Its term is the bound -log sum_v pi_v exp(-KL(q(w_i|x) || p(w_i|v))) of
        the KL to the mixture (Hershey and Olsen 2007). So w_i moves to the value that fits best.
        """
        if not any(label.missing for label in self.labels):
            return super().kl(q, y)

        def by_label(normal):
            return tf.reshape(normal, (-1, len(self.labels), self.w_dim))

        each = tf.reduce_sum(by_label(tfd.kl_divergence(q.distribution, self(y).distribution)), -1)
        terms = []
        for table in self._tables:
            for place, i in enumerate(table[0]):
                if not self.labels[i].missing:
                    terms.append(each[:, i])
                    continue
                values, shares = self.labels[i].points
                at = tf.one_hot(place, len(table[0]), dtype=y.dtype) * tf.cast(values, y.dtype)[:, None]
                own = tfd.Normal(*(by_label(part)[:, None, i] for part in (q.mean(), q.stddev())))
                of_value = _normal(*self._parameters(table, at)[i])
                kl = tf.reduce_sum(tfd.kl_divergence(own, of_value), -1)
                log_shares = tf.cast(np.log(np.maximum(shares, 1e-12)), y.dtype)
                bound = -tf.reduce_logsumexp(log_shares - kl, -1)
                terms.append(tf.where(tf.math.is_nan(y[:, i]), bound, each[:, i]))
        return tf.add_n(terms)


def _normal(mean, log_scale):
    return tfd.Normal(mean, MIN_SCALE + tf.exp(log_scale))


def _bend(w_dim, dtype, name):
    """A network [n, 1] -> [n, 2 w_dim] that starts at zero."""
    return keras.Sequential(
        [
            keras.Input((1,), dtype=dtype),
            keras.layers.Dense(HIDDEN, activation="tanh", dtype=dtype),
            keras.layers.Dense(2 * w_dim, kernel_initializer="zeros", dtype=dtype),
        ],
        name=name,
    )


def class_means(classes: int, w_dim: int, separation: float = 1.0) -> np.ndarray:
    """Spreads the means of classes; no two are nearer than the two means of a binary label.

    They lie on a line, on a circle, or in more dimensions on further harmonics of it, up to a
    regular simplex. Two classes lie at ``-separation`` and ``+separation`` in every dimension.
    Returns float32 [classes, w_dim]; ``classes`` is more than 1.
    """
    place = np.arange(classes)
    if w_dim == 1:
        waves = [2.0 * place - (classes - 1)]
    else:
        angles = [2 * np.pi * place * turns / classes for turns in range(1, classes // 2 + 1)]
        waves = [part for angle in angles for part in (-np.cos(angle), np.sin(angle))][: classes - 1]
    points = np.stack([waves[column % len(waves)] for column in range(w_dim)], 1)
    apart = np.linalg.norm(points[:, None] - points, axis=-1)[np.triu_indices(classes, 1)].min()
    return np.float32(points * 2 * separation * np.sqrt(w_dim) / apart)


class JointPrior(Prior):
    """p(w|y) by one network from all labels to w, as in the student report.

    The subspaces are then not tied to single labels; w has k ``w_dim`` dimensions. The network
    gets the mean of a label that is unknown.
    """

    def __init__(self, labels: Sequence[Label], w_dim: int, config: NetworkConfig, **kwargs) -> None:
        super().__init__(labels, w_dim, **kwargs)
        self._space = LabelSpace(labels)
        sizes = self._space.width, 2 * len(labels) * w_dim
        self.network = trunks.dense(*sizes, config, self.variable_dtype, name="prior_network")
        self.built = True

    def call(self, y: tf.Tensor) -> tfd.Distribution:
        """Returns p(w|y), batch shape [n], event shape [k w_dim], of y float [n, k]."""
        return diagonal_normal(self.network(self._space.features(y)))
