"""What an objective consists of: weighted terms per player, and the pass that they read."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from tf_csvae.networks.distributions import Seed, sample_each, split_seed, tfd


class Code(NamedTuple):
    """A latent code: the posterior of an example.

    Attributes:
        z: distribution of batch shape [n] and event shape [z_dim].
        w: distribution of batch shape [n] and event shape [k w_dim], label by label; None if the
            system has no label subspaces or did not get the labels that it needs.
        y: distribution of batch shape [n] over the features of the labels (``LabelSpace``), as the
            system predicts them from x; None if it predicts none.
    """

    z: tfd.Distribution
    w: tfd.Distribution | None = None
    y: tfd.Distribution | None = None

    def mean(self) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Returns (z, w): the means, float [n, d] each; w may be None."""
        return self.z.mean(), None if self.w is None else self.w.mean()

    def sample(self, seed: Seed) -> tuple[tf.Tensor, tf.Tensor | None]:
        """Returns (z, w), one sample of each; an int or int [2] seed gives the same again."""
        seeds = split_seed(seed, 2)
        z = sample_each(self.z, seeds[0])
        return z, None if self.w is None else sample_each(self.w, seeds[1])


@dataclasses.dataclass
class Step:
    """One forward pass over a batch: all that the terms of an objective read.

    Attributes:
        x: float [n, *data_shape].
        y: float [n, k], NaN where a label is unknown.
        training: whether the pass belongs to a training step.
        seed: int [2], of the noise of this step.
        code: posterior of x.
        z: float [n, z_dim], a sample of it.
        w: float [n, sum of label_widths], what the decoder gets beside z; None: nothing.
        px: p(x|z, w).
        predicted: outputs of the labels predicted from z (``LabelSpace``); None: not predicted.
        stages: outputs of the guide's stages for the examples of x that it sees, constant to
            gradients; None: no guide.
        exchange: what label consistency requested and got; None: no label consistency.
    """

    x: tf.Tensor
    y: tf.Tensor
    training: bool
    seed: tf.Tensor
    code: Code
    z: tf.Tensor
    w: tf.Tensor | None = None
    px: tfd.Distribution | None = None
    predicted: tf.Tensor | None = None
    stages: list | None = None
    exchange: object | None = None


@dataclasses.dataclass(frozen=True)
class Term:
    """One weighted term of a player's loss. A term of weight 0 is not computed.

    Attributes:
        name: of the number in logs and history.csv. Terms of one name are computed once.
        weight: factor in the loss.
        value: function of a ``Step`` -> float [], nats per example.
        warmup: the weight rises linearly from 0 over the first steps of the training.
    """

    name: str
    weight: float
    value: Callable[[Step], tf.Tensor]
    warmup: bool = False


Objective = dict[str, list[Term]]


def names(objective: Objective) -> tuple[str, ...]:
    """Returns the names of the terms of an objective whose weight is not 0."""
    terms = (term for terms in objective.values() for term in terms if term.weight)
    return tuple(dict.fromkeys(term.name for term in terms))


def losses(
    objective: Objective, step: Step, kl_weight: float | tf.Tensor = 1.0
) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
    """Returns the weighted sums and the terms, ({player: float []}, {term: float []}), of a pass.

    ``kl_weight`` is a factor on the weights of terms with ``warmup``.
    """
    values, sums = {}, {}
    for player, terms in objective.items():
        sums[player] = tf.zeros((), step.x.dtype)
        for term in terms:
            if term.weight:
                if term.name not in values:
                    values[term.name] = term.value(step)
                weight = term.weight * kl_weight if term.warmup else term.weight
                sums[player] += weight * values[term.name]
    return sums, values
