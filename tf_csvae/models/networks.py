"""The networks that every system is built from: encoders, decoders, heads.

All are Keras functional models, built when they are made, so their weights exist before
the first batch and a saved model can be restored without data.

A data shape of one dimension gets dense layers; one of [height, width, channels] gets
convolutions that halve the image once per entry of ``filters``.
"""

import dataclasses
import math

from keras import Input, Model, layers

from tf_csvae.errors import InputError
from tf_csvae.models import replicas
from tf_csvae.models.distributions import outer_dtype
from tf_csvae.models.fused import BatchNormalization


@dataclasses.dataclass(frozen=True)
class NetworkConfig:
    """Sizes of the networks of one system.

    Attributes:
        hidden: widths of the dense hidden layers: of the whole network for vectors, of the
            part between the convolutions and the latent code for images.
        filters: channels of the convolutions, from the image inwards; images only.
        kernel_size: int, side of the convolution kernels in pixels.
        activation: str, "leaky_relu" (slope 0.2), "relu", "silu", ...
        batch_norm: bool, batch normalisation after every convolution.
        spectral_norm: bool, the layers of trunks and heads have spectral norm 1 (Miyato et al.
            2018, arXiv:1802.05957).
    """

    hidden: tuple = (128, 128)
    filters: tuple = (32, 64, 128, 256)
    kernel_size: int = 4
    activation: str = "leaky_relu"
    batch_norm: bool = True
    spectral_norm: bool = False

    def __post_init__(self):
        for name in ("hidden", "filters"):
            object.__setattr__(self, name, tuple(int(width) for width in getattr(self, name)))
            if any(width < 1 for width in getattr(self, name)):
                raise ValueError(f"{name} must be positive. Received: {getattr(self, name)}")


def _activation(name, dtype):
    if name == "leaky_relu":
        return layers.LeakyReLU(negative_slope=0.2, dtype=dtype)
    return layers.Activation(name, dtype=dtype)


def batch_normalization(dtype=None, gamma="ones"):
    """A layer that normalises by the mean and the variance of the batch, of all replicas where there are several."""
    return BatchNormalization(
        momentum=0.9, gamma_initializer=gamma, synchronized=replicas.synchronized(), dtype=dtype
    )


def _bounded(layer, config):
    return layers.SpectralNormalization(layer, dtype=layer.dtype_policy) if config.spectral_norm else layer


def _dense(x, widths, config, dtype):
    for width in widths:
        x = _bounded(layers.Dense(width, kernel_initializer="he_normal", dtype=dtype), config)(x)
        x = _activation(config.activation, dtype)(x)
    return x


def _convolution(x, layer, filters, config, dtype):
    layer = layer(
        filters,
        config.kernel_size,
        strides=2,
        padding="same",
        use_bias=not config.batch_norm,
        kernel_initializer="he_normal",
        dtype=dtype,
    )
    x = _bounded(layer, config)(x)
    if config.batch_norm:
        x = batch_normalization(dtype)(x)
    return _activation(config.activation, dtype)(x)


def _check_image(shape, config):
    side = 2 ** len(config.filters)
    if len(shape) != 3 or shape[0] % side or shape[1] % side:
        raise InputError(
            f"{len(config.filters)} convolutions (filters={','.join(map(str, config.filters))}) "
            f"halve an image {len(config.filters)} times, so both its sides must be multiples of "
            f"{side}. Received: data of shape {tuple(shape)}. Change the image size or filters."
        )


def trunk(shape, config, dtype=None, name="trunk"):
    """A network from x to features [n, width], to be shared by or split among heads.

    Args:
        shape: shape of one example: [d] or [height, width, channels].
        config: NetworkConfig.
        dtype: Keras dtype policy of the layers.
        name: str, the Keras name.

    Returns:
        A Keras model, x [n, *shape] -> [n, width].

    Raises:
        InputError: an image whose sides the convolutions cannot halve.
    """
    x = inputs = Input(tuple(shape))
    if len(shape) == 1:
        # The identity, since with a single hidden layer, the head's, there is nothing else.
        x = _dense(layers.Identity(dtype=dtype)(x), config.hidden[:-1], config, dtype)
    else:
        _check_image(shape, config)
        for filters in config.filters:
            x = _convolution(x, layers.Conv2D, filters, config, dtype)
        x = layers.Flatten()(x)
        x = _dense(x, config.hidden[:-1], config, dtype)
    return Model(inputs, x, name=name)


def head(features, outputs, config, condition=0, dtype=None, name="head"):
    """A network from a trunk's features (and a condition) to distribution parameters.

    Args:
        features: int, width of the trunk's output.
        outputs: int, number of parameters per example.
        config: NetworkConfig; its last hidden width is used.
        condition: int, width of a second input, such as the labels; 0 for none.
        dtype: Keras dtype policy of the hidden layers. The parameters themselves are
            float32, so that log-densities are never computed in half precision.
        name: str, the Keras name.

    Returns:
        A Keras model, [n, features] (and [n, condition]) -> [n, outputs].
    """
    x = inputs = Input((features,))
    if condition:
        inputs = [inputs, Input((condition,))]
        x = layers.Concatenate()(inputs)
    x = _dense(x, config.hidden[-1:], config, dtype)
    return Model(inputs, _bounded(layers.Dense(outputs, dtype=outer_dtype(dtype)), config)(x), name=name)


def dense(inputs, outputs, config, dtype=None, name="dense"):
    """A multi-layer perceptron, [n, inputs] -> [n, outputs] in float32."""
    x = first = Input((inputs,))
    x = _dense(x, config.hidden, config, dtype)
    return Model(first, layers.Dense(outputs, dtype=outer_dtype(dtype))(x), name=name)


def decoder(code, shape, config, bounded=False, dtype=None, name="decoder"):
    """A network from a latent code to the mean of x.

    Args:
        code: int, width of the latent code.
        shape: shape of one example: [d] or [height, width, channels].
        config: NetworkConfig; it mirrors the encoder's.
        bounded: bool, the data lie in [0, 1]: the mean is a sigmoid.
        dtype: Keras dtype policy of the hidden layers.
        name: str, the Keras name.

    Returns:
        A Keras model, [n, code] -> [n, *shape] in float32.

    Raises:
        InputError: an image whose sides the convolutions cannot double up to.
    """
    x = inputs = Input((code,))
    if len(shape) == 1:
        x = _dense(x, config.hidden, config, dtype)
        x = layers.Dense(shape[0], dtype=outer_dtype(dtype))(x)
    else:
        _check_image(shape, config)
        side = 2 ** len(config.filters)
        seed = (shape[0] // side, shape[1] // side, config.filters[-1])
        x = _dense(x, (*config.hidden[::-1], math.prod(seed)), config, dtype)
        x = layers.Reshape(seed)(x)
        for filters in (*config.filters[-2::-1], config.filters[0]):
            x = _convolution(x, layers.Conv2DTranspose, filters, config, dtype)
        x = layers.Conv2D(shape[2], 3, padding="same", dtype=outer_dtype(dtype))(x)
    if bounded:
        x = layers.Activation("sigmoid", dtype=outer_dtype(dtype))(x)
    return Model(inputs, x, name=name)
