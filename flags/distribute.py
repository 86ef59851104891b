"""Which devices train."""

from absl import flags

flags.DEFINE_enum(
    "distribute",
    "auto",
    ["auto", "one_device", "mirrored", "multi_worker"],
    "The devices that train: one; all GPUs of this machine; those of all workers in TF_CONFIG; auto: the last "
    "where TF_CONFIG has several workers, all GPUs where there are several. --batch_size is that of all together.",
)
