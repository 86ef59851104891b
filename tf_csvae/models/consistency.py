"""What a helper, a classifier of real data, looks at: label consistency, and a perceptual term."""

import math

import keras
import numpy as np
import tensorflow as tf

from tf_csvae.errors import InputError
from tf_csvae.models import replicas
from tf_csvae.models.classifier import Classifier
from tf_csvae.models.counterfactual import counterfactual
from tf_csvae.models.distributions import MIN_SCALE, outer_dtype, split_seed, standard_normal
from tf_csvae.models.label_space import spread
from tf_csvae.models.labelled import check_same

# How many times the exchanged label weighs one of the others, which mostly are right already; and, where that
# adapts, up to what, and how fast: so much of what is missing is added to its logarithm in each step. It does not
# fall below what it starts from: who looks at the result is harder to convince than the helper.
EMPHASIS, MOST_EMPHASIS, RATE = 5.0, 25.0, 0.02
# How fast the mean certainty of the helper about a value is followed, times the share of the data that have it.
SURE_RATE = 0.1


def take_helper(model, helper):
    """Gives a model a helper.

    The helper is a trained classifier that does not learn any more; the model keeps a copy. It reads
    labels that are not given, and looks at what the model makes in training. It must not
    be the judge that measures the model, nor one that learned from the same examples.

    Args:
        model: ``GenerativeModel``.
        helper: ``Classifier``, its configuration (of one whose weights are restored later), or None.

    Raises:
        InputError: a helper of other data or labels.
    """
    if helper is not None:
        trained = helper.get_weights() if isinstance(helper, Classifier) else None
        config = helper if trained is None else helper.get_config()
        # In the model's precision: it takes part in every step.
        helper = Classifier.from_config({**config, "name": "helper", "dtype": model.dtype_policy})
        check_same(helper, model.data_shape, model.labels, "The helper")
        if trained is not None:
            helper.set_weights(trained)
        helper.trainable = False
        model.helper = helper
    model.record(helper=None if helper is None else helper.get_config())


def weigh(model, **weights):
    """Configures the weights of terms that need a helper.

    Args:
        model: ``GenerativeModel``, which has its helper.
        **weights: float, 0 for none.

    Raises:
        InputError: a weight without a helper.
    """
    for name, value in weights.items():
        if value and model.helper is None:
            raise InputError(
                f"{name}={value} needs a helper, a trained classifier of the same data. Received: none."
            )
    model.configure(**weights)


class Emphasis(keras.layers.Layer):
    """How much the exchange of each label weighs: as much as it takes until the helper sees it.

    Some labels are harder to show than others against all that has to stay, such as make-up on a face that is to
    remain a man's. One weight for all is too little for those, and for the rest takes more from
    the labels that stay than it has to. So each has a multiplier of its own, which grows while its
    constraint is not met and shrinks while it is, as in GECO (Rezende and Viola 2018, arXiv:1810.00597); and another
    for new examples, in which it is often harder to show. No constraint asks for more than real data meet:
    of wavy hair the helper is not sure in photographs either.

    Args:
        space: ``LabelSpace`` of the labels.
        labels: tuple of ``Label``. Of real ones, which have no probability, it stays at ``EMPHASIS``.
        target: float in (0, 1), the probability that the helper is to give to the value asked for, in the mean;
            or what it gives to that value in real data which have it, where that is less.
    """

    def __init__(self, space, labels, target, dtype=None, **kwargs):
        super().__init__(dtype=outer_dtype(dtype), **kwargs)
        self._space, self._target = space, target
        self._adapts = np.float32([label.kind != "real" for label in labels])
        # Of a class the helper's probability is that of its own column; of a binary label's 0 the rest to 1.
        self._zero_counts = np.float32(
            [label.kind == "binary" for label in labels for _ in label.feature_names]
        )
        self.log_weights = self._state("log_weights", len(labels), math.log(EMPHASIS))
        # What the helper gives to each column's 0, and 1, in the mean of the real data that have it.
        self.sure = self._state("sure", space.width, 1.0)
        self.built = True

    def _state(self, name, width, value):
        initializer = keras.initializers.Constant(value)
        return self.add_weight(
            name=name, shape=(2, width), dtype=self.variable_dtype, initializer=initializer, trainable=False
        )

    def call(self, losses, asked, changed, new, training=False):
        """Returns the weights, float32 [n, k], and in training follows what the helper sees.

        Args:
            losses: float32 [n, k], the helper's cross entropies.
            asked: float32 [n, width], the labels' features that were asked for.
            changed: bool [n, k], True where a label was exchanged.
            new: bool [n, 1], True where the example is new.
            training: bool.
        """
        kept, made = tf.unstack(tf.exp(self.log_weights))
        weights = tf.where(new, made, kept)
        if training:
            absent, present = tf.unstack(self.sure)
            sure = self._space.summed(asked * present + (1 - asked) * self._zero_counts * absent)
            target = tf.minimum(sure, self._target)
            missing = tf.where(changed, target - tf.exp(-losses), 0.0)
            missing = tf.stack([tf.where(kind, missing, 0.0) for kind in (~new, new)])
            # Each label is exchanged in one of k rows, half of which are new.
            missing = 2 * len(self._adapts) * replicas.mean(tf.reduce_mean(missing, 1)) * self._adapts
            least, most = math.log(EMPHASIS), math.log(MOST_EMPHASIS)
            self.log_weights.assign(tf.clip_by_value(self.log_weights + RATE * missing, least, most))
        return weights

    def look(self, y, seen):
        """Follows how sure the helper is of real data.

        Args:
            y: float32 [n, k].
            seen: float32 [n, width], the labels' features as the helper sees them.
        """
        features = self._space.features(y)
        known = tf.cast(spread(~tf.math.is_nan(y), self._space.widths), seen.dtype)
        has = known * tf.stack([1 - features, features])
        off = has * (tf.stack([1 - seen, seen]) - self.sure[:, None])
        self.sure.assign_add(SURE_RATE * replicas.mean(tf.reduce_mean(off, 1)))


