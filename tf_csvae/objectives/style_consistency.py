"""Style consistency: what gets the w_i of another example has the label as that example has it.

Label consistency draws w_i from its prior. So no term decodes the w_i of one example with the z of
another, and the decoder may read the style of a label from z alone. Here some of the exchanges take
the w_i of a *donor*, an example of the batch that has the requested value. Where the guide looks
for the label, the result must look as the donor does.
"""

from collections.abc import Sequence

import keras
import tensorflow as tf

from tf_csvae.networks import replicas
from tf_csvae.networks.distributions import MIN_SCALE
from tf_csvae.networks.label_space import LabelSpace, spread
from tf_csvae.objectives.term import Step

# Side of the windows that smooth where the guide looks, and the guide's stages that are compared:
# later ones hold what the guide concludes, not how it looks.
WINDOW, STAGES = 5, 2


def donors(
    step: Step, y: tf.Tensor, changed: tf.Tensor, styles: Sequence[bool], seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Finds a random donor for two of every four rows: an example with the requested value.

    Args:
        step: the batch.
        y: float [n, k], the labels that the rows request.
        changed: bool [n, k], True where a label was exchanged, one in each row.
        styles: whether the value 0 of each label has a style.
        seed: int [2].

    Returns:
        x and w of the donors, float [n, *data_shape] and [n, sum of label_widths]; which rows have
        one, bool [n]; and which get a style by it, float [n].
    """
    all_x, all_y, all_w = (replicas.gather(part) for part in (step.x, step.y, step.w))
    n, label = tf.shape(y)[0], tf.argmax(tf.cast(changed, tf.int32), 1)
    wanted = tf.gather(y, label, batch_dims=1)
    fits = tf.gather(tf.transpose(all_y), label) == wanted[:, None]
    order = replicas.rows(lambda n: tf.random.stateless_uniform((n, tf.shape(all_y)[0]), seed), n)
    donor = tf.argmax(tf.where(fits, order, -1.0), 1)
    # Edits and new examples take turns, so both have a part with donors.
    turn = (replicas.first_row(n) + tf.range(n)) // 2 % 2 == 0
    found = turn & tf.reduce_any(fits, 1)
    styled = found & (tf.gather(tf.constant(styles), label) | (wanted > 0))
    return tf.gather(all_x, donor), tf.gather(all_w, donor), found, tf.cast(styled, y.dtype)


def style_consistency(space: LabelSpace, guide: keras.Model, step: Step) -> tf.Tensor:
    """Compares what was decoded with the donors, where the guide looks for the label, float [].

    In nats: the mean of -log of normal densities around the donor's numbers, as in the perceptual
    term. Compared are images of half the size and two stages of the guide; of vectors x itself. A
    row counts as much as the guide sees the requested value, so the label comes before its style.
    """
    exchange = step.exchange
    wanted, seen = _relevance(space, guide, exchange.donor, exchange.changed)
    made = [exchange.made]
    if len(exchange.made.shape) == 4:
        made = [_halved(exchange.made), *guide.stages(exchange.made)[:STAGES]]
        wanted[0] = _halved(wanted[0])
    losses = space.feature_losses(exchange.features, exchange.predicted)
    shown = tf.reduce_sum(tf.where(exchange.changed, tf.exp(-losses), 0.0), 1)
    counts = exchange.follows * tf.stop_gradient(tf.cast(shown, exchange.follows.dtype))
    count = replicas.mean(tf.reduce_sum(counts))
    nats = []
    for one, other in zip(made, wanted, strict=True):
        one, other = tf.cast(one, counts.dtype), tf.cast(other, counts.dtype)
        squares, axes = tf.square(one - other), range(1, len(one.shape))
        share = seen
        if len(seen.shape) == 4:
            squares = tf.reduce_mean(squares, -1, keepdims=True)
            share = tf.image.resize(seen, one.shape[1:3], "area")
        share /= tf.reduce_sum(share, axes, keepdims=True)
        error = tf.reduce_sum(tf.reduce_sum(share * squares, axes) * counts)
        error = tf.math.divide_no_nan(error, count)
        variance = replicas.mean(error) + MIN_SCALE**2
        nats.append(0.5 * (error / variance + tf.math.log(variance)))
    return tf.where(count > 0, tf.add_n(nats) / len(nats), 0.0)


def _relevance(
    space: LabelSpace, guide: keras.Model, x: tf.Tensor, changed: tf.Tensor
) -> tuple[list[tf.Tensor], tf.Tensor]:
    """Returns x and its first stages, and where the guide looks for a label, as constants.

    The latter is the squared gradient of the label's logits with respect to x (Simonyan et al.
    2014, arXiv:1312.6034): float [n, height, width, 1] of images, smoothed, or [n, d].
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        stages = guide.stages(x)
        logits = tf.reduce_sum(tf.where(spread(changed, space.widths), guide.head(stages[-1]), 0.0))
    seen = tf.abs(tape.gradient(logits, x))
    if len(x.shape) == 4:
        seen = tf.reduce_sum(seen, -1, keepdims=True)
        for _ in range(2):
            seen = tf.nn.avg_pool2d(seen, WINDOW, 1, "SAME")
        x = [x, *stages[:STAGES]]
    else:
        x = [x]
    return [tf.stop_gradient(part) for part in x], tf.stop_gradient(tf.square(seen))


def _halved(images: tf.Tensor) -> tf.Tensor:
    return tf.nn.avg_pool2d(images, 2, 2, "VALID")
