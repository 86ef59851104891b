"""The attribute classifier: a ResNet (He et al. 2015, arXiv:1512.03385) that judges images."""

import keras
import tensorflow as tf
from keras import Input, Model, layers

from tf_csvae.models import replicas
from tf_csvae.models.distributions import outer_dtype, split_seed
from tf_csvae.models.label_space import LabelSpace
from tf_csvae.models.labelled import LabelledModel, positive
from tf_csvae.models.networks import batch_normalization

# Basic blocks in each stage, by depth: two of He et al.'s table 1, and one of half the smaller.
BLOCKS = {10: (1, 1, 1, 1), 18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}


@keras.saving.register_keras_serializable("tf_csvae")
class Classifier(LabelledModel):
    """p(y|x): the labels of x, each by outputs of its own: a logit, one per class, or a mean.

    Images pass a ResNet of basic blocks: a stem for small images (one 3 x 3 convolution, no
    pooling), four stages, each of which after the first doubles the channels and halves the
    sides, and a mean over the pixels left. Vectors pass two dense layers. The loss, in nats per
    example, is -log p(y|x) summed over the labels that are known, classes weighted as
    ``balance.class_weights`` says; a real label is normal around the mean, of scale 1.

    Args:
        data_shape: shape of one example: [d] or [height, width, channels].
        labels: the columns of y: ``Label``s, dicts of their fields, or names.
        depth: int, layers of the ResNet, one of ``BLOCKS``; images only.
        width: int, channels of the first stage, an eighth of the features; for vectors the
            units of both layers.
        stem_stride: int, of the first convolution; images only.
        shift: int, pixels by which training images are moved at random, up to this each way;
            images only.
        blur: float, most standard deviation in pixels of a Gaussian that blurs half of the training
            images; images only. A judge of generated images must not take blur for the absence
            of what a blurred image still shows.
        noise: float, most standard deviation of the noise that is added to training images, each of
            which gets less at random; images only.
        robustness: float, most length of the change, Euclidean over all numbers of x, that is made to each training
            example to mislead the classifier, see ``misled``. It then looks at what people see, so that a
            generator cannot show it a label that no one else sees.
        dropout: float in [0, 1), share of the features that are dropped in training.
        balance: float in [0, 1], how far the rarer value of a label outweighs the other: at 0
            a probability of 1/2 lies where both values are equally likely, at 1 where they
            would be, were they equally frequent. More finds more examples of a rare label,
            and sees more where there are none.
        seed: int, of the augmentation and the dropout.

    Example:
        >>> import numpy as np
        >>> from tf_csvae import Classifier
        >>> judge = Classifier(data_shape=[16, 16, 3], labels=["Smiling", "Male"], depth=10, width=8)
        >>> judge.classify(np.zeros([5, 16, 16, 3])).shape
        TensorShape([5, 2])
    """

    def __init__(
        self,
        data_shape,
        labels,
        depth=34,
        width=64,
        stem_stride=2,
        shift=4,
        blur=0.0,
        noise=0.0,
        robustness=0.0,
        dropout=0.0,
        balance=0.5,
        seed=0,
        **kwargs,
    ):
        super().__init__(data_shape, labels, **kwargs)
        if depth not in BLOCKS:
            raise ValueError(f"depth must be one of {', '.join(map(str, BLOCKS))}. Received: depth={depth}")
        if int(shift) != shift or shift < 0:
            raise ValueError(f"shift must be a whole number, 0 or more. Received: shift={shift}")
        if min(blur, noise, robustness) < 0:
            raise ValueError(
                "blur, noise and robustness must be 0 or more. "
                f"Received: blur={blur}, noise={noise}, robustness={robustness}"
            )
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1). Received: dropout={dropout}")
        if not 0 <= balance <= 1:
            raise ValueError(f"balance must lie in [0, 1]. Received: balance={balance}")
        self.configure(
            depth=depth,
            width=positive("width", width),
            stem_stride=positive("stem_stride", stem_stride),
            shift=int(shift),
            blur=float(blur),
            noise=float(noise),
            robustness=float(robustness),
            dropout=dropout,
            balance=balance,
            seed=int(seed),
        )
        self.space = LabelSpace(self.labels, balance=balance)
        self.trunk = trunk(self.data_shape, BLOCKS[depth], self.width, self.stem_stride, self.dtype_policy)
        # Float32, so that no loss is computed in half precision. It starts at the answer of one
        # who has seen no x: with small steps a rare label would be long on the way there.
        self.head = layers.Dense(
            self.space.outputs,
            bias_initializer=keras.initializers.Constant(self.space.bias()),
            dtype=outer_dtype(self.dtype_policy),
            name="head",
        )
        self.head.build(self.trunk.output_shape[-1])
        self.built = True

    # Keras' side: configuration, compilation, the step.

    def compile(self, optimizer="adam", jit_compile="auto", **kwargs):
        """Configures training; the loss and the metrics are given.

        Args:
            optimizer: Keras optimizer or its name.
            jit_compile: bool or "auto", compile the step with XLA; "auto" does for vectors.
            **kwargs: for ``keras.Model.compile``: ``steps_per_execution``, ``run_eagerly``.
        """
        super().compile(
            optimizer,
            jit_compile,
            loss=self.cross_entropy,
            metrics=[
                Accuracy(self.labels),
                *([BalancedAccuracy(self.labels)] if any(map(_has_classes, self.labels)) else []),
            ],
            **kwargs,
        )
        # Built here, not lazily in the first step: a checkpoint must find the slots to fill.
        self.optimizer.build(self.trainable_variables)

    def train_step(self, data):
        """As Keras'."""
        with replicas.one_batch():
            if self.robustness:
                x, y, *rest = data
                data = (self.misled(x, y), y, *rest)
            return super().train_step(data)

    def misled(self, x, y):
        """Moves examples to where this classifier does worst, by the gradient of its loss.

        One step of length r, x + r g / |g|, r uniform in [0, ``robustness``]: the fast gradient method (Goodfellow et
        al. 2015, arXiv:1412.6572) in the Euclidean norm. A classifier that learns from such examples
        has gradients that look like what it looks for (Tsipras et al. 2019, arXiv:1805.12152), so that images can be made by
        them (Santurkar et al. 2019, arXiv:1906.09453).

        Args:
            x: float [n, *data_shape].
            y: float32 [n, k].

        Returns:
            float [n, *data_shape].
        """
        image_seed, _, length_seed = self._seeds()
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            logits = self.head(self.trunk(self.augment(x, image_seed), training=False)[-1])
            loss = tf.reduce_sum(self.cross_entropy(tf.cast(y, logits.dtype), logits))
        gradient = tape.gradient(loss, x)
        norm = tf.sqrt(tf.reduce_sum(tf.square(gradient), list(range(1, len(x.shape))), keepdims=True))
        length = _uniform(x, length_seed, self.robustness)
        return tf.stop_gradient(x + length * gradient / tf.maximum(norm, 1e-12))

    def _seeds(self):
        """Returns the seeds of the augmentation, the dropout and ``misled`` in this step."""
        # They depend on the seed and the step alone: nothing to save, exact to resume.
        step = self.optimizer.iterations if self.compiled else 0
        return tf.unstack(split_seed(tf.stack([self.seed, tf.cast(step, tf.int32)]), 3))

    def cross_entropy(self, y, logits):
        """The loss of each example in nats, float32 [n]: the weighted sum over its known labels."""
        return tf.reduce_sum(self.space.losses(y, logits), -1)

    def call(self, x, training=False):
        """The outputs that p(y|x) has as its parameters: logits, of a real label its mean.

        Args:
            x: float [n, *data_shape].
            training: bool, augment the images, drop features, and normalise by the batch.

        Returns:
            float32 [n, k], a categorical label having a column per class.
        """
        if not training:
            return self.head(self.trunk(x, training=False)[-1])
        image_seed, dropout_seed, _ = self._seeds()
        features = self.trunk(self.augment(x, image_seed), training=True)[-1]
        if self.dropout:
            features = dropout(features, self.dropout, dropout_seed)
        return self.head(features)

    def augment(self, x, seed):
        """Shifts, blurs and disturbs images at random, as in training; vectors stay as they are.

        Args:
            x: float [n, *data_shape].
            seed: int [2].

        Returns:
            float [n, *data_shape].
        """
        if len(self.data_shape) != 3:
            return x
        shift_seed, blur_seed, noise_seed = tf.unstack(split_seed(seed, 3))
        if self.shift:
            x = random_shift(x, self.shift, shift_seed)
        if self.blur:
            x = random_blur(x, self.blur, blur_seed)
        if self.noise:
            x = random_noise(x, self.noise, noise_seed)
        return x

    # The public methods.

    def classify(self, x):
        """Returns p(y_i = 1|x) of every label; of a categorical one p(y_i|x), of a real one its mean.

        With ``balance`` above 0 these are probabilities among data in which the values of a
        label are more equally frequent than in the training data.

        Args:
            x: float [n, *data_shape].

        Returns:
            float32 [n, k], a categorical label having a column per class.

        Raises:
            InputError: x of another shape.
        """
        return self.space.means(self(self.check_x(x, "classify")))

    def read(self, x):
        """Returns the labels y that x is seen to have, each at its likeliest value.

        Args:
            x: float [n, *data_shape].

        Returns:
            float32 [n, k].

        Raises:
            InputError: x of another shape.
        """
        return self.space.decided(self.classify(x))

    def features(self, x):
        """Returns what the logits are a linear function of, as for a Fréchet distance.

        Args:
            x: float [n, *data_shape].

        Returns:
            float32 [n, d], not negative; d is 8 ``width`` for images, ``width`` for vectors.

        Raises:
            InputError: x of another shape.
        """
        return tf.cast(self.stages(x)[-1], tf.float32)

    def stages(self, x):
        """Returns what the network makes of x on its way: the outputs of its stages, the last ``features``.

        Args:
            x: float [n, *data_shape].

        Returns:
            list of [n, ...] in the type that the network computes in.

        Raises:
            InputError: x of another shape.
        """
        return self.trunk(self.check_x(x, "features"), training=False)


