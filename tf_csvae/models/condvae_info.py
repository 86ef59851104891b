"""CondVAE-info: the IFCVAE-GAN of Creswell et al. (2017, arXiv:1711.05175)."""

import dataclasses

import keras
import tensorflow as tf

from tf_csvae.models import consistency, networks, replicas
from tf_csvae.models.base import Code, GenerativeModel
from tf_csvae.models.distributions import diagonal_normal, split_seed, standard_normal
from tf_csvae.models.label_space import LabelSpace


@keras.saving.register_keras_serializable("tf_csvae")
class CondVAEInfo(GenerativeModel):
    """An encoder that gives z and the labels apart, and a game that keeps them so.

    The encoder reads from x a posterior q(z|x) and the labels yhat(x); the decoder makes x of
    z and labels. Four players, each with its own loss, in nats per example:

        encoder        beta1 R + beta3 KL(q(z|x) || p(z)) + label_weight L(yhat(x), y)
                       - auxiliary_weight E[H(a(y|z))] + aggregate_weight MMD^2(z, p(z))
        decoder        beta1 R + relabel_weight L(yhat(xhat), y) + gan_weight G
        auxiliary      L(a(y|z), y), all values of a label weighing the same
        discriminator  softplus(-D(x)) + (softplus(D(xhat)) + softplus(D(xnew))) / 2
                       + r1 / 2 |dD(x)/dx|^2

    R is -E[log p(x|z, y)], L the cross entropy summed over the labels, xhat the mean of
    p(x|z, y), xnew that of p(x|z', y) for z' from p(z), and G what makes the discriminator
    take both for real, the mean of softplus(-D(.)) (Goodfellow et al. 2014, the loss that does
    not saturate). In the source's letters: KL alpha (here beta3), rho = label_weight, beta =
    relabel_weight, gamma = auxiliary_weight, delta = gan_weight. Two things differ from it: the
    encoder raises the entropy of what the auxiliary reads, as CSVAE does, where the source
    subtracts the auxiliary's loss, which has no lower bound; and training decodes the true
    labels, so the decoder's loss does not depend on how well they are read.

    What keeps the image game stable: ``spectral_norm``, ``r1``, ``instance_noise``, and
    ``compile``'s ``adversary_optimizer``, a second time scale (Heusel et al. 2017,
    arXiv:1706.08500).

    Args:
        data_shape: shape of one example: [d] or [height, width, channels].
        labels: the columns of y: ``Label``s, dicts of their fields, or names.
        z_dim: int, dimensions of z.
        beta1, beta3: float, weights of R and of the KL term.
        label_weight, relabel_weight, auxiliary_weight, gan_weight: float, weights as above.
            The likelihood's standard deviation of R decides how much they count: of an image R's
            gradient is that of some thousand pixels.
        spectral_norm: bool, every layer of the discriminator has spectral norm 1 (Miyato et
            al. 2018, arXiv:1802.05957).
        r1: float, weight of the gradient penalty on real data (Mescheder et al. 2018,
            arXiv:1801.04406); 0 for none.
        instance_noise: float, standard deviation of the noise that is added to all that the
            discriminator sees (Sønderby et al. 2017, arXiv:1610.04490), in units of x.
        **kwargs: see ``GenerativeModel``: networks, likelihood, likelihood_scale, bounded, aggregate_weight,
            perceptual_weight, helper, counterfactual, seed.

    Example:
        >>> from tf_csvae import CondVAEInfo
        >>> model = CondVAEInfo(data_shape=[3], labels=["tall"])
        >>> model.encode([[0.0, 0.0, 0.0]]).y.mean().shape
        TensorShape([1, 1])
    """

    reads_labels, helper_reads = True, False
    adversaries = ("auxiliary", "discriminator")

    def __init__(
        self,
        data_shape,
        labels,
        z_dim=2,
        beta1=1.0,
        beta3=1.0,
        label_weight=1.0,
        relabel_weight=1.0,
        auxiliary_weight=1.0,
        gan_weight=1.0,
        spectral_norm=True,
        r1=0.0,
        instance_noise=0.1,
        **kwargs,
    ):
        super().__init__(data_shape, labels, z_dim, **kwargs)
        self.configure(
            beta1=beta1,
            beta3=beta3,
            label_weight=label_weight,
            relabel_weight=relabel_weight,
            auxiliary_weight=auxiliary_weight,
            gan_weight=gan_weight,
            spectral_norm=spectral_norm,
            r1=r1,
            instance_noise=instance_noise,
        )
        config, dtype = self.networks, self.dtype_policy
        # Balanced: so the auxiliary answers 1/2 to a z from which nothing can be read, where the
        # entropy is largest.
        self.auxiliary_space = LabelSpace(self.labels, spread=True, balance=1.0)
        self.trunk = networks.trunk(self.data_shape, config, dtype)
        features = self.trunk.output_shape[-1]
        self.z_head = networks.head(features, 2 * self.z_dim, config, dtype=dtype, name="z_head")
        self.y_head = networks.head(features, self.space.outputs, config, dtype=dtype, name="y_head")
        code = self.z_dim + self.space.width
        self.decoder = networks.decoder(code, self.data_shape, config, self.bounded, dtype)
        outputs = self.auxiliary_space.outputs
        self.auxiliary = networks.dense(self.z_dim, outputs, config, dtype, name="auxiliary")
        # Without batch normalisation: it would tell real from made by the company they are in.
        critic = dataclasses.replace(config, batch_norm=False, spectral_norm=spectral_norm)
        # Keras assigns the normalised weights in the type that the layer computes in: in half
        # precision what a step changes would be rounded away.
        critic_dtype = self.variable_dtype if spectral_norm else dtype
        self.critic_trunk = networks.trunk(self.data_shape, critic, critic_dtype, name="critic_trunk")
        features = self.critic_trunk.output_shape[-1]
        self.critic_head = networks.head(features, 1, critic, dtype=critic_dtype, name="critic_head")
        self.built = True

    @property
    def term_names(self):
        """Names of the numbers that ``losses`` reports with these options."""
        labels = ("label", "relabel", "entropy", "auxiliary")
        return (*super().term_names, *labels, "gan", "discriminator", *(["r1"] if self.r1 else []))

    def players(self):
        """Returns the variables of the four."""
        networks_of = {
            "encoder": (self.trunk, self.z_head, self.y_head),
            "decoder": (self.decoder, self.likelihood),
            "auxiliary": (self.auxiliary,),
            "discriminator": (self.critic_trunk, self.critic_head),
        }
        return {
            player: [variable for network in of for variable in network.trainable_variables]
            for player, of in networks_of.items()
        }

    def inference(self, x, y=None, training=False):
        """q(z|x) and yhat(x), for checked tensors; the labels given are not read."""
        z, read = self._encoded(x, training)
        return Code(z, y=self.space.distribution(read))

    def _encoded(self, x, training=False):
        """Returns q(z|x), and the outputs of what is read of the labels."""
        features = self.trunk(x, training=training)
        z = diagonal_normal(self.z_head(features, training=training))
        return z, self.y_head(features, training=training)

    def critic(self, x, seed, training, parts=1):
        """The discriminator's logit that x, of so many batches in a row, is real: float32 [n]."""
        if training:

            def draw(n):
                return tf.random.stateless_normal((n, *self.data_shape), seed, dtype=x.dtype)

            x += self.instance_noise * replicas.rows(draw, tf.shape(x)[0], parts)
        return self.critic_head(self.critic_trunk(x, training=training), training=training)[:, 0]

    def losses(self, x, y, training, seed):
        """The losses of the four players and their terms, in nats per example."""
        z_seed, prior_seed, noise_seed = tf.unstack(split_seed(seed, 3))
        z_given, read = self._encoded(x, training)
        code = Code(z_given)
        z = code.sample(z_seed)[0]
        told = self.label_code(y)
        new = replicas.rows(
            lambda n: standard_normal(self.z_dim, z.dtype).sample(n, seed=prior_seed), tf.shape(x)[0]
        )
        # Reconstructions and samples in one batch: one pass, and normalised alike.
        made = self.decoded(tf.concat([z, new], 0), tf.concat([told, told], 0), training)
        again, _ = tf.split(made, 2)
        terms = self.bound_terms(x, self.likelihood(again, x, training=training), code, z)

        if self.perceptual_weight:
            terms["perceptual"] = consistency.perceptual(self, again, consistency.stages(self, x))

        def mean_loss(space, outputs):
            return tf.reduce_mean(tf.reduce_sum(space.losses(y, outputs), -1))

        terms["label"] = mean_loss(self.space, read)
        # Not in training mode: batch normalisation's averages are those of real data.
        terms["relabel"] = mean_loss(self.space, self._encoded(again)[1])
        guessed = self.auxiliary(z, training=training)
        terms["entropy"] = tf.reduce_mean(self.auxiliary_space.entropy(guessed))
        terms["auxiliary"] = mean_loss(self.auxiliary_space, guessed)
        real, fake = self._judge(x, made, noise_seed, training)
        terms["gan"] = tf.reduce_mean(tf.nn.softplus(-fake))
        terms["discriminator"] = tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(tf.nn.softplus(fake))
        discriminator = terms["discriminator"]
        if self.r1:
            terms["r1"] = self._gradient_penalty(x, noise_seed, training)
            discriminator += self.r1 / 2 * terms["r1"]

        kl_weight = self.kl_weight if training else 1.0
        reconstruction = self.beta1 * terms["reconstruction"]
        encoder = (
            reconstruction
            + kl_weight * self.beta3 * terms["kl_z"]
            + self.label_weight * terms["label"]
            - self.auxiliary_weight * terms["entropy"]
            + self.penalty(terms)
        )
        decoder = reconstruction + self.relabel_weight * terms["relabel"] + self.gan_weight * terms["gan"]
        if self.perceptual_weight:
            decoder += self.perceptual_weight * terms["perceptual"]
        losses = {
            "encoder": encoder,
            "decoder": decoder,
            "auxiliary": terms["auxiliary"],
            "discriminator": discriminator,
        }
        return losses, {"loss": encoder, **terms}

    def _judge(self, x, made, seed, training):
        """The discriminator's logits of real and, twice as many, of made data; one pass, so normalised once."""
        logits = self.critic(tf.concat([x, made], 0), seed, training, parts=3)
        return tf.split(logits, [tf.shape(x)[0], tf.shape(made)[0]])

    def _gradient_penalty(self, x, seed, training):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            logits = tf.reduce_sum(self.critic(x, seed, training))
        squares = tf.square(tape.gradient(logits, x))
        return tf.reduce_mean(tf.reduce_sum(tf.reshape(squares, [tf.shape(x)[0], -1]), -1))

    @property
    def label_widths(self):
        """The decoder gets the labels' features."""
        return self.space.widths

    def label_code(self, y, seed=None):
        """The labels' features; of binary labels themselves."""
        return self.space.features(y)

    def own_code(self, code, y):
        """The labels of x, or without them what the encoder reads them to be."""
        return code.y.mean() if y is None else self.label_code(y)

    def labels_of(self, x, y, where):
        """Returns y checked, or without it what the encoder reads the labels of x to be."""
        return self.space.values(self.inference(x).y.mean()) if y is None else super().labels_of(x, y, where)
