"""The conditional VAE (Kingma et al. 2014, arXiv:1406.5298; Sohn et al. 2015)."""

import keras
import tensorflow as tf

from tf_csvae.configs import CondVAEConfig
from tf_csvae.labels import Labels
from tf_csvae.models import terms
from tf_csvae.models.vae import VAE
from tf_csvae.networks.distributions import Seed, diagonal_normal
from tf_csvae.networks.trunks import Shape
from tf_csvae.objectives.label_consistency import adaptive_weights
from tf_csvae.objectives.term import Code, Objective


@keras.saving.register_keras_serializable("tf_csvae")
class CondVAE(VAE):
    """q(z|x, y) and p(x|z, y): a VAE whose encoder and decoder get the labels.

    It minimises, in nats per example,

        - beta1 E[log p(x|z, y)] + beta3 KL(q(z|x, y) || p(z))
        + aggregate_weight MMD^2(z, p(z)) + perceptual_weight (perceptual term)
        + consistency_weight E[- sum_i v_i log h(y'_i|x')]
        + minimality_weight E[|mean' - mean|_1 / s] + realism_weight E[softplus(-D(x', y'))]

    The first line, with weights of 1, is the negative bound of the student report's equation 2.
    The others are ours. Of label consistency, x' is decoded for labels y' of which one was
    exchanged, and h is the guide. Of minimality, mean' and mean are those of p(x|z, y') and
    p(x|z, y), and s is their standard deviation. Of realism, D is a discriminator, a player of its
    own. To sample by label, z from p(z) is decoded
    with y. To transfer, z is decoded with other labels.

    The arguments are those of ``GenerativeModel``, with a ``CondVAEConfig``.

    Example:
        >>> from tf_csvae import CondVAE
        >>> CondVAE(data_shape=[3], labels=["tall"]).sample([[1.0]], n=5, seed=0).shape
        TensorShape([5, 3])
    """

    config_class = CondVAEConfig

    def __init__(
        self, data_shape: Shape, labels: Labels, config: CondVAEConfig | dict | None = None, **kwargs
    ) -> None:
        super().__init__(data_shape, labels, config, **kwargs)
        self.exchange_weights = adaptive_weights(self.config, self.space, self.labels, self.dtype_policy)
        self.discriminator = self.new_discriminator()

    @property
    def adversaries(self) -> tuple[str, ...]:
        """The discriminator, if there is one."""
        return () if self.discriminator is None else ("discriminator",)

    @property
    def label_widths(self) -> tuple[int, ...]:
        """Columns per label in what the decoder gets beside z: the labels' features."""
        return self.space.widths

    def label_code(self, y: tf.Tensor | None, seed: Seed = None) -> tf.Tensor:
        """Returns the features of the labels, [n, width]; of binary labels, the labels."""
        if y is None:
            self._needs_labels("reconstruct")
        return self.space.features(y)

    def inference(self, x: tf.Tensor, y: tf.Tensor | None, training: bool = False) -> Code:
        """Returns q(z|x, y) of checked tensors."""
        if y is None:
            self._needs_labels("encode")
        features = [self.trunk(x, training=training), self.space.features(y)]
        return Code(diagonal_normal(self.z_head(features, training=training)))

    def objective(self) -> Objective:
        """Returns the negative bound and what stands beside it."""
        own = terms.reconstruction, terms.kl_z, terms.aggregate, terms.perceptual_term
        own += terms.consistency, terms.minimality, terms.realism
        return {"generator": [term(self) for term in own], **terms.discrimination(self)}
