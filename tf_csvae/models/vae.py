"""The variational autoencoder (Kingma and Welling 2013, arXiv:1312.6114)."""

import keras

from tf_csvae.models import consistency, networks
from tf_csvae.models.base import Code, GenerativeModel
from tf_csvae.models.distributions import diagonal_normal


@keras.saving.register_keras_serializable("tf_csvae")
class VAE(GenerativeModel):
    """q(z|x) and p(x|z): a generator that knows no labels.

    Minimises, in nats per example, - beta1 E[log p(x|z)] + beta3 KL(q(z|x) || p(z)), at
    weights of 1 the negative of the bound of the student report's equation 1, and
    aggregate_weight MMD^2(z, p(z)) beside it (``independence.prior_mmd``). It encodes,
    reconstructs and samples; what needs labels raises ``InputError``.

    Args:
        data_shape: shape of one example: [d] or [height, width, channels].
        labels: the columns of y, which it is given in training and does not read.
        z_dim: int, dimensions of z.
        beta1, beta3: float, weights of the terms above.
        **kwargs: see ``GenerativeModel``: networks, likelihood, likelihood_scale, bounded, aggregate_weight,
            perceptual_weight, helper, seed.

    Example:
        >>> from tf_csvae import VAE
        >>> VAE(data_shape=[3], labels=["tall"], z_dim=2).sample(n=5, seed=0).shape
        TensorShape([5, 3])
    """

    def __init__(self, data_shape, labels, z_dim=2, beta1=1.0, beta3=1.0, **kwargs):
        super().__init__(data_shape, labels, z_dim, **kwargs)
        self.configure(beta1=beta1, beta3=beta3)
        config, dtype = self.networks, self.dtype_policy
        condition = sum(self.label_widths)
        self.trunk = networks.trunk(self.data_shape, config, dtype)
        features = self.trunk.output_shape[-1]
        self.z_head = networks.head(features, 2 * self.z_dim, config, condition, dtype, name="z_head")
        self.decoder = networks.decoder(self.z_dim + condition, self.data_shape, config, self.bounded, dtype)
        self.built = True

    def inference(self, x, y, training=False):
        """q(z|x), for checked tensors."""
        return Code(diagonal_normal(self.z_head(self.trunk(x, training=training), training=training)))

    def losses(self, x, y, training, seed):
        """The negative bound and its terms, in nats per example."""
        code = self.inference(x, y, training)
        z = code.sample(seed)[0]
        px, more = consistency.decode(self, x, y, z, self.label_code(y), training, seed)
        terms = {**self.bound_terms(x, px, code, z), **more}
        kl_weight = self.kl_weight if training else 1.0
        loss = self.beta1 * terms["reconstruction"] + kl_weight * self.beta3 * terms["kl_z"]
        loss += self.penalty(terms)
        return {"generator": loss}, {"loss": loss, **terms}
