"""Labels as networks read and predict them: the one place that knows of their kinds.

A label is one column of y: 0 or 1, the index of a class, or a standardised number; NaN where it is not
known. Networks read *features* of it (a binary and a real label as they are, a categorical one by one
column per class) and predict it by *outputs*, the parameters of a distribution of each label:

* binary: Bernoulli, one logit
* categorical: one logit per class
* real: normal, its mean and, with ``spread``, its scale; else the scale is 1

A label that is not known has its mean as features, which say nothing of it, and counts in no loss.
"""

import numpy as np
import tensorflow as tf

from tf_csvae.errors import InputError
from tf_csvae.models import replicas
from tf_csvae.models.balance import class_weights
from tf_csvae.models.distributions import tfd

# The least scale that a prediction of a standardised label may have. The most is 1, that of the label
# itself: who raises the entropy of such predictions cannot gain beyond those of one who knows nothing.
MIN_SPREAD = 0.05


class LabelSpace:
    """The labels of a model.

    Args:
        labels: tuple of ``Label``.
        spread: bool, predictions of a real label have a scale of their own.
        balance: float in [0, 1], how far rarer values of a label weigh more in ``losses``, see
            ``balance.class_weights``.

    Attributes:
        widths: tuple of int, columns that each label has among the features.
        width: int, columns of all.
        outputs: int, columns of the predictions.
    """

    def __init__(self, labels, spread=False, balance=0.0):
        self._labels = tuple(labels)
        self._blocks = []
        run = []
        for label, following in zip(self._labels, (*self._labels[1:], None), strict=True):
            run.append(label)
            # Neighbours of one kind are computed as one, but for classes, whose numbers differ.
            if following is None or following.kind != label.kind or label.kind == "categorical":
                self._blocks.append(_KINDS[label.kind](run, spread, balance))
                run = []
        self.widths = tuple(len(label.feature_names) for label in self._labels)
        self.width = sum(self.widths)
        self.outputs = sum(block.outputs for block in self._blocks)

    def _each(self, tensor, sizes):
        """Cuts a tensor [n, ...] into the parts of the blocks."""
        if len(sizes) == 1:
            return [tensor]
        return tf.split(tensor, sizes, axis=-1)

    def _by_label(self, y):
        return zip(self._blocks, self._each(y, [block.k for block in self._blocks]), strict=True)

    def _by_output(self, outputs):
        return self._each(outputs, [block.outputs for block in self._blocks])

    def features(self, y):
        """Returns what networks read of labels y, [n, k] -> [n, width]."""
        return _joined([block.features(part) for block, part in self._by_label(y)])

    def values(self, features):
        """Returns y of features that may be soft: probabilities of binary labels, the likeliest class.

        [n, width] -> [n, k].
        """
        parts = self._each(features, [block.width for block in self._blocks])
        return _joined([block.values(part) for block, part in zip(self._blocks, parts, strict=True)])

    def decided(self, features):
        """As ``values``, with binary labels 0 or 1."""
        y = self.values(features)
        binary = tf.constant([[label.kind == "binary" for label in self._labels]])
        return tf.where(binary, tf.cast(y > 0.5, y.dtype), y)

    def means(self, outputs):
        """Returns the features that predictions expect, [n, outputs] -> [n, width]."""
        parts = self._by_output(outputs)
        return _joined([block.means(part) for block, part in zip(self._blocks, parts, strict=True)])

    def losses(self, y, outputs):
        """Returns -log q(y_i|.) of each label in nats, weighted, 0 where it is not known; [n, k]."""
        losses = self.feature_losses(self.features(y), outputs)
        return tf.where(tf.math.is_nan(y), tf.zeros_like(losses), losses)

    def feature_losses(self, features, outputs):
        """As ``losses`` of features [n, width], which may be soft: the expected loss, [n, k]."""
        parts = self._each(features, [block.width for block in self._blocks])
        parts = zip(self._blocks, parts, self._by_output(outputs), strict=True)
        return _joined([block.losses(part, predicted) for block, part, predicted in parts])

    def summed(self, features):
        """Returns the sums over the columns of each label, [n, width] -> [n, k]."""
        return features @ tf.constant(np.repeat(np.eye(len(self.widths)), self.widths, 0), features.dtype)

    def entropy(self, outputs):
        """Returns the entropy of the predictions, summed over the labels, in nats, [n]."""
        parts = self._by_output(outputs)
        each = [block.entropy(part) for block, part in zip(self._blocks, parts, strict=True)]
        return tf.reduce_sum(_joined(each), -1)

    def distribution(self, outputs):
        """Returns the predictions as a distribution of batch shape [n], event shape [width]."""
        parts = self._by_output(outputs)
        each = [block.distribution(part) for block, part in zip(self._blocks, parts, strict=True)]
        return each[0] if len(each) == 1 else tfd.Blockwise(each)

    def bias(self):
        """Returns the outputs, float [outputs], of one who has seen no x, by the weighted losses."""
        return np.concatenate([block.bias() for block in self._blocks])

    def groups(self, y):
        """Returns the groups that labels divide examples into, which a code should not tell apart.

        Of a binary label those with the value 1 and without; of a categorical one each class and the
        rest; of a real one each third of the batch and the rest. Who is not known is in none.

        Returns:
            members, others: float32 [n, g]; share: float [g], by which to weigh the groups: 1/2 where
            there are several of a label, so that two classes weigh what a binary label does.
        """
        members, others, shares = zip(*[block.groups(part) for block, part in self._by_label(y)], strict=True)
        return _joined(members), _joined(others), np.concatenate(shares)

    def exchanged(self, y, seed):
        """Returns another value for each label, [n, k]: the other one, another class, a new number."""
        return self._random("exchanged", y, seed)

    def filled(self, y, seed):
        """Returns y, with those that are not known drawn by their frequencies, [n, k]."""
        return self._random("filled", y, seed)

    def _random(self, what, y, seed):
        seeds = tf.unstack(tf.random.experimental.stateless_split(seed, len(self._blocks)))
        pairs = zip(self._by_label(y), seeds, strict=True)
        return _joined([getattr(block, what)(part, one) for (block, part), one in pairs])

    def check(self, y, where):
        """Raises ``InputError`` that names ``where`` unless y, float32 [n, k], holds values of the labels."""
        for label, column in zip(self._labels, np.asarray(y).T, strict=True):
            known = column[~np.isnan(column)]
            if label.kind == "binary" and not np.all((known >= 0) & (known <= 1)):
                raise InputError(f"{where}: labels must lie between 0 and 1. Received: {known[:10]}.")
            last = len(label.classes) - 1
            if label.kind == "categorical" and not np.all(np.isin(known, np.arange(last + 1))):
                raise InputError(
                    f"{where}: label {label.name} must be the index of a class, 0 to {last}. Received: {known[:10]}."
                )
            if not np.all(np.isfinite(known)):
                raise InputError(f"{where}: label {label.name} must be finite. Received: {known[:10]}.")


