"""p(x|code) of the rows of a table: a distribution for each type of feature.

A number is normal in its score, with a standard deviation of its own; one with a spike, such as the
gains of people who mostly have none, is at the spike with a probability, and otherwise normal
without the gap around the spike. A category has a softmax. A missing value counts nowhere. This is
the decoder of HI-VAE (Nazabal et al. 2020, arXiv:1807.03653, section 3.2), with scores
(``data.quantiles``) in place of its log-normal and Poisson distributions.
"""

from collections.abc import Sequence
from typing import Self

import keras
import numpy as np
import tensorflow as tf

from tf_csvae.features import Feature
from tf_csvae.networks import replicas
from tf_csvae.networks.distributions import Dtype, outer_dtype, tfd

# Least and largest standard deviation of a number: the scores of a column have 1, so with more a
# model would have given the column up. The share of a batch in their moving average.
MIN_SCALE, MAX_SCALE, MOMENTUM = 0.05, 1.0, 0.05

# Entries that are nearer to a spike than this are the spike, up to rounding.
NEAR = 1e-3

# Smaller probabilities count as this.
TINY = 1e-6


class FeatureSpace:
    """The places of features in x, float [n, d], and in a decoder's output.

    The output, float [n, outputs], has an entry for each of x, the mean of a number or the logits
    of a category; then a logit for each spike. The entries of fixed features count nowhere.

    Attributes:
        width: entries of x.
        outputs: entries of the output.
        fixed: int [m], the entries of x that are given to the decoder, and never made.
        noise: uniform numbers that a sample of a row takes.
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        starts = np.cumsum([0, *(each.width for each in features)])
        self.width = int(starts[-1])
        pairs = list(zip(features, starts.tolist(), strict=False))
        self.fixed = np.array([s + i for each, s in pairs if each.fixed for i in range(each.width)], np.int32)
        pairs = [pair for pair in pairs if not pair[0].fixed]
        numbers = [(each, start) for each, start in pairs if each.kind == "number"]
        self.numbers = np.array([start for _, start in numbers], np.int32)
        self.categories = [(start, each.width) for each, start in pairs if each.kind == "category"]
        order = [*self.numbers, *(s + i for s, width in self.categories for i in range(width)), *self.fixed]
        self._back = np.argsort(order)
        self.spiked = [place for place, (each, _) in enumerate(numbers) if each.spike is not None]
        self.outputs = self.width + len(self.spiked)
        self.noise = 2 * len(numbers) + len(self.categories)
        # Per number; of one without a spike no value is the spike, and none lies in the gap.
        self.has_spike = np.array([each.spike is not None for each, _ in numbers], bool)
        self.spikes = np.float32([each.spike or 0.0 for each, _ in numbers])
        gaps = np.float32([each.gap if each.spike is not None else (0, 0) for each, _ in numbers])
        self.low, self.high = gaps.reshape(-1, 2).T
        self.least, self.most = np.float32([each.range for each, _ in numbers]).reshape(-1, 2).T
        # Of pseudo-random numbers that depend on the row alone; odd, so that no bit is lost.
        random, columns = np.random.default_rng(0), len(numbers) + len(self.categories)
        self._entries, self._columns = (
            random.integers(0, 2**30, count).astype(np.int32) * 2 + 1 for count in (self.width, columns)
        )

    def split(self, x: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Returns the numbers, [n, numbers], and each category, [n, width], of x or an output."""
        return tf.gather(x, self.numbers, axis=1), [x[:, s : s + width] for s, width in self.categories]

    def given(self, x: tf.Tensor) -> tf.Tensor:
        """Returns the fixed features of x, [n, m]."""
        return tf.gather(x, self.fixed, axis=1)

    def join(self, numbers: tf.Tensor, categories: Sequence[tf.Tensor], fixed: tf.Tensor) -> tf.Tensor:
        """Returns x, [n, d], of what ``split`` and ``given`` return."""
        return tf.gather(tf.concat([numbers, *categories, fixed], 1), self._back, axis=1)

    def is_spike(self, numbers: tf.Tensor) -> tf.Tensor:
        """Returns which numbers are at their spike, bool [n, numbers]."""
        return (tf.abs(numbers - self.spikes) < NEAR) & self.has_spike

    def uniform(self, x: tf.Tensor) -> tf.Tensor:
        """Returns float [n, numbers + categories] in [0, 1), which depends on the row's x only.

        So an edit of a row is the same wherever the row stands, and needs no seed.
        """
        coarse = tf.cast(tf.round(4096 * tf.where(tf.math.is_nan(x), 9.0, tf.cast(x, tf.float32))), tf.int32)
        bits = tf.reduce_sum(coarse * self._entries, 1, keepdims=True) + self._columns
        for _ in range(2):  # the finalizer of MurmurHash3, with constants that fit int32
            bits = tf.bitwise.bitwise_xor(bits, tf.bitwise.right_shift(bits, 16)) * 73244475
        bits = tf.bitwise.bitwise_and(bits, 2**24 - 1)
        return tf.cast(bits, x.dtype) / 2**24


