"""Terms that several generative systems have, each a function of the model to a ``Term``.

The model gives the weight and the networks; docstrings of the systems say which terms they have.
"""

import math

import tensorflow as tf

from tf_csvae.models.game import GameModel
from tf_csvae.networks.distributions import split_seed
from tf_csvae.objectives import bound, gan, label_consistency, perceptual, style_consistency
from tf_csvae.objectives.prior_matching import prior_mmd
from tf_csvae.objectives.term import Step, Term


def reconstruction(model: GameModel) -> Term:
    """Returns -beta1 E[log p(x|code)]; ``likelihood_dims`` scales the weight."""
    return Term("reconstruction", _scaled_weight(model, "beta1"), lambda s: bound.reconstruction(s.px, s.x))


def kl_z(model: GameModel) -> Term:
    """Returns beta3 KL(q(z|x) || p(z))."""
    return Term("kl_z", _scaled_weight(model, "beta3"), lambda s: bound.kl_z(s.code.z), warmup=True)


def kl_w(model: GameModel) -> Term:
    """Returns beta2 KL(q(w|x, y) || p(w|y))."""

    def value(step: Step) -> tf.Tensor:
        return bound.kl_w(model.prior, step.code.w, step.y)

    return Term("kl_w", _scaled_weight(model, "beta2"), value, warmup=True)


def aggregate(model: GameModel) -> Term:
    """Returns the term of aggregate prior matching (``objectives.prior_matching``)."""

    def distance(step: Step) -> tf.Tensor:
        codes = (step.z, step.w), step.code.sample(split_seed(step.seed, 3)[2])
        return prior_mmd(*(model.standardised(z, w, step.y) for z, w in codes), model.examples)

    return Term("aggregate", model.config.aggregate_weight, distance)


def perceptual_term(model: GameModel) -> Term:
    """Returns the perceptual term (``objectives.perceptual``), for examples that the guide sees."""
    every = model.config.guide_every

    def value(step: Step) -> tf.Tensor:
        return perceptual.perceptual(model.guide, step.px.mean()[::every], step.stages)

    return Term("perceptual", model.config.perceptual_weight, value)


def consistency(model: GameModel) -> Term:
    """Returns the term of label consistency (``objectives.label_consistency``)."""

    def value(step: Step) -> tf.Tensor:
        return label_consistency.label_consistency(model.exchange_weights, step)

    return Term("consistency", model.config.consistency_weight, value)


def minimality(model: GameModel) -> Term:
    """Returns the term of minimality: edits change no more than they must.

    E[|mean' - mean|_1 / s], 0 for new examples, with s the standard deviation of p(x|z, w). It
    favours changes of few pixels over small changes of all. ``likelihood_dims`` scales the weight.
    """
    weight = _scaled_weight(model, "minimality_weight") if model.config.consistency_weight else 0.0
    return Term("minimality", weight, lambda s: tf.reduce_mean(s.exchange.moved))


def realism(model: GameModel) -> Term:
    """Returns the generator's term of realism, E[softplus(-D(x', y'))].

    D is a discriminator that gets the labels (Mirza and Osindero 2014, arXiv:1411.1784), x' what
    label consistency decodes for labels y'. The guide alone would accept patterns that no example
    shows.
    """
    weight = model.config.realism_weight if model.discriminator is not None else 0.0
    return Term("realism", weight, lambda s: gan.generator_loss(s.exchange.fake))


def style(model: GameModel) -> Term:
    """Returns the term of style consistency (``objectives.style_consistency``)."""
    weight = model.config.style_weight if model.styles else 0.0

    def value(step: Step) -> tf.Tensor:
        return style_consistency.style_consistency(model.space, model.guide, step)

    return Term("style", weight, value)


def discrimination(model: GameModel) -> dict[str, list[Term]]:
    """Returns {player: terms} of the discriminator of ``realism``, if there is one."""
    if model.discriminator is None:
        return {}

    def loss(step: Step) -> tf.Tensor:
        return gan.discriminator_loss(step.exchange.real, step.exchange.fake)

    return {"discriminator": [Term("discriminator", 1, loss)]}


def _scaled_weight(model: GameModel, name: str) -> float:
    """Returns a weight of the config, scaled by ``likelihood_dims``.

    The weights of sums over the numbers of x are scaled, and of rows of a table the whole bound.
    """
    dims, weight = model.config.likelihood_dims, getattr(model.config, name)
    scaled = dims and (name in ("beta1", "minimality_weight") or model.features)
    return weight * dims / math.prod(model.data_shape) if scaled else weight
