"""The machines and devices that train one model together, on tf.distribute."""

import contextlib
import functools
import json
import math
from typing import Any

import tensorflow as tf

from tf_csvae.data import Dataset
from tf_csvae.devices import choices
from tf_csvae.errors import InputError
from tf_csvae.models.labelled import optimizers_of
from tf_csvae.training.tf_config import place

# What TensorFlow raises where another worker is gone.
LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.DeadlineExceededError)


class Cluster:
    """All devices that train, as this process sees them.

    Make it before TensorFlow computes anything. With several workers it waits for them.

    Args:
        distribute: "one_device" uses TensorFlow's default device; "mirrored" all GPUs of this
            machine, or without any all its logical CPUs; "multi_worker" those of all workers in
            TF_CONFIG; "auto" the last if TF_CONFIG has several workers, "mirrored" if there are
            several GPUs, otherwise "one_device".
        most: largest number of devices of "mirrored"; None: all.

    Attributes:
        strategy: tf.distribute.Strategy, or None for one device.
        workers: number of processes.
        place: of this one among them.
        is_chief: this process is the first, which alone writes files.
    """

    def __init__(self, distribute: str = "auto", most: int | None = None) -> None:
        self.strategy, (self.workers, self.place) = None, place(distribute)
        self.is_chief = self.place == 0
        if distribute == "multi_worker" or self.workers > 1:
            self.strategy = tf.distribute.MultiWorkerMirroredStrategy()
        elif distribute != "one_device":
            gpus = tf.config.list_logical_devices("GPU")
            if distribute == "mirrored" or len(gpus) > 1:
                devices = gpus or tf.config.list_logical_devices("CPU")
                names = [device.name for device in devices[:most]]
                self.strategy = tf.distribute.MirroredStrategy(names)

    @property
    def replicas(self) -> int:
        """The number of devices of all workers that train."""
        return self.strategy.num_replicas_in_sync if self.strategy else 1

    def scope(self) -> contextlib.AbstractContextManager:
        """Returns the block in which a model is to be made, compiled, and restored."""
        return self.strategy.scope() if self.strategy else contextlib.nullcontext()

    # What the workers tell each other.

    def any(self, *flags: bool) -> tuple[bool, ...]:
        """Returns for each flag whether any worker has it; all must ask at the same moment."""
        if self.workers == 1:
            return flags
        return tuple(bool(total > 0) for total in self._total([float(flag) for flag in flags]))

    def of_chief(self, value: Any) -> Any:
        """Returns the chief's value, plain as of JSON; all must ask at the same moment."""
        if self.workers == 1:
            return value
        text = json.dumps(value).encode() if self.is_chief else b""
        length = int(self._total([float(len(text))])[0])
        text = self._total([float(byte) for byte in text.ljust(length, b"\0")])
        return json.loads(bytes(int(byte) for byte in text))

    def leave(self) -> None:
        """Waits until all workers are done, and may end."""
        self.any(False)
        # A worker that ends takes its server with it, from which others may still read their sum.
        # All have passed the first wait before one passes the second, which thus may fail.
        with contextlib.suppress(*LOST):
            self.any(False)

    def share_state(self, model: Any) -> None:
        """Gives all workers the chief's weights of a compiled model and of its optimizers."""
        if self.workers == 1:
            return
        metrics = {id(variable) for variable in model.metrics_variables}
        slots = [each for optimizer in optimizers_of(model) for each in optimizer.variables]
        state = {id(each): each for each in (*model.variables, *slots) if id(each) not in metrics}
        for variable in state.values():
            variable.assign(self._from_chief(variable.value))

    def _from_chief(self, value):
        own = tf.convert_to_tensor(value)
        as_float = own if own.dtype.is_floating else tf.cast(own, tf.float64)
        return tf.cast(self._total(as_float if self.is_chief else tf.zeros_like(as_float)), own.dtype)

    def _total(self, values):
        """Returns the sum of a tensor over the workers."""
        return self._summed(tf.convert_to_tensor(values))

    @functools.cached_property
    def _summed(self):
        local = self.replicas // self.workers

        def on_replica(values):
            context = tf.distribute.get_replica_context()
            # The first replica of a worker speaks for it.
            first = tf.equal(context.replica_id_in_sync_group % local, 0)
            values = tf.where(first, values, tf.zeros_like(values))
            return context.all_reduce(tf.distribute.ReduceOp.SUM, values)

        @tf.function(reduce_retracing=True)
        def summed(values):
            everywhere = self.strategy.run(on_replica, args=(values,))
            return self.strategy.experimental_local_results(everywhere)[0]

        return summed

    # What each worker gets of the data.

    def train_from(self, dataset: Dataset, epoch: int, step: int = 0) -> Any:
        """Returns the training batches after so many epochs and steps, for ``fit``: endless.

        Every worker makes its own rows of the same global batches, and reads no others. Images are
        bytes, a quarter of the floats to copy, which the model scales.
        """
        if self.strategy is None:
            batches, device = dataset.train_from(epoch, step=step, scaled=False), choices().prefetch_to
            ahead = device and tf.data.experimental.prefetch_to_device(device)
            return batches.apply(ahead) if ahead else batches

        def of_worker(context):
            place, count = context.input_pipeline_id, context.num_input_pipelines
            local = context.num_replicas_in_sync // count

            def parts(*batch):
                split = [tf.reshape(part, tf.concat([[local, -1], tf.shape(part)[1:]], 0)) for part in batch]
                return tf.data.Dataset.from_tensor_slices(tuple(split))

            share = dataset.batch_size // count
            own = slice(place * share, (place + 1) * share)
            batches = dataset.train_from(epoch, own, step, scaled=False)
            return batches.flat_map(parts) if local > 1 else batches

        return self.strategy.distribute_datasets_from_function(of_worker)

    def validation(self, dataset: Dataset) -> tuple[Any, int]:
        """Returns the validation batches for ``fit``, and their number of steps.

        Whole batches go to the replicas in turn, so the numbers are those of one replica. Replicas
        without batches left get empty ones.
        """
        batches = math.ceil(dataset.info.counts["validation"] / dataset.batch_size)
        if self.strategy is None:
            return dataset.validation, batches
        steps = math.ceil(batches / self.replicas)

        def of_worker(context):
            place, count = context.input_pipeline_id, context.num_input_pipelines
            own = dataset.validation.shard(count, place)
            empty = dataset.validation.take(1).map(lambda x, y: (x[:0], y[:0]))
            return own.concatenate(empty.repeat()).take(steps * self.replicas // count)

        return self.strategy.distribute_datasets_from_function(of_worker), steps

    def check(
        self,
        batch_size: int,
        precision: str = "float32",
        jit_compile: str = "auto",
        guide_every: int = 1,
    ) -> None:
        """Raises ``InputError`` unless the replicas support these options."""
        if self.replicas == 1:
            return
        if precision == "float16":
            raise InputError(
                "--precision=float16 scales its losses, which Keras cannot do on "
                f"{self.replicas} replicas. Use bfloat16, or --distribute=one_device."
            )
        if jit_compile == "true":
            raise InputError(
                f"--jit_compile=true: XLA cannot compile a step of {self.replicas} replicas. Use "
                "auto, or --distribute=one_device."
            )
        if batch_size % self.replicas:
            raise InputError(
                f"--batch_size={batch_size} is the batch of all {self.replicas} replicas together. "
                f"Give a multiple of {self.replicas}."
            )
        if batch_size // self.replicas % guide_every:
            raise InputError(
                f"--guide_every={guide_every} does not divide the {batch_size // self.replicas} examples "
                "of a batch that each replica has. Give a divisor."
            )
