"""The networks of every generative system: encoder trunks, heads, decoders.

All are Keras functional models, built when they are made. So their weights exist before the first
batch, and a saved model is restored without data. Vectors get dense layers. Images get
convolutions, each with stride 2, one per entry of ``filters``.
"""

import functools
import math
from collections.abc import Sequence

from keras import Input, KerasTensor, Layer, Model, layers, ops, saving

from tf_csvae.configs import NetworkConfig
from tf_csvae.networks import replicas
from tf_csvae.networks.distributions import Dtype, outer_dtype
from tf_csvae.networks.fused import BatchNormalization

# Of one example: (d,) or (height, width, channels).
Shape = Sequence[int]

# Images whose longer side has more pixels than LARGE get more convolutions, of at least so many
# channels.
LARGE, LEAST_CHANNELS = 96, 16


def activation(name: str, dtype: Dtype = None) -> Layer:
    """Returns the activation layer of that name; "leaky_relu" has slope 0.2."""
    if name == "leaky_relu":
        return layers.LeakyReLU(negative_slope=0.2, dtype=dtype)
    return layers.Activation(name, dtype=dtype)


def batch_normalization(dtype: Dtype = None, gamma: str = "ones") -> Layer:
    """Returns a layer that normalises by mean and variance of the batch, over all replicas."""
    return BatchNormalization(
        momentum=0.9, gamma_initializer=gamma, synchronized=replicas.synchronized(), dtype=dtype
    )


@saving.register_keras_serializable("tf_csvae")
class MissingAsZero(Layer):
    """Replaces NaN, a missing feature, by 0, the middle of its values: each network begins so."""

    def call(self, x: KerasTensor) -> KerasTensor:
        """Returns finite numbers."""
        return ops.where(ops.isnan(x), ops.zeros_like(x), x)


def _bounded(layer: Layer, spectral_norm: bool) -> Layer:
    return layers.SpectralNormalization(layer, dtype=layer.dtype_policy) if spectral_norm else layer


def _dense(x, widths, config: NetworkConfig, dtype, spectral_norm=False) -> KerasTensor:
    for width in widths:
        layer = layers.Dense(width, kernel_initializer="he_normal", dtype=dtype)
        x = activation(config.activation, dtype)(_bounded(layer, spectral_norm)(x))
    return x


def _convolution(x, layer, config, dtype, spectral_norm=False, batch_norm=None):
    """Applies a convolution, ``layer`` of its options, with normalisation and activation."""
    batch_norm = config.batch_norm if batch_norm is None else batch_norm
    made = layer(use_bias=not batch_norm, padding="same", kernel_initializer="he_normal", dtype=dtype)
    x = _bounded(made, spectral_norm)(x)
    if batch_norm:
        x = batch_normalization(dtype)(x)
    return activation(config.activation, dtype)(x)


def _halved(x, filters, config, dtype, spectral_norm=False, batch_norm=None):
    layer = functools.partial(layers.Conv2D, filters, config.kernel_size, strides=2)
    return _convolution(x, layer, config, dtype, spectral_norm, batch_norm)


def _doubled(x, filters, config, dtype):
    size = config.kernel_size
    if config.upsampling == "transposed":
        layer = functools.partial(layers.Conv2DTranspose, filters, size, strides=2)
    else:
        x = layers.UpSampling2D(2, dtype=dtype)(x)
        # An odd side, so that no pixel moves by a half.
        layer = functools.partial(layers.Conv2D, filters, size - 1 + size % 2)
    return _convolution(x, layer, config, dtype)


def halvings(shape: Shape) -> int:
    """Returns how often the sides of large images are halved before the layers for small ones.

    So the layers with many channels see as few pixels as those of small images do, and a step does
    not take four times as long when the sides double.
    """
    return math.ceil(math.log2(max(*shape[:2], LARGE) / LARGE))


