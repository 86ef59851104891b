"""The training of all generative systems: a game of one or more players, one step for all."""

import contextlib
from collections.abc import Sequence
from typing import Any, ClassVar

import keras
import tensorflow as tf

from tf_csvae.configs import VAEConfig
from tf_csvae.errors import InputError
from tf_csvae.features import Feature
from tf_csvae.labels import Labels
from tf_csvae.models.classifier import Classifier
from tf_csvae.models.keras_fixes import finalize_together
from tf_csvae.models.labelled import LabelledModel, check_same, constant_rate, unscaled
from tf_csvae.networks import distributions, own, replicas, trunks
from tf_csvae.networks.distributions import Seed, tfd
from tf_csvae.networks.fixed_features import FixedFeatures
from tf_csvae.networks.label_space import spread
from tf_csvae.networks.rows import RowLikelihood
from tf_csvae.objectives import label_consistency, perceptual, term
from tf_csvae.objectives.term import Code, Objective, Step


class GameModel(LabelledModel):
    """The base of all generative systems, as far as training goes.

    A system is a game between *players*, each with its own variables, loss, optimizer and gradient
    tape; a VAE has one. A subclass gives its network ``decoder`` and its mathematics:
    ``inference``, ``generative``, ``forward`` and ``objective``.

    Args:
        data_shape: shape of one example: (d,) or (height, width, channels).
        labels: the columns of y: ``Label``s, dicts of their fields, or names.
        config: the system's config, or a dict of its values; None: the defaults.
        guide: a trained ``Classifier``, of which the model keeps a copy that no longer learns, or
            the config of one whose weights are restored later. It takes part in the training and
            predicts labels that are not given. It must not be the judge.
        bounded: x lies in [0, 1], so the decoder ends in a sigmoid.
        encoder: your own network from x to features [n, any], in place of the convolutions or dense
            layers of ``config``: a Keras model, or a function (data_shape, config) that makes it.
        decoder: your own network from the code to the mean of x, in [0, 1] if it is bounded: a
            Keras model, or a function (width of the code, data_shape, config).
        features: as of ``LabelledModel``.
        seed: of the noise in training.

    Raises:
        InputError: a guide of other data, a weight that needs a guide and none, a likelihood that
            needs bounded data, or is not that of a table, or a network with other shapes.
    """

    adversaries: ClassVar[Sequence[str]] = ()
    """Players that use ``compile``'s ``adversary_optimizer``."""

    has_subspaces: ClassVar[bool] = False
    """Whether labels have subspaces w_i."""

    label_widths: Sequence[int] = ()
    """Columns per label in what the decoder gets beside z; empty: it gets no labels."""

    styles: Sequence[bool] = ()
    """Whether the value 0 of each label has a style; empty: no style consistency."""

    def __init__(
        self,
        data_shape: Sequence[int],
        labels: Labels,
        config: VAEConfig | dict | None = None,
        guide: Classifier | dict | None = None,
        bounded: bool = False,
        encoder: own.Own | None = None,
        decoder: own.Own | None = None,
        features: Sequence[Feature | dict] = (),
        seed: int = 0,
        **kwargs,
    ) -> None:
        super().__init__(data_shape, labels, config, features, seed, **kwargs)
        self.bounded, self.guide, self.fixed = bool(bounded), None, None
        self._own = {"encoder": encoder, "decoder": decoder}
        if guide is not None:
            self._take_guide(guide)
        for name in ("consistency_weight", "perceptual_weight"):
            if getattr(self.config, name, 0) and self.guide is None:
                raise InputError(
                    f"{name}={getattr(self.config, name):g} needs a guide, a trained Classifier of "
                    "the same data. Received: none."
                )
        if self.config.likelihood == "bernoulli" and not self.bounded:
            raise InputError(
                "likelihood=bernoulli needs data in [0, 1], such as images. Received: unbounded "
                "data. Use one of the Gaussians."
            )
        self.z_dim = self.config.z_dim
        if not self.has_subspaces:
            self.z_dim += len(self.labels) * self.config.w_dim
        if self.features:
            for name in ("minimality_weight", "style_weight"):
                if getattr(self.config, name, 0):
                    raise InputError(f"{name} is for images and vectors, not for rows of a table.")
            if self.config.likelihood != type(self.config).likelihood:
                raise InputError(
                    f"likelihood={self.config.likelihood} is for images and vectors. The rows of a table "
                    "have a distribution for each type of column; leave it out."
                )
            self.likelihood = RowLikelihood(self.features, self.dtype_policy, name="likelihood")
            if len(self.likelihood.space.fixed):
                self.fixed = FixedFeatures(self.likelihood.space, self.labels, self.dtype_policy)
        else:
            kind, scale = self.config.likelihood, self.config.likelihood_scale
            self.likelihood = distributions.Likelihood(
                kind, scale, self.bounded, self.dtype_policy, name="likelihood"
            )
        self.kl_warmup_steps = self.examples = 0

    def _take_guide(self, guide: Classifier | dict) -> None:
        trained = guide.get_weights() if isinstance(guide, Classifier) else None
        config = guide if trained is None else guide.get_config()
        # In the precision of the model, since it takes part in every step.
        guide = Classifier.from_config({**config, "name": "guide", "dtype": self.dtype_policy})
        check_same(guide, self.data_shape, self.labels, "The guide")
        if trained is not None:
            guide.set_weights(trained)
        guide.trainable = False
        self.guide = guide

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain values."""
        guide = None if self.guide is None else self.guide.get_config()
        networks = {"encoder": self.trunk, "decoder": self.decoder}
        given = {
            name: keras.saving.serialize_keras_object(networks[name])
            for name, each in self._own.items()
            if each is not None
        }
        return {**super().get_config(), "guide": guide, "bounded": self.bounded, **given}

    def count_params(self) -> int:
        """Returns the number of the model's own weights, without those of the guide."""
        return super().count_params() - (self.guide.count_params() if self.guide else 0)

    # What a subclass gives.

    def inference(self, x: tf.Tensor, y: tf.Tensor | None, training: bool = False) -> Code:
        """Returns the posterior of checked tensors; y may be None."""
        raise NotImplementedError

    def generative(
        self, z: tf.Tensor, w: tf.Tensor | None = None, x: tf.Tensor | None = None, training: bool = False
    ) -> tfd.Distribution:
        """Returns p(x|z, w) of checked tensors; w as of ``label_code``.

        x has the fixed features, if there are any, and is what a scale is fitted to in training.
        """
        return self.likelihood(self.decoded(z, w, x, training), x, training=training)

    def forward(self, x: tf.Tensor, y: tf.Tensor, training: bool, seed: tf.Tensor) -> Step:
        """Returns one pass over a batch, with all that ``objective`` reads."""
        raise NotImplementedError

    def objective(self) -> Objective:
        """Returns {player: its weighted terms}. A term of weight 0 is not computed."""
        raise NotImplementedError

    def players(self) -> dict[str, list[keras.Variable]]:
        """Returns {player: its variables}; here a generator, and adversaries by their networks."""
        others = {name: getattr(self, name).trainable_variables for name in self.adversaries}
        taken = {id(variable) for variables in others.values() for variable in variables}
        rest = [variable for variable in self.trainable_variables if id(variable) not in taken]
        return {"generator": rest, **others}

    def label_code(self, y: tf.Tensor | None, seed: Seed = None) -> tf.Tensor | None:
        """Returns what the decoder gets beside z for labels y, [n, sum of label_widths], or None.

        It is the most likely one, or with a seed a sample.
        """
        return None

    def label_slots(self, labels: tf.Tensor) -> tf.Tensor:
        """Spreads bool [n, k] of labels to the columns [n, sum of label_widths] that they own."""
        return spread(labels, self.label_widths)

    def standardised(self, z: tf.Tensor, w: tf.Tensor | None, y: tf.Tensor) -> tf.Tensor:
        """Returns the parts of a code that have a prior, in its units; here z."""
        return z

    # Parts of a model and of a pass that several systems share.

    def new_trunk(self, name: str = "trunk") -> keras.Model:
        """Returns a network from x to features, [n, width], for the heads of an encoder."""
        if self._own["encoder"] is not None:
            arguments = self.data_shape, self.config
            return own.network(self._own["encoder"], "encoder", arguments, self.data_shape, [None])
        return trunks.trunk(self.data_shape, self.config, self.dtype_policy, name)

    def new_decoder(self, code: int) -> keras.Model:
        """Returns a decoder from codes, [n, code], to what the likelihood takes."""
        outputs = self.likelihood.outputs if self.features else None
        code += len(self.likelihood.space.fixed) if self.features else 0
        if self._own["decoder"] is not None:
            arguments = code, self.data_shape, self.config
            shape = [outputs] if self.features else self.data_shape
            return own.network(self._own["decoder"], "decoder", arguments, [code], shape)
        return trunks.decoder(code, self.data_shape, self.config, self.bounded, self.dtype_policy, outputs)

    def new_discriminator(self) -> keras.Model | None:
        """Returns a network from x and the features of labels to logits; None without realism."""
        if not (self.config.realism_weight and self.config.consistency_weight):
            return None
        # Keras assigns the normalised weights in the type that the layer computes in: in half
        # precision what a step changes would be rounded away.
        return trunks.discriminator(self.data_shape, self.space.width, self.config, self.variable_dtype)

    def decoded(
        self, z: tf.Tensor, w: tf.Tensor | None, x: tf.Tensor | None = None, training: bool = False
    ) -> tf.Tensor:
        """Returns the decoder's output for checked tensors; x has the fixed features."""
        parts = [z] if w is None else [z, w]
        if self.fixed is not None:
            given = self.likelihood.space.given(x)
            parts.append(tf.where(tf.math.is_nan(given), 0.0, given))
        return self.decoder(tf.concat(parts, -1) if parts[1:] else z, training=training)

    def decode_step(self, step: Step) -> Step:
        """Adds p(x|z, w) to a step, and what the terms with a guide need."""
        consistency, every = getattr(self.config, "consistency_weight", 0), self.config.guide_every
        if consistency or self.config.perceptual_weight:
            step.stages = perceptual.stages(self.guide, step.x[::every])
        if not consistency:
            step.px = self.generative(step.z, step.w, step.x, step.training)
            return step
        n = tf.shape(step.x)[0]
        exchange = step.exchange = label_consistency.request(
            self.space, self.guide, step, self.label_code, self.label_slots, every, self.styles
        )
        # One pass of the decoder, so that batch normalisation treats both alike.
        z, w = tf.concat([step.z, exchange.z], 0), tf.concat([step.w, exchange.w], 0)
        x = tf.concat([step.x, exchange.x], 0) if self.fixed is not None else None
        means = self.decoded(z, w, x, step.training)
        step.px = self.likelihood(means[:n], step.x, training=step.training)
        own, other = (self.likelihood(part, exchange.x) for part in (means[:n:every], means[n:]))
        label_consistency.show(
            self.space, exchange, self.guide, own, other, self.likelihood, self.config.counterfactual
        )
        if self.discriminator is not None:
            label_consistency.tell_apart(self.space, self.guide, self.discriminator, step)
        return step

    # Keras' side: compilation and the step.

    def compile(
        self,
        optimizer: Any = "adam",
        adversary_optimizer: Any = None,
        kl_warmup_steps: int = 0,
        examples: int = 0,
        jit_compile: bool | str = "auto",
        **kwargs: Any,
    ) -> None:
        """Configures training as ``LabelledModel.compile`` does; a loss or metrics are refused.

        Each player gets a copy of ``optimizer``, adversaries one of ``adversary_optimizer`` unless
        it is None. If a callback changes the learning rate of ``optimizer``, the rates of all
        players change by the same factor. The weight of the KL terms rises linearly from 0 over
        ``kl_warmup_steps``. ``examples`` is the number of training examples; 0: so many that
        ``prior_mmd`` need not know it.
        """
        self.refuse_objective(kwargs)
        optimizer = unscaled(keras.optimizers.get(optimizer))
        adversary = unscaled(keras.optimizers.get(adversary_optimizer or _copy(optimizer)))
        super().compile(optimizer, jit_compile, **kwargs)
        # In float16 Keras wraps the optimizer that it gets in one that scales the loss.
        scaled = isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer)
        names = ("loss", *term.names(self.objective()))
        names += () if self.likelihood.scale is None else ("scale",)
        names += ("exchanges_seen",) if getattr(self.config, "consistency_weight", 0) else ()
        self.trackers = {name: keras.metrics.Mean(name=name) for name in names}
        self.kl_warmup_steps, self.examples = int(kl_warmup_steps), int(examples)
        self._adversary_optimizer = keras.optimizers.serialize(adversary)
        first, *others = self.players()
        self.player_optimizers = {}
        for name in others:
            own = _copy(adversary if name in self.adversaries else optimizer)
            self.player_optimizers[name] = keras.optimizers.LossScaleOptimizer(own) if scaled else own
        # Built here, not in the first step: a checkpoint must find the slots to fill.
        for name, variables in self.players().items():
            self._optimizer_of(name).build(variables)
        finalize_together([*map(self._optimizer_of, (first, *others))], [*self.players().values()])
        rate, others_rate = (constant_rate(each) for each in (optimizer, adversary))
        self._rate_ratio = others_rate / rate if rate and others_rate is not None else None

    def get_compile_config(self) -> dict[str, Any] | None:
        """Returns the arguments of ``compile`` as plain values; None before it was called."""
        config = super().get_compile_config()
        if config is None:
            return None
        adversary = self._adversary_optimizer
        if self._rate_ratio is not None:  # a callback may have changed the rates
            rate = self._rate_ratio * constant_rate(unscaled(self.optimizer))
            adversary = {**adversary, "config": {**adversary["config"], "learning_rate": rate}}
        own = {"kl_warmup_steps": self.kl_warmup_steps, "examples": self.examples}
        return {**config, "adversary_optimizer": adversary, **own}

    @property
    def term_names(self) -> tuple[str, ...]:
        """Names of the numbers that a step logs: "loss", the terms, and others that there are.

        These are "scale", that of p(x|z, w), and "exchanges_seen", the mean probability that the
        guide gives to a requested value.
        """
        return tuple(self.trackers)

    def _optimizer_of(self, player: str) -> keras.optimizers.Optimizer:
        return self.player_optimizers.get(player, self.optimizer)

    @property
    def kl_weight(self) -> tf.Tensor:
        """The warm-up's factor on the KL terms at this step, float []."""
        if not self.kl_warmup_steps:
            return tf.ones((), self.variable_dtype)
        steps = tf.cast(self.optimizer.iterations, self.variable_dtype)
        return tf.minimum(steps / self.kl_warmup_steps, 1.0)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Makes one step of every player from one forward pass.

        Each tape watches the variables of its own player only. So an adversary's loss cannot move
        the encoder whose codes it reads, and the generator's loss cannot move the adversary: no
        stop_gradient is needed, and what the losses share is computed once.
        """
        x, y = self._typed(data, "fit")
        if self.fixed is not None:
            self.fixed.keep(x, y)
        players = self.players()
        # The noise depends on the seed and the step only: nothing to save, exact to resume.
        seed = tf.stack([self.seed, tf.cast(self.optimizer.iterations, tf.int32)])
        with replicas.one_batch(), contextlib.ExitStack() as stack:
            tapes = {}
            for name, variables in players.items():
                tape = tf.GradientTape(watch_accessed_variables=False)
                tapes[name] = stack.enter_context(tape)
                tapes[name].watch([variable.value for variable in variables])
            losses, values = self.player_losses(x, y, True, seed)
            scaled = {
                name: self._optimizer_of(name).scale_loss(replicas.share(loss))
                for name, loss in losses.items()
            }
        self._follow_learning_rate()
        for name, variables in players.items():
            watched = [variable.value for variable in variables]
            gradients = tapes[name].gradient(scaled[name], watched, unconnected_gradients="zero")
            self._optimizer_of(name).apply_gradients(zip(gradients, variables, strict=True))
        return self._track(values, x)

    def player_losses(
        self, x: tf.Tensor, y: tf.Tensor, training: bool, seed: tf.Tensor
    ) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        """Returns ({player: loss}, {logged name: value}) of a batch, in nats per example.

        x is float [n, *data_shape], y float [n, k], NaN where unknown; ``seed``, int [2], draws the
        noise.
        """
        step = self.forward(x, y, training, seed)
        losses, values = term.losses(self.objective(), step, self.kl_weight if training else 1.0)
        values = {"loss": next(iter(losses.values())), **values}
        if self.likelihood.scale is not None:
            values["scale"] = self.likelihood.scale
        if step.exchange is not None:
            values["exchanges_seen"] = step.exchange.shown
        return losses, values

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Computes the terms on a batch without training, always with the same noise."""
        x, y = self._typed(data, "evaluate")
        _, values = self.player_losses(x, y, False, tf.constant([self.seed, -1]))
        return self._track(values, x)

    def _typed(self, data, where) -> list[tf.Tensor]:
        x, y = self.unpacked(data, where)
        return [self.as_float(x), tf.cast(y, self.variable_dtype)]

    def _track(self, values, x) -> dict[str, tf.Tensor]:
        n = tf.shape(x)[0]
        for name, value in values.items():
            # A replica without batches left has no examples, and their mean is NaN.
            self.trackers[name].update_state(tf.where(n > 0, value, 0.0), sample_weight=n)
        return {name: self.trackers[name].result() for name in values}

    def _follow_learning_rate(self) -> None:
        """Gives the other players the learning rate that a callback set, times their ratio."""
        if self._rate_ratio is not None:
            rate = self.optimizer.learning_rate
            for name, optimizer in self.player_optimizers.items():
                ratio = self._rate_ratio if name in self.adversaries else 1.0
                optimizer.learning_rate = rate * ratio


def _copy(optimizer) -> keras.optimizers.Optimizer:
    return keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
