"""Several replicas that train one model (tf.distribute), and what Keras 3 leaves to be done for it.

Each replica gets an equal share of the rows of a *global batch* and adds its gradients to those of
the others. That gives the step that one replica would make of the whole batch only if whatever looks
at more than one example looks at all of them, and if an example's noise does not depend on which
replica it is with. The functions here see to both; to a single replica all of them are the identity.
"""

import contextlib
import threading

import keras
import tensorflow as tf

_state = threading.local()  # replicas of one process are threads


@contextlib.contextmanager
def one_batch():
    """In this block the batches of all replicas are the shares of one global batch, in their order.

    So it is in training. In validation each replica measures whole batches of its own.
    """
    _state.shared = True
    try:
        yield
    finally:
        _state.shared = False


def _context():
    """The replica context, where other replicas have a share of the batch; else None."""
    context = tf.distribute.get_replica_context() if getattr(_state, "shared", False) else None
    return context if context is not None and context.num_replicas_in_sync > 1 else None


def rows(draw, n, parts=1):
    """Draws noise for the rows of a batch: those that they get in the global batch.

    Each replica draws it for the global batch and keeps its own rows, since the generators cannot
    begin in the middle; next to a training step this is nothing.

    Args:
        draw: function of a number of rows -> tensor with so many.
        n: int or int32 [], rows of this replica.
        parts: int, of how many equally long batches, one after another, the rows are made up.

    Returns:
        Tensor of n rows.
    """
    context = _context()
    if context is None:
        return draw(n)
    noise = draw(n * context.num_replicas_in_sync)
    each = n // parts
    first = context.replica_id_in_sync_group * each
    noise = tf.reshape(noise, (parts, each * context.num_replicas_in_sync, *noise.shape[1:]))
    return tf.reshape(noise[:, first : first + each], (n, *noise.shape[2:]))


def first_row(n):
    """Returns the place of this replica's first row, of n, in the global batch: int or int32 []."""
    context = _context()
    return 0 if context is None else context.replica_id_in_sync_group * n


def gather(value):
    """Returns the rows of all replicas, in the order of the global batch.

    What is computed from them must be the same on every replica, as ``mmd`` is: then the sum of all
    replicas' gradients is that of one, as often as there are replicas, and none has to be sent.

    Args:
        value: float [n, ...].

    Returns:
        float [N, ...].
    """
    context = _context()
    if context is None:
        return value
    count, n = context.num_replicas_in_sync, tf.shape(value)[0]
    first = context.replica_id_in_sync_group * n

    @tf.custom_gradient
    def gathered(value):
        # A sum of what each has in its own rows: TensorFlow's all_gather fails for one device per worker.
        around = [[first, (count - 1) * n - first], *[[0, 0]] * (value.shape.rank - 1)]
        everything = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.pad(value, around))
        return everything, lambda upstream: count * upstream[first : first + n]

    return gathered(value)


def mean(value):
    """Returns the mean of a tensor over all replicas; it is a constant to every gradient."""
    context = _context()
    value = tf.stop_gradient(value)
    return value if context is None else context.all_reduce(tf.distribute.ReduceOp.MEAN, value)


def share(loss):
    """Returns what a replica adds to the loss of the global batch, given that of its own share.

    Keras sums the gradients of all replicas (https://github.com/keras-team/keras/issues/19308).
    """
    context = _context()
    return loss if context is None else loss / context.num_replicas_in_sync


def synchronized():
    """Whether a model that is built here will have to normalise batches over several replicas."""
    return tf.distribute.get_strategy().num_replicas_in_sync > 1


class Replicated(keras.Model):
    """A Keras model whose ``fit`` and ``evaluate`` work under every strategy, several workers included.

    It is to be made and compiled within the strategy's scope. Keras 3's own loop then still
    fails in three places, which are replaced here, and only under a strategy:

    * ``_maybe_symbolic_build`` looks at a batch, and cannot convert that of one of several
      workers (https://github.com/keras-team/keras/issues/20585);
    * with ``steps_per_execution`` above 1 its training function loops over optional batches,
      which a strategy's iterator cannot give;
    * it reduces the logs of several workers along an axis that a scalar does not have.

    ``tests/tf_csvae/models/test_replicas.py`` says when a release of Keras no longer needs this.
    """

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Builds what is left, the metrics, from a batch of its own."""
        if self._distribute_strategy is not None:
            with self.distribute_strategy.scope():
                self._symbolic_build(data_batch=self.blank_batch(1))

    def blank_batch(self, n):
        """Returns (x, y), a batch of n examples that are all zero."""
        raise NotImplementedError(f"{type(self).__name__} does not say what a batch is")

    def make_train_function(self, force=False):
        """As Keras', for every strategy."""
        if self._distribute_strategy is None:
            return super().make_train_function(force)
        if self.train_function is None or force:
            self.train_function = self._stepping(self.train_step, self.jit_compile)
        return None

    def make_test_function(self, force=False):
        """As Keras', for every strategy, and without XLA: it would compile again for the smaller last batch."""
        if self._distribute_strategy is None:
            jit_compile, self.jit_compile = self.jit_compile, False
            super().make_test_function(force)
            self.jit_compile = jit_compile
        elif self.test_function is None or force:
            one = self._stepping(self.test_step, jit_compile=False, steps=1)

            def several(iterator):
                logs = one(iterator)  # raises where there is no batch left
                for _ in range(self.steps_per_execution - 1):
                    try:
                        logs = one(iterator)
                    except tf.errors.OutOfRangeError:
                        break
                return logs

            self.test_function = several

    def _stepping(self, step, jit_compile, steps=None):
        """Returns a function of an iterator: so many steps of all replicas -> the logs of the last.

        Args:
            step: function of a replica's (x, y) -> {name: float []}.
            jit_compile: bool, compile the step with XLA.
            steps: int; None: ``steps_per_execution``.
        """
        strategy, names = self.distribute_strategy, []
        steps = steps or self.steps_per_execution
        step = tf.function(step, jit_compile=True) if jit_compile else step

        @tf.autograph.experimental.do_not_convert
        def on_replica(data):
            logs = step(data)
            names[:] = list(logs)
            # All in one vector: one message between workers, not one for each.
            values = tf.stack([tf.cast(value, tf.float32) for value in logs.values()])
            return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, values)

        def on_all(iterator):
            values = tf.zeros([0])
            for _ in tf.range(steps):
                tf.autograph.experimental.set_loop_options(
                    shape_invariants=[(values, tf.TensorShape([None]))]
                )
                everywhere = strategy.run(on_replica, args=(next(iterator),))
                values = strategy.experimental_local_results(everywhere)[0]
            return values

        compiled = on_all if self.run_eagerly else tf.function(on_all)

        def logged(iterator):
            return dict(zip(names, tf.unstack(compiled(iterator)), strict=True))

        return logged