def trunk(shape, blocks, width, stem_stride, dtype=None):
    """A network from x to features: a ResNet for images, two dense layers for vectors.

    Args:
        shape: shape of one example: [d] or [height, width, channels].
        blocks: tuple of int, basic blocks of each stage; images only.
        width: int, channels of the first stage, or units of both layers.
        stem_stride: int, of the first convolution; images only.
        dtype: Keras dtype policy.

    Returns:
        A Keras model, [n, *shape] -> list: what each layer or stage gives, for images [n, height, width,
        channels], and last [n, d], not negative: d is ``width`` for vectors and for images the channels
        of the last stage.
    """
    x = inputs = Input(tuple(shape))
    outputs = []
    if len(shape) == 1:
        for _ in range(2):
            x = layers.Dense(width, activation="relu", kernel_initializer="he_normal", dtype=dtype)(x)
            outputs.append(x)
        return Model(inputs, outputs, name="trunk")
    x = layers.ReLU(dtype=dtype)(_convolution(x, width, 3, stem_stride, dtype))
    for stage, count in enumerate(blocks):
        for block in range(count):
            x = _basic_block(x, width * 2**stage, 2 if stage and not block else 1, dtype)
        outputs.append(x)
    outputs.append(layers.GlobalAveragePooling2D(dtype=dtype)(x))
    return Model(inputs, outputs, name="trunk")


