"""Layers and optimizers of Keras, computed by TensorFlow's fused kernels.

Keras 3 writes batch normalisation and Adam as a dozen elementwise operations each. On a CPU each
operation reads and writes its whole tensor, which costs a convolutional network up to a third of
its step; docs/performance.md has the numbers. The results are the same up to rounding.
"""

from collections.abc import Callable, Iterator

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("tf_csvae")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras' layer, computed for images by one operation forwards and one backwards.

    Keras' own code computes what that operation lacks: axes other than the last, masks,
    normalisation over several replicas, double precision.
    """

    def call(self, inputs, training=None, mask=None) -> tf.Tensor:
        """Normalises, as Keras' layer does."""
        plain = self.synchronized or getattr(self, "renorm", False) or not (self.scale and self.center)
        other = len(inputs.shape) != 4 or self.axis not in (-1, 3) or inputs.dtype == "float64"
        if plain or other or mask is not None:
            return super().call(inputs, training=training, mask=mask)
        training = bool(training) and self.trainable
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma,
            offset=self.beta,
            mean=[] if training else self.moving_mean,
            variance=[] if training else self.moving_variance,
            epsilon=self.epsilon,
            is_training=training,
        )
        if training:
            # The operation returns the unbiased variance; Keras averages that of the batch.
            values = tf.cast(tf.size(inputs) // inputs.shape[-1], variance.dtype)
            variance *= tf.maximum(values - 1, 1) / values
            for average, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
                average.assign(average * self.momentum + new * (1 - self.momentum))
        return outputs


@keras.saving.register_keras_serializable("tf_csvae")
class Adam(keras.optimizers.Adam):
    """Keras' optimizer, computed by one operation per variable if one replica trains alone."""

    def update_step(self, gradient, variable, learning_rate) -> None:
        """Updates a variable, as Keras' optimizer does."""
        alone = self._distribution_strategy.num_replicas_in_sync == 1
        if not alone or self.amsgrad or isinstance(gradient, tf.IndexedSlices):
            super().update_step(gradient, variable, learning_rate)
            return
        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations + 1, variable.dtype)
        # Keras rounds the betas to single precision before it raises them.
        powers = [tf.cast(tf.constant(beta), variable.dtype) ** step for beta in (self.beta_1, self.beta_2)]
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=powers[0],
            beta2_power=powers[1],
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=tf.constant(self.beta_1, variable.dtype),
            beta2=tf.constant(self.beta_2, variable.dtype),
            epsilon=tf.constant(self.epsilon, variable.dtype),
            grad=tf.cast(gradient, variable.dtype),
        )


def train_function(
    step: Callable, results: Callable[[], dict], count: int, by_step: Callable[[Iterator], dict]
) -> Callable[[Iterator], dict]:
    """Returns a training function for Keras' ``fit``: many steps as one program of XLA.

    Keras compiles one step and calls it in a loop. Between two calls it reads and writes every
    variable and metric, which takes as long as the step itself if the networks are small.

    Args:
        step: function of a batch, such as ``train_step``.
        results: returns the results of the metrics, {name: scalar}, as does the new function.
        count: steps of an execution; the last execution may have fewer.
        by_step: function of an iterator that makes the same steps one by one. It is called if the
            shape of the batches is unknown, since XLA would compile for each shape.
    """

    @tf.function
    def batches(iterator):
        """Stacks the next batches, up to ``count``."""
        flat = tf.nest.flatten(iterator.element_spec)
        arrays = [tf.TensorArray(spec.dtype, 0, True, element_shape=spec.shape) for spec in flat]

        def add(number, batch, arrays):
            pairs = zip(arrays, tf.nest.flatten(batch.get_value()), strict=True)
            arrays = [array.write(number, value) for array, value in pairs]
            # A batch that belongs to the next execution must stay in the iterator.
            more = tf.cond(number + 1 < count, iterator.get_next_as_optional, lambda: batch)
            return number + 1, more, arrays

        _, _, arrays = tf.while_loop(
            lambda number, batch, arrays: (number < count) & batch.has_value(),
            add,
            (0, iterator.get_next_as_optional(), arrays),
        )
        return tf.nest.pack_sequence_as(iterator.element_spec, [array.stack() for array in arrays])

    @tf.function(jit_compile=True)
    def program(data):
        def one(number):
            step(tf.nest.map_structure(lambda rows: rows[number], data))
            return number + 1

        rows = tf.nest.flatten(data)[0].shape[0]
        tf.while_loop(lambda number: number < rows, one, (0,))
        return results()

    def function(iterator):
        specs = tf.nest.flatten(getattr(iterator, "element_spec", None))
        if not all(isinstance(s, tf.TensorSpec) and s.shape.is_fully_defined() for s in specs):
            return by_step(iterator)
        data = batches(iterator)
        if not tf.nest.flatten(data)[0].shape[0]:
            raise StopIteration
        return program(data)

    return function
