"""What every generative system has in common: training, checks, and the public methods."""

import contextlib
import dataclasses
import json
from typing import NamedTuple

import keras
import tensorflow as tf
from keras.src.saving.serialization_lib import deserialize_keras_object

from tf_csvae.errors import InputError
from tf_csvae.labels import as_labels
from tf_csvae.models import distributions
from tf_csvae.models.distributions import tfd
from tf_csvae.models.networks import NetworkConfig


class Code(NamedTuple):
    """A latent code: distributions over what the model believes of x.

    Attributes:
        z: distribution of batch shape [n] and event shape [z_dim].
        w: distribution of batch shape [n] and event shape [k w_dim], label by label, or None
            where the system has no label subspaces or was not given the labels it needs.
    """

    z: tfd.Distribution
    w: tfd.Distribution | None = None

    def mean(self):
        """Returns (z, w): the means, float32 [n, d] each; w may be None."""
        return self.z.mean(), None if self.w is None else self.w.mean()

    def sample(self, seed):
        """Returns (z, w), one sample of each; the same int or int [2] seed, the same sample."""
        seeds = split_seed(seed, 2)
        return self.z.sample(seed=seeds[0]), None if self.w is None else self.w.sample(seed=seeds[1])


def split_seed(seed, n):
    """Returns int32 [n, 2], independent stateless seeds from one int or int [2] seed.

    None draws a seed from TensorFlow's global generator (``tf.random.set_seed``).
    """
    if seed is None:
        seed = tf.random.uniform((2,), maxval=2**31 - 1, dtype=tf.int32)
    seed = tf.convert_to_tensor(seed)
    if seed.shape.rank == 0:
        seed = tf.stack([seed, tf.zeros_like(seed)])
    return tf.random.experimental.stateless_split(tf.cast(seed, tf.int32), n)