def configure(model, weight, target):
    """Gives a model label consistency.

    Args:
        model: ``GenerativeModel``, which has its helper.
        weight: float, of the term; 0: none.
        target: float in [0, 1), see ``Emphasis``; 0: the same ``EMPHASIS`` for all labels.

    Raises:
        InputError: a weight without a helper.
        ValueError: a target that is no such number.
    """
    if not 0 <= target < 1:
        raise ValueError(f"exchange_target must lie in [0, 1). Received: exchange_target={target}")
    weigh(model, consistency_weight=weight)
    model.configure(exchange_target=target)
    model.emphasis = (
        Emphasis(model.space, model.labels, target, model.dtype_policy, name="emphasis")
        if weight and target
        else None
    )


def exchange_one(space, y, seed):
    """Exchanges the value of one label of each row, at random.

    For the other value, another class, or another number.

    Args:
        space: ``LabelSpace`` of the labels.
        y: float32 [n, k].
        seed: int [2].

    Returns:
        float32 [n, k], the new labels; bool [n, k], True where they were exchanged.
    """
    k = y.shape[-1]
    chosen = replicas.rows(lambda n: tf.random.stateless_uniform((n,), seed, 0, k, tf.int32), tf.shape(y)[0])
    changed = tf.one_hot(chosen, k) > 0
    return tf.where(changed, space.exchanged(y, seed), y), changed


def asked_for(model, z, w, y, seen, seed):
    """Makes codes that ask for other labels than the batch has, as many as it has rows.

    In each row one label is exchanged. Even rows keep z and all else and get w_i from
    p(w_i|y'_i); odd rows are new: z from p(z), w from p(w|y'), labels that are not known drawn.

    Args:
        model: ``GenerativeModel`` that labels can steer.
        z: float32 [n, z_dim], samples of the posterior.
        w: float32 [n, sum of label_widths], what the decoder gets beside it.
        y: float32 [n, k].
        seen: float32 [n, width], the labels' features as the helper sees them in x, classes as probabilities.
        seed: int [2].

    Returns:
        z, w of the same shapes; float32 [n, width], the labels' features to be seen in what is decoded;
        bool [n, k], True where labels were exchanged; bool [n, 1], True where the row is new.
    """
    which, z_seed, w_seed = tf.unstack(split_seed(seed, 3))
    y, changed = exchange_one(model.space, y, which)
    n = tf.shape(y)[0]
    new = ((replicas.first_row(n) + tf.range(n)) % 2 == 1)[:, None]
    y = tf.where(new, model.space.filled(y, w_seed), y)
    z_new = replicas.rows(lambda n: standard_normal(z.shape[-1], z.dtype).sample(n, seed=z_seed), n)
    z = tf.where(new, z_new, z)
    w = tf.where(new | model.label_slots(changed), model.label_code(y, w_seed), w)
    # What was not exchanged is to look as it did, where the labels were doubtful or wrong, too.
    asked = spread(new | changed, model.space.widths)
    return z, w, tf.where(asked, model.space.features(y), seen), changed, new


