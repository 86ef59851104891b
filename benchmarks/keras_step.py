"""Sides in TensorFlow of ``benchmarks.train_step``: a training step, and a matrix product."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from tf_csvae.data import Dataset, Info
from tf_csvae.data.celeba import REPORT_ATTRIBUTES
from tf_csvae.data.image_format import chosen_sides
from tf_csvae.labels import Label
from tf_csvae.models import CSVAE, LabelledModel
from tf_csvae.models.csvae import ABSENT_SCALE
from tf_csvae.networks import erasure, trunks
from tf_csvae.networks.balance import class_weights
from tf_csvae.networks.distributions import MIN_SCALE
from tf_csvae.objectives.mmd import KERNEL_SQUARED_WIDTHS
from tf_csvae.runs import GUIDE
from tf_csvae.settings import Settings, settings
from tf_csvae.training.classifiers import classifier_settings
from tf_csvae.training.session import build_model, compile_model

# Rows and columns of the product that shows the machine's peak.
PRODUCT = 4096


def random_images(size: int, labels: Sequence[Label], batch_size: int) -> Dataset:
    """Returns data of one random batch, which stays in memory and is repeated without end.

    Args:
        size: side of the images.
        labels: binary labels; each is 1 as often as its frequency says.
        batch_size: examples of the batch.
    """
    counts = dict.fromkeys(("train", "validation", "test"), batch_size)
    info = Info("random", (size, size, 3), (0.0, 1.0), tuple(labels), counts)
    x = tf.random.stateless_uniform((batch_size, *info.shape), (0, 0))
    drawn = tf.random.stateless_uniform((batch_size, len(labels)), (0, 1))
    y = tf.cast(drawn < [label.frequency for label in labels], tf.float32)
    batches = tf.data.Dataset.from_tensors((x, y)).repeat()
    return Dataset(batches, batches, batches, info, lambda first: batches, batch_size, 100)


def model_of(chosen: Settings, dataset: Dataset) -> LabelledModel:
    """Returns the new model that settings describe, compiled, with a new guide if it needs one."""
    guide = None
    if chosen.system != "classifier" and chosen.guided:
        guide = build_model(classifier_settings(GUIDE, chosen), dataset.info)
    model = build_model(chosen, dataset.info, guide)
    compile_model(model, chosen.training, dataset, chosen.training.epochs)
    return model


def stepper(
    system: str, options: dict[str, Any], batch_size: int
) -> tuple[dict[str, Any], Callable[[], list[float]]]:
    """Makes a side: the training step of one of our systems on random images.

    Args:
        system: as in ``settings``.
        options: as in ``settings``.
        batch_size: examples of a step.

    Returns:
        {"parameters", "flops" of a step, "options" of the twin if it has one}, and a function that
        makes one step.
    """
    # Without a guide unless it is asked for, as the twin.
    guide = {} if system == "classifier" else {"guide": "none"}
    chosen = settings(system, **{**guide, **options})
    keras.utils.set_random_seed(chosen.training.seed)
    labels = [Label(name, frequency=0.2) for name in REPORT_ATTRIBUTES]
    dataset = random_images(chosen_sides(chosen.data)[0], labels, batch_size)
    model, iterator = model_of(chosen, dataset), iter(dataset.train)
    model.make_train_function()

    def step():
        return [float(value) for value in model.train_function(iterator).values()]

    spec = dataset.train.element_spec
    facts = {"parameters": model.count_params(), "flops": products_of(model, spec)}
    if isinstance(model, CSVAE) and not chosen.guided:
        facts["options"] = twin_options(model)
    return facts, step


def twin_options(model: CSVAE) -> dict[str, Any]:
    """Returns the options of ``torch_csvae.CSVAE`` for the twin of a model: plain values."""
    given, frequencies = model.get_config(), [label.frequency for label in model.labels]
    return {
        **given["config"],
        "filters": trunks.channels(model.data_shape, model.config),
        **{name: given[name] for name in ("data_shape", "labels", "bounded")},
        "class_weights": class_weights(frequencies, float(model.config.balanced)).tolist(),
        "squared_widths": KERNEL_SQUARED_WIDTHS,
        "min_scale": MIN_SCALE,
        "absent_scale": ABSENT_SCALE,
        "erasure": (erasure.MOMENTUM, erasure.RIDGE, erasure.MAX_SCALE),
    }


def products_of(model: LabelledModel, batch: Any) -> int:
    """Counts the floating-point operations of a step's matrix products and convolutions.

    These are multiplications and additions. Operations on single elements are not counted, nor
    those of spectral normalisation.

    Args:
        model: compiled.
        batch: (x, y), tensor specs of known shape.
    """
    graph = tf.function(model.train_step).get_concrete_function(batch).graph
    # The kernel, and the tensor with a row for each of its applications.
    operands = {
        "Conv2D": lambda op: (op.inputs[1], op.outputs[0]),
        "Conv2DBackpropInput": lambda op: (op.inputs[1], op.inputs[2]),
        "Conv2DBackpropFilter": lambda op: (op.outputs[0], op.inputs[2]),
    }
    count = 0
    for op in graph.get_operations():
        if not any(output.consumers() for output in op.outputs):
            continue  # such as a gradient with respect to x: it is pruned, not computed
        if op.type in operands:
            kernel, applied = (tensor.shape.as_list() for tensor in operands[op.type](op))
            count += 2 * math.prod(kernel) * math.prod(applied[:3])
        elif op.type == "MatMul":
            rows = op.inputs[0].shape.as_list()
            inner = rows[0] if op.get_attr("transpose_a") else rows[1]
            count += 2 * inner * math.prod(op.outputs[0].shape.as_list())
    return count


def matrix_product() -> tuple[dict[str, int], Callable[[], Any]]:
    """Makes a side: a product of two square matrices; returns their "size" and the function."""
    matrix = tf.random.uniform((PRODUCT, PRODUCT))
    product = tf.function(tf.linalg.matmul)
    return {"size": PRODUCT}, lambda: product(matrix, matrix).numpy()
