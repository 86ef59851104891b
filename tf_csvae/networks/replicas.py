"""What the mathematics needs of tf.distribute: a global batch, shared by several replicas.

Each replica gets an equal share of the rows of a *global batch* and adds its gradients to those of
the others. The result is the step of one replica with the whole batch if two conditions hold:
whatever reads more than one example reads all of them, and the noise of an example does not depend
on its replica. The functions here provide both. With a single replica they are the identity.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator

import tensorflow as tf

_state = threading.local()  # replicas of one process are threads


@contextlib.contextmanager
def one_batch() -> Iterator[None]:
    """Marks a block in which the replicas' batches are the shares of one global batch, in order.

    Training is such a block. In validation each replica measures whole batches of its own.
    """
    _state.shared = True
    try:
        yield
    finally:
        _state.shared = False


def _context() -> tf.distribute.ReplicaContext | None:
    """Returns the replica context if other replicas share the batch, else None."""
    context = tf.distribute.get_replica_context() if getattr(_state, "shared", False) else None
    return context if context is not None and context.num_replicas_in_sync > 1 else None


def rows(draw: Callable[[int | tf.Tensor], tf.Tensor], n: int | tf.Tensor, parts: int = 1) -> tf.Tensor:
    """Draws the noise that the rows of this replica have in the global batch.

    Each replica draws it for the global batch and keeps its own rows, because a stateless
    generator cannot begin in the middle. Beside a training step the cost is negligible.

    ``draw`` is a function of a number of rows. The n rows of this replica consist of so many
    ``parts``, equally long batches, one after another.
    """
    context = _context()
    if context is None:
        return draw(n)
    noise = draw(n * context.num_replicas_in_sync)
    each = n // parts
    first = context.replica_id_in_sync_group * each
    noise = tf.reshape(noise, (parts, each * context.num_replicas_in_sync, *noise.shape[1:]))
    return tf.reshape(noise[:, first : first + each], (n, *noise.shape[2:]))


def normal(like: tf.Tensor, seed: tf.Tensor, parts: int = 1) -> tf.Tensor:
    """Draws standard normal noise of the shape and type of a tensor [n, ...], as ``rows`` does."""

    def draw(n):
        return tf.random.stateless_normal((n, *like.shape[1:]), seed, dtype=like.dtype)

    return rows(draw, tf.shape(like)[0], parts)


def uniform(like: tf.Tensor, count: int, seed: tf.Tensor) -> tf.Tensor:
    """Draws ``count`` uniform numbers in [0, 1) for each row of a tensor [n, ...], [n, count]."""

    def draw(n):
        return tf.random.stateless_uniform((n, count), seed, dtype=like.dtype)

    return rows(draw, tf.shape(like)[0])


def first_row(n: int | tf.Tensor) -> int | tf.Tensor:
    """Returns the place of the first of this replica's n rows in the global batch."""
    context = _context()
    return 0 if context is None else context.replica_id_in_sync_group * n


def gather(value: tf.Tensor, same: bool = True) -> tf.Tensor:
    """Returns the rows of all replicas in the order of the global batch, [n, ...] -> [N, ...].

    With ``same`` every replica must compute the same from them, as ``mmd`` does. The sum of all
    replicas' gradients is then that of one replica times their number, and no gradient is sent.
    """
    context = _context()
    if context is None:
        return value
    count, n = context.num_replicas_in_sync, tf.shape(value)[0]
    first = context.replica_id_in_sync_group * n

    @tf.custom_gradient
    def gathered(value):
        # A sum of padded rows: TensorFlow's all_gather fails for one device per worker.
        around = [[first, (count - 1) * n - first], *[[0, 0]] * (value.shape.rank - 1)]
        everything = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.pad(value, around))

        def gradient(upstream):
            upstream = tf.convert_to_tensor(upstream)
            total = count * upstream
            if not same:
                total = context.all_reduce(tf.distribute.ReduceOp.SUM, upstream)
            return total[first : first + n]

        return everything, gradient

    return gathered(value)


def mean(value: tf.Tensor) -> tf.Tensor:
    """Returns the mean of a tensor over all replicas; it is constant to every gradient."""
    context = _context()
    value = tf.stop_gradient(value)
    return value if context is None else context.all_reduce(tf.distribute.ReduceOp.MEAN, value)


def share(loss: tf.Tensor) -> tf.Tensor:
    """Returns what a replica adds to the loss of the global batch, given the loss of its share.

    Keras sums the gradients of all replicas (https://github.com/keras-team/keras/issues/19308).
    """
    context = _context()
    return loss if context is None else loss / context.num_replicas_in_sync


def synchronized() -> bool:
    """Returns whether a model that is built here normalises batches over several replicas."""
    return tf.distribute.get_strategy().num_replicas_in_sync > 1
