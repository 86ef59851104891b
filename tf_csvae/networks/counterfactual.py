"""Counterfactual edits: the change of the mean, with the residual of the example kept."""

import tensorflow as tf
import tensorflow_probability as tfp


def counterfactual(
    x: tf.Tensor, own: tfp.distributions.Distribution, other: tf.Tensor, bounded: bool
) -> tf.Tensor:
    """Predicts x, float [n, *data_shape], under another mean, with the noise inferred from x.

    With x = mean(z, w) + noise: infer the noise, change w, predict x with the same noise
    (abduction, action, prediction: Pearl 2009, ch. 7; for deep networks Pawlowski et al. 2020,
    arXiv:2006.06485). So details that the code does not hold, such as single hairs, stay. Where
    the mean changes by more than the noise, another object is there and the noise does not apply.
    Each pixel, or number of a vector, therefore keeps the share exp(-|other - own|^2 / (2 s^2)) of
    its noise, with s the standard deviation of p(x|z, w).

    ``own`` is p(x|z, w), ``other`` the mean of p(x|z, w') for the other w'. With ``bounded``, x
    and the result lie in [0, 1].
    """
    mean = own.mean()
    change = tf.square((other - mean) / tf.stop_gradient(own.stddev()))
    if len(x.shape) == 4:
        change = tf.reduce_sum(change, -1, keepdims=True)
    made = other + tf.exp(-0.5 * change) * (x - mean)
    return tf.clip_by_value(made, 0.0, 1.0) if bounded else made
