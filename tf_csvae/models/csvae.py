"""The Conditional Subspace VAE (Klys, Snell, Zemel 2018, arXiv:1812.06190)."""

import keras
import numpy as np
import tensorflow as tf

from tf_csvae.configs import CSVAEConfig
from tf_csvae.labels import Labels
from tf_csvae.models import terms
from tf_csvae.models.generative import GenerativeModel
from tf_csvae.networks import priors, trunks
from tf_csvae.networks.distributions import Seed, diagonal_normal, sample_each, split_seed, tfd
from tf_csvae.networks.erasure import LabelErasure
from tf_csvae.networks.label_space import LabelSpace
from tf_csvae.networks.trunks import Shape
from tf_csvae.objectives import adversary, mmd
from tf_csvae.objectives.label_consistency import adaptive_weights
from tf_csvae.objectives.term import Code, Objective, Step, Term

# Scale of p(w_i|y_i = 0) without absent_style. At 1, the decoder would have to ignore the noise of
# every label that an example lacks.
ABSENT_SCALE = 0.1


@keras.saving.register_keras_serializable("tf_csvae")
class CSVAE(GenerativeModel):
    """A VAE with a small latent subspace w_i for each label y_i, and z for all the rest.

    Generative model: p(x|w, z) p(z) p_gamma(w|y). Inference: q(z|x), q(w|x, y). The losses of the
    two players, generator and adversary, in nats per example, with the student report's weights:

        M1 = - beta1 E[log p(x|w, z)] + beta2 KL(q(w|x, y) || p(w|y)) + beta3 KL(q(z|x) || p(z))
             - beta4 E[H(q_delta(y|z))]
        M2 = - beta5 E[log q_delta(y|z)]

    M1 moves the decoder, the encoders and the prior. M2 moves the adversary q_delta. A tape of its
    own for each player keeps their gradients apart (``GameModel.train_step``). With
    ``realism_weight`` the discriminator D is a third player. Ours are

        + mmd_weight sum_i MMD^2(z | y_i = 0, z | y_i = 1)       (``objectives.mmd``)
        + aggregate_weight MMD^2(standardised [z, w], N(0, I))   (``objectives.prior_matching``)
        + perceptual_weight (perceptual term)                    (``objectives.perceptual``)
        + consistency_weight E[- sum_i v_i log h(y'_i|x')]       (``objectives.label_consistency``)
        + minimality_weight E[|mean' - mean|_1 / s]              (``terms.minimality``)
        + realism_weight E[softplus(-D(x', y'))]                 (``terms.realism``)
        + style_weight (style consistency)                       (``objectives.style_consistency``)

    in M1, and options: ``balanced``, an adversary that weighs all values of a label equally;
    ``erase_labels``, ``erase_covariance`` and ``erase_styles``, after which q(z|x, y) depends on y
    and on w (``LabelErasure``); ``w_posterior`` and ``absent_style``, which tie q(w|x, y) to
    p(w|y); and the warm-up of the KL terms. The preset swiss_roll_published has none of them.
    docs/lab_notes.md says what each does.

    Labels that are not binary have the same terms (``LabelSpace``, ``FactorizedPrior``). An unknown
    label counts in no loss; the KL of its w_i is a bound (``FactorizedPrior.kl``).

    The arguments are those of ``GenerativeModel``, with a ``CSVAEConfig``.

    Example:
        >>> from tf_csvae import CSVAE, CSVAEConfig
        >>> model = CSVAE(data_shape=[3], labels=["tall"], config=CSVAEConfig(w_dim=1))
        >>> model.sample([[1.0]], n=5, seed=0).shape
        TensorShape([5, 3])
    """

    config_class = CSVAEConfig
    has_subspaces = True

    def __init__(
        self, data_shape: Shape, labels: Labels, config: CSVAEConfig | dict | None = None, **kwargs
    ) -> None:
        super().__init__(data_shape, labels, config, **kwargs)
        c, dtype, w_width = self.config, self.dtype_policy, sum(self.label_widths)
        self.exchange_weights = adaptive_weights(c, self.space, self.labels, dtype)
        self.discriminator = self.new_discriminator()
        if c.style_weight and c.consistency_weight:
            self.styles = tuple(label.kind != "binary" or c.absent_style for label in self.labels)
        self.trunk = self.w_trunk = self.new_trunk()
        if not c.shared_encoder:
            self.w_trunk = self.new_trunk("w_trunk")
        features, condition = self.trunk.output_shape[-1], self.space.width
        self.z_head = trunks.head(features, 2 * self.z_dim, c, dtype=dtype, name="z_head")
        self.w_head = trunks.head(features, 2 * w_width, c, condition, dtype, name="w_head")
        styles = w_width if c.erase_styles else 0
        self.erasure = None
        if c.erase_labels:
            self.erasure = LabelErasure(self.z_dim, self.space, styles, c.erase_covariance, dtype)
        self.decoder = self.new_decoder(self.z_dim + w_width)
        # Without information in z a balanced adversary predicts 1/2, where the entropy is largest.
        # One that is not balanced predicts p(y), which is not where M1 drives it.
        self.adversary_space = LabelSpace(self.labels, spread=True, balance=float(c.balanced))
        self.adversary = None
        if c.adversarial:
            outputs = self.adversary_space.outputs
            self.adversary = trunks.dense(self.z_dim, outputs, c, dtype, "adversary")
        options = {"dtype": dtype, "name": "prior"}
        if c.w_prior == "joint":
            self.prior = priors.JointPrior(self.labels, c.w_dim, c, **options)
        else:
            learned, scale = c.w_prior == "factorized", 1.0 if c.absent_style else ABSENT_SCALE
            self.prior = priors.FactorizedPrior(
                self.labels, c.w_dim, c.w_separation, learned, scale, **options
            )
        self.built = True

    @property
    def adversaries(self) -> tuple[str, ...]:
        """The adversary and the discriminator, if there are such."""
        names = ("adversary",) if self.config.adversarial else ()
        return names if self.discriminator is None else (*names, "discriminator")

    @property
    def label_widths(self) -> tuple[int, ...]:
        """Columns per label in what the decoder gets beside z: w_dim each."""
        return (self.config.w_dim,) * len(self.labels)

    def inference(self, x: tf.Tensor, y: tf.Tensor | None, training: bool = False) -> Code:
        """Returns q(z|x) and q(w|x, y) of checked tensors; w is None if y is."""
        features = self.trunk(x, training=training)
        z = diagonal_normal(self.z_head(features, training=training))
        known = y is not None
        if not known:
            y = tf.fill((tf.shape(x)[0], len(self.labels)), tf.constant(np.nan, x.dtype))
        condition = self.space.features(y)
        w = None
        if known:
            if not self.config.shared_encoder:
                features = self.w_trunk(x, training=training)
            w = diagonal_normal(self.w_head([features, condition], training=training))
            residual = self.config.w_posterior == "residual"
            w = self.prior.tied(w, y, residual, self.config.absent_style)
        if self.erasure is not None:
            styles = None
            if known and self.config.erase_styles:
                styles = tf.stop_gradient(self.prior.in_units(w.mean(), y))
            normal = self.erasure(z.mean(), z.stddev(), y, styles, training=training)
            z = tfd.Independent(tfd.Normal(*normal), 1)
        return Code(z, w)

    def forward(self, x: tf.Tensor, y: tf.Tensor, training: bool, seed: tf.Tensor) -> Step:
        """Returns one pass over a batch: code, sample, p(x|z, w), the adversary's prediction."""
        code = self.inference(x, y, training)
        z, w = code.sample(seed)
        step = self.decode_step(Step(x, y, training, seed, code, z, w))
        if self.adversary is not None:
            step.predicted = self.adversary(z, training=training)
        return step

    def objective(self) -> Objective:
        """Returns the terms of M1 (generator) and M2 (adversary)."""
        c, space = self.config, self.adversary_space
        own = terms.reconstruction, terms.kl_w, terms.kl_z, terms.aggregate
        own += terms.perceptual_term, terms.consistency, terms.minimality, terms.realism, terms.style
        m1 = [term(self) for term in own]
        objective = {"generator": m1}
        if c.adversarial:
            m1 += [
                Term("entropy", -c.beta4, lambda s: adversary.entropy(space, s.predicted)),
                Term("mmd", c.mmd_weight, lambda s: mmd.between_values(self.space, s.y, s.z)),
            ]
            m2 = [Term("adversary", c.beta5, lambda s: adversary.label_loss(space, s.y, s.predicted))]
            objective["adversary"] = m2
        return objective | terms.discrimination(self)

    def standardised(self, z: tf.Tensor, w: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """Returns [z, w] in units of the prior, without labels that some examples lack.

        The prior of an unknown label is a mixture, which has no such unit.
        """
        known = [not label.missing for label in self.labels]
        columns = np.flatnonzero(np.repeat(known, self.config.w_dim))
        return tf.concat([z, tf.gather(self.prior.in_units(w, y), columns, axis=1)], -1)

    def label_code(self, y: tf.Tensor | None, seed: Seed = None) -> tf.Tensor:
        """Returns the mean of p(w|y), or with a seed a sample of it, [n, k w_dim]."""
        if y is None:
            self._needs_labels("reconstruct")
        prior = self.prior(y)
        return prior.mean() if seed is None else sample_each(prior, split_seed(seed, 1)[0])

    def label_slots(self, labels: tf.Tensor) -> tf.Tensor:
        """Spreads labels to their columns of w; under a joint prior every label owns all of w."""
        if self.config.w_prior == "joint":
            labels = tf.broadcast_to(tf.reduce_any(labels, 1, keepdims=True), tf.shape(labels))
        return super().label_slots(labels)

    def subspace(self, w: tf.Tensor, label: str | int) -> tf.Tensor:
        """Returns w_i of a label, [n, w_dim], of w [n, k w_dim]; under a joint prior all of w."""
        i, w_dim = self.label_index(label), self.config.w_dim
        return w if self.config.w_prior == "joint" else w[..., i * w_dim : (i + 1) * w_dim]