def stages(model, x):
    """What the helper's stages make of real data: ``Classifier.stages``, constants to every gradient."""
    return [tf.stop_gradient(stage) for stage in model.helper.stages(x)]


def perceptual(model, made, wanted):
    """Compares reconstructions with real data as the helper sees both.

    - log of a normal density of each stage's output around that of the real data, whose standard deviation
      is at its maximum-likelihood value for the batch (as of "gaussian_optimal"; so no stage needs a
      weight): the mean over the numbers of a stage and over the stages, times the numbers of x. A learned
      similarity metric as of Larsen et al. 2015 (arXiv:1512.09300, eq. 7 and 8), whose features are those of
      a classifier in place of a discriminator.

    Args:
        model: ``GenerativeModel`` with a helper.
        made: float32 [n, *data_shape], reconstructions.
        wanted: ``stages`` of what they are of.

    Returns:
        float32 [], nats per example, without the constant.
    """
    nats = []
    for one, other in zip(model.helper.stages(made), wanted, strict=True):
        error = tf.reduce_mean(tf.square(tf.cast(one, made.dtype) - tf.cast(other, made.dtype)))
        variance = replicas.mean(error) + MIN_SCALE**2
        nats.append(0.5 * (error / variance + tf.math.log(variance)))
    return math.prod(model.data_shape) * tf.add_n(nats) / len(nats)


def decode(model, x, y, z, w, training, seed):
    """Decodes a batch, and with it what label consistency asks for.

    Where the model's changes of x are ``counterfactual``, the helper sees those of examples that are kept as such.

    Args:
        model: ``GenerativeModel``; with a ``consistency_weight`` or a ``perceptual_weight`` it has a ``helper``.
        x: float32 [n, *data_shape].
        y: float32 [n, k].
        z: float32 [n, z_dim], samples of the posterior.
        w: float32 [n, sum of label_widths], what the decoder gets beside it; None for nothing.
        training: bool.
        seed: int [2].

    Returns:
        p(x|z, w); and {"consistency": float32 [], "perceptual": float32 []}, without those that have no weight:
        the helper's cross entropy on what was asked for, in nats, summed over the labels, the exchanged one by its
        ``Emphasis``; and ``perceptual``.
    """
    if not (model.consistency_weight or model.perceptual_weight):
        return model.generative(z, w, x, training), {}
    code_seed, image_seed = tf.unstack(split_seed(seed, 2))
    terms, helper = {}, model.helper
    wanted = stages(model, x)
    if not model.consistency_weight:
        px = model.generative(z, w, x, training)
    else:
        seen = model.space.means(helper.head(wanted[-1]))
        z_asked, w_asked, features_asked, changed, new = asked_for(model, z, w, y, seen, code_seed)
        # One pass of the decoder, so that batch normalisation treats them alike.
        both = model.decoded(tf.concat([z, z_asked], 0), tf.concat([w, w_asked], 0), training)
        again, made = tf.split(both, 2)
        px = model.likelihood(again, x, training=training)
        if model.counterfactual:
            is_new = tf.reshape(new, [-1] + [1] * len(model.data_shape))
            made = tf.where(is_new, made, counterfactual(x, px, made, model.bounded))
        # Augmented as the helper's own training images were: else it could be fooled by fine noise.
        read = helper(helper.augment(made, image_seed))
        losses = model.space.feature_losses(features_asked, read)
        emphasis = EMPHASIS
        if model.emphasis is not None:
            emphasis = model.emphasis(
                tf.stop_gradient(losses), features_asked, changed, new, training=training
            )
            if training:
                model.emphasis.look(y, seen)
        weights = tf.cast(tf.where(changed, emphasis, 1.0), read.dtype)
        terms["consistency"] = tf.reduce_mean(tf.reduce_sum(weights * losses, -1))
    if model.perceptual_weight:
        terms["perceptual"] = perceptual(model, px.mean(), wanted)
    return px, terms
