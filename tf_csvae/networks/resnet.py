"""The network of the classifier: a ResNet (He et al. 2015, arXiv:1512.03385)."""

from keras import Input, KerasTensor, Model, layers

from tf_csvae.networks.distributions import Dtype
from tf_csvae.networks.trunks import MissingAsZero, Shape, batch_normalization, halvings

# Basic blocks per stage, by depth: two of He et al.'s table 1, and one of half the smaller.
BLOCKS = {10: (1, 1, 1, 1), 18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}


def resnet(shape: Shape, depth: int, width: int, stem_stride: int, dtype: Dtype = None) -> Model:
    """Makes a network from x to features: a ResNet for images, two dense layers for vectors.

    Its input is [n, *shape]; ``width`` are the channels of the first stage, or the units of both
    layers. Its outputs are a list: of each layer or stage, [n, height, width, channels] for
    images, and last the features, [n, d], not negative. d is ``width`` for vectors and the
    channels of the last stage for images. Large images are halved by convolutions of their own.
    """
    x = inputs = Input(tuple(shape))
    outputs = []
    if len(shape) == 1:
        x = MissingAsZero(dtype=dtype)(x)
        for _ in range(2):
            x = layers.Dense(width, "relu", kernel_initializer="he_normal", dtype=dtype)(x)
            outputs.append(x)
        return Model(inputs, outputs, name="trunk")
    for stride in (2,) * halvings(shape) + (stem_stride,):
        x = layers.ReLU(dtype=dtype)(_convolution(x, width, 3, stride, dtype))
    for stage, count in enumerate(BLOCKS[depth]):
        for block in range(count):
            x = _basic_block(x, width * 2**stage, 2 if stage and not block else 1, dtype)
        outputs.append(x)
    outputs.append(layers.GlobalAveragePooling2D(dtype=dtype)(x))
    return Model(inputs, outputs, name="trunk")


def _basic_block(x, filters, stride, dtype) -> KerasTensor:
    residual = layers.ReLU(dtype=dtype)(_convolution(x, filters, 3, stride, dtype))
    # From zero, so that every block begins as the identity (Goyal et al. 2017, arXiv:1706.02677).
    residual = _convolution(residual, filters, 3, 1, dtype, gamma="zeros")
    if stride > 1 or x.shape[-1] != filters:
        x = _convolution(x, filters, 1, stride, dtype)
    return layers.ReLU(dtype=dtype)(layers.Add(dtype=dtype)([x, residual]))


def _convolution(x, filters, kernel_size, stride, dtype, gamma="ones") -> KerasTensor:
    options = {"padding": "same", "use_bias": False, "kernel_initializer": "he_normal", "dtype": dtype}
    # A side of one pixel is not halved: the result is the same, and of a stride of 2 the kernel of
    # oneDNN for bfloat16 leaves parts of the gradient unwritten (TensorFlow 2.21, AMX).
    strides = [stride if side > 1 else 1 for side in x.shape[1:3]]
    x = layers.Conv2D(filters, kernel_size, strides, **options)(x)
    return batch_normalization(dtype, gamma)(x)
