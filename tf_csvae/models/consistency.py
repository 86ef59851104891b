"""Label consistency: what a model makes for labels must show them to a classifier of real data."""

import tensorflow as tf

from tf_csvae.models.base import positive, split_seed
from tf_csvae.models.classifier import Classifier

# The helper's augmentation, in pixels and in units of x: what it is shown is blurred as real
# images are not, and one that reads fine noise could be fooled by it.
SHIFT, BLUR, NOISE = 4, 1.5, 0.05


def configure(model, weight, width):
    """Gives a model label consistency, and with a weight above 0 the helper.

    The helper is a small classifier with augmentation and a seed of its own, which learns from one
    half of the data (``in_half``). It never is the judge that measures the model.

    Args:
        model: ``GenerativeModel``.
        weight: float, of the term.
        width: int, channels of the helper's first stage, of a ResNet-10; for vectors units of both
            of its layers.
    """
    model.configure(consistency_weight=weight, helper_width=positive("helper_width", width))
    if weight:
        model.helper = Classifier(
            model.data_shape,
            model.labels,
            depth=10,
            width=width,
            shift=SHIFT,
            blur=BLUR,
            noise=NOISE,
            balance=0.25,
            name="helper",
            dtype=model.dtype_policy,
        )


def in_half(x):
    """Returns float32 [n], 1 for the half of all possible examples that a helper learns from.

    A judge and a helper that learned from the same examples could share their mistakes. An
    example's half depends on its values alone, in any order of them: an image and its mirror
    image are in the same.
    """
    bits = tf.bitcast(tf.cast(x, tf.float32), tf.int32)
    total = tf.reduce_sum(tf.reshape(bits, (tf.shape(x)[0], -1)), 1)
    return tf.cast(tf.math.floormod(total, 2), tf.float32)


def exchange_one(y, seed):
    """Exchanges the value of one label of each row, at random.

    Args:
        y: float32 [n, k] of 0 and 1.
        seed: int [2].

    Returns:
        float32 [n, k], the new labels; bool [n, k], True where they were exchanged.
    """
    k = y.shape[-1]
    chosen = tf.random.stateless_uniform((tf.shape(y)[0],), seed, 0, k, tf.int32)
    changed = tf.one_hot(chosen, k) > 0
    return tf.where(changed, 1 - y, y), changed


def asked_for(model, z, w, y, seed):
    """Makes codes that ask for other labels than the batch has, as many as it has rows.

    In each row one label is exchanged. Even rows keep z and all else and get w_i from
    p(w_i|1 - y_i); odd rows are new: z from p(z), w from p(w|y').

    Args:
        model: ``GenerativeModel`` that labels can steer.
        z: float32 [n, z_dim], samples of the posterior.
        w: float32 [n, k label_width], what the decoder gets beside it.
        y: float32 [n, k].
        seed: int [2].

    Returns:
        z, w of the same shapes, and float32 [n, k], the labels that they ask for.
    """
    which, z_seed, w_seed = tf.unstack(split_seed(seed, 3))
    y, changed = exchange_one(y, which)
    new = (tf.range(tf.shape(y)[0]) % 2 == 1)[:, None]
    z = tf.where(new, tf.random.stateless_normal(tf.shape(z), z_seed), z)
    w = tf.where(new | model.label_slots(changed), model.label_code(y, w_seed), w)
    return z, w, y


def decode(model, x, y, z, w, training, seed):
    """Decodes a batch, and with it what label consistency needs.

    Args:
        model: ``GenerativeModel``; with a ``consistency_weight`` it has a ``helper``.
        x: float32 [n, *data_shape].
        y: float32 [n, k].
        z: float32 [n, z_dim], samples of the posterior.
        w: float32 [n, k label_width], what the decoder gets beside it; None for nothing.
        training: bool.
        seed: int [2].

    Returns:
        p(x|z, w); and the terms of the losses, empty without a ``consistency_weight``:
        "consistency", the helper's cross entropy on what was asked for, and "helper", that of
        its own learning, both summed over labels, means over rows, in nats.
    """
    if not model.consistency_weight:
        return model.generative(z, w, x, training), {}
    code_seed, made_seed, real_seed = tf.unstack(split_seed(seed, 3))
    z_asked, w_asked, y_asked = asked_for(model, z, w, y, code_seed)
    # One pass of the decoder, so that batch normalisation treats them alike.
    both = model.decoded(tf.concat([z, z_asked], 0), tf.concat([w, w_asked], 0), training)
    again, made = tf.split(both, 2)
    helper = model.helper
    # Not in training mode: batch normalisation's averages are those of real data.
    seen = helper.head(helper.trunk(helper.augment(made, made_seed), training=False))
    if training:
        known = helper.head(helper.trunk(helper.augment(x, real_seed), training=True))
        share = in_half(x)
    else:
        known, share = helper(x), tf.ones(tf.shape(x)[:1])
    terms = {
        "consistency": tf.reduce_mean(helper.cross_entropy(y_asked, seen)),
        "helper": tf.math.divide_no_nan(
            tf.reduce_sum(share * helper.cross_entropy(y, known)), tf.reduce_sum(share)
        ),
    }
    return model.likelihood(again, x, training=training), terms


def add(model, losses, terms):
    """Adds what ``decode`` found to the losses of the players "generator" and "helper", in place."""
    if model.consistency_weight:
        losses["generator"] += model.consistency_weight * terms["consistency"]
        losses["helper"] = terms["helper"]
