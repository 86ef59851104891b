"""What every generative system has in common: training, checks, and the public methods."""

import contextlib
import dataclasses
from typing import NamedTuple

import keras
import tensorflow as tf

from tf_csvae.errors import InputError
from tf_csvae.models import consistency, distributions, independence, replicas
from tf_csvae.models.counterfactual import counterfactual
from tf_csvae.models.distributions import sample_each, split_seed, standard_normal, tfd
from tf_csvae.models.label_space import spread
from tf_csvae.models.labelled import LabelledModel, positive, unscaled
from tf_csvae.models.networks import NetworkConfig


class Code(NamedTuple):
    """A latent code: distributions over what the model believes of x.

    Attributes:
        z: distribution of batch shape [n] and event shape [z_dim].
        w: distribution of batch shape [n] and event shape [k w_dim], label by label, or None
            where the system has no label subspaces or was not given the labels it needs.
        y: distribution of batch shape [n] over the features of the labels (``LabelSpace``), of which
            binary labels alone have k; what the model reads from x, or None where it reads none.
    """

    z: tfd.Distribution
    w: tfd.Distribution | None = None
    y: tfd.Distribution | None = None

    def mean(self):
        """Returns (z, w): the means, float32 [n, d] each; w may be None."""
        return self.z.mean(), None if self.w is None else self.w.mean()

    def sample(self, seed):
        """Returns (z, w), one sample of each; the same int or int [2] seed, the same sample."""
        seeds = split_seed(seed, 2)
        return sample_each(self.z, seeds[0]), None if self.w is None else sample_each(self.w, seeds[1])


