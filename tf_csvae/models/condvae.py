"""The conditional VAE (Kingma et al. 2014, arXiv:1406.5298; Sohn et al. 2015)."""

import keras

from tf_csvae.models import consistency
from tf_csvae.models.base import Code
from tf_csvae.models.distributions import diagonal_normal
from tf_csvae.models.vae import VAE


@keras.saving.register_keras_serializable("tf_csvae")
class CondVAE(VAE):
    """q(z|x, y) and p(x|z, y): a VAE whose encoder and decoder are told the labels.

    Minimises - beta1 E[log p(x|z, y)] + beta3 KL(q(z|x, y) || p(z)), the negative bound of the
    student report's equation 2, in nats per example, and what a VAE has beside it. To sample by label it draws z from p(z)
    and decodes it with y; to transfer it decodes z with other labels.

    Label consistency (``consistency``; ours) adds consistency_weight E[- log h(y'|x')] to it: x' is
    decoded for labels y' of which one was exchanged, the others being as h reads them in x, and the helper h
    is a trained classifier.

    Args:
        data_shape, labels, z_dim, beta1, beta3, **kwargs: as of ``VAE``.
        consistency_weight: float, weight of label consistency, which needs a ``helper``; 0: none.
        exchange_target: float in [0, 1), how sure the helper is to be of an exchanged label, or as sure as it is of
            real data, where that is less (``consistency.Emphasis``);
            0: each exchange weighs the same.

    Example:
        >>> from tf_csvae import CondVAE
        >>> CondVAE(data_shape=[3], labels=["tall"]).sample([[1.0]], n=5, seed=0).shape
        TensorShape([5, 3])
    """

    def __init__(self, data_shape, labels, z_dim=2, consistency_weight=0.0, exchange_target=0.0, **kwargs):
        super().__init__(data_shape, labels, z_dim, **kwargs)
        consistency.configure(self, consistency_weight, exchange_target)

    def inference(self, x, y, training=False):
        """q(z|x, y), for checked tensors."""
        if y is None:
            self._needs_labels("encode")
        features = self.trunk(x, training=training)
        condition = self.space.features(y)
        return Code(diagonal_normal(self.z_head([features, condition], training=training)))

    @property
    def label_widths(self):
        """The decoder gets the labels' features."""
        return self.space.widths

    def label_code(self, y, seed=None):
        """The labels' features; of binary labels themselves."""
        return self.space.features(y)
