"""CondVAE-info: the IFCVAE-GAN of Creswell et al. (2017, arXiv:1711.05175)."""

import dataclasses

import keras
import tensorflow as tf

from tf_csvae.configs import CondVAEInfoConfig
from tf_csvae.labels import Labels
from tf_csvae.models import terms
from tf_csvae.models.generative import GenerativeModel
from tf_csvae.networks import replicas, trunks
from tf_csvae.networks.distributions import Seed, diagonal_normal, split_seed, standard_normal
from tf_csvae.networks.label_space import LabelSpace
from tf_csvae.networks.trunks import Shape
from tf_csvae.objectives import adversary, gan
from tf_csvae.objectives.perceptual import stages
from tf_csvae.objectives.term import Code, Objective, Step, Term


@dataclasses.dataclass
class InfoStep(Step):
    """A pass of CondVAE-info.

    Attributes:
        predicted_from_x: float [n, outputs], outputs of the labels predicted from x.
        real: float [n], the discriminator's logits of x.
        fake: float [2 n], the same of reconstructions and samples.
    """

    predicted_from_x: tf.Tensor | None = None
    real: tf.Tensor | None = None
    fake: tf.Tensor | None = None


@keras.saving.register_keras_serializable("tf_csvae")
class CondVAEInfo(GenerativeModel):
    """An encoder that gives z and the labels apart, and a game that keeps them apart.

    The encoder predicts from x a posterior q(z|x) and the labels yhat(x). The decoder makes x of z
    and labels. Four players, each with its own loss, in nats per example:

        encoder        beta1 R + beta3 KL(q(z|x) || p(z)) + label_weight L(yhat(x), y)
                       - auxiliary_weight E[H(a(y|z))] + aggregate_weight MMD^2(z, p(z))
                       + perceptual_weight (perceptual term)
        decoder        beta1 R + relabel_weight L(yhat(xhat), y) + gan_weight G
                       + perceptual_weight (perceptual term)
        auxiliary      L(a(y|z), y), all values of a label with the same weight
        discriminator  softplus(-D(x)) + (softplus(D(xhat)) + softplus(D(xnew))) / 2
                       + r1 / 2 |dD(x)/dx|^2

    R is -E[log p(x|z, y)], L the cross entropy summed over the labels, xhat the mean of p(x|z, y),
    xnew that of p(x|z', y) for z' from p(z), and G = E[softplus(-D)] of both. In the source's
    letters: KL alpha (here beta3), rho = label_weight, beta = relabel_weight, gamma =
    auxiliary_weight, delta = gan_weight. Two things differ from the source. The encoder maximises
    the entropy of the auxiliary's prediction, as in CSVAE; the source subtracts the auxiliary's
    loss, which has no lower bound. And training decodes the true labels, so the decoder's loss
    does not depend on how well they are predicted.

    Three options stabilise the image game: ``spectral_norm`` (Miyato et al. 2018,
    arXiv:1802.05957), ``r1``, and ``instance_noise`` (Sønderby et al. 2017, arXiv:1610.04490).
    ``compile``'s ``adversary_optimizer`` gives it a second time scale (Heusel et al. 2017,
    arXiv:1706.08500).

    The arguments are those of ``GenerativeModel``, with a ``CondVAEInfoConfig``.

    Example:
        >>> from tf_csvae import CondVAEInfo
        >>> model = CondVAEInfo(data_shape=[3], labels=["tall"])
        >>> model.encode([[0.0, 0.0, 0.0]]).y.mean().shape
        TensorShape([1, 1])
    """

    config_class = CondVAEInfoConfig
    reads_labels, guide_predicts = True, False
    adversaries = ("auxiliary", "discriminator")

    def __init__(
        self, data_shape: Shape, labels: Labels, config: CondVAEInfoConfig | dict | None = None, **kwargs
    ) -> None:
        super().__init__(data_shape, labels, config, **kwargs)
        c, dtype = self.config, self.dtype_policy
        # Balanced: without information in z the auxiliary predicts 1/2, where the entropy is
        # largest.
        self.auxiliary_space = LabelSpace(self.labels, spread=True, balance=1.0)
        self.trunk = self.new_trunk()
        features = self.trunk.output_shape[-1]
        self.z_head = trunks.head(features, 2 * self.z_dim, c, dtype=dtype, name="z_head")
        self.y_head = trunks.head(features, self.space.outputs, c, dtype=dtype, name="y_head")
        code, outputs = self.z_dim + self.space.width, self.auxiliary_space.outputs
        self.decoder = self.new_decoder(code)
        self.auxiliary = trunks.dense(self.z_dim, outputs, c, dtype, name="auxiliary")
        # Keras assigns the normalised weights in the type that the layer computes in: in half
        # precision what a step changes would be rounded away.
        outer = self.variable_dtype if c.spectral_norm else dtype
        # Without batch normalisation, which would tell real from fake by the rest of the batch.
        options = {"dtype": outer, "spectral_norm": c.spectral_norm}
        self.discriminator_trunk = trunks.trunk(
            self.data_shape, c, name="discriminator_trunk", batch_norm=False, **options
        )
        features = self.discriminator_trunk.output_shape[-1]
        self.discriminator_head = trunks.head(features, 1, c, name="discriminator_head", **options)
        self.built = True

    def players(self) -> dict[str, list[keras.Variable]]:
        """Returns the variables of the four."""

        def variables(*networks):
            return [variable for network in networks for variable in network.trainable_variables]

        return {
            "encoder": variables(self.trunk, self.z_head, self.y_head),
            "decoder": variables(self.decoder, self.likelihood),
            "auxiliary": variables(self.auxiliary),
            "discriminator": variables(self.discriminator_trunk, self.discriminator_head),
        }

    def inference(self, x: tf.Tensor, y: tf.Tensor | None = None, training: bool = False) -> Code:
        """Returns q(z|x) and yhat(x) of checked tensors; the labels given are not read."""
        z, predicted = self._encoded(x, training)
        return Code(z, y=self.space.distribution(predicted))

    def _encoded(self, x, training=False) -> tuple:
        """Returns q(z|x), and the outputs of the labels predicted from x."""
        features = self.trunk(x, training=training)
        z = diagonal_normal(self.z_head(features, training=training))
        return z, self.y_head(features, training=training)

    def discriminate(self, x: tf.Tensor, seed: tf.Tensor, training: bool, parts: int = 1) -> tf.Tensor:
        """Returns the discriminator's logits, float [n], of x, so many batches in a row."""
        if training:
            x += self.config.instance_noise * replicas.normal(x, seed, parts)
        features = self.discriminator_trunk(x, training=training)
        return self.discriminator_head(features, training=training)[:, 0]

    def forward(self, x: tf.Tensor, y: tf.Tensor, training: bool, seed: tf.Tensor) -> InfoStep:
        """Returns one pass over a batch: code, reconstruction and sample, all predictions."""
        z_seed, prior_seed, noise_seed = tf.unstack(split_seed(seed, 3))
        z_given, predicted_from_x = self._encoded(x, training)
        code = Code(z_given)
        z, w = code.sample(z_seed)[0], self.label_code(y)
        new = replicas.rows(
            lambda n: standard_normal(self.z_dim, z.dtype).sample(n, seed=prior_seed), tf.shape(x)[0]
        )
        step = InfoStep(x, y, training, noise_seed, code, z, w, predicted_from_x=predicted_from_x)
        # Reconstructions and samples in one batch: one pass, with the same normalisation.
        given = tf.concat([x, x], 0) if self.fixed is not None else None
        made = self.decoded(tf.concat([z, new], 0), tf.concat([w, w], 0), given, training)
        again, sampled = tf.split(made, 2)
        step.px = self.likelihood(again, x, training=training)
        made = tf.concat([step.px.mean(), self.likelihood(sampled, x).mean()], 0)
        if self.config.perceptual_weight:
            step.stages = stages(self.guide, x[:: self.config.guide_every])
        step.predicted = self.auxiliary(z, training=training)
        # Real and generated data in one batch, so that they are normalised together.
        logits = self.discriminate(tf.concat([x, made], 0), noise_seed, training, parts=3)
        step.real, step.fake = tf.split(logits, [tf.shape(x)[0], tf.shape(made)[0]])
        return step

    def objective(self) -> Objective:
        """Returns the terms of the four players."""
        c, space, auxiliary = self.config, self.space, self.auxiliary_space

        def relabel(s):
            # Not in training mode: the averages of batch normalisation are those of real data.
            return adversary.label_loss(space, s.y, self._encoded(s.px.mean())[1])

        def gradient_penalty(s):
            return gan.gradient_penalty(lambda x: self.discriminate(x, s.seed, s.training), s.x)

        shared = [terms.reconstruction(self), terms.perceptual_term(self)]
        return {
            "encoder": [
                *shared,
                terms.kl_z(self),
                Term("label", c.label_weight, lambda s: adversary.label_loss(space, s.y, s.predicted_from_x)),
                Term("entropy", -c.auxiliary_weight, lambda s: adversary.entropy(auxiliary, s.predicted)),
                terms.aggregate(self),
            ],
            "decoder": [
                *shared,
                Term("relabel", c.relabel_weight, relabel),
                Term("gan", c.gan_weight, lambda s: gan.generator_loss(s.fake)),
            ],
            "auxiliary": [Term("auxiliary", 1, lambda s: adversary.label_loss(auxiliary, s.y, s.predicted))],
            "discriminator": [
                Term("discriminator", 1, lambda s: gan.discriminator_loss(s.real, s.fake)),
                Term("r1", c.r1 / 2, gradient_penalty),
            ],
        }

    @property
    def label_widths(self) -> tuple[int, ...]:
        """Columns per label in what the decoder gets beside z: the labels' features."""
        return self.space.widths

    def label_code(self, y: tf.Tensor, seed: Seed = None) -> tf.Tensor:
        """Returns the features of the labels, [n, width]; of binary labels, the labels."""
        return self.space.features(y)

    def own_code(self, code: Code, y: tf.Tensor | None) -> tf.Tensor:
        """Returns the labels of x, or without them what the encoder predicts."""
        return code.y.mean() if y is None else self.label_code(y)

    def predicted_labels(self, x: tf.Tensor) -> tf.Tensor:
        """Returns the labels that the encoder predicts from checked x, float [n, k]."""
        return self.space.values(self.inference(x).y.mean())
