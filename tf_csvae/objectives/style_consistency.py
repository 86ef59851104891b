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
    all_x, all_y, all_w = (replicas.gather(part, same=False) for part in (step.x, step.y, step.w))
    n, label = tf.shape(y)[0], tf.argmax(tf.cast(changed, tf.int32), 1)
    wanted = tf.gather(y, label, batch_dims=1)
    fits = tf.cast(tf.gather(tf.transpose(all_y), label) == wanted[:, None], y.dtype)
    count = tf.reduce_sum(fits, 1)
    chosen = replicas.rows(lambda n: tf.random.stateless_uniform((n,), seed, dtype=y.dtype), n)
    donor = tf.argmax(tf.cast(tf.cumsum(fits, 1) > tf.floor(chosen * count)[:, None], tf.int32), 1)
    # Edits and new examples take turns, so both have a part with donors.
    turn = (replicas.first_row(n) + tf.range(n)) // 2 % 2 == 0
    found = turn & (count > 0)
    styled = found & (tf.gather(tf.constant(styles), label) | (wanted > 0))
    return tf.gather(all_x, donor), tf.gather(all_w, donor), found, tf.cast(styled, y.dtype)


def style_consistency(space: LabelSpace, guide: keras.Model, step: Step) -> tf.Tensor:
    """Compares what was decoded with the donors, where the guide looks for the label, float [].

    In nats: the mean of -log of normal densities around the donor's numbers, as in the perceptual
    term. Compared are images of half the size and two stages of the guide; of vectors x itself. A
    row counts as much as the guide sees the requested value, so the label comes before its style.
    """
    exchange = step.exchange
    shown = tf.reduce_sum(tf.where(exchange.changed, tf.exp(-exchange.losses), 0.0), 1)
    counts = exchange.follows * tf.stop_gradient(tf.cast(shown, exchange.follows.dtype))
    count = replicas.mean(tf.reduce_sum(counts))
    seen, nats = _relevance(space, guide, exchange.donor, exchange.changed), []
    pairs = zip(_views(guide, exchange.made), _views(guide, exchange.donor), strict=True)
    for made, wanted in pairs:
        squares = tf.square(tf.cast(made, counts.dtype) - tf.cast(tf.stop_gradient(wanted), counts.dtype))
        share, axes = seen, range(1, len(squares.shape))
        if len(axes) == 3:
            squares = tf.reduce_mean(squares, -1, keepdims=True)
            share = tf.cast(tf.image.resize(seen, squares.shape[1:3]), squares.dtype)
        share = tf.math.divide_no_nan(share, tf.reduce_sum(share, axes, keepdims=True))
        errors = tf.reduce_sum(share * squares, axes)
        error = tf.math.divide_no_nan(tf.reduce_sum(errors * counts), count)
        variance = replicas.mean(error) + MIN_SCALE**2
        nats.append(0.5 * (error / variance + tf.math.log(variance)))
    return tf.where(count > 0, tf.add_n(nats) / len(nats), 0.0)


def _views(guide: keras.Model, x: tf.Tensor) -> list[tf.Tensor]:
    """Returns what is compared: images of half the size and their first stages, or vectors."""
    if len(x.shape) < 4:
        return [x]
    return [tf.nn.avg_pool2d(x, 2, 2, "VALID"), *guide.stages(x)[:STAGES]]


def _relevance(space: LabelSpace, guide: keras.Model, x: tf.Tensor, changed: tf.Tensor) -> tf.Tensor:
    """Returns where the guide looks for a label, as a constant.

    It is the squared gradient of the label's logits with respect to x (Simonyan et al. 2014,
    arXiv:1312.6034): float [n, height, width, 1] of images, smoothed, or [n, d].
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        logits = tf.where(spread(changed, space.widths), guide(x), 0.0)
    seen = tf.abs(tape.gradient(logits, x))
    if len(x.shape) == 4:
        seen = tf.reduce_sum(seen, -1, keepdims=True)
        for _ in range(2):
            seen = tf.nn.avg_pool2d(seen, WINDOW, 1, "SAME")
    return tf.stop_gradient(tf.square(seen))
