"""Layers and optimizers of Keras, computed by TensorFlow's fused kernels.

Keras 3 writes batch normalisation and Adam as a dozen elementwise operations each. On a CPU every one of
them reads and writes its whole tensor, which costs a convolutional network up to a third of its step;
docs/performance.md has the numbers. What is computed stays the same, up to rounding.
"""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("tf_csvae")
class BatchNormalization(keras.layers.BatchNormalization):
    """As Keras', for images by one operation forwards and one backwards.

    What that one does not have stays Keras': axes other than the last, masks, a batch that is
    normalised over several replicas, double precision.

    Args:
        **kwargs: as of ``keras.layers.BatchNormalization``.
    """

    def call(self, inputs, training=None, mask=None):
        """As Keras'."""
        plain = (
            self.synchronized
            or getattr(self, "renorm", False)
            or mask is not None
            or not (self.scale and self.center)
        )
        if plain or len(inputs.shape) != 4 or self.axis not in (-1, 3) or inputs.dtype == "float64":
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
            # The operation gives the unbiased variance for the average; Keras keeps that of the batch.
            values = tf.cast(tf.size(inputs) // inputs.shape[-1], variance.dtype)
            variance *= tf.maximum(values - 1, 1) / values
            for average, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
                average.assign(average * self.momentum + new * (1 - self.momentum))
        return outputs


@keras.saving.register_keras_serializable("tf_csvae")
class Adam(keras.optimizers.Adam):
    """As Keras', by one operation for each variable, where one replica trains alone.

    Args:
        **kwargs: as of ``keras.optimizers.Adam``.
    """

    def update_step(self, gradient, variable, learning_rate):
        """As Keras'."""
        alone = self._distribution_strategy.num_replicas_in_sync == 1
        if not alone or self.amsgrad or isinstance(gradient, tf.IndexedSlices):
            super().update_step(gradient, variable, learning_rate)
            return
        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations + 1, variable.dtype)
        # As Keras, which rounds the betas to single precision before it raises them.
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


def train_function(step, results, count, by_step):
    """Returns a training function for Keras' ``fit``: many steps as one program of XLA.

    Keras compiles one step and calls it in a loop. Between two calls lie the reading and writing of every
    variable and metric, which take as long as the step itself where the networks are small.

    Args:
        step: function of a batch, such as ``train_step``.
        results: function without arguments -> {name: scalar}, what the metrics have summed up.
        count: int, steps of an execution; there may be fewer batches left.
        by_step: function of an iterator that does the same step by step. It is called where the
            shape of the batches is not known beforehand, since XLA would compile for each one.

    Returns:
        Function of an iterator -> the results after the last step.
    """

    @tf.function
    def batches(iterator):
        """The next batches, up to ``count``, one on top of the other."""
        flat = tf.nest.flatten(iterator.element_spec)
        arrays = [tf.TensorArray(spec.dtype, 0, True, element_shape=spec.shape) for spec in flat]

        def add(number, batch, arrays):
            values = tf.nest.flatten(batch.get_value())
            arrays = [array.write(number, value) for array, value in zip(arrays, values, strict=True)]
            # One more would be lost where it is not for this execution.
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
        if not all(isinstance(spec, tf.TensorSpec) and spec.shape.is_fully_defined() for spec in specs):
            return by_step(iterator)
        data = batches(iterator)
        if not tf.nest.flatten(data)[0].shape[0]:
            raise StopIteration
        return program(data)

    return function
