"""Takes out of a code what is linear in the labels (Belrose et al. 2023, arXiv:2306.03819)."""

import keras
import tensorflow as tf

from tf_csvae.models import replicas
from tf_csvae.models.distributions import outer_dtype

# Of the moving averages, over batches: some thousand examples at a batch of 32, which so many labels need.
MOMENTUM = 0.99

# Added to the second moments of the labels: less than a rare label varies, enough where one never does.
RIDGE = 1e-4


class LabelErasure(keras.layers.Layer):
    """Linear concept erasure where the labels are known (there the "oracle" case, theorem 4.2, of a
    code m(x) and labels y):

        m - E[m] - Cov(m, y) Cov(y, y)^-1 (y - E[y])

    Of all codes that no linear predictor can read y from, this is the nearest to m. What is taken
    out the decoder gets back from the labels themselves, so nothing is lost: exchanging a
    label moves the object by what this label is worth. An adversary's gradient gets there slowly and never
    quite, and leaves its noise in the encoder; here it is a regression. Whatever is not linear is left to the
    adversary.

    The moments are moving averages over the batches of the training, constants to every gradient.

    Args:
        codes: int, d, dimensions of the code.
        features: int, columns of the labels' features (``LabelSpace``).
        dtype: Keras dtype policy of the model.
    """

    def __init__(self, codes, features, dtype=None, **kwargs):
        super().__init__(dtype=outer_dtype(dtype), **kwargs)
        # Of the features beside a one, which stands for the means.
        self.moments, self.products = (
            self.add_weight(
                name=name,
                shape=(1 + features, columns),
                dtype=self.variable_dtype,
                initializer="zeros",
                trainable=False,
            )
            for name, columns in (("moments", 1 + features), ("products", codes))
        )
        self.built = True

    def call(self, code, features, training=False):
        """Returns the code without what the labels explain of it.

        Args:
            code: float32 [n, d].
            features: float32 [n, features]; of a label that is not known its mean, which takes nothing out.
            training: bool, follow the codes with the moments.

        Returns:
            float32 [n, d].
        """
        features = tf.concat([tf.ones_like(features[:, :1]), features], -1)
        if training:
            n = tf.cast(tf.maximum(tf.shape(features)[0], 1), features.dtype)
            for average, other in ((self.moments, features), (self.products, code)):
                new = replicas.mean(tf.matmul(features, other, transpose_a=True) / n)
                average.assign(MOMENTUM * average + (1 - MOMENTUM) * new)
        root = tf.linalg.cholesky(self.moments + RIDGE * tf.eye(features.shape[-1], dtype=features.dtype))
        return code - tf.matmul(features, tf.linalg.cholesky_solve(root, tf.convert_to_tensor(self.products)))
