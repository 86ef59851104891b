"""Labels as networks read and predict them: the one place with code per kind of label.

A label is one column of y: 0 or 1, the index of a class, or a standardised number; NaN if unknown.
Networks read *features*: a binary or real label as it is, a categorical label as one column per
class. Networks predict *outputs*, the parameters of a distribution of each label:

* binary: Bernoulli, one logit
* categorical: one logit per class
* real: normal, its mean and, with ``spread``, its scale; otherwise the scale is 1

The features of an unknown label are its mean. An unknown label counts in no loss.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tf_csvae.errors import InputError
from tf_csvae.labels import Label
from tf_csvae.networks import replicas
from tf_csvae.networks.balance import class_weights
from tf_csvae.networks.distributions import tfd

# Least scale of the prediction of a standardised label. The largest is 1, the scale of the label
# itself: beyond it, a larger entropy of the prediction would be no loss of information.
MIN_SPREAD = 0.05


class LabelSpace:
    """The k labels of a model.

    With ``spread``, predictions of a real label have a scale of their own. ``balance`` is that of
    ``class_weights``, for ``losses``.

    Attributes:
        widths: columns of each label among the features.
        width: columns of all features.
        outputs: columns of all predictions.
    """

    def __init__(self, labels: Sequence[Label], spread: bool = False, balance: float = 0.0) -> None:
        self._labels = tuple(labels)
        self._blocks, run = [], []
        for label, following in zip(self._labels, (*self._labels[1:], None), strict=True):
            run.append(label)
            # Neighbours of one kind are one block; a categorical label is a block of its own.
            if following is None or following.kind != label.kind or label.kind == "categorical":
                self._blocks.append(_KINDS[label.kind](run, spread, balance))
                run = []
        self.widths = tuple(len(label.feature_names) for label in self._labels)
        self.width = sum(self.widths)
        self.outputs = sum(block.outputs for block in self._blocks)

    def _parts(self, tensor, columns: str) -> zip:
        """Cuts a tensor by the blocks' numbers of columns: their "k", "width" or "outputs"."""
        sizes = [getattr(block, columns) for block in self._blocks]
        parts = [tensor] if len(sizes) == 1 else tf.split(tensor, sizes, axis=-1)
        return zip(self._blocks, parts, strict=True)

    def features(self, y: tf.Tensor) -> tf.Tensor:
        """Returns the features of labels y, [n, k] -> [n, width]."""
        return _joined([block.features(part) for block, part in self._parts(y, "k")])

    def values(self, features: tf.Tensor) -> tf.Tensor:
        """Returns y of features that may be soft, [n, width] -> [n, k].

        A binary label keeps its probability; a categorical label has its likeliest class.
        """
        return _joined([block.values(part) for block, part in self._parts(features, "width")])

    def decided(self, features: tf.Tensor) -> tf.Tensor:
        """Returns ``values`` with binary labels 0 or 1."""
        y = self.values(features)
        binary = tf.constant([[label.kind == "binary" for label in self._labels]])
        return tf.where(binary, tf.cast(y > 0.5, y.dtype), y)

    def means(self, outputs: tf.Tensor) -> tf.Tensor:
        """Returns the expected features of predictions, [n, outputs] -> [n, width]."""
        return _joined([block.means(part) for block, part in self._parts(outputs, "outputs")])

    def losses(self, y: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Returns -log q(y_i|.) of each label in nats, weighted, 0 if unknown; [n, k]."""
        losses = self.feature_losses(self.features(y), outputs)
        return tf.where(tf.math.is_nan(y), tf.zeros_like(losses), losses)

    def feature_losses(self, features: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Returns the expected ``losses`` of features [n, width] that may be soft, [n, k]."""
        pairs = zip(self._parts(features, "width"), self._parts(outputs, "outputs"), strict=True)
        return _joined([block.losses(part, given) for (block, part), (_, given) in pairs])

    def summed(self, features: tf.Tensor) -> tf.Tensor:
        """Returns the sums over the columns of each label, [n, width] -> [n, k]."""
        columns = np.repeat(np.eye(len(self.widths)), self.widths, 0)
        return features @ tf.constant(columns, features.dtype)

    def entropy(self, outputs: tf.Tensor) -> tf.Tensor:
        """Returns the entropy of the predictions in nats, summed over the labels, [n]."""
        each = [block.entropy(part) for block, part in self._parts(outputs, "outputs")]
        return tf.reduce_sum(_joined(each), -1)

    def distribution(self, outputs: tf.Tensor) -> tfd.Distribution:
        """Returns the predictions as a distribution of batch shape [n], event shape [width]."""
        each = [block.distribution(part) for block, part in self._parts(outputs, "outputs")]
        return each[0] if len(each) == 1 else tfd.Blockwise(each)

    def bias(self) -> np.ndarray:
        """Returns the best outputs without x under the weighted losses, float [outputs]."""
        return np.concatenate([block.bias() for block in self._blocks])

    def groups(self, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, np.ndarray]:
        """Returns the groups of examples that a code should not tell apart.

        They are: for a binary label its two values; for a categorical label each class and the
        rest; for a real label each third of the batch and the rest. An example whose label is
        unknown is in no group.

        Returns:
            members, others: float [n, g]; share: float [g], the weights of the groups: 1/2 if a
            label has several, so that two classes weigh what a binary label does.
        """
        found = [block.groups(part) for block, part in self._parts(y, "k")]
        members, others, shares = zip(*found, strict=True)
        return _joined(members), _joined(others), np.concatenate(shares)

    def memberships(self, y: tf.Tensor) -> list[tf.Tensor]:
        """Returns for each label with classes which of them an example has, float [n, classes].

        A binary label has two. The row of an example whose label is unknown is 0.
        """
        found = [block.memberships(part) for block, part in self._parts(y, "k")]
        return [each for of_block in found for each in of_block]

    def exchanged(self, y: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Returns another value for each label, [n, k]: the other, another class, a new number."""
        return self._random("exchanged", y, seed)

    def filled(self, y: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Returns y, [n, k], with unknown labels drawn by their frequencies."""
        return self._random("filled", y, seed)

    def _random(self, what, y, seed) -> tf.Tensor:
        seeds = tf.unstack(tf.random.experimental.stateless_split(seed, len(self._blocks)))
        pairs = zip(self._parts(y, "k"), seeds, strict=True)
        return _joined([getattr(block, what)(part, one) for (block, part), one in pairs])

    def check(self, y: np.ndarray, where: str) -> None:
        """Raises ``InputError`` that names ``where`` unless y, float [n, k], holds label values."""
        for label, column in zip(self._labels, np.asarray(y).T, strict=True):
            known = column[~np.isnan(column)]
            shown = f"Received: {known[:10]}."
            if label.kind == "binary" and not np.all((known >= 0) & (known <= 1)):
                raise InputError(f"{where}: label {label.name} must lie between 0 and 1. {shown}")
            last = len(label.classes) - 1
            if label.kind == "categorical" and not np.isin(known, np.arange(last + 1)).all():
                raise InputError(
                    f"{where}: label {label.name} must be the index of a class, 0 to {last}. {shown}"
                )
            if not np.all(np.isfinite(known)):
                raise InputError(f"{where}: label {label.name} must be finite. {shown}")
            low, high = label.plausible
            if not np.all((known >= low) & (known <= high)):
                raise InputError(
                    f"{where}: label {label.name} is standardised, and lies between {label.low:.3g} and "
                    f"{label.high:.3g} in training. Give (value - mean) / scale: (value - "
                    f"{label.mean:g}) / {label.scale:g}. {shown}"
                )


def spread(labels: tf.Tensor, widths: Sequence[int]) -> tf.Tensor:
    """Repeats each column of [n, k] as often as its label has columns: [n, sum of widths]."""
    return tf.gather(labels, np.repeat(np.arange(len(widths)), widths), axis=1)


def _joined(parts) -> tf.Tensor:
    return parts[0] if len(parts) == 1 else tf.concat(parts, -1)


def _drawn(y, draw) -> tf.Tensor:
    """Draws noise of the shape of y, [n, m], by the rows of the global batch."""
    return replicas.rows(lambda n: draw((n, y.shape[1])), tf.shape(y)[0])


class _Binary:
    """Neighbouring binary labels."""

    def __init__(self, labels, spread, balance) -> None:
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
        others, members = tf.unstack(tf.stack(self.memberships(y), 1), axis=-1)
        return members, others, np.ones(self.k, np.float32)

    def memberships(self, y):
        known = ~tf.math.is_nan(y)
        both = tf.where(known, 1 - y, 0.0), tf.where(known, y, 0.0)
        return tf.unstack(tf.stack(both, -1), axis=1)

    def filled(self, y, seed):
        uniform = _drawn(y, lambda shape: tf.random.stateless_uniform(shape, seed))
        return tf.where(tf.math.is_nan(y), tf.cast(uniform < self._p, y.dtype), y)

    def exchanged(self, y, seed):
        return 1 - self.filled(y, seed)


class _Categorical:
    """One categorical label."""

    def __init__(self, labels, spread, balance) -> None:
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
        (members,) = self.memberships(y)
        share = np.full(self.width, 0.5, np.float32)
        return members, tf.where(tf.math.is_nan(y), 0.0, 1 - members), share

    def memberships(self, y):
        known = ~tf.math.is_nan(y)
        return [tf.where(known, self._one_hot(tf.where(known, y, 0.0)), 0.0)]

    def filled(self, y, seed):
        logits = tf.math.log(tf.constant(self._p)[None] + 1e-12)
        drawn = _drawn(y, lambda shape: tf.random.stateless_categorical(logits, shape[0], seed)[0][:, None])
        return tf.where(tf.math.is_nan(y), tf.cast(drawn, y.dtype), y)

    def exchanged(self, y, seed):
        steps = _drawn(y, lambda shape: tf.random.stateless_uniform(shape, seed, 1, self.width, tf.int32))
        return tf.math.floormod(self.filled(y, seed) + tf.cast(steps, y.dtype), float(self.width))


class _Real:
    """Neighbouring real labels."""

    def __init__(self, labels, spread, balance) -> None:
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
        # A new network starts near the scale of the label.
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

    def memberships(self, y):
        return []

    def filled(self, y, seed):
        return tf.where(tf.math.is_nan(y), self.exchanged(y, seed), y)

    def exchanged(self, y, seed):
        return replicas.normal(y, seed)


_KINDS = {"binary": _Binary, "categorical": _Categorical, "real": _Real}
