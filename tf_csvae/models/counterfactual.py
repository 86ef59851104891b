"""What x would be with another code: its change, with what the decoder leaves open kept."""

import tensorflow as tf


def counterfactual(x, own, other, bounded):
    """Carries over to another mean what x has beside its own.

    With x = mean(z, w) + noise the noise is inferred, w is changed, and x predicted with the same
    noise: abduction, action, prediction (Pearl 2009, ch. 7; with deep networks Pawlowski et al. 2020,
    arXiv:2006.06485). So what a code has no room for, such as single hairs, is there still. Where the
    mean changes by more than the noise, something else is seen there, to which the noise of
    what was there does not belong: a hat has no hair's. So of a pixel, or a number of a vector, it is kept by the
    density that p(x|z, w) gives to the new mean there, over that of its own mean:
    exp(- |other - own|^2 / (2 scale^2)).

    Args:
        x: float32 [n, *data_shape].
        own: p(x|z, w), as of ``Likelihood``.
        other: float32 [n, *data_shape], mean of p(x|z, w') for the other w'.
        bounded: bool, x lies in [0, 1], and so does what comes back.

    Returns:
        float32 [n, *data_shape].
    """
    mean = own.mean()
    change = tf.square((other - mean) / tf.stop_gradient(own.stddev()))
    if len(x.shape) == 4:
        change = tf.reduce_sum(change, -1, keepdims=True)
    made = other + tf.exp(-0.5 * change) * (x - mean)
    return tf.clip_by_value(made, 0.0, 1.0) if bounded else made