class Rows:
    """p(x|code) of n rows.

    Args:
        space: the features.
        mean: float [n, numbers], of numbers that are not at their spike.
        scale: float [numbers].
        spike_logits: float [n, numbers]; only those of numbers with a spike count.
        logits: of each category, float [n, width].
        fixed: float [n, m], the fixed features that the rows have.
    """

    def __init__(
        self,
        space: FeatureSpace,
        mean: tf.Tensor,
        scale: tf.Tensor,
        spike_logits: tf.Tensor,
        logits: Sequence[tf.Tensor],
        fixed: tf.Tensor,
    ) -> None:
        self.space, self.fixed = space, fixed
        self.normal = tfd.Normal(mean, scale)
        self.at_spike = tfd.Bernoulli(logits=spike_logits)
        self.categories = [tfd.OneHotCategorical(logits=each, dtype=each.dtype) for each in logits]

    def log_prob(self, x: tf.Tensor) -> tf.Tensor:
        """Returns log p(x|code) of the values that are not missing or fixed, float [n], in nats."""
        numbers, categories = self.space.split(x)
        known = ~tf.math.is_nan(numbers)
        plain = self.normal.log_prob(tf.where(known, numbers, self.normal.loc))
        _, gap = self._gap()
        plain -= tf.math.log(tf.maximum(1 - gap, TINY))
        spike = tf.cast(self.space.is_spike(numbers), plain.dtype)
        with_spike = self.at_spike.log_prob(spike) + (1 - spike) * plain
        nats = tf.where(self.space.has_spike, with_spike, plain)
        total = tf.reduce_sum(tf.where(known, nats, 0.0), 1)
        for category, own in zip(self.categories, categories, strict=True):
            # Zeros of a missing value, which no class has.
            total += tf.reduce_sum(
                tf.where(tf.math.is_nan(own), 0.0, own) * tf.math.log_softmax(category.logits), 1
            )
        return total

    def mean(self) -> tf.Tensor:
        """Returns the expectation of x, [n, d]: a category has its probabilities."""
        share = self._share_at_spike()
        numbers = share * self.space.spikes + (1 - share) * self._possible(self.normal.loc)
        return self.space.join(numbers, [each.mean() for each in self.categories], self.fixed)

    def mode(self) -> tf.Tensor:
        """Returns the likeliest x, [n, d], feature by feature."""
        numbers = tf.where(self._share_at_spike() > 0.5, self.space.spikes, self._possible(self.normal.loc))
        return self.space.join(numbers, [each.mode() for each in self.categories], self.fixed)

    def sample(self, noise: tf.Tensor, soft: bool = False) -> tf.Tensor:
        """Draws x, [n, d].

        Args:
            noise: uniform numbers in [0, 1), float [n, space.noise].
            soft: with gradients: those of a draw among values are those of its probabilities
                (straight-through estimator, Bengio et al. 2013, arXiv:1308.3432).
        """
        count = len(self.space.numbers)
        sizes, spikes, *classes = tf.split(noise, [count, count] + [1] * len(self.categories), axis=1)
        below, gap = self._gap()
        sizes *= 1 - gap
        sizes += tf.where(sizes < below, 0.0, gap)
        numbers = self._possible(self.normal.quantile(tf.clip_by_value(sizes, TINY, 1 - TINY)))
        share = self._share_at_spike()
        numbers = self._sized(_chosen(tf.cast(spikes < share, share.dtype), share, soft), numbers)
        made = []
        for category, own in zip(self.categories, classes, strict=True):
            shares = category.mean()
            made.append(_chosen(_drawn(shares, own[:, 0]), shares, soft))
        return self.space.join(numbers, made, self.fixed)

    def edited(self, x: tf.Tensor, other: Self, soft: bool = False) -> tf.Tensor:
        """Predicts x, float [n, d], under another code, with the noise inferred from x.

        A number moves as its mean does (abduction, action, prediction: Pearl 2009, ch. 7). A
        category keeps its value with the probability min(1, p'/p), and otherwise becomes one that
        gained probability. This is the coupling of both distributions with the fewest changes;
        what is drawn depends on the row alone. A missing value stays missing.

        Args:
            x: rows of which self is p(x|code).
            other: p(x|code') for the other code.
            soft: with gradients to both codes, as of ``sample``.
        """
        missing, uniform = tf.math.is_nan(x), self.space.uniform(x)
        # Not NaN, of which a gradient that is zero would be NaN.
        numbers, categories = self.space.split(tf.where(missing, tf.stop_gradient(self.mean()), x))
        size = numbers + (other.normal.loc - self.normal.loc)
        spike = self.space.is_spike(numbers)
        size = self._possible(tf.where(spike, other.normal.loc, size))
        own, new = self._share_at_spike(), other._share_at_spike()
        state = tf.stack([tf.cast(spike, x.dtype), tf.cast(~spike, x.dtype)], -1)
        share = _coupled(state, tf.stack([own, 1 - own], -1), tf.stack([new, 1 - new], -1))[..., 0]
        drawn = tf.cast(uniform[:, : len(self.space.numbers)] < share, x.dtype)
        moved = self._sized(_chosen(drawn, share, soft), size)
        made = []
        for place, (own, new, known) in enumerate(
            zip(self.categories, other.categories, categories, strict=True)
        ):
            shares = _coupled(known, own.mean(), new.mean())
            drawn = _drawn(shares, uniform[:, len(self.space.numbers) + place], known)
            made.append(_chosen(drawn, shares, soft))
        return tf.where(missing, x, self.space.join(moved, made, self.space.given(x)))

    def _sized(self, at_spike: tf.Tensor, sizes: tf.Tensor) -> tf.Tensor:
        """Returns numbers that are at their spike, a share that is 0 or 1, or have a size."""
        mixed = at_spike * self.space.spikes + (1 - at_spike) * sizes
        return tf.where(self.space.has_spike, mixed, sizes)

    def _gap(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the normal's probabilities below the gap around the spike, and in the gap."""
        below = self.normal.cdf(self.space.low)
        return below, self.normal.cdf(self.space.high) - below

    def _share_at_spike(self) -> tf.Tensor:
        return tf.where(self.space.has_spike, self.at_spike.mean(), 0.0)

    def _possible(self, numbers) -> tf.Tensor:
        """Moves impossible numbers, out of their range or in a gap, to the nearest possible one."""
        low, high = self.space.low, self.space.high
        numbers = tf.clip_by_value(numbers, self.space.least, self.space.most)
        nearer = tf.where(numbers - low < high - numbers, low, high)
        return tf.where((numbers > low) & (numbers < high), nearer, numbers)


def _coupled(known: tf.Tensor, own: tf.Tensor, new: tf.Tensor) -> tf.Tensor:
    """Returns the probabilities, [..., classes], of the value after ``own`` has become ``new``.

    ``known`` is one-hot, the value before.
    """
    before, after = (tf.reduce_sum(known * each, -1, keepdims=True) for each in (own, new))
    stays = tf.minimum(1.0, (after + TINY) / (before + TINY))
    gained = tf.nn.relu(new - own) + TINY * new
    return known * stays + (1 - stays) * gained / tf.reduce_sum(gained, -1, keepdims=True)


def _chosen(drawn: tf.Tensor, shares: tf.Tensor, soft: bool) -> tf.Tensor:
    """Returns draws, and if ``soft`` with the gradient of their probabilities."""
    return shares + tf.stop_gradient(drawn - shares) if soft else drawn


def _drawn(shares, uniform, known=0.0) -> tf.Tensor:
    """Draws one-hot values; a known one comes first, so that little change changes little."""
    known = tf.zeros_like(shares) + known
    kept = tf.reduce_sum(known * shares, -1)
    others = kept[:, None] + tf.cumsum(shares * (1 - known), 1)
    place = tf.reduce_sum(tf.cast(others <= uniform[:, None], tf.int32), 1)
    place = tf.minimum(place, shares.shape[1] - 1)
    drawn = tf.one_hot(place, shares.shape[1], dtype=shares.dtype)
    return tf.where((uniform < kept)[:, None], known, drawn)


def _scale(variance: tf.Tensor) -> tf.Tensor:
    return tf.sqrt(tf.clip_by_value(variance, MIN_SCALE**2, MAX_SCALE**2))


class RowLikelihood(keras.layers.Layer):
    """p(x|code) of rows around the output of a decoder; see ``FeatureSpace`` and ``Rows``.

    The standard deviation of a number is at the maximum-likelihood value for the batches so far, a
    moving average (sigma-VAE, Rybkin et al. 2021, arXiv:2006.13202). It has no gradient.
    """

    def __init__(self, features: Sequence[Feature], dtype: Dtype = None, **kwargs) -> None:
        super().__init__(dtype=outer_dtype(dtype), **kwargs)
        self.space = FeatureSpace(features)
        self.outputs = self.space.outputs
        self.variance = self.add_weight(
            name="variance", shape=(len(self.space.numbers),), initializer="ones", trainable=False
        )
        self.built = True

    @property
    def noise(self) -> int:
        """Uniform numbers that ``draw`` takes per row."""
        return self.space.noise

    def call(self, output: tf.Tensor, x: tf.Tensor | None = None, training: bool = False) -> Rows:
        """Returns p(x|code) of a decoder's output.

        x, [n, d], has the fixed features, if there are any. Training fits the scales to it.
        """
        space = self.space
        mean, logits = space.split(output)
        spike_logits = output[:, space.width :]
        place = np.zeros((len(space.spiked), len(space.numbers)), spike_logits.dtype.as_numpy_dtype)
        place[np.arange(len(space.spiked)), space.spiked] = 1
        variance = tf.convert_to_tensor(self.variance)
        if training:
            numbers, _ = space.split(x)
            counted = ~tf.math.is_nan(numbers) & ~space.is_spike(numbers)
            squares = tf.where(counted, tf.square(numbers - mean), 0.0)
            count = replicas.mean(tf.reduce_sum(tf.cast(counted, mean.dtype), 0))
            found = replicas.mean(tf.reduce_sum(squares, 0)) / tf.maximum(count, 1e-6)
            variance = tf.where(count > 0, variance + MOMENTUM * (found - variance), variance)
            variance = tf.stop_gradient(variance)
            self.variance.assign(variance)
        given = output[:, :0] if x is None else space.given(x)
        return Rows(space, mean, _scale(variance), tf.matmul(spike_logits, place), logits, given)

    @property
    def scale(self) -> tf.Tensor | None:
        """The mean standard deviation of the numbers, float []; None if there are none."""
        if not len(self.space.numbers):
            return None
        return tf.reduce_mean(_scale(tf.convert_to_tensor(self.variance)))

    # What a user gets of p(x|code); ``Likelihood`` has the same.

    def point(self, px: Rows) -> tf.Tensor:
        """Returns the likeliest rows."""
        return px.mode()

    def draw(self, px: Rows, noise: tf.Tensor, soft: bool = False) -> tf.Tensor:
        """Draws rows, distributed as the data; ``soft``: with gradients."""
        return px.sample(noise, soft)

    def edited(self, x: tf.Tensor, own: Rows, other: Rows, soft: bool = False) -> tf.Tensor:
        """Returns ``Rows.edited``."""
        return own.edited(x, other, soft)
