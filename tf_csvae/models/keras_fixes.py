"""Keras' private or faulty methods that this package replaces, with their upstream issues.

``tests/tf_csvae/models/test_replicas.py`` and ``test_by_hand.py`` say when a release of Keras no
longer needs a replacement.
"""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from tf_csvae.networks import fused


class FixedModel(keras.Model):
    """A Keras model whose ``fit`` and ``evaluate`` work under every tf.distribute strategy.

    Make and compile it in the scope of the strategy. Keras 3's own loop then still fails in three
    places, which are replaced here, under a strategy only:

    * ``_maybe_symbolic_build`` converts a batch, and fails for one of several workers
      (https://github.com/keras-team/keras/issues/20585);
    * with ``steps_per_execution`` above 1 the training function loops over optional batches, which
      the iterator of a strategy cannot give;
    * the logs of several workers are reduced along an axis that a scalar does not have.
    """

    def _maybe_symbolic_build(self, iterator=None, data_batch=None) -> None:
        """Builds what is left, the metrics, from the ``blank_batch`` of a subclass."""
        if self._distribute_strategy is not None:
            with self.distribute_strategy.scope():
                self._symbolic_build(data_batch=self.blank_batch(1))

    def make_train_function(self, force: bool = False) -> None:
        """Makes the training function: Keras' own, or one for a strategy, or one XLA program."""
        if self.train_function is not None and not force:
            return
        if self._distribute_strategy is not None:
            self.train_function = self._stepping(self.train_step, self.jit_compile)
            return
        super().make_train_function(force)
        if self.jit_compile and self.steps_per_execution > 1 and not self.run_eagerly:
            self.train_function = fused.train_function(
                self.train_step, self.get_metrics_result, self.steps_per_execution, self.train_function
            )

    def make_test_function(self, force: bool = False) -> None:
        """Makes the test function, without XLA, which would compile again for the last batch."""
        if self._distribute_strategy is None:
            jit_compile, self.jit_compile = self.jit_compile, False
            super().make_test_function(force)
            self.jit_compile = jit_compile
        elif self.test_function is None or force:
            one = self._stepping(self.test_step, jit_compile=False, steps=1)

            def several(iterator):
                logs = one(iterator)  # raises if there is no batch left
                for _ in range(self.steps_per_execution - 1):
                    try:
                        logs = one(iterator)
                    except tf.errors.OutOfRangeError:
                        break
                return logs

            self.test_function = several

    def _stepping(self, step, jit_compile, steps=None) -> Callable:
        """Returns a function of an iterator: so many steps of all replicas -> the last logs.

        ``step`` is a function of a replica's (x, y) -> {name: float []}.
        """
        strategy, names = self.distribute_strategy, []
        steps = steps or self.steps_per_execution
        step = tf.function(step, jit_compile=True, autograph=False) if jit_compile else step

        @tf.autograph.experimental.do_not_convert
        def on_replica(data):
            logs = step(data)
            names[:] = list(logs)
            # One vector, so that workers exchange one message, not one per log.
            values = tf.stack([tf.cast(value, tf.float32) for value in logs.values()])
            context = tf.distribute.get_replica_context()
            return context.all_reduce(tf.distribute.ReduceOp.MEAN, values)

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

        return lambda iterator: dict(zip(names, tf.unstack(compiled(iterator)), strict=True))


def finalize_together(optimizers: Sequence[keras.optimizers.Optimizer], variables: Sequence[list]) -> None:
    """Has the end of ``fit`` finalize several optimizers, each with its own variables.

    Keras assumes a single optimizer: it finalizes the first one with all variables of the model
    (``finalize_variable_values``), which fails if that has a moving average of fewer.
    """

    def finalize(_):
        for optimizer, own in zip(optimizers, variables, strict=True):
            type(optimizer).finalize_variable_values(optimizer, own)

    optimizers[0].finalize_variable_values = finalize