class GenerativeModel(LabelledModel):
    """Base of all generative systems.

    A system is a game between *players*, each with its own variables, loss, optimizer and
    gradient tape; a plain VAE has one. Those named in ``adversaries`` are trained by copies of
    ``compile``'s ``adversary_optimizer``, the others by ``optimizer``. A subclass gives
    ``losses`` and ``term_names``, its network ``decoder``, and its mathematics:
    ``inference``, ``label_code``. The public methods are here.

    Args:
        data_shape: shape of one example: [d] or [height, width, channels].
        labels: the columns of y: ``Label``s, dicts of their fields, or names.
        z_dim: int, dimensions of z.
        networks: NetworkConfig, or a dict of its fields.
        likelihood: str, one of ``distributions.LIKELIHOODS``.
        likelihood_scale: float, see ``distributions.Likelihood``.
        bounded: bool, x lies in [0, 1], so the decoder ends in a sigmoid.
        aggregate_weight: float, of ``independence.prior_mmd``: codes of all data together are to have the
            mean and the covariance of the prior, or what is decoded from samples of it is nothing that
            the decoder has learned; 0: none.
        perceptual_weight: float, of ``consistency.perceptual``: a reconstruction is to look to the helper as
            the example does, which likes detail that a pixel's error does not; 0: none.
        helper: trained ``Classifier``, see ``consistency.take_helper``; None where nothing needs it.
        counterfactual: bool, changes of x (``transfer``, ``interpolate``, ``style_transfer``, ``walk``) keep what the
            decoder leaves open (``counterfactual.counterfactual``), and label consistency sees them so. False:
            they are what is decoded, with the detail of a reconstruction.
        seed: int, of the sampling noise.
    """

    def __init__(
        self,
        data_shape,
        labels,
        z_dim=2,
        networks=None,
        likelihood="gaussian_optimal",
        likelihood_scale=1.0,
        bounded=False,
        aggregate_weight=0.0,
        perceptual_weight=0.0,
        helper=None,
        counterfactual=False,
        seed=0,
        **kwargs,
    ):
        super().__init__(data_shape, labels, **kwargs)
        self.configure(
            z_dim=positive("z_dim", z_dim),
            bounded=bool(bounded),
            aggregate_weight=aggregate_weight,
            counterfactual=bool(counterfactual),
            seed=int(seed),
        )
        consistency.take_helper(self, helper)
        consistency.weigh(self, perceptual_weight=perceptual_weight)
        self.networks = networks if isinstance(networks, NetworkConfig) else NetworkConfig(**networks or {})
        if likelihood == "bernoulli" and not self.bounded:
            raise InputError(
                "likelihood=bernoulli needs data in [0, 1], such as images. Received: data without bounds. "
                "Take one of the Gaussians."
            )
        self.likelihood = distributions.Likelihood(
            likelihood, likelihood_scale, self.dtype_policy, name="likelihood"
        )
        self.kl_warmup_steps = 0
        self.record(
            networks=dataclasses.asdict(self.networks),
            likelihood=likelihood,
            likelihood_scale=likelihood_scale,
        )

    def count_params(self):
        """Returns the number of the model's own weights; a helper's do not count."""
        return super().count_params() - (self.helper.count_params() if self.helper else 0)

    # What a subclass gives.

    @property
    def term_names(self):
        """Names of the numbers that ``losses`` reports; here those of every bound."""
        return (
            *("loss", "reconstruction", "kl_z"),
            *([] if self.likelihood.scale is None else ["scale"]),
            *(name for name, weight in self._penalties().items() if weight),
        )

    def players(self):
        """Returns {player: list of its variables}; the first is no adversary.

        Here: a generator, and those of the adversaries that are there.
        """
        others = {name: getattr(self, name) for name in self.adversaries}
        others = {
            name: network.trainable_variables for name, network in others.items() if network is not None
        }
        taken = {id(variable) for variables in others.values() for variable in variables}
        rest = [variable for variable in self.trainable_variables if id(variable) not in taken]
        return {"generator": rest, **others}

    adversaries = ()
    """Names of the players that the others play against, each an attribute."""

    helper, emphasis, consistency_weight, perceptual_weight = None, None, 0.0, 0.0
    """Classifier that reads labels, and the weights of what it sees in made data; see ``consistency``."""

    def losses(self, x, y, training, seed):
        """Returns ({player: scalar loss}, {term name: scalar}) for a batch; ``seed`` is int [2]."""
        raise NotImplementedError(f"{type(self).__name__} gives no losses")

    def inference(self, x, y, training=False):
        """The posterior ``Code``, for checked tensors; y may be None."""
        raise NotImplementedError(f"{type(self).__name__} gives no inference")

    def generative(self, z, w=None, x=None, training=False):
        """The likelihood p(x|z, w), for checked tensors; w is what ``label_code`` gives."""
        return self.likelihood(self.decoded(z, w, training), x, training=training)

    def decoded(self, z, w=None, training=False):
        """The decoder's output, for checked tensors."""
        return self.decoder(z if w is None else tf.concat([z, w], -1), training=training)

    def bound_terms(self, x, px, code, standard):
        """Returns the terms that every variational bound has, and the scale of p(x|.).

        Args:
            x: float32 [n, *data_shape].
            px: p(x|z, w), of a sample of the code.
            code: ``Code``.
            standard: float32 [n, d], that sample, in units of the prior and from its centre.
        """
        terms = {
            "reconstruction": -tf.reduce_mean(px.log_prob(x)),
            "kl_z": tf.reduce_mean(tfd.kl_divergence(code.z, standard_normal(self.z_dim, code.z.dtype))),
        }
        if self.likelihood.scale is not None:
            terms["scale"] = self.likelihood.scale
        if self.aggregate_weight:
            terms["aggregate"] = independence.prior_mmd(replicas.gather(standard))
        return terms

    def _penalties(self):
        """What any system may have beside its bound: {term: its weight}."""
        return {
            "aggregate": self.aggregate_weight,
            "consistency": self.consistency_weight,
            "perceptual": self.perceptual_weight,
        }

    def penalty(self, terms):
        """Returns the weighted sum of those terms that stand beside the bound, 0 without any."""
        return sum(weight * terms[name] for name, weight in self._penalties().items() if weight)

    @property
    def helper_reads(self):
        """Whether the helper reads labels of x that are not given."""
        return self.helper is not None and bool(self.label_widths)

    @property
    def reads_labels(self):
        """Whether labels of x need not be given, since the model reads them: here by the helper."""
        return self.helper_reads

    label_widths = ()
    """Columns that each label has in what the decoder gets beside z; none: it gets no labels."""

    def label_code(self, y, seed=None):
        """Returns what the decoder gets for labels y beside z, [n, sum of label_widths]; None for nothing.

        The most likely one, or with a seed a sample.
        """
        return

    def label_slots(self, labels):
        """Spreads bool [n, k] of labels to the columns [n, sum of label_widths] that they own."""
        return spread(labels, self.label_widths)

    def own_code(self, code, y):
        """Returns what the decoder gets beside z to reconstruct x: its own w where there is one."""
        return self.label_code(y) if code.w is None else code.w.mean()

    # Keras' side: configuration, compilation, the step.

    def compile(
        self, optimizer="adam", adversary_optimizer=None, kl_warmup_steps=0, jit_compile="auto", **kwargs
    ):
        """Configures training.

        Args:
            optimizer: Keras optimizer or its name, of which each player gets its own.
            adversary_optimizer: the same for adversaries; default: as ``optimizer``.
            kl_warmup_steps: int, steps over which the KL terms' weights rise linearly from 0.
            jit_compile: bool or "auto": compile the step with XLA; "auto" does for vectors,
                where it pays, and not for images, where on the CPU it costs.
            **kwargs: for ``keras.Model.compile``: ``steps_per_execution``, ``run_eagerly``.
        """
        optimizer = unscaled(keras.optimizers.get(optimizer))
        adversary_optimizer = unscaled(keras.optimizers.get(adversary_optimizer or _copy(optimizer)))
        super().compile(optimizer, jit_compile, **kwargs)
        # In half precision Keras wraps the one that it knows of, to scale its loss.
        scaled = isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer)
        self.trackers = {name: keras.metrics.Mean(name=name) for name in self.term_names}
        self.kl_warmup_steps = int(kl_warmup_steps)
        self._adversary_optimizer = keras.optimizers.serialize(adversary_optimizer)
        _, *others = self.players()
        self.player_optimizers = {}
        for name in others:
            own = _copy(adversary_optimizer if name in self.adversaries else optimizer)
            self.player_optimizers[name] = keras.optimizers.LossScaleOptimizer(own) if scaled else own
        # Built here, not lazily in the first step: a checkpoint must find the slots to fill.
        for name, variables in self.players().items():
            self._optimizer_of(name).build(variables)

    def get_compile_config(self):
        """As of the base."""
        config = super().get_compile_config()
        return config and {
            **config,
            "adversary_optimizer": self._adversary_optimizer,
            "kl_warmup_steps": self.kl_warmup_steps,
        }

    def _optimizer_of(self, player):
        return self.player_optimizers.get(player, self.optimizer)

    @property
    def kl_weight(self):
        """float32 [], the warm-up's factor on the KL terms at this step."""
        if not self.kl_warmup_steps:
            return tf.ones((), self.variable_dtype)
        steps = tf.cast(self.optimizer.iterations, self.variable_dtype)
        return tf.minimum(steps / self.kl_warmup_steps, 1.0)

    def train_step(self, data):
        """One step of every player, from one forward pass.

        Each tape watches its own player's variables alone. So an adversary's loss cannot move
        the encoder whose codes it reads (they are constants to its tape), and the generator's
        loss cannot move the adversary that it is scored by: no stop_gradient is needed, and
        what the losses share is computed once.
        """
        with replicas.one_batch():
            return self._train_step(*self._typed(data))

    def _train_step(self, x, y):
        players = self.players()
        # The noise depends on the seed and the step alone: nothing to save, exact to resume.
        seed = tf.stack([self.seed, tf.cast(self.optimizer.iterations, tf.int32)])
        with contextlib.ExitStack() as stack:
            tapes = {}
            for name, variables in players.items():
                tapes[name] = stack.enter_context(tf.GradientTape(watch_accessed_variables=False))
                tapes[name].watch([variable.value for variable in variables])
            losses, terms = self.losses(x, y, True, seed)
            scaled = {
                name: self._optimizer_of(name).scale_loss(replicas.share(loss))
                for name, loss in losses.items()
            }
        for name, variables in players.items():
            gradients = tapes[name].gradient(scaled[name], [variable.value for variable in variables])
            self._optimizer_of(name).apply_gradients(zip(gradients, variables, strict=True))
        return self._track(terms, x)

    def test_step(self, data):
        """The same terms on a batch that trains nothing, always with the same noise."""
        x, y = self._typed(data)
        _, terms = self.losses(x, y, False, tf.constant([self.seed, -1]))
        return self._track(terms, x)

    def _typed(self, data):
        return [tf.cast(part, self.variable_dtype) for part in data]

    def _track(self, terms, x):
        n = tf.shape(x)[0]
        for name, value in terms.items():
            # The mean over no examples is not a number: a replica's, whose batches have run out.
            self.trackers[name].update_state(tf.where(n > 0, value, 0.0), sample_weight=n)
        return {name: self.trackers[name].result() for name in terms}

    def call(self, x, y=None):
        """The same as ``reconstruct``."""
        return self.reconstruct(x, y)

    # The public methods.

    def encode(self, x, y=None):
        """Returns the posterior of x: q(z|x) or q(z|x, y), and of the label subspaces.

        Args:
            x: float [n, *data_shape].
            y: float [n, k] or [k], the labels of x, where the system needs them; a helper reads
                those that are not given. A CSVAE without either leaves ``Code.w`` None.

        Returns:
            A ``Code``.

        Raises:
            InputError: shapes that do not fit, or labels missing where they are needed.
        """
        x = self.check_x(x, "encode")
        return self.inference(x, self._known(x, y, "encode"))

    def decode(self, z, w=None):
        """Returns the mean of p(x|z, w).

        Args:
            z: float [n, z_dim].
            w: float [n, sum of label_widths]: label subspaces, or for systems without them what
                ``label_code`` gives for labels; binary labels are that themselves.

        Returns:
            float32 [n, *data_shape].

        Raises:
            InputError: w missing where it is needed.
        """
        if w is None and self.label_widths:
            self._needs_labels("decode")
        return self.generative(z, w).mean()

    def reconstruct(self, x, y=None):
        """Encodes and decodes, by the means.

        Args:
            x: float [n, *data_shape].
            y: float [n, k] or [k], the labels of x.

        Returns:
            float32 [n, *data_shape].

        Raises:
            InputError: shapes that do not fit, or labels missing where they are needed.
        """
        x = self.check_x(x, "reconstruct")
        y = self._known(x, y, "reconstruct")
        code = self.inference(x, y)
        return self.decode(code.z.mean(), self.own_code(code, y))

    def sample(self, y=None, n=1, seed=None):
        """Samples new examples that have the labels y: z ~ p(z), w ~ p(w|y), the mean of p(x|z, w).

        Args:
            y: float [m, k] or [k], rows of labels; one that is NaN is drawn, as often as in the training
                data. None for a system that knows no labels.
            n: int, samples per row.
            seed: int or int [2]; the same seed gives the same samples. None: new ones each call.

        Returns:
            float32 [m n, *data_shape], all n of the first row first.

        Raises:
            InputError: y of the wrong width, missing, or given where it cannot be used.
        """
        n = positive("n", n)
        if y is not None or self.label_widths:
            y = tf.repeat(self._steerable(y, "sample"), n, axis=0)
            n = tf.shape(y)[0]
        return self.decode(*self.sample_code(y, n, seed))

    def sample_code(self, y, n, seed):
        """Draws n codes: z ~ p(z), and with labels, checked, [n, k], what the decoder gets for them.

        Returns:
            z float32 [n, z_dim]; w float32 [n, sum of label_widths] or None.
        """
        z_seed, w_seed = tf.unstack(split_seed(seed, 2))
        z = standard_normal(self.z_dim, self.variable_dtype).sample(n, seed=z_seed)
        return z, None if y is None else self.label_code(self.space.filled(y, w_seed), w_seed)

    def transfer(self, x, y_source, y_target, seed=None):
        """Changes labels of x and keeps the rest: z, and what stands for the labels that stay.

        Args:
            x: float [n, *data_shape].
            y_source: float [n, k] or [k], the labels that x has; None where the system reads
                them from x, which then counts all of them as changed.
            y_target: float [n, k] or [k], the labels to give it; one that is NaN stays.
            seed: int or int [2], draws w_i of the changed labels from p(w_i|y_i); None takes
                its mean.

        Returns:
            float32 [n, *data_shape].

        Raises:
            InputError: shapes that do not fit, or a system that knows no labels.
        """
        x = self.check_x(x, "transfer")
        y_source = self.labels_of(x, y_source, "transfer")
        y_target = self._steerable(y_target, "transfer", x)
        code = self.inference(x, y_source)
        changed = self.label_slots(tf.not_equal(y_source, y_target) & ~tf.math.is_nan(y_target))
        own = self.own_code(code, y_source)
        return self.editor(x, code.z.mean(), own)(tf.where(changed, self.label_code(y_target, seed), own))

    def editor(self, x, z, w):
        """Returns a function: another w -> x as it would be with that, its z kept.

        Args:
            x: float32 [n, *data_shape].
            z: float32 [n, z_dim], its code.
            w: float32 [n, sum of label_widths], what the decoder gets for x beside it.
        """
        if not self.counterfactual:
            return lambda other: self.decode(z, other)
        own = self.generative(z, w)
        return lambda other: counterfactual(x, own, self.decode(z, other), self.bounded)

    def interpolate(self, x, label, start=None, stop=None, steps=8, y=None):
        """Moves x along one label, in a straight line of what the decoder gets for it.

        Args:
            x: float [n, *data_shape].
            label: str or int, the label to move.
            start: float, its first value; None: ``Label.ends`` has it, of a binary label 0.
            stop: float, its last value; None: the other end, of a binary label 1.
            steps: int, points of the line, both ends included.
            y: float [n, k] or [k], the labels of x; None where the system reads them from x.

        Returns:
            float32 [n, steps, *data_shape].

        Raises:
            InputError: shapes that do not fit, no such label, or y missing.
        """
        x, this = self.check_x(x, "interpolate"), self.label_mask(label)
        y = self.labels_of(x, y, "interpolate")
        code = self.inference(x, y)
        w = self.own_code(code, y)
        edited = self.editor(x, code.z.mean(), w)
        ends = [
            tf.constant([[label.ends[end] for label in self.labels]]) if value is None else value
            for end, value in enumerate((start, stop))
        ]
        first, last = (self.label_code(tf.where(this, value, y)) for value in ends)
        here = self.label_slots(this)
        path = []
        for share in tf.unstack(tf.linspace(0.0, 1.0, positive("steps", steps))):
            path.append(edited(tf.where(here, first + share * (last - first), w)))
        return tf.stack(path, axis=1)

    def style_transfer(self, content, style, label, y_content=None, y_style=None):
        """Gives objects the way in which others have a label: their w_i, and nothing else.

        Args:
            content: float [n, *data_shape].
            style: float [n, *data_shape].
            label: str or int, whose subspace w_i is exchanged.
            y_content: float [n, k] or [k], the labels of the content.
            y_style: the same of the style.

        Returns:
            float32 [n, *data_shape].

        Raises:
            InputError: shapes that do not fit, or a system without label subspaces.
        """
        self._needs_subspaces("style_transfer")

    def walk(self, x, label, y=None, value=None, steps=7, extent=2.0):
        """Walks through a label's subspace w_i, all else of x kept.

        The steps are a grid over two dimensions of w_i around the mean of p(w_i|y_i = value);
        further dimensions stay at that mean.

        Args:
            x: float [n, *data_shape].
            label: str or int, whose subspace it is.
            y: float [n, k] or [k], the labels of x.
            value: float, the value of the label; None: of a binary label 1, of another that of x.
            steps: int, points along each dimension.
            extent: float, how far the walk goes each way, in standard deviations of the prior.

        Returns:
            float32 [n, rows, steps, *data_shape], rows being ``steps``, or 1 where w_i has one
            dimension.

        Raises:
            InputError: shapes that do not fit, or a system without label subspaces.
        """
        self._needs_subspaces("walk")

    def _needs_subspaces(self, where):
        raise InputError(
            f"{where}: {type(self).__name__} has no label subspaces, so a label has no style in it. "
            "CSVAE has."
        )

    def _steerable(self, y, where, rows=None):
        if not self.label_widths:
            raise InputError(
                f"{where}: {type(self).__name__} knows no labels, so it cannot be steered by them. "
                "sample(n=...) without y samples from all it knows."
            )
        return self.check_y(y, where, rows)

    def labels_of(self, x, y, where):
        """Returns y checked, or without it what the helper, where there is one, sees in x."""
        if y is None and self.helper_reads:
            return self.helper.read(x)
        return self._steerable(y, where, x)

    def _known(self, x, y, where):
        """Returns the labels of x, checked, as far as they are given or a helper reads them; or None."""
        if y is None:
            return self.labels_of(x, None, where) if self.helper_reads else None
        return self.check_y(y, where, x)

    def _needs_labels(self, where):
        raise InputError(
            f"{where}: {type(self).__name__} needs the labels y of x, which the user must give. Received: none."
        )

    # Checks. They look at shapes always and at values only outside of graphs.

    def check_y(self, y, where, rows=None):
        """Returns y as float32 [n, k] or raises ``InputError`` naming ``where``.

        Args:
            y: array-like [k] or [n, k]; NaN where a label is not known.
            where: str, the method that was called.
            rows: tensor whose first dimension n must be; a y of one row is repeated to it.
        """
        if y is None:
            self._needs_labels(where)
        y = tf.cast(tf.convert_to_tensor(y), self.variable_dtype)
        y = y[None] if y.shape.rank == 1 else y
        k = len(self.labels)
        if y.shape.rank != 2 or y.shape[-1] != k:
            names = ", ".join(label.name for label in self.labels)
            raise InputError(
                f"{where}: y must have {k} column{'s' * (k != 1)}, one per label ({names}). "
                f"Received: y of shape {tuple(y.shape)}."
            )
        if tf.executing_eagerly():
            self.space.check(y, where)
        if rows is not None:
            if y.shape[0] == 1:
                y = tf.repeat(y, tf.shape(rows)[0], axis=0)
            elif y.shape[0] is not None and rows.shape[0] is not None and y.shape[0] != rows.shape[0]:
                raise InputError(
                    f"{where}: x and y must have as many rows. Received: {rows.shape[0]} of x and {y.shape[0]} of y."
                )
        return y


def _copy(optimizer):
    return keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
