"""What ``auto`` means on the devices that are there: the only place that chooses by device.

No GPU was available to measure its choices. They follow NVIDIA's and TensorFlow's advice
(https://www.tensorflow.org/guide/gpu_performance_analysis): compile with XLA, compute in bfloat16
on tensor cores, and copy the next batch while a step computes. Images stay channels-last, the
layout of tensor cores. docs/performance.md has what bfloat16 gains on CPUs. Training images travel
as bytes and are scaled by the model, on its device (``LabelledModel.as_float``), everywhere.
"""

import dataclasses

import tensorflow as tf

# Features of processors that multiply bfloat16, as /proc/cpuinfo names them.
BFLOAT16_CPU = {"avx512_bf16", "amx_bf16"}

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
    fast = min(capabilities, default=(0, 0)) >= BFLOAT16_SINCE if gpus else bool(_cpu() & BFLOAT16_CPU)
    return Choices(
        compile_images=bool(gpus),
        precision="bfloat16" if fast else "float32",
        prefetch_to=gpus[0].name if len(gpus) == 1 else None,
    )


def _cpu() -> set[str]:
    """Returns the features of this processor; none where the system does not tell."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return set(next((line for line in file if line.startswith("flags")), "").split())
    except OSError:
        return set()