def spread(labels, widths):
    """Spreads a tensor [n, k], a column per label, to the columns [n, sum of widths] that labels own."""
    return tf.gather(labels, np.repeat(np.arange(len(widths)), widths), axis=1)


def _joined(parts):
    return parts[0] if len(parts) == 1 else tf.concat(parts, -1)


def _drawn(y, draw):
    """Draws for y, [n, m], by the rows that it has in the global batch; ``draw`` is of a shape."""
    return replicas.rows(lambda n: draw((n, y.shape[1])), tf.shape(y)[0])


class _Binary:
    """Neighbouring binary labels."""

    def __init__(self, labels, spread, balance):
        self.k = self.width = self.outputs = len(labels)
        self._p = np.float32([label.frequency for label in labels])
        self._weights = class_weights([label.frequency for label in labels], balance)

    def features(self, y):
        return tf.where(tf.math.is_nan(y), tf.cast(self._p, y.dtype), y)

    def values(self, features):
        return features

    def means(self, outputs):
        return tf.sigmoid(outputs)

    def losses(self, features, outputs):
        absent, present = tf.unstack(tf.cast(self._weights, outputs.dtype))
        of_absent = absent * (1 - features) * tf.nn.softplus(outputs)
        return of_absent + present * features * tf.nn.softplus(-outputs)

    def entropy(self, outputs):
        return tfd.Bernoulli(logits=outputs, dtype=outputs.dtype).entropy()

    def distribution(self, outputs):
        return tfd.Independent(tfd.Bernoulli(logits=outputs, dtype=outputs.dtype), 1)

    def bias(self):
        p = np.clip(self._p.astype(np.float64), 1e-3, 1 - 1e-3)
        return np.log(self._weights[1] * p / (self._weights[0] * (1 - p)))

    def groups(self, y):
        known = ~tf.math.is_nan(y)
        return tf.where(known, y, 0.0), tf.where(known, 1 - y, 0.0), np.ones(self.k, np.float32)

    def filled(self, y, seed):
        uniform = _drawn(y, lambda shape: tf.random.stateless_uniform(shape, seed))
        return tf.where(tf.math.is_nan(y), tf.cast(uniform < self._p, y.dtype), y)

    def exchanged(self, y, seed):
        return 1 - self.filled(y, seed)


