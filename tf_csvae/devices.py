"""What ``auto`` means on the devices that are there: the only place that chooses by device.

No GPU was available to measure its choices. They follow NVIDIA's and TensorFlow's advice
(https://www.tensorflow.org/guide/gpu_performance_analysis): compile with XLA, compute in bfloat16
on tensor cores, and copy the next batch while a step computes. Images stay channels-last, the
layout of tensor cores. Training images travel as bytes and are scaled by the model, on its device
(``LabelledModel.as_float``), everywhere.

CPUs compute in float32. In bfloat16 some are twice as fast (docs/performance.md), but trainings of
very small networks diverged there.
"""

import dataclasses

import tensorflow as tf

# The least compute capability of GPUs that multiply bfloat16 on tensor cores: Ampere's.
BFLOAT16_SINCE = (8, 0)


@dataclasses.dataclass(frozen=True)
class Choices:
    """The choices for one process.

    Attributes:
        compile_images: XLA compiles training steps on images. On CPUs that costs more than it
            gains; steps on vectors are compiled on every device.
        precision: of the inner layers of networks for images. Those for vectors are float32.
        prefetch_to: device that gets batches ahead of time; None: batches stay in host memory.
            With several GPUs tf.distribute does this.
    """

    compile_images: bool
    precision: str
    prefetch_to: str | None


def choices() -> Choices:
    """Returns the choices for the devices that TensorFlow sees."""
    gpus = tf.config.list_logical_devices("GPU")
    details = map(tf.config.experimental.get_device_details, tf.config.list_physical_devices("GPU"))
    capabilities = [each.get("compute_capability", (0, 0)) for each in details]
    tensor_cores = bool(gpus) and min(capabilities, default=(0, 0)) >= BFLOAT16_SINCE
    return Choices(
        compile_images=bool(gpus),
        precision="bfloat16" if tensor_cores else "float32",
        prefetch_to=gpus[0].name if len(gpus) == 1 else None,
    )
