"""Label consistency: the guide sees the labels that a code was made for.

In each row of a batch one label is exchanged in the code. The guide must see the new value of that
label, and the other labels unchanged, in what is decoded.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from tf_csvae.configs import CondVAEConfig
from tf_csvae.labels import Label
from tf_csvae.networks import replicas
from tf_csvae.networks.distributions import (
    Dtype,
    Likelihood,
    outer_dtype,
    split_seed,
    standard_normal,
    tfd,
)
from tf_csvae.networks.label_space import LabelSpace, spread
from tf_csvae.networks.rows import RowLikelihood
from tf_csvae.objectives.style_consistency import donors
from tf_csvae.objectives.term import Step

# Weight of the exchanged label beside 1 for the others, which mostly are right already; the bounds
# of adaptive weights; and their rate: the logarithm of a weight moves by so much of the shortfall.
# By default no weight falls below its start: changes that just satisfy the guide are often too weak
# for people.
EXCHANGE_WEIGHT, MAX_WEIGHT, RATE = 5.0, 25.0, 0.02

# The least difference between real examples with and without a value that a guide is said to see.
LEAST_VISIBLE = 0.05

# Rate of the moving average of the guide's certainty about a value, times the value's frequency.
CERTAINTY_RATE = 0.1


@dataclasses.dataclass
class Exchange:
    """Codes with other labels than examples of the batch have.

    Attributes:
        x: float [n, *data_shape], the examples.
        y: float [n, k], their labels.
        z: float [n, z_dim].
        w: float [n, sum of label_widths].
        features: float [n, width], the features of the labels that are requested.
        changed: bool [n, k], True where a label was exchanged.
        new: bool [n, 1], True where the row is a new example, not an edit of x.
        seen: float [n, width], the labels' features as the guide sees them in x.
        image_seed: int [2], of the augmentation of what the guide gets.
        made: float [n, *data_shape], what was decoded; None: not yet.
        viewed: the same as the guide and the discriminator get it, augmented; None: not yet.
        real: float [n], the discriminator's logits of x; None: no discriminator.
        fake: float [n], the same of ``made``.
        moved: float [n], the distance of an edit to the example: the sum of the absolute changes of
            the mean of p(x|z, w), in its standard deviations; 0 for new examples and for those that
            follow a donor; None: not yet, or rows of a table.
        losses: float [n, k], -log h(y'_i|x') by the guide h, x' as ``viewed``; None: not yet.
        donor: float [n, *data_shape], the examples whose w_i the rows that follow one have; None:
            no style consistency.
        follows: float [n], 1 where a row gets the style of its donor; None: no style consistency.
        shown: float [], the mean probability that the guide gives to the requested values; None:
            not yet.
    """

    x: tf.Tensor
    y: tf.Tensor
    z: tf.Tensor
    w: tf.Tensor
    features: tf.Tensor
    changed: tf.Tensor
    new: tf.Tensor
    seen: tf.Tensor
    image_seed: tf.Tensor
    made: tf.Tensor | None = None
    viewed: tf.Tensor | None = None
    real: tf.Tensor | None = None
    fake: tf.Tensor | None = None
    moved: tf.Tensor | None = None
    losses: tf.Tensor | None = None
    donor: tf.Tensor | None = None
    follows: tf.Tensor | None = None
    shown: tf.Tensor | None = None


class ExchangeWeights(keras.layers.Layer):
    """The weight of the exchange to each value, which grows until the guide sees the new value.

    Some values are harder to show than others, such as make-up on a man's face. A weight that is
    large enough for them would take more than necessary from the other labels. So each value has a
    multiplier of its own, which grows while its constraint is violated and shrinks otherwise, as
    in GECO (Rezende and Viola 2018, arXiv:1810.00597). New examples have multipliers of their own.
    No constraint asks for more certainty than the guide has about real data.

    ``target``, in (0, 1], is the mean probability that the guide should give to a requested value,
    ``least`` the lower bound of weights. Real labels have no probability, and their weight stays at
    the start.
    """

    def __init__(
        self,
        space: LabelSpace,
        labels: Sequence[Label],
        target: float,
        least: float = EXCHANGE_WEIGHT,
        dtype: Dtype = None,
        **kwargs,
    ) -> None:
        super().__init__(dtype=outer_dtype(dtype), **kwargs)
        self._space, self._target, self._least = space, target, least
        # Where weights may fall below the start, no more is asked than real examples show. What is
        # still not seen then cannot be, as of two labels that are one. More weight would only harm.
        self._most = EXCHANGE_WEIGHT if least < EXCHANGE_WEIGHT else MAX_WEIGHT
        self._adapts = np.float32([label.kind != "real" for label in labels])
        # The probability of a class is that of its column; that of a binary 0 is 1 minus it.
        self._zero_counts = np.float32([each.kind == "binary" for each in labels for _ in each.feature_names])
        # Of each column's 0 and 1: the weights of edits and of new examples, and the mean
        # probability that the guide gives to it in data that have it.
        columns = (2, space.width)
        self.log_weights = self._state("log_weights", (2, *columns), math.log(EXCHANGE_WEIGHT))
        self.certainty = self._state("certainty", columns, 1.0)
        self.built = True

    def _state(self, name, shape, value) -> keras.Variable:
        start = keras.initializers.Constant(value)
        return self.add_weight(name=name, shape=shape, initializer=start, trainable=False)

    def _of(self, requested: tf.Tensor) -> tf.Tensor:
        """Returns the share of each column's 0 and 1 in requested values, [n, 2, width]."""
        return tf.stack([(1 - requested) * self._zero_counts, requested], 1)

    def call(self, losses: tf.Tensor, exchange: Exchange, training: bool = False) -> tf.Tensor:
        """Returns the weights, as the guide's losses float [n, k], and in training adapts them."""
        values = self._of(exchange.features)
        edited, made = tf.unstack(tf.exp(self.log_weights))
        weights = tf.where(exchange.new[:, None], made, edited)
        weights = self._space.summed(tf.reduce_sum(values * weights, 1))
        weights = tf.where(self._adapts > 0, weights, EXCHANGE_WEIGHT)
        if training:
            certainty = self._space.summed(tf.reduce_sum(values * self.certainty, 1))
            # In units of what the guide sees between real examples with and without the value: of a
            # vague label a small difference counts.
            visible = tf.maximum(tf.reduce_sum(self.certainty, 0) - 1, LEAST_VISIBLE)
            visible = self._space.summed(tf.reduce_sum(values * visible, 1))
            missing = tf.minimum(certainty, self._target) - tf.exp(-losses)
            missing = tf.math.divide_no_nan(missing, visible)
            missing, changed = (
                spread(part, self._space.widths)[:, None]
                for part in (missing * self._adapts, tf.cast(exchange.changed, losses.dtype))
            )
            kinds = tf.cast(tf.stack([~exchange.new, exchange.new])[..., None], values.dtype)
            asked = values * changed * kinds
            count = replicas.mean(tf.reduce_sum(asked, 1))
            # The mean of the rows that ask for a value, so that a rare one is not slower.
            short = replicas.mean(tf.reduce_sum(asked * missing, 1)) / tf.maximum(count, 1e-6)
            moved = self.log_weights + RATE * short
            least, most = math.log(self._least), math.log(self._most)
            self.log_weights.assign(tf.clip_by_value(moved, least, most))
        return weights

    def follow(self, y: tf.Tensor, seen: tf.Tensor) -> None:
        """Updates the guide's certainty about data of labels y by the features that it has seen."""
        features = self._space.features(y)
        known = tf.cast(spread(~tf.math.is_nan(y), self._space.widths), seen.dtype)
        has = known * tf.stack([1 - features, features])
        error = has * (tf.stack([1 - seen, seen]) - self.certainty[:, None])
        self.certainty.assign_add(CERTAINTY_RATE * replicas.mean(tf.reduce_mean(error, 1)))