class _Categorical:
    """One categorical label."""

    def __init__(self, labels, spread, balance):
        (label,) = labels
        self.k, self.width, self.outputs = 1, len(label.classes), len(label.classes)
        self._p = np.float32(label.frequencies)
        self._weights = class_weights(np.array([label.frequencies]).T, balance)[:, 0]

    def features(self, y):
        known = ~tf.math.is_nan(y)
        return tf.where(known, self._one_hot(tf.where(known, y, 0.0)), tf.cast(self._p, y.dtype))

    def _one_hot(self, y):
        return tf.one_hot(tf.cast(tf.round(y[:, 0]), tf.int32), self.width, dtype=y.dtype)

    def values(self, features):
        return tf.cast(tf.argmax(features, -1), features.dtype)[:, None]

    def means(self, outputs):
        return tf.nn.softmax(outputs)

    def losses(self, features, outputs):
        weighted = features * tf.cast(self._weights, outputs.dtype)
        return -tf.reduce_sum(weighted * tf.nn.log_softmax(outputs), -1, keepdims=True)

    def entropy(self, outputs):
        return self.distribution(outputs).entropy()[:, None]

    def distribution(self, outputs):
        return tfd.OneHotCategorical(logits=outputs, dtype=outputs.dtype)

    def bias(self):
        return np.log(self._weights * np.maximum(self._p, 1e-3))

    def groups(self, y):
        known = ~tf.math.is_nan(y)
        classes = self._one_hot(tf.where(known, y, 0.0))
        share = np.full(self.width, 0.5, np.float32)
        return tf.where(known, classes, 0.0), tf.where(known, 1 - classes, 0.0), share

    def filled(self, y, seed):
        logits = tf.math.log(tf.constant(self._p)[None] + 1e-12)
        drawn = _drawn(y, lambda shape: tf.random.stateless_categorical(logits, shape[0], seed)[0][:, None])
        return tf.where(tf.math.is_nan(y), tf.cast(drawn, y.dtype), y)

    def exchanged(self, y, seed):
        steps = _drawn(y, lambda shape: tf.random.stateless_uniform(shape, seed, 1, self.width, tf.int32))
        return tf.math.floormod(self.filled(y, seed) + tf.cast(steps, y.dtype), float(self.width))


class _Real:
    """Neighbouring real labels."""

    def __init__(self, labels, spread, balance):
        self.k = self.width = len(labels)
        self._spread = spread
        self.outputs = 2 * self.k if spread else self.k

    def features(self, y):
        return tf.where(tf.math.is_nan(y), tf.zeros_like(y), y)

    def values(self, features):
        return features

    def means(self, outputs):
        return outputs[:, : self.k]

    def _normal(self, outputs):
        if not self._spread:
            return tfd.Normal(outputs, 1.0)
        mean, raw = tf.split(outputs, 2, axis=-1)
        # A fresh network starts near the label's own scale.
        return tfd.Normal(mean, MIN_SPREAD + (1 - MIN_SPREAD) * tf.sigmoid(raw + 1.0))

    def losses(self, features, outputs):
        return -self._normal(outputs).log_prob(features)

    def entropy(self, outputs):
        return self._normal(outputs).entropy()

    def distribution(self, outputs):
        return tfd.Independent(self._normal(outputs), 1)

    def bias(self):
        return np.zeros(self.outputs)

    def groups(self, y):
        known = ~tf.math.is_nan(y)
        safe = tf.where(known, y, np.inf)
        below = tf.reduce_sum(tf.cast(safe[None] < safe[:, None], y.dtype), 1)
        third = tf.floor(3 * below / tf.maximum(tf.reduce_sum(tf.cast(known, y.dtype), 0), 1.0))
        members = [tf.cast(known & tf.equal(third, float(which)), y.dtype) for which in range(3)]
        others = [tf.cast(known, y.dtype) - part for part in members]
        return tf.concat(members, -1), tf.concat(others, -1), np.full(3 * self.k, 0.5, np.float32)

    def filled(self, y, seed):
        return tf.where(tf.math.is_nan(y), self.exchanged(y, seed), y)

    def exchanged(self, y, seed):
        return _drawn(y, lambda shape: tf.random.stateless_normal(shape, seed, dtype=y.dtype))


_KINDS = {"binary": _Binary, "categorical": _Categorical, "real": _Real}