def channels(shape: Shape, config: NetworkConfig) -> tuple[int, ...]:
    """Returns the channels of all convolutions with stride 2 for images of that shape.

    They are ``filters``, and before them those of ``halvings``, each with half of the next one's.
    """
    found = config.filters
    for _ in range(halvings(shape)):
        found = (max(found[0] // 2, min(LEAST_CHANNELS, found[0])), *found)
    return found


def _smallest(shape: Shape, config: NetworkConfig) -> tuple[int, int]:
    """Returns height and width of an image, rounded up, after all convolutions of stride 2."""
    side = 2 ** len(channels(shape, config))
    return -(-shape[0] // side), -(-shape[1] // side)


def _margins(shape: Shape, config: NetworkConfig) -> tuple[tuple[int, int], ...]:
    """Returns how many pixels are added above and below, left and right, so that sides divide."""
    side = 2 ** len(channels(shape, config))
    added = (side * least - given for least, given in zip(_smallest(shape, config), shape, strict=False))
    return tuple((each // 2, each - each // 2) for each in added)


def trunk(
    shape: Shape,
    config: NetworkConfig,
    dtype: Dtype = None,
    name: str = "trunk",
    spectral_norm: bool = False,
    batch_norm: bool | None = None,
) -> Model:
    """Makes a network from x, [n, *shape], to features, [n, width], for one or several heads.

    With ``spectral_norm`` every layer has spectral norm 1 (Miyato et al. 2018, arXiv:1802.05957).
    ``batch_norm`` None is as ``config`` says. Sides of an image that cannot be halved so often get
    a margin of zeros.
    """
    x = inputs = Input(tuple(shape))
    if len(shape) == 1:
        # With a single hidden layer, which belongs to the head, the trunk does no more.
        x = _dense(MissingAsZero(dtype=dtype)(x), config.hidden[:-1], config, dtype, spectral_norm)
    else:
        if any(map(any, _margins(shape, config))):
            x = layers.ZeroPadding2D(_margins(shape, config), dtype=dtype)(x)
        for filters in channels(shape, config):
            x = _halved(x, filters, config, dtype, spectral_norm, batch_norm)
        x = layers.Flatten()(x)
        x = _dense(x, config.hidden[:-1], config, dtype, spectral_norm)
    return Model(inputs, x, name=name)


def head(
    features: int,
    outputs: int,
    config: NetworkConfig,
    condition: int = 0,
    dtype: Dtype = None,
    name: str = "head",
    spectral_norm: bool = False,
) -> Model:
    """Makes a network from the features of a trunk, and a condition, to parameters.

    It maps [n, features], and unless ``condition`` is 0 [n, condition], to [n, outputs]. It has
    one hidden layer, of the last hidden width. Its outputs are float32, so that no log-density is
    computed in half precision. ``spectral_norm`` is as in ``trunk``.
    """
    x = inputs = Input((features,))
    if condition:
        inputs = [inputs, Input((condition,))]
        x = layers.Concatenate()(inputs)
    x = _dense(x, config.hidden[-1:], config, dtype, spectral_norm)
    last = _bounded(layers.Dense(outputs, dtype=outer_dtype(dtype)), spectral_norm)
    return Model(inputs, last(x), name=name)


def discriminator(shape: Shape, condition: int, config: NetworkConfig, dtype: Dtype = None) -> Model:
    """Makes a network from x, [n, *shape], and a condition, [n, condition], to logits, [n, 1].

    Every layer has spectral norm 1. There is no batch normalisation, which would tell real from
    decoded examples by the rest of the batch.
    """
    inputs = [Input(tuple(shape)), Input((condition,))]
    features = trunk(shape, config, dtype, spectral_norm=True, batch_norm=False)(inputs[0])
    last = head(features.shape[-1], 1, config, condition, dtype, spectral_norm=True)
    return Model(inputs, last([features, inputs[1]]), name="discriminator")


def dense(
    inputs: int, outputs: int, config: NetworkConfig, dtype: Dtype = None, name: str = "dense"
) -> Model:
    """Makes a multi-layer perceptron, [n, inputs] -> [n, outputs] in float32."""
    x = first = Input((inputs,))
    x = _dense(x, config.hidden, config, dtype)
    return Model(first, layers.Dense(outputs, dtype=outer_dtype(dtype))(x), name=name)


def decoder(
    code: int,
    shape: Shape,
    config: NetworkConfig,
    bounded: bool = False,
    dtype: Dtype = None,
    outputs: int | None = None,
) -> Model:
    """Makes a network from a latent code to the mean of x, [n, code] -> [n, *shape] in float32.

    ``outputs`` is the width of its output for vectors; None: that of x.

    It mirrors the trunk, and cuts off the margin that the trunk adds. With ``bounded`` the data lie
    in [0, 1], so the mean is a sigmoid.
    """
    x = inputs = Input((code,))
    if len(shape) == 1:
        x = _dense(x, config.hidden, config, dtype)
        x = layers.Dense(outputs or shape[0], dtype=outer_dtype(dtype))(x)
    else:
        widths = channels(shape, config)
        start = (*_smallest(shape, config), widths[-1])
        x = _dense(x, (*config.hidden[::-1], math.prod(start)), config, dtype)
        x = layers.Reshape(start)(x)
        for filters in (*widths[-2::-1], widths[0]):
            x = _doubled(x, filters, config, dtype)
        x = layers.Conv2D(shape[2], 3, padding="same", dtype=outer_dtype(dtype))(x)
        if any(map(any, _margins(shape, config))):
            x = layers.Cropping2D(_margins(shape, config), dtype=outer_dtype(dtype))(x)
    if bounded:
        x = layers.Activation("sigmoid", dtype=outer_dtype(dtype))(x)
    return Model(inputs, x, name="decoder")
