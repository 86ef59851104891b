"""The Conditional Subspace VAE (Klys, Snell, Zemel 2018, arXiv:1812.06190)."""

import keras
import numpy as np
import tensorflow as tf

from tf_csvae.errors import InputError
from tf_csvae.models import consistency, independence, networks, priors, replicas
from tf_csvae.models.base import Code, GenerativeModel
from tf_csvae.models.distributions import diagonal_normal, sample_each, split_seed, tfd
from tf_csvae.models.erasure import LabelErasure
from tf_csvae.models.label_space import LabelSpace
from tf_csvae.models.labelled import positive

W_POSTERIORS = ("free", "centred")

# Scale of p(w_i|y_i = 0), where it starts if it is learned, where the absence of a label has no style. At
# 1 the decoder would have to learn to look past the noise of every label that an example lacks.
ABSENT_SCALE = 0.1


@keras.saving.register_keras_serializable("tf_csvae")
class CSVAE(GenerativeModel):
    """A VAE with a small latent subspace w_i for each label y_i, and z for all the rest.

    Generative model: p(x|w, z) p(z) p_gamma(w|y). Inference: q(z|x), q(w|x, y). The
    paper's two losses, in nats per example, over disjoint variables:

        M1 = - beta1 E[log p(x|w, z)] + beta2 KL(q(w|x, y) || p(w|y)) + beta3 KL(q(z|x) || p(z))
             - beta4 E[H(q_delta(y|z))] + mmd_weight sum_i MMD^2(z | y_i = 0, z | y_i = 1)
             + aggregate_weight MMD^2([z, w], p(z) p(w|y))
        M2 = - beta5 E[log q_delta(y|z)]

    M1 moves the decoder, the encoders and the prior; M2 the adversary q_delta. The entropy
    term drives what the adversary reads from z towards a coin's toss. Two things are ours,
    since by itself that game is won on some seeds and lost on others: the adversary weighs
    the classes of each label equally (``balanced``), and a two-sample penalty
    (``independence.mmd``) stands beside it. ``balanced=False, mmd_weight=0`` is the paper's. The last
    term (``independence.prior_mmd``), without which samples of the prior are nothing that the decoder
    has learned, is that of every system, and so is the perceptual term (``GenerativeModel``).

    With ``erase_labels`` z is standardised by the labels (``LabelErasure``): q(z|x, y) is the encoder's normal, less the
    mean and over the scale that regressions on y expect. All that is linear in the labels, and most of what
    is quadratic, is then gone from z without a game, and nothing is lost by it: the decoder has the labels in w.

    Labels of other kinds than the paper's binary ones keep the same terms (``LabelSpace``,
    ``FactorizedPrior``): q_delta is categorical or normal, the penalty is between each class, or
    each third of a batch, and the rest. Of a label that is not known in a row nothing is read;
    w_i is then held by the mixture of p(w_i|y_i) over its values.

    Label consistency (ours; ``consistency``) adds to M1

             + consistency_weight E[- sum_i log h(y'_i|x')]

    where x' is decoded for labels y' of which one was exchanged at random: half of the time from the z
    and the other w_j of x, with w_i drawn from p(w_i|y'_i), half of the time from a z of p(z) and a
    w of p(w|y'). The helper h is a trained classifier; the exchanged label weighs five times another, or
    with an ``exchange_target`` as much as it takes. With ``counterfactual`` it sees x itself with that change where z is kept.
    So w_i alone, whatever else the code knows, decides about what is seen of y_i. Where the z of x is
    kept, the y' of a label that was not exchanged is what h reads in x.

    Args:
        data_shape: shape of one example: [d] or [height, width, channels].
        labels: the columns of y: ``Label``s, dicts of their fields, or names.
        z_dim: int, dimensions of z.
        w_dim: int, dimensions of each label's subspace w_i.
        w_prior: str, p(w|y): "factorized" prod_i p(w_i|y_i), learned; "fixed", the same with
            means that stay at -/+ ``w_separation``; "joint", one network from all labels.
        w_separation: float, where the prior means of w_i start: -/+ this in every dimension; those of
            classes no nearer to each other; that of a real label at this times its value.
        w_posterior: str, q(w|x, y): "free"; or "centred", whose network gives mean and scale in units
            of p(w|y), from its centre: w then follows the labels from the first step, and the
            network has to say only how x differs from others that have them.
        absent_style: bool, examples without a label differ in its way too, as faces that are not Male
            do. False: where y_i = 0, q(w_i|x, y) is p(w_i|y_i), which is narrow (``ABSENT_SCALE``). w_i can
            then hold only what those that have the label need, such as the shape of their glasses. Of
            binary labels alone, and not under a joint prior.
        shared_encoder: bool, one trunk reads x for both q(z|x) and q(w|x, y).
        beta1, beta2, beta3, beta4, beta5: float, weights of the terms above.
        adversarial: bool; False drops all that drives the labels out of z: beta4, beta5 and
            the two-sample penalty.
        balanced: bool, the adversary's loss weighs the classes of each label equally, by the
            labels' frequencies; labels given as mere names count as balanced already.
        mmd_weight: float, weight of the two-sample penalty; 0 for none.
        erase_labels: bool, z is standardised by the labels. Where x comes without, nothing is taken out of its z
            but what a helper reads.
        consistency_weight: float, weight of label consistency, which needs a ``helper``; 0: none.
        exchange_target: float in [0, 1), how sure the helper is to be of an exchanged label, or as sure as it is of
            real data, where that is less (``consistency.Emphasis``);
            0: each exchange weighs the same.
        **kwargs: see ``GenerativeModel``: networks, likelihood, likelihood_scale, bounded, aggregate_weight,
            perceptual_weight, helper, counterfactual, seed.

    Example:
        >>> from tf_csvae import CSVAE
        >>> model = CSVAE(data_shape=[3], labels=["tall"], z_dim=2, w_dim=2)
        >>> model.sample([[1.0]], n=5, seed=0).shape
        TensorShape([5, 3])
    """

    def __init__(
        self,
        data_shape,
        labels,
        z_dim=2,
        w_dim=2,
        w_prior="factorized",
        w_separation=1.0,
        shared_encoder=False,
        beta1=1.0,
        beta2=1.0,
        beta3=1.0,
        beta4=5.0,
        beta5=1.0,
        adversarial=True,
        balanced=True,
        mmd_weight=20.0,
        w_posterior="free",
        absent_style=True,
        erase_labels=False,
        consistency_weight=0.0,
        exchange_target=0.0,
        **kwargs,
    ):
        super().__init__(data_shape, labels, z_dim, **kwargs)
        if w_prior not in priors.PRIORS:
            raise ValueError(f"w_prior must be one of {priors.PRIORS}. Received: {w_prior!r}")
        if w_posterior not in W_POSTERIORS:
            raise ValueError(f"w_posterior must be one of {W_POSTERIORS}. Received: {w_posterior!r}")
        if w_prior == "joint" and not absent_style:
            raise InputError(
                "absent_style=False needs a prior of each label by itself. Received: w_prior=joint. Take "
                "absent_style=True, or w_prior factorized or fixed."
            )
        self.configure(
            w_dim=positive("w_dim", w_dim),
            w_prior=w_prior,
            w_separation=w_separation,
            w_posterior=w_posterior,
            absent_style=absent_style,
            shared_encoder=shared_encoder,
            beta1=beta1,
            beta2=beta2,
            beta3=beta3,
            beta4=beta4,
            beta5=beta5,
            adversarial=adversarial,
            balanced=balanced,
            mmd_weight=mmd_weight,
            erase_labels=erase_labels,
        )
        consistency.configure(self, consistency_weight, exchange_target)

        k, config, dtype = len(self.labels), self.networks, self.dtype_policy
        self.trunk = networks.trunk(self.data_shape, config, dtype, name="trunk")
        self.w_trunk = (
            self.trunk if shared_encoder else networks.trunk(self.data_shape, config, dtype, name="w_trunk")
        )
        features = self.trunk.output_shape[-1]
        self.z_head = networks.head(features, 2 * self.z_dim, config, dtype=dtype, name="z_head")
        self.w_head = networks.head(features, 2 * k * w_dim, config, self.space.width, dtype, name="w_head")
        self.erasure = (
            LabelErasure(self.z_dim, self.space.width, dtype, name="erasure") if erase_labels else None
        )
        self.decoder = networks.decoder(self.z_dim + k * w_dim, self.data_shape, config, self.bounded, dtype)
        # Balanced, an adversary that can read nothing from z answers 1/2, the point to which the
        # entropy term drives it; else it answers p(y), and the two losses pull apart.
        self.adversary_space = LabelSpace(self.labels, spread=True, balance=float(balanced))
        outputs = self.adversary_space.outputs
        self.adversary = (
            networks.dense(self.z_dim, outputs, config, dtype, name="adversary") if adversarial else None
        )
        if w_prior == "joint":
            self.prior = priors.JointPrior(self.labels, w_dim, config, dtype=dtype, name="prior")
        else:
            self.prior = priors.FactorizedPrior(
                self.labels,
                w_dim,
                w_separation,
                learned=w_prior == "factorized",
                absent_scale=1.0 if absent_style else ABSENT_SCALE,
                dtype=dtype,
                name="prior",
            )
        self.built = True

    @property
    def adversaries(self):
        """The adversary, where it plays."""
        return ("adversary",) if self.adversarial else ()

    @property
    def term_names(self):
        """Names of the numbers that ``losses`` reports with these options."""
        adversarial = ("entropy", "adversary", *(["mmd"] if self.mmd_weight else []))
        return (*super().term_names, "kl_w", *(adversarial if self.adversarial else ()))

    def inference(self, x, y, training=False):
        """q(z|x) and q(w|x, y), for checked tensors; w is None where y is."""
        features = self.trunk(x, training=training)
        z = diagonal_normal(self.z_head(features, training=training))
        known = y is not None
        if not known:
            y = tf.fill((tf.shape(x)[0], len(self.labels)), tf.constant(np.nan, x.dtype))
        condition = self.space.features(y)
        if self.erase_labels:
            normal = self.erasure(z.mean(), z.stddev(), condition, training=training)
            z = tfd.Independent(tfd.Normal(*normal), 1)
        if not known:
            return Code(z)
        if not self.shared_encoder:
            features = self.w_trunk(x, training=training)
        w, prior = diagonal_normal(self.w_head([features, condition], training=training)), self.prior(y)
        mean, deviation = w.mean(), w.stddev()
        if self.w_posterior == "centred":
            mean, deviation = prior.mean() + prior.stddev() * mean, prior.stddev() * deviation
        if not self.absent_style:
            binary = [[label.kind == "binary" for label in self.labels]]
            present = self.label_slots(~(binary & (y <= 0.5)))  # where it is not known, too
            mean = tf.where(present, mean, prior.mean())
            deviation = tf.where(present, deviation, prior.stddev())
        return Code(z, tfd.Independent(tfd.Normal(mean, deviation), 1))

    def losses(self, x, y, training, seed):
        """M1 and M2, and their terms, in nats per example."""
        code = self.inference(x, y, training)
        z, w = code.sample(seed)
        px, more = consistency.decode(self, x, y, z, w, training, seed)
        terms = {**self.bound_terms(x, px, code, self._standard(z, w, y)), **more}
        terms["kl_w"] = tf.reduce_mean(self.prior.kl(code.w, y))
        m1 = self.beta1 * terms["reconstruction"] + (self.kl_weight if training else 1.0) * (
            self.beta2 * terms["kl_w"] + self.beta3 * terms["kl_z"]
        )
        m1 += self.penalty(terms)
        losses = {}
        if self.adversarial:
            logits = self.adversary(z, training=training)
            terms["entropy"] = tf.reduce_mean(self.adversary_space.entropy(logits))
            terms["adversary"] = tf.reduce_mean(tf.reduce_sum(self.adversary_space.losses(y, logits), -1))
            losses["adversary"] = self.beta5 * terms["adversary"]
            m1 -= self.beta4 * terms["entropy"]
            if self.mmd_weight:
                members, others, share = self.space.groups(replicas.gather(y))
                penalties = independence.mmd(replicas.gather(z), members, others)
                terms["mmd"] = tf.reduce_sum(tf.cast(share, z.dtype) * penalties)
                m1 += self.mmd_weight * terms["mmd"]
        return {"generator": m1, **losses}, {"loss": m1, **terms}

    def _standard(self, z, w, y):
        """The code in units of its prior, but for labels that some examples lack: theirs is a mixture."""
        prior = self.prior(y)
        known = np.flatnonzero(np.repeat([not label.missing for label in self.labels], self.w_dim))
        return tf.concat([z, tf.gather((w - prior.mean()) / prior.stddev(), known, axis=1)], -1)

    def label_code(self, y, seed=None):
        """The mean of p(w|y), or with a seed a sample of it."""
        if y is None:
            self._needs_labels("reconstruct")
        prior = self.prior(y)
        return prior.mean() if seed is None else sample_each(prior, split_seed(seed, 1)[0])

    @property
    def label_widths(self):
        """w_dim each: the decoder gets w_i for each label."""
        return (self.w_dim,) * len(self.labels)

    def label_slots(self, labels):
        """As of the base; under a joint prior every label owns all of w."""
        if self.w_prior == "joint":
            labels = tf.broadcast_to(tf.reduce_any(labels, 1, keepdims=True), tf.shape(labels))
        return super().label_slots(labels)

    def subspace(self, w, label):
        """Cuts w_i, float32 [n, w_dim], of a label (name or index) from w [n, k w_dim].

        Under a joint prior every label owns all of w, and all of it is returned.
        """
        i = self.label_index(label)
        if self.w_prior == "joint":
            return w
        return w[..., i * self.w_dim : (i + 1) * self.w_dim]

    def style_transfer(self, content, style, label, y_content=None, y_style=None):
        """As of the base."""
        content, style = (self.check_x(x, "style_transfer") for x in (content, style))
        y_content = self.labels_of(content, y_content, "style_transfer")
        y_style = self.labels_of(style, y_style, "style_transfer")
        z, own = self.inference(content, y_content).mean()
        _, other = self.inference(style, y_style).mean()
        return self.editor(content, z, own)(tf.where(self.label_slots(self.label_mask(label)), other, own))

    def walk(self, x, label, y=None, value=None, steps=7, extent=2.0):
        """As of the base."""
        x = self.check_x(x, "walk")
        y = self.labels_of(x, y, "walk")
        this, steps = self.label_mask(label), positive("steps", steps)
        slot = self.label_slots(this)
        z, own = self.inference(x, y).mean()
        edited = self.editor(x, z, own)
        if value is None:
            value = tf.where([[label.kind == "binary" for label in self.labels]], 1.0, y)
        prior = self.prior(tf.where(this, value, y))
        centre, deviation = prior.mean(), prior.stddev()
        first = 0 if self.w_prior == "joint" else self.label_index(label) * self.w_dim
        offsets = (
            tf.unstack(tf.linspace(-float(extent), float(extent), steps)) if steps > 1 else [tf.zeros(())]
        )
        width = tf.shape(own)[1]
        rows = []
        for up in offsets if self.w_dim > 1 else [tf.zeros(())]:
            row = []
            for across in offsets:
                moves = across * tf.one_hot(first, width) + up * tf.one_hot(first + 1, width)
                row.append(edited(tf.where(slot, centre + moves * deviation, own)))
            rows.append(tf.stack(row, 1))
        return tf.stack(rows, 1)