class GenerativeModel(keras.Model):
    """Base of all generative systems.

    A system is a game between *players*, each with its own variables, loss, optimizer and
    gradient tape; a plain VAE has one. The first player is the generator, trained by
    ``compile``'s ``optimizer``; every other is an adversary, trained by a copy of
    ``adversary_optimizer``. A subclass gives ``players``, ``losses`` and ``term_names``, and
    the mathematics of ``encode``, ``decode`` and ``exchange``; this class does the rest.

    Args:
        data_shape: shape of one example: [d] or [height, width, channels].
        labels: the columns of y: ``Label``s, dicts of their fields, or names.
        z_dim: int, dimensions of z.
        networks: NetworkConfig, or a dict of its fields.
        likelihood: str, one of ``distributions.LIKELIHOODS``.
        likelihood_scale: float, see ``distributions.Likelihood``.
        bounded: bool, x lies in [0, 1], so the decoder ends in a sigmoid.
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
        seed=0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.data_shape = tuple(int(side) for side in data_shape)
        self.labels = as_labels(labels)
        self.z_dim = _positive("z_dim", z_dim)
        self.networks = networks if isinstance(networks, NetworkConfig) else NetworkConfig(**networks or {})
        self.bounded = bool(bounded)
        self.likelihood = distributions.Likelihood(likelihood, likelihood_scale, name="likelihood")
        self.seed = int(seed)
        self.kl_warmup_steps = 0
        self.trackers = {name: keras.metrics.Mean(name=name) for name in self.term_names}
        self._config = {
            "data_shape": list(self.data_shape),
            "labels": [label.to_dict() for label in self.labels],
            "z_dim": self.z_dim,
            "networks": dataclasses.asdict(self.networks),
            "likelihood": likelihood,
            "likelihood_scale": likelihood_scale,
            "bounded": self.bounded,
            "seed": seed,
        }

    # What a subclass gives.

    term_names = ()
    """Names of the numbers that ``losses`` reports, in the order of history.csv."""

    def players(self):
        """Returns {player: list of its variables}, the generator first."""
        raise NotImplementedError(f"{type(self).__name__} gives no players")

    def losses(self, x, y, training, seed):
        """Returns ({player: scalar loss}, {term name: scalar}) for a batch; ``seed`` is int [2]."""
        raise NotImplementedError(f"{type(self).__name__} gives no losses")

    def encode(self, x, y=None):
        """Returns the ``Code`` of x [n, *data_shape], given its labels y [n, k] if known."""
        raise NotImplementedError(f"{type(self).__name__} cannot encode")

    def decode(self, z, w=None):
        """Returns the mean of p(x|z, w), float32 [n, *data_shape]."""
        raise NotImplementedError(f"{type(self).__name__} cannot decode")

    # Keras' side: configuration, compilation, the step.

    def get_config(self):
        """Returns the constructor's arguments as plain values."""
        # Keras wraps the containers that a model holds; JSON gives plain ones back.
        return {"name": self.name, "dtype": self.dtype_policy.name, **json.loads(json.dumps(self._config))}

    def compile(
        self, optimizer="adam", adversary_optimizer=None, kl_warmup_steps=0, jit_compile="auto", **kwargs
    ):
        """Configures training.

        Args:
            optimizer: Keras optimizer or its name, for the generator.
            adversary_optimizer: the same for each adversary; default: as ``optimizer``.
            kl_warmup_steps: int, steps over which the KL terms' weights rise linearly from 0.
            jit_compile: bool or "auto": compile the step with XLA; "auto" does for vectors,
                where it pays, and not for images, where on the CPU it costs.
            **kwargs: for ``keras.Model.compile``: ``steps_per_execution``, ``run_eagerly``.
        """
        if jit_compile == "auto":
            jit_compile = len(self.data_shape) == 1
        optimizer = keras.optimizers.get(optimizer)
        adversary_optimizer = keras.optimizers.get(adversary_optimizer or _copy(optimizer))
        super().compile(optimizer=optimizer, jit_compile=jit_compile, **kwargs)
        self.kl_warmup_steps = int(kl_warmup_steps)
        self._compile_arguments = {
            "kl_warmup_steps": self.kl_warmup_steps,
            "jit_compile": jit_compile,
            "steps_per_execution": self.steps_per_execution,
        }
        _, *adversaries = self.players()
        self.adversary_optimizers = {name: _copy(adversary_optimizer) for name in adversaries}
        self._adversary_optimizer = keras.optimizers.serialize(adversary_optimizer)
        # Built here, not lazily in the first step: a checkpoint must find the slots to fill.
        for name, variables in self.players().items():
            self._optimizer_of(name).build(variables)

    def get_compile_config(self):
        """Returns the arguments of ``compile`` as plain values."""
        return {
            "optimizer": keras.optimizers.serialize(self.optimizer),
            "adversary_optimizer": self._adversary_optimizer,
            **self._compile_arguments,
        }

    def compile_from_config(self, config):
        """Compiles as ``get_compile_config`` recorded; ``keras.models.load_model`` calls it."""
        self.compile(**{name: deserialize_keras_object(value) for name, value in config.items()})

    def _optimizer_of(self, player):
        return self.adversary_optimizers.get(player, self.optimizer)

    @property
    def kl_weight(self):
        """float32 [], the warm-up's factor on the KL terms at this step."""
        if not self.kl_warmup_steps:
            return tf.ones(())
        steps = tf.cast(self.optimizer.iterations, tf.float32)
        return tf.minimum(1.0, steps / self.kl_warmup_steps)

    def train_step(self, data):
        """One step of every player, from one forward pass.

        Each tape watches its own player's variables alone. So an adversary's loss cannot move
        the encoder whose codes it reads (they are constants to its tape), and the generator's
        loss cannot move the adversary that it is scored by: no stop_gradient is needed, and
        what the losses share is computed once.
        """
        x, y = data
        players = self.players()
        # The noise depends on the seed and the step alone: nothing to save, exact to resume.
        seed = tf.stack([self.seed, tf.cast(self.optimizer.iterations, tf.int32)])
        with contextlib.ExitStack() as stack:
            tapes = {}
            for name, variables in players.items():
                tapes[name] = stack.enter_context(tf.GradientTape(watch_accessed_variables=False))
                tapes[name].watch([variable.value for variable in variables])
            losses, terms = self.losses(x, y, True, seed)
            scaled = {name: self._optimizer_of(name).scale_loss(loss) for name, loss in losses.items()}
        for name, variables in players.items():
            gradients = tapes[name].gradient(scaled[name], [variable.value for variable in variables])
            self._optimizer_of(name).apply_gradients(zip(gradients, variables, strict=True))
        return self._track(terms, x)

    def test_step(self, data):
        """The same terms on a batch that trains nothing, always with the same noise."""
        x, y = data
        _, terms = self.losses(x, y, False, tf.constant([self.seed, -1]))
        return self._track(terms, x)

    def make_test_function(self, force=False):
        """As Keras', without XLA: it would compile again for the smaller last batch."""
        jit_compile, self.jit_compile = self.jit_compile, False
        super().make_test_function(force)
        self.jit_compile = jit_compile

    def _track(self, terms, x):
        for name, value in terms.items():
            self.trackers[name].update_state(value, sample_weight=tf.shape(x)[0])
        return {name: self.trackers[name].result() for name in terms}

    def call(self, x, y=None):
        """The same as ``reconstruct``, for ``model.predict``."""
        return self.reconstruct(x, y)

    # The public methods that need no more than encode, decode and exchange.

    def reconstruct(self, x, y=None):
        """Encodes and decodes, by the means.

        Args:
            x: float [n, *data_shape].
            y: float [n, k], the labels of x.

        Returns:
            float32 [n, *data_shape].

        Raises:
            InputError: shapes that do not fit, or labels missing where they are needed.
        """
        return self.decode(*self.encode(x, y).mean())

    # Checks. They look at shapes always and at values only outside of graphs.

    def check_x(self, x, where):
        """Returns x as float32 [n, *data_shape] or raises ``InputError`` naming ``where``."""
        x = tf.convert_to_tensor(x, dtype_hint=tf.float32)
        if x.shape.rank != 1 + len(self.data_shape) or tuple(x.shape[1:]) != self.data_shape:
            expected = ", ".join(map(str, ("n", *self.data_shape)))
            raise InputError(
                f"{where}: x must have shape ({expected}). Received: x of shape {tuple(x.shape)}."
            )
        return tf.cast(x, tf.float32)

    def check_y(self, y, where, rows=None):
        """Returns y as float32 [n, k] or raises ``InputError`` naming ``where``.

        Args:
            y: array-like [k] or [n, k].
            where: str, the method that was called.
            rows: tensor whose first dimension n must be; a y of one row is repeated to it.
        """
        if y is None:
            raise InputError(
                f"{where}: {type(self).__name__} needs the labels y of x, which q(w|x, y) reads. Received: y=None."
            )
        y = tf.cast(tf.convert_to_tensor(y), tf.float32)
        y = y[None] if y.shape.rank == 1 else y
        k = len(self.labels)
        if y.shape.rank != 2 or y.shape[-1] != k:
            names = ", ".join(label.name for label in self.labels)
            raise InputError(
                f"{where}: y must have {k} column{'s' * (k != 1)}, one per label ({names}). "
                f"Received: y of shape {tuple(y.shape)}."
            )
        if tf.executing_eagerly() and not bool(tf.reduce_all((y >= 0) & (y <= 1))):
            raise InputError(f"{where}: labels must lie between 0 and 1. Received: {y.numpy().ravel()[:10]}.")
        if rows is not None:
            if y.shape[0] == 1:
                y = tf.repeat(y, tf.shape(rows)[0], axis=0)
            elif y.shape[0] is not None and rows.shape[0] is not None and y.shape[0] != rows.shape[0]:
                raise InputError(
                    f"{where}: x and y must have as many rows. Received: {rows.shape[0]} of x and {y.shape[0]} of y."
                )
        return y

    def label_index(self, label):
        """Returns the column of a label given by name or index; raises ``InputError``."""
        names = [known.name for known in self.labels]
        if label in names:
            return names.index(label)
        if isinstance(label, int) and 0 <= label < len(names):
            return label
        raise InputError(f"No label {label!r}. This model's labels: {', '.join(names)}.")


def _positive(name, value):
    if int(value) != value or value < 1:
        raise ValueError(f"{name} must be a positive integer. Received: {name}={value}")
    return int(value)


def _copy(optimizer):
    return keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
