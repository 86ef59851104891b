"""The variational autoencoder (Kingma and Welling 2013, arXiv:1312.6114)."""

import keras
import tensorflow as tf

from tf_csvae.configs import VAEConfig
from tf_csvae.labels import Labels
from tf_csvae.models import terms
from tf_csvae.models.generative import GenerativeModel
from tf_csvae.networks import trunks
from tf_csvae.networks.distributions import diagonal_normal
from tf_csvae.networks.trunks import Shape
from tf_csvae.objectives.term import Code, Objective, Step


@keras.saving.register_keras_serializable("tf_csvae")
class VAE(GenerativeModel):
    """q(z|x) and p(x|z): a generator without labels.

    It minimises, in nats per example,

        - beta1 E[log p(x|z)] + beta3 KL(q(z|x) || p(z))
        + aggregate_weight MMD^2(z, p(z)) + perceptual_weight (perceptual term)

    The first line, with weights of 1, is the negative bound of the student report's equation 1. A
    VAE encodes, reconstructs and samples. Whatever needs labels raises ``InputError``.

    The arguments are those of ``GenerativeModel``, with a ``VAEConfig``.

    Example:
        >>> from tf_csvae import VAE
        >>> VAE(data_shape=[3], labels=["tall"]).sample(n=5, seed=0).shape
        TensorShape([5, 3])
    """

    config_class = VAEConfig

    def __init__(
        self, data_shape: Shape, labels: Labels, config: VAEConfig | dict | None = None, **kwargs
    ) -> None:
        super().__init__(data_shape, labels, config, **kwargs)
        c, dtype, condition = self.config, self.dtype_policy, sum(self.label_widths)
        self.trunk = self.new_trunk()
        features = self.trunk.output_shape[-1]
        self.z_head = trunks.head(features, 2 * self.z_dim, c, condition, dtype, name="z_head")
        self.decoder = self.new_decoder(self.z_dim + condition)
        self.built = True

    def inference(self, x: tf.Tensor, y: tf.Tensor | None = None, training: bool = False) -> Code:
        """Returns q(z|x) of checked tensors."""
        features = self.trunk(x, training=training)
        return Code(diagonal_normal(self.z_head(features, training=training)))

    def forward(self, x: tf.Tensor, y: tf.Tensor, training: bool, seed: tf.Tensor) -> Step:
        """Returns one pass over a batch: code, sample, p(x|z, y)."""
        code = self.inference(x, y, training)
        z, _ = code.sample(seed)
        return self.decode_step(Step(x, y, training, seed, code, z, self.label_code(y)))

    def objective(self) -> Objective:
        """Returns the negative bound and what stands beside it."""
        own = terms.reconstruction, terms.kl_z, terms.aggregate, terms.perceptual_term
        return {"generator": [term(self) for term in own]}