def _basic_block(x, filters, stride, dtype):
    residual = layers.ReLU(dtype=dtype)(_convolution(x, filters, 3, stride, dtype))
    # From zero, so that every block begins as the identity (Goyal et al. 2017, arXiv:1706.02677).
    residual = _convolution(residual, filters, 3, 1, dtype, gamma="zeros")
    if stride > 1 or x.shape[-1] != filters:
        x = _convolution(x, filters, 1, stride, dtype)
    return layers.ReLU(dtype=dtype)(layers.Add(dtype=dtype)([x, residual]))


def _convolution(x, filters, kernel_size, stride, dtype, gamma="ones"):
    x = layers.Conv2D(
        filters,
        kernel_size,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        dtype=dtype,
    )(x)
    return batch_normalization(dtype, gamma)(x)


def random_shift(x, most, seed):
    """Moves each image by whole pixels at random, its border repeated into the gap.

    Args:
        x: float [n, height, width, channels].
        most: int, pixels up to which it moves up or down, and as many left or right.
        seed: int [2].

    Returns:
        float [n, height, width, channels].
    """
    moves = replicas.rows(
        lambda n: tf.random.stateless_uniform((n, 2), seed, -most, most + 1, tf.int32), tf.shape(x)[0]
    )
    for axis, side in ((1, x.shape[1]), (2, x.shape[2])):
        source = tf.clip_by_value(tf.range(side) + moves[:, axis - 1, None], 0, side - 1)
        x = tf.gather(x, source, axis=axis, batch_dims=1)
    return x


def random_blur(x, most, seed):
    """Blurs half of the images, at random, by one Gaussian of random width.

    Args:
        x: float [n, height, width, channels].
        most: float, standard deviation in pixels up to which the width goes.
        seed: int [2].

    Returns:
        float [n, height, width, channels]; the border is mirrored.
    """
    width_seed, which_seed = tf.unstack(split_seed(seed, 2))
    deviation = most * tf.random.stateless_uniform((), width_seed, 0.05, 1.0, x.dtype)
    reach = max(1, round(2.5 * most))
    offsets = tf.range(-reach, reach + 1, dtype=x.dtype)
    kernel = tf.nn.softmax(-0.5 * tf.square(offsets / deviation))
    blurred = x
    for axis, side in ((1, x.shape[1]), (2, x.shape[2])):  # as products with banded matrices
        sources = tf.range(side)[:, None] + tf.range(-reach, reach + 1)
        sources = tf.abs(sources)
        sources = tf.minimum(sources, 2 * (side - 1) - sources)
        matrix = tf.reduce_sum(tf.one_hot(sources, side, dtype=x.dtype) * kernel[:, None], 1)
        blurred = tf.einsum("rs,nsjc->nrjc" if axis == 1 else "rs,njsc->njrc", matrix, blurred)
    which = _uniform(x, which_seed) < 0.5
    return tf.where(which, blurred, x)


