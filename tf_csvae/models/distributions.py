"""The distributions that the systems are made of, as TFP objects.

Everything that travels between a network and a loss is a distribution: a KL is one call
(``tfd.kl_divergence``), and a sum over dimensions cannot be forgotten, because each one
has its event dimensions built in (``tfd.Independent``).
"""

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tf_csvae.models import replicas

tfd = tfp.distributions

LIKELIHOODS = ("gaussian_optimal", "gaussian_learned", "gaussian_fixed", "bernoulli")

# Below this standard deviation a density is a spike, and its logarithm a way to NaN.
MIN_SCALE = 1e-3


def outer_dtype(policy=None):
    """The type of weights, heads, distributions and losses under a dtype policy: float32 or float64.

    In mixed precision only inner layers compute in half precision: no density is ever computed in it.
    """
    return keras.dtype_policies.get(policy).variable_dtype


def diagonal_normal(parameters):
    """A diagonal normal from a head's output.

    Args:
        parameters: float32 [n, 2 d]: means, then unconstrained scales, which a softplus
            makes positive; a zero gives a scale of 1.

    Returns:
        A distribution of batch shape [n] and event shape [d].
    """
    mean, raw = tf.split(parameters, 2, axis=-1)
    # softplus(0.5413) = 1: a fresh network starts near the unit normal.
    scale = MIN_SCALE + tf.math.softplus(raw + 0.5413)
    return tfd.Independent(tfd.Normal(mean, scale), 1)


def standard_normal(dimensions, dtype="float32"):
    """p(z): the unit normal, event shape [dimensions]."""
    return tfd.Independent(tfd.Normal(tf.zeros(dimensions, dtype), tf.ones(dimensions, dtype)), 1)


class Likelihood(keras.layers.Layer):
    """p(x|code) around a decoder's mean.

    Kinds:

    * "gaussian_optimal": one standard deviation for all of x, at its maximum-likelihood
      value for the batch, sigma^2 = mean (x - mean)^2 (sigma-VAE, Rybkin et al. 2021,
      arXiv:2006.13202, "optimal sigma"). It weighs reconstruction against the KL terms by itself.
      A moving average over batches is what the model keeps for use after training.
    * "gaussian_learned": the same single standard deviation as a trained weight.
    * "gaussian_fixed": the standard deviation given.
    * "bernoulli": for x in [0, 1]; the mean is the probability.

    Args:
        kind: str, one of ``LIKELIHOODS``.
        scale: float > 0, standard deviation: the value of "gaussian_fixed", the start of
            the other two Gaussians. In the units of x.
        dtype: Keras dtype policy of the model.
    """

    def __init__(self, kind, scale=1.0, dtype=None, **kwargs):
        super().__init__(dtype=outer_dtype(dtype), **kwargs)
        if kind not in LIKELIHOODS:
            raise ValueError(f"likelihood must be one of {LIKELIHOODS}. Received: {kind!r}")
        if scale <= 0:
            raise ValueError(f"The scale of x must be positive. Received: scale={scale}")
        self.kind = kind
        if kind != "bernoulli":
            self.log_scale = self.add_weight(
                name="log_scale",
                shape=(),
                dtype=self.variable_dtype,
                initializer=keras.initializers.Constant(tf.math.log(float(scale)).numpy()),
                trainable=kind == "gaussian_learned",
            )
        self.built = True

    def call(self, mean, x=None, training=False):
        """Returns p(x|code) as a distribution.

        Args:
            mean: float32 [n, *shape], the decoder's output.
            x: float32 [n, *shape]; "gaussian_optimal" fits the scale to it in training.
            training: bool, follow the data with the scale.
        """
        event = len(mean.shape) - 1
        if self.kind == "bernoulli":
            # Clipped, not logits: every decoder then ends in the mean of x.
            probability = tf.clip_by_value(mean, 1e-6, 1 - 1e-6)
            return tfd.Independent(tfd.Bernoulli(probs=probability, dtype=mean.dtype), event)
        scale = tf.exp(self.log_scale)
        if self.kind == "gaussian_optimal" and training:
            # The gradient through the optimal scale vanishes: it is a stationary point.
            error = replicas.mean(tf.reduce_mean(tf.square(mean - x)))
            scale = tf.sqrt(tf.maximum(error, MIN_SCALE**2))
            self.log_scale.assign(0.9 * self.log_scale + 0.1 * tf.math.log(scale))
        return tfd.Independent(tfd.Normal(mean, scale), event)

    @property
    def scale(self):
        """float32 [], the standard deviation kept for use after training; None for Bernoulli."""
        return None if self.kind == "bernoulli" else tf.exp(self.log_scale)


def split_seed(seed, n):
    """Returns int32 [n, 2], independent stateless seeds from one int or int [2] seed.

    None draws a seed from TensorFlow's global generator (``tf.random.set_seed``).
    """
    if seed is None:
        seed = tf.random.uniform((2,), maxval=2**31 - 1, dtype=tf.int32)
    seed = tf.convert_to_tensor(seed)
    if seed.shape.rank == 0:
        seed = tf.stack([seed, tf.zeros_like(seed)])
    return tf.random.experimental.stateless_split(tf.cast(seed, tf.int32), n)


def sample_each(distribution, seed):
    """Draws one sample for each of n examples, by the rows that they have in the global batch.

    Args:
        distribution: normals of batch shape [n] and event shape [d], as of ``diagonal_normal``.
        seed: int32 [2].

    Returns:
        float32 [n, d].
    """
    centre, deviation = distribution.mean(), distribution.stddev()

    def draw(n):
        return tf.random.stateless_normal((n, *centre.shape[1:]), seed, dtype=centre.dtype)

    return replicas.rows(draw, tf.shape(centre)[0]) * deviation + centre
