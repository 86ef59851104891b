"""Images per second of a training step, CSVAE's beside a twin in PyTorch.

    python -m benchmarks.train_step
    python -m benchmarks.train_step --systems=csvae --presets=celeba_report --batch_sizes=64

Images and labels are random, and there from the start: what is timed is the step alone, as ``fit`` calls it.
Each side runs in a process of its own, on all cores, in turns with the others. The twin (``torch_csvae``)
runs eagerly and compiled by ``torch.compile``, with its images channels-last, which was its
faster layout. PyTorch is no dependency: without it (``pip install torch``) the twin is left out.
"""

import contextlib
import importlib
import importlib.util
import math
import os
import statistics
import sys

import flags
import flags.train_step_benchmark
from benchmarks import turns
from trainers import training

FLAGS = flags.FLAGS

GROUPS = (flags.train_step_benchmark,)

PRESETS = ("celeba_report", "celeba")
SYSTEMS = ("csvae", "vae", "condvae", "condvae_info", "classifier")

# Rows and columns of the product that the machine's peak is measured by.
PRODUCT = 4096


def command_line(system, preset):
    """Returns the flags of a trainer for one of ``PRESETS``, or None where it has no such network."""
    if preset == "celeba":
        return ["--dataset=celeba"]
    if system == "classifier":
        return None
    return [f"--flagfile=flags/{'celeba_condvae_info_report' if system == 'condvae_info' else preset}.flags"]


def keras_step(system, arguments, batch_size):
    """A side: the step of one of our systems.

    Args:
        system: str, the trainer.
        arguments: list of its flags.
        batch_size: int.

    Returns:
        ({"parameters", "flops" of a step, "options" for the twin}, a function that makes one step).
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    trainer = importlib.import_module(f"trainers.{system}").TRAINER
    flags.parse([system, *arguments], trainer.groups, "", system)
    with training.quietly():
        import keras
        import numpy as np
        import tensorflow as tf

    from tf_csvae.data import celeba
    from tf_csvae.data.dataset import Dataset, Info
    from tf_csvae.labels import Label

    keras.utils.set_random_seed(FLAGS.seed)
    info = Info(
        name="random",
        shape=(FLAGS.image_size, FLAGS.image_size, 3),
        value_range=(0.0, 1.0),
        labels=tuple(Label(name, frequency=0.2) for name in celeba.REPORT_ATTRIBUTES),
        counts={"train": batch_size, "validation": batch_size, "test": batch_size},
    )
    random = np.random.default_rng(0)
    x = random.random((batch_size, *info.shape), np.float32)
    y = (random.random((batch_size, len(info.labels))) < 0.2).astype(np.float32)
    batches = tf.data.Dataset.from_tensors((x, y)).repeat()
    model = trainer.build(info)
    dataset = Dataset(batches, batches, batches, info, lambda first: batches, batch_size, 100)
    trainer.compile(model, dataset, 1.0)
    iterator = iter(batches)
    model.make_train_function()

    def step():
        return [float(value) for value in model.train_function(iterator).values()]

    facts = {"parameters": model.count_params(), "flops": products_of(model, batches.element_spec)}
    if system == "csvae":
        facts["options"] = twin_options(model)
    return facts, step


def twin_options(model):
    """Returns what ``torch_csvae.CSVAE`` needs to know of a CSVAE: plain values."""
    from tf_csvae.models import balance, csvae, distributions, erasure, independence

    frequencies = [label.frequency for label in model.labels]
    return {
        **model.get_config(),
        "class_weights": balance.class_weights(frequencies, float(model.balanced)).tolist(),
        "squared_widths": independence.KERNEL_SQUARED_WIDTHS,
        "min_scale": distributions.MIN_SCALE,
        "absent_scale": csvae.ABSENT_SCALE,
        "erasure": (erasure.MOMENTUM, erasure.RIDGE, erasure.MOST_SCALE),
    }


def products_of(model, batch):
    """Counts the floating-point operations of a step's matrix products and convolutions.

    Multiplications and additions; what is computed element by element is not counted, nor
    what spectral normalisation adds.

    Args:
        model: compiled ``LabelledModel``.
        batch: (x, y), tensor specs of known shape.
    """
    import tensorflow as tf

    graph = tf.function(model.train_step).get_concrete_function(batch).graph
    # The filter and the tensor with a row for each time that it is applied.
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


def torch_step(options, batch_size, compiled):
    """A side: the twin's step; see ``torch_csvae.stepper``."""
    from benchmarks import torch_csvae

    return torch_csvae.stepper(options, batch_size, compiled)