def adaptive_weights(
    config: CondVAEConfig, space: LabelSpace, labels: Sequence[Label], dtype: Dtype = None
) -> ExchangeWeights | None:
    """Returns the exchange weights that a config asks for; None: constant, or no consistency."""
    if not (config.consistency_weight and config.exchange_target):
        return None
    return ExchangeWeights(
        space, labels, config.exchange_target, config.exchange_least, dtype, name="exchange_weights"
    )


def exchange_one(space: LabelSpace, y: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Exchanges one random label of each row of y, [n, k], by an int [2] seed.

    Returns the new labels, float [n, k], and where they were exchanged, bool [n, k].
    """
    k = y.shape[-1]
    chosen = replicas.rows(lambda n: tf.random.stateless_uniform((n,), seed, 0, k, tf.int32), tf.shape(y)[0])
    changed = tf.one_hot(chosen, k) > 0
    return tf.where(changed, space.exchanged(y, seed), y), changed


def request(
    space: LabelSpace,
    guide: keras.Model,
    step: Step,
    label_code: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    label_slots: Callable[[tf.Tensor], tf.Tensor],
    every: int = 1,
    styles: Sequence[bool] = (),
) -> Exchange:
    """Makes codes that request other labels than every so many-th example of the batch has.

    Even ones are edits: z and the other labels' part of w stay, w_i comes from p(w_i|y'_i). Odd
    ones are new: z from p(z), w from p(w|y'), unknown labels drawn. A label that was not exchanged
    in an edit is to look as the guide sees it in x, since given labels may be doubtful.
    ``label_code`` and ``label_slots`` are those of the ``GenerativeModel``. ``styles`` is that of
    ``style_consistency.donors``, from which some rows then get w_i; empty: no donors.
    """
    code_seed, image_seed = tf.unstack(split_seed(step.seed, 2))
    which, z_seed, w_seed = tf.unstack(split_seed(code_seed, 3))
    x, own_y, z, own_w = (part[::every] for part in (step.x, step.y, step.z, step.w))
    seen = space.means(guide.head(step.stages[-1]))
    y, changed = exchange_one(space, own_y, which)
    n = tf.shape(y)[0]
    new = ((replicas.first_row(n) + tf.range(n)) % 2 == 1)[:, None]
    y = tf.where(new, space.filled(y, w_seed), y)
    z_new = replicas.rows(lambda n: standard_normal(z.shape[-1], z.dtype).sample(n, seed=z_seed), n)
    slots, other_w, donor, follows = label_slots(changed), label_code(y, w_seed), None, None
    if styles:
        # Not the seed of the label's choice, whose bits would choose the donor, too.
        drawn = split_seed(which, 1)[0]
        donor, donor_w, found, follows = donors(step, y, changed, styles, drawn)
        other_w = tf.where(found[:, None] & slots, donor_w, other_w)
    w = tf.where(new | slots, other_w, own_w)
    features = tf.where(spread(new | changed, space.widths), space.features(y), seen)
    given = x, own_y, tf.where(new, z_new, z), w, features, changed, new, seen, image_seed
    return Exchange(*given, donor=donor, follows=follows)


def show(
    space: LabelSpace,
    exchange: Exchange,
    guide: keras.Model,
    own: tfd.Distribution,
    other: tfd.Distribution,
    likelihood: Likelihood | RowLikelihood,
    counterfactual: bool,
) -> None:
    """Draws ``exchange.made``, and what the guide gets of it, from ``other``, p(x|z, w).

    ``own`` is that of the examples. With ``counterfactual``, edits are the change between the two
    decoded examples, applied to x.
    """
    x, noise = exchange.x, None
    new = tf.reshape(exchange.new, [-1] + [1] * (len(x.shape) - 1))
    if likelihood.noise:
        noise = replicas.uniform(x, likelihood.noise, split_seed(exchange.image_seed, 1)[0])
    exchange.made = likelihood.draw(other, noise, soft=True)
    if not isinstance(likelihood, RowLikelihood):
        # The reconstruction is not to come nearer to the edit: it would be worse.
        mean, deviation = (tf.stop_gradient(each) for each in (own.mean(), own.stddev()))
        moved = tf.where(new, mean, other.mean()) - mean
        exchange.moved = tf.reduce_sum(tf.abs(moved) / deviation, range(1, len(x.shape)))
        if exchange.follows is not None:
            exchange.moved *= 1 - exchange.follows
    if counterfactual:
        kept = likelihood.edited(x, own, other, soft=True)
        exchange.made = tf.where(new, exchange.made, kept)
    # Augmented as the guide's training images were, so that fine noise cannot mislead it.
    exchange.viewed = guide.augment(exchange.made, exchange.image_seed)
    exchange.losses = space.feature_losses(exchange.features, guide(exchange.viewed))


def tell_apart(space: LabelSpace, guide: keras.Model, discriminator: keras.Model, step: Step) -> None:
    """Sets the discriminator's logits of ``step.exchange``, of examples and of what was decoded.

    It gets both as the guide does, blurred, or it would tell them apart by their sharpness alone.
    """
    exchange = step.exchange
    own = space.features(exchange.y)
    asked = exchange.new | spread(exchange.changed, space.widths)
    labels = tf.concat([own, tf.where(asked, exchange.features, own)], 0)
    x = tf.concat([guide.augment(exchange.x, exchange.image_seed), exchange.viewed], 0)
    logits = discriminator([x, labels], training=step.training)[:, 0]
    exchange.real, exchange.fake = tf.split(logits, 2)


def label_consistency(weights: ExchangeWeights | None, step: Step) -> tf.Tensor:
    """Returns E[-sum_i v_i log h(y'_i|x')] in nats per example, float [].

    h is the guide, x' what was decoded for the labels y', and v_i the exchange weight of the label
    that was exchanged and 1 for the others. ``weights`` None is ``EXCHANGE_WEIGHT`` for all.
    """
    exchange = step.exchange
    losses = exchange.losses
    at = tf.cast(exchange.changed, losses.dtype)
    exchange.shown = tf.math.divide_no_nan(tf.reduce_sum(at * tf.exp(-losses)), tf.reduce_sum(at))
    weight = EXCHANGE_WEIGHT
    if weights is not None:
        # By keyword: Keras allows nothing but tensors by position.
        weight = weights(tf.stop_gradient(losses), exchange=exchange, training=step.training)
        if step.training:
            weights.follow(exchange.y, exchange.seen)
    # A label that was not exchanged mostly is right already.
    each = tf.cast(tf.where(exchange.changed, weight, tf.minimum(weight, 1.0)), losses.dtype)
    return tf.reduce_mean(tf.reduce_sum(each * losses, -1))
