"""The distributions of all systems, as TFP objects.

Distributions travel between networks and losses, not pairs of mean and variance. So a KL is one
call (``tfd.kl_divergence``), and every distribution has its event dimensions built in
(``tfd.Independent``), so that no sum over dimensions is forgotten.
"""

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tf_csvae.networks import replicas
from tf_csvae.networks.counterfactual import counterfactual

tfd = tfp.distributions

Seed = int | list[int] | tf.Tensor | None
Dtype = str | keras.DTypePolicy | None  # a Keras dtype policy; None: the default

# Least standard deviation: below it a density is a spike, and its logarithm leads to NaN.
MIN_SCALE = 1e-3


def outer_dtype(policy: Dtype = None) -> str:
    """Returns the type of weights, heads, distributions and losses under a dtype policy.

    It is float32 or float64. In mixed precision only inner layers compute in half precision.
    """
    return keras.dtype_policies.get(policy).variable_dtype


def diagonal_normal(parameters: tf.Tensor) -> tfd.Distribution:
    """Makes a diagonal normal, event shape [d], from the output of a head, float [n, 2 d].

    The output has the means, then unconstrained scales, of which 0 gives a scale of 1.
    """
    mean, raw = tf.split(parameters, 2, axis=-1)
    # softplus(0.5413) = 1: a new network starts near the unit normal.
    scale = MIN_SCALE + tf.math.softplus(raw + 0.5413)
    return tfd.Independent(tfd.Normal(mean, scale), 1)


def standard_normal(dimensions: int, dtype: str | tf.DType = "float32") -> tfd.Distribution:
    """Returns p(z): the unit normal, event shape [dimensions]."""
    return tfd.Independent(tfd.Normal(tf.zeros(dimensions, dtype), tf.ones(dimensions, dtype)), 1)


class Likelihood(keras.layers.Layer):
    """p(x|code) around the output of a decoder.

    Kinds:

    * "gaussian_optimal": one standard deviation for all of x, at its maximum-likelihood value for
      the batch, sigma^2 = mean (x - mean)^2 (sigma-VAE, Rybkin et al. 2021, arXiv:2006.13202,
      "optimal sigma"). So reconstruction and KL terms are balanced without a weight. The model
      keeps a moving average for use after training.
    * "gaussian_learned": the same single standard deviation as a trained weight.
    * "gaussian_fixed": the standard deviation given.
    * "bernoulli": for x in [0, 1]; the mean is the probability.

    ``scale`` is the standard deviation in units of x: of "gaussian_fixed", or at the start. With
    ``bounded``, x and all edits of it lie in [0, 1]. ``noise`` is the number of uniform numbers
    that ``draw`` takes per example: none.
    """

    noise = 0

    def __init__(
        self, kind: str, scale: float = 1.0, bounded: bool = False, dtype: Dtype = None, **kwargs
    ) -> None:
        super().__init__(dtype=outer_dtype(dtype), **kwargs)
        self.kind, self.bounded = kind, bounded
        if kind != "bernoulli":
            start = keras.initializers.Constant(tf.math.log(float(scale)).numpy())
            self.log_scale = self.add_weight(
                name="log_scale", shape=(), initializer=start, trainable=kind == "gaussian_learned"
            )
        self.built = True

    def call(self, mean: tf.Tensor, x: tf.Tensor | None = None, training: bool = False) -> tfd.Distribution:
        """Returns p(x|code) around the decoder's output ``mean``, float [n, *shape].

        In training, "gaussian_optimal" fits its scale to x, float [n, *shape].
        """
        event = len(mean.shape) - 1
        if self.kind == "bernoulli":
            # Clipped probabilities, not logits: every decoder then ends in the mean of x.
            probability = tf.clip_by_value(mean, 1e-6, 1 - 1e-6)
            return tfd.Independent(tfd.Bernoulli(probs=probability, dtype=mean.dtype), event)
        scale = tf.exp(self.log_scale)
        if self.kind == "gaussian_optimal" and training:
            # The optimal scale is a stationary point, so no gradient flows through it.
            error = replicas.mean(tf.reduce_mean(tf.square(mean - x)))
            scale = tf.sqrt(tf.maximum(error, MIN_SCALE**2))
            self.log_scale.assign(0.9 * self.log_scale + 0.1 * tf.math.log(scale))
        return tfd.Independent(tfd.Normal(mean, scale), event)

    @property
    def scale(self) -> tf.Tensor | None:
        """The standard deviation for use after training, float []; None for "bernoulli"."""
        return None if self.kind == "bernoulli" else tf.exp(self.log_scale)

    # What a user gets of p(x|code).

    def point(self, px: tfd.Distribution) -> tf.Tensor:
        """Returns the mean, which has no noise."""
        return px.mean()

    def draw(self, px: tfd.Distribution, noise: tf.Tensor | None = None, soft: bool = False) -> tf.Tensor:
        """Returns the mean, without the independent noise of each number."""
        return px.mean()

    def edited(
        self, x: tf.Tensor, own: tfd.Distribution, other: tfd.Distribution, soft: bool = False
    ) -> tf.Tensor:
        """Returns x under another code with its noise kept; see ``networks.counterfactual``."""
        return counterfactual(x, own, other.mean(), self.bounded)


def split_seed(seed: Seed, n: int) -> tf.Tensor:
    """Returns int32 [n, 2], independent stateless seeds from one int or int [2] seed.

    None takes a seed from TensorFlow's global generator (``tf.random.set_seed``).
    """
    if seed is None:
        seed = tf.random.uniform((2,), maxval=2**31 - 1, dtype=tf.int32)
    seed = tf.convert_to_tensor(seed)
    if seed.shape.rank == 0:
        seed = tf.stack([seed, tf.zeros_like(seed)])
    return tf.random.experimental.stateless_split(tf.cast(seed, tf.int32), n)


def sample_each(distribution: tfd.Distribution, seed: tf.Tensor) -> tf.Tensor:
    """Draws one sample per example, [n, d], with the noise that its row has in the global batch.

    ``distribution`` are normals, as of ``diagonal_normal``; ``seed`` is int32 [2].
    """
    centre = distribution.mean()
    return replicas.normal(centre, seed) * distribution.stddev() + centre