def random_noise(x, most, seed):
    """Adds Gaussian noise to images, to each of a standard deviation between 0 and ``most``."""
    deviation_seed, noise_seed = tf.unstack(split_seed(seed, 2))
    noise = replicas.rows(
        lambda n: tf.random.stateless_normal((n, *x.shape[1:]), noise_seed, dtype=x.dtype), tf.shape(x)[0]
    )
    return x + _uniform(x, deviation_seed, most) * noise


def _uniform(x, seed, most=1.0):
    """A number in [0, most) for each example of a batch, to be used with its own: [n, 1, ...]."""
    ones = [1] * (len(x.shape) - 1)
    return replicas.rows(
        lambda n: tf.random.stateless_uniform((n, *ones), seed, 0.0, most, x.dtype), tf.shape(x)[0]
    )


def dropout(features, rate, seed):
    """Drops a share of the features, [n, d], at random, and scales up the others so that the mean stays."""
    uniform = replicas.rows(
        lambda n: tf.random.stateless_uniform((n, features.shape[1]), seed, dtype=features.dtype),
        tf.shape(features)[0],
    )
    return tf.where(uniform >= rate, features * (1 / (1 - rate)), 0.0)


def _has_classes(label):
    return label.kind != "real"


class Accuracy(keras.metrics.Mean):
    """Share of right answers among all that are known, over all labels.

    Of a real label, which is standardised, an answer counts 1 - error^2: the mean of that is its R^2.

    Args:
        labels: tuple of ``Label``.
        name: str, the Keras name.
    """

    def __init__(self, labels, name="accuracy"):
        super().__init__(name=name)
        self._labels = labels
        self._space = LabelSpace(labels)

    def update_state(self, y, logits, sample_weight=None):
        """Adds a batch: y float [n, k], and the outputs for it."""
        y = tf.cast(y, logits.dtype)
        known = ~tf.math.is_nan(y)
        y, seen = tf.where(known, y, 0.0), self._space.decided(self._space.means(logits))
        right = tf.cast(tf.equal(seen, y), y.dtype)
        real = [[not _has_classes(label) for label in self._labels]]
        super().update_state(tf.where(real, 1 - tf.square(seen - y), right), tf.cast(known, y.dtype))


class BalancedAccuracy(keras.metrics.Metric):
    """Mean over the labels of the mean share of right answers among the examples of each value.

    Counted over all batches, since most have no example of a rare label. A value that no
    example has is left out, as scikit-learn does. A real label has no such share.

    Args:
        labels: tuple of ``Label``.
        name: str, the Keras name.
    """

    def __init__(self, labels, name="balanced_accuracy"):
        super().__init__(name=name)
        self._columns = [i for i, label in enumerate(labels) if _has_classes(label)]
        self._space = LabelSpace(labels)
        most = max(len(labels[i].points[0]) for i in self._columns)
        self.right, self.all = (
            self.add_variable((most, len(self._columns)), "zeros", name=which) for which in ("right", "all")
        )

    def update_state(self, y, logits, sample_weight=None):
        """Adds a batch: y float [n, k], and the outputs for it."""
        seen = tf.gather(self._space.decided(self._space.means(logits)), self._columns, axis=1)
        y = tf.gather(tf.cast(y, logits.dtype), self._columns, axis=1)  # NaN is none of the values
        values = tf.range(self.all.shape[0], dtype=y.dtype)[:, None, None]
        of_value = tf.cast(tf.equal(y, values), tf.float32)  # [values, n, k]
        right = tf.cast(tf.equal(seen, y), tf.float32)
        self.all.assign_add(tf.reduce_sum(of_value, 1))
        self.right.assign_add(tf.reduce_sum(of_value * right, 1))

    def result(self):
        """Returns float32 []; 0 before any example."""
        share = tf.math.divide_no_nan(self.right.value, self.all.value)
        values = tf.reduce_sum(tf.cast(self.all.value > 0, tf.float32), 0)
        return tf.reduce_mean(tf.math.divide_no_nan(tf.reduce_sum(share, 0), values))
