"""The attribute classifier: a ResNet (He et al. 2015, arXiv:1512.03385), judge and guide."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers

from tf_csvae.configs import ClassifierConfig
from tf_csvae.labels import Labels
from tf_csvae.models.accuracy import Accuracy, BalancedAccuracy, has_classes
from tf_csvae.models.labelled import LabelledModel
from tf_csvae.networks import augmentation, replicas
from tf_csvae.networks.distributions import outer_dtype, split_seed
from tf_csvae.networks.label_space import LabelSpace
from tf_csvae.networks.resnet import resnet
from tf_csvae.networks.trunks import Shape


@keras.saving.register_keras_serializable("tf_csvae")
class Classifier(LabelledModel):
    """p(y|x): the labels of x, each with outputs of its own: a logit, one per class, or a mean.

    Images pass a ResNet of basic blocks: a stem for small images (one 3 x 3 convolution, no
    pooling), four stages, each after the first with twice the channels and half the sides, and a
    mean over the pixels. Vectors pass two dense layers. The loss, in nats per example, is
    -log p(y|x) summed over the known labels, with the weights of ``balance.class_weights``. A real
    label is normal around the mean, with scale 1.

    The arguments are those of ``LabelledModel``, with a ``ClassifierConfig``.

    Example:
        >>> import numpy as np
        >>> from tf_csvae import Classifier, ClassifierConfig
        >>> small = ClassifierConfig(depth=10, width=8)
        >>> judge = Classifier([16, 16, 3], ["Smiling", "Male"], small)
        >>> judge.classify(np.zeros([5, 16, 16, 3])).shape
        TensorShape([5, 2])
    """

    config_class = ClassifierConfig

    def __init__(
        self,
        data_shape: Shape,
        labels: Labels,
        config: ClassifierConfig | dict | None = None,
        **kwargs,
    ) -> None:
        super().__init__(data_shape, labels, config, **kwargs)
        c, dtype = self.config, self.dtype_policy
        self.space = LabelSpace(self.labels, balance=c.balance)
        self.trunk = resnet(self.data_shape, c.depth, c.width, c.stem_stride, dtype)
        # Float32, so that no loss is computed in half precision. The bias starts at the best
        # prediction without x: with small steps a rare label would need long to reach it.
        self.head = layers.Dense(
            self.space.outputs,
            bias_initializer=keras.initializers.Constant(self.space.bias()),
            dtype=outer_dtype(dtype),
            name="head",
        )
        self.head.build(self.trunk.output_shape[-1])
        self.built = True

    # Keras' side: compilation and the step.

    def compile(self, optimizer: Any = "adam", jit_compile: bool | str = "auto", **kwargs: Any) -> None:
        """Configures training as ``LabelledModel.compile`` does; loss and metrics are given."""
        self.refuse_objective(kwargs)
        metrics = [Accuracy(self.labels)]
        if any(map(has_classes, self.labels)):
            metrics.append(BalancedAccuracy(self.labels))
        kwargs |= {"loss": self.cross_entropy, "metrics": metrics}
        super().compile(optimizer, jit_compile, **kwargs)
        # Built here, not in the first step: a checkpoint must find the slots to fill.
        self.optimizer.build(self.trainable_variables)

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Makes one step, as Keras does; with ``epsilon`` on adversarial examples."""
        with replicas.one_batch():
            if self.config.epsilon:
                x, y, *rest = data
                data = (self.adversarial_examples(self.as_float(x), y), y, *rest)
            return super().train_step(data)

    def adversarial_examples(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """Moves examples against the classifier, along the gradient of its loss.

        One step of length r, x + r g / |g|, r uniform in [0, ``epsilon``]: the fast gradient
        method (Goodfellow et al. 2015, arXiv:1412.6572) in the Euclidean norm. The gradients of a
        classifier trained on such examples resemble what people see (Tsipras et al. 2019,
        arXiv:1805.12152), so images can be made by them (Santurkar et al. 2019, arXiv:1906.09453).

        Takes x float [n, *data_shape] and y float [n, k]; returns float [n, *data_shape].
        """
        image_seed, _, length_seed = self._seeds()
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            logits = self.head(self.trunk(self.augment(x, image_seed), training=False)[-1])
            loss = tf.reduce_sum(self.cross_entropy(tf.cast(y, logits.dtype), logits))
        gradient = tape.gradient(loss, x)
        axes = list(range(1, len(x.shape)))
        norm = tf.sqrt(tf.reduce_sum(tf.square(gradient), axes, keepdims=True))
        length = augmentation.uniform_each(x, length_seed, self.config.epsilon)
        return tf.stop_gradient(x + length * gradient / tf.maximum(norm, 1e-12))

    def _seeds(self) -> list[tf.Tensor]:
        """Returns the seeds of augmentation, dropout and adversarial examples in this step."""
        # They depend on the seed and the step only: nothing to save, exact to resume.
        step = self.optimizer.iterations if self.compiled else 0
        return tf.unstack(split_seed(tf.stack([self.seed, tf.cast(step, tf.int32)]), 3))

    def cross_entropy(self, y: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """Returns the loss per example in nats, float [n]: the weighted sum over known labels."""
        return tf.reduce_sum(self.space.losses(y, logits), -1)

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns the parameters of p(y|x), float [n, k]: logits, and for a real label its mean.

        A categorical label has a column per class. Training augments the images and drops features.
        """
        x = self.as_float(x)
        if not training:
            return self.head(self.trunk(x, training=False)[-1])
        image_seed, dropout_seed, _ = self._seeds()
        features = self.trunk(self.augment(x, image_seed), training=True)[-1]
        if self.config.dropout:
            features = augmentation.dropout(features, self.config.dropout, dropout_seed)
        return self.head(features)

    def augment(self, x: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Returns x, float [n, *data_shape], with training's random changes; vectors get noise."""
        shift_seed, blur_seed, noise_seed = tf.unstack(split_seed(seed, 3))
        if len(self.data_shape) == 3:
            if self.config.shift:
                x = augmentation.random_shift(x, self.config.shift, shift_seed)
            if self.config.blur:
                x = augmentation.random_blur(x, self.config.blur, blur_seed)
        if self.config.noise:
            x = augmentation.random_noise(x, self.config.noise, noise_seed)
        return x

    # The public methods. They raise ``InputError`` for x of another shape.

    def classify(self, x: Any) -> tf.Tensor:
        """Returns p(y_i = 1|x) of every label; p(y_i|x) of a categorical, the mean of a real one.

        x is float [n, *data_shape], the result [n, k], with a column per class of a categorical
        label. With ``balance`` above 0 these are probabilities among data in which the values of a
        label are more equally frequent than in the training data.
        """
        return self.space.means(self(self.check_x(x, "classify")))

    def read(self, x: Any) -> tf.Tensor:
        """Returns the likeliest labels y, float [n, k], of x float [n, *data_shape]."""
        return self.space.decided(self.classify(x))

    def embed(self, x: Any) -> tf.Tensor:
        """Returns the input of the last, linear layer, as for a Fréchet distance.

        It is float32 [n, d] and not negative; d is 8 ``width`` for images, ``width`` for vectors.
        """
        return tf.cast(self.stages(x)[-1], tf.float32)

    def stages(self, x: Any) -> list[tf.Tensor]:
        """Returns the outputs of the network's stages, [n, ...] each; the last are ``embed``."""
        return self.trunk(self.check_x(x, "embed"), training=False)