def matrix_product():
    """A side: a product of two square matrices by TensorFlow."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with training.quietly():
        importlib.import_module("tf_csvae")  # sets what TensorFlow reads at its import
        import tensorflow as tf

    matrix = tf.random.uniform((PRODUCT, PRODUCT))
    product = tf.function(tf.linalg.matmul)
    return {}, lambda: product(matrix, matrix).numpy()


def sides_of(stack, system, preset, batch_size, peer):
    """Starts the sides of one comparison.

    Args:
        stack: contextlib.ExitStack, which ends them.
        system: str, one of ``SYSTEMS``.
        preset: str, one of ``PRESETS``.
        batch_size: int.
        peer: bool, with the twin, where the system has one.

    Returns:
        {name: ``turns.Side``}, ours first.
    """
    arguments = command_line(system, preset)
    sides = {"TensorFlow": stack.enter_context(turns.Side(keras_step, system, arguments, batch_size))}
    options = sides["TensorFlow"].facts.get("options")
    if peer and options:
        for name, compiled in (("PyTorch", False), ("torch.compile", True)):
            sides[name] = stack.enter_context(turns.Side(torch_step, options, batch_size, compiled))
    return sides


def compared(system, preset, batch_size, peer, peak):
    """Returns the rows of the table for a system, a preset and a size of batch.

    Args:
        system: str, one of ``SYSTEMS``.
        preset: str, one of ``PRESETS``.
        batch_size: int.
        peer: bool, with the twin.
        peak: float, floating-point operations per second of a matrix product.
    """
    rows = []
    with contextlib.ExitStack() as stack:
        sides = sides_of(stack, system, preset, batch_size, peer)
        flops = sides["TensorFlow"].facts["flops"]
        times = turns.timed(list(sides.values()), FLAGS.rounds, FLAGS.steps)
        ours = statistics.median(times[0])
        for (name, side), taken in zip(sides.items(), times, strict=True):
            middle = statistics.median(taken)
            rows.append(
                [
                    system,
                    preset,
                    str(batch_size),
                    name,
                    f"{batch_size / middle:.1f}",
                    f"{batch_size / taken[-1]:.1f} to {batch_size / taken[0]:.1f}",
                    f"{100 * flops / middle / peak:.0f} %",
                    f"{side.peak / 2**30:.1f}",
                    f"{middle / ours:.2f}",
                ]
            )
    return rows


def benchmark():
    """Prints each speed as it is found, then the table."""
    from tf_csvae import report
    from tf_csvae.errors import check_known

    for given, known, what in ((FLAGS.systems, SYSTEMS, "system"), (FLAGS.presets, PRESETS, "preset")):
        for name in given:
            check_known(name, known, what)
    peer = FLAGS.peer and importlib.util.find_spec("torch") is not None
    if FLAGS.peer and not peer:
        print("PyTorch is not installed (pip install torch), so only our half runs.", flush=True)
    with turns.Side(matrix_product) as side:
        (times,) = turns.timed([side], 1, 8)
    peak = 2 * PRODUCT**3 / times[0]
    print(f"Matrix products of {PRODUCT} x {PRODUCT}: {peak / 1e9:.0f} GFLOP/s", flush=True)

    header = ["system", "preset", "batch", "side", "images/s", "slowest to fastest"]
    rows = [[*header, "of that peak", "GiB", "TensorFlow is faster by"]]
    for preset in FLAGS.presets:
        for batch_size in map(int, FLAGS.batch_sizes):
            for system in FLAGS.systems:
                if command_line(system, preset) is not None:
                    found = compared(system, preset, batch_size, peer, peak)
                    for _, _, _, side, speed, *_ in found:
                        print(f"{system}, {preset}, {batch_size}, {side}: {speed} images/s", flush=True)
                    rows += found
    print(f"\n{report.as_text(report.Table('', rows))}")


if __name__ == "__main__":
    flags.parse(sys.argv, GROUPS, __doc__)
    training.exit_cleanly(benchmark, "Nothing is written by a benchmark.")
