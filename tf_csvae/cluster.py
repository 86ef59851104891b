"""The machines and devices that train one model together, on tf.distribute.

TF_CONFIG, which cluster managers set for every process, says who belongs to a cluster of several
workers and which of them this process is.
"""

import contextlib
import functools
import json
import math
import os

from tf_csvae.errors import InputError

DISTRIBUTE = ("auto", "one_device", "mirrored", "multi_worker")

_EXAMPLE = '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'

# Of the kinds of tasks that a TF_CONFIG may know those that train; a chief counts as the first worker.
_TASKS = ("chief", "worker")


def workers():
    """Returns what TF_CONFIG says, (number of workers, place of this one among them), or None without one.

    Raises:
        InputError: a TF_CONFIG that does not say it.
    """
    text = os.environ.get("TF_CONFIG", "").strip()
    if not text:
        return None
    try:
        config = json.loads(text)
        if not config.get("cluster"):  # as managers set it for a job of one process
            return None
        counts = {task: len(config["cluster"].get(task, ())) for task in _TASKS}
        kind, index = config["task"]["type"], int(config["task"]["index"])
        if kind not in _TASKS or not 0 <= index < counts[kind]:
            raise ValueError
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InputError(
            f"TF_CONFIG={text}: expected the cluster and the task of this process, of type chief or worker, as "
            f"in {_EXAMPLE}."
        ) from None
    return sum(counts.values()), index + (counts["chief"] if kind == "worker" else 0)


def place(distribute):
    """Returns (number of workers, place of this process among them), without importing TensorFlow.

    Args:
        distribute: str, see ``Cluster``.

    Raises:
        InputError: see ``Cluster``.
    """
    found = workers() if distribute in ("auto", "multi_worker") else None
    if distribute == "multi_worker" and found is None:
        raise InputError(
            "--distribute=multi_worker needs the environment variable TF_CONFIG, in every process, as in "
            f"TF_CONFIG='{_EXAMPLE}'. docs/distributed.md has examples."
        )
    return found or (1, 0)


class Cluster:
    """This process's view of all that train.

    It must be made before TensorFlow computes anything: where there are several workers it waits
    for them.

    Args:
        distribute: str, one of ``DISTRIBUTE``: "one_device" takes TensorFlow's default device;
            "mirrored" all GPUs of this machine, or without any all its logical CPUs; "multi_worker"
            those of all workers in TF_CONFIG; "auto" the last where TF_CONFIG has several workers,
            "mirrored" where there are several GPUs, else "one_device".
        most: int, "mirrored" takes no more devices than so many; None: all.

    Attributes:
        strategy: tf.distribute.Strategy, or None for one device.
        workers: int, processes.
        place: int, of this one among them.
        is_chief: bool, this one is the first, which alone writes files.

    Raises:
        InputError: "multi_worker" without a TF_CONFIG, or with one that makes no sense.
    """

    def __init__(self, distribute="auto", most=None):
        import tensorflow as tf

        self.strategy, (self.workers, self.place) = None, place(distribute)
        self.is_chief = self.place == 0
        if distribute == "multi_worker" or self.workers > 1:
            self.strategy = tf.distribute.MultiWorkerMirroredStrategy()
        elif distribute != "one_device":
            gpus = tf.config.list_logical_devices("GPU")
            if distribute == "mirrored" or len(gpus) > 1:
                devices = gpus or tf.config.list_logical_devices("CPU")
                self.strategy = tf.distribute.MirroredStrategy([device.name for device in devices[:most]])

    @property
    def replicas(self):
        """int, the devices of all workers that train."""
        return self.strategy.num_replicas_in_sync if self.strategy else 1

    def scope(self):
        """The block in which a model is to be made, compiled, and restored."""
        return self.strategy.scope() if self.strategy else contextlib.nullcontext()

    # What the workers tell each other.

    def any(self, *flags):
        """Returns for each flag, a bool, whether any worker has it; all must ask at the same moment."""
        if self.workers == 1:
            return flags
        return tuple(bool(total > 0) for total in self._total([float(flag) for flag in flags]))

    def of_chief(self, value):
        """Returns what the chief gave as value, plain values as of JSON; all must ask at the same moment."""
        if self.workers == 1:
            return value
        text = json.dumps(value).encode() if self.is_chief else b""
        length = int(self._total([float(len(text))])[0])
        text = self._total([float(byte) for byte in text.ljust(length, b"\0")])
        return json.loads(bytes(int(byte) for byte in text))

    def share_state(self, model):
        """Gives all workers the chief's weights of a compiled model and of its optimizers."""
        if self.workers == 1:
            return
        optimizers = [model.optimizer, *getattr(model, "player_optimizers", {}).values()]
        metrics = {id(variable) for variable in model.metrics_variables}
        state = [*model.variables, *(each for optimizer in optimizers for each in optimizer.variables)]
        for variable in {id(each): each for each in state if id(each) not in metrics}.values():
            variable.assign(self._from_chief(variable.value))

    def _from_chief(self, value):
        import tensorflow as tf

        own = tf.convert_to_tensor(value)
        as_float = own if own.dtype.is_floating else tf.cast(own, tf.float64)
        return tf.cast(self._total(as_float if self.is_chief else tf.zeros_like(as_float)), own.dtype)

    def _total(self, values):
        """Returns the sum of a tensor over the workers."""
        import tensorflow as tf

        return self._summed(tf.convert_to_tensor(values))

    @functools.cached_property
    def _summed(self):
        import tensorflow as tf

        local = self.replicas // self.workers

        def on_replica(values):
            context = tf.distribute.get_replica_context()
            first = tf.equal(
                context.replica_id_in_sync_group % local, 0
            )  # the one that speaks for its worker
            values = tf.where(first, values, tf.zeros_like(values))
            return context.all_reduce(tf.distribute.ReduceOp.SUM, values)

        @tf.function(reduce_retracing=True)
        def summed(values):
            return self.strategy.experimental_local_results(self.strategy.run(on_replica, args=(values,)))[0]

        return summed

    # What each gets to see of the data.

    def train_from(self, dataset, epoch, step=0):
        """Returns the training batches from a step of an epoch on, for ``fit``: endless.

        Every worker goes through the same global batches and makes its own rows of each.

        Args:
            dataset: ``Dataset``.
            epoch: int, epochs done.
            step: int, steps done of the one after them.
        """
        if self.strategy is None:
            return dataset.train_from(epoch).skip(step)
        import tensorflow as tf

        def of_worker(context):
            place, count = context.input_pipeline_id, context.num_input_pipelines
            local = context.num_replicas_in_sync // count

            def parts(*batch):
                split = [tf.reshape(part, tf.concat([[local, -1], tf.shape(part)[1:]], 0)) for part in batch]
                return tf.data.Dataset.from_tensor_slices(tuple(split))

            share = dataset.batch_size // count
            batches = dataset.train_from(epoch, slice(place * share, (place + 1) * share)).skip(step)
            return batches.flat_map(parts) if local > 1 else batches

        return self.strategy.distribute_datasets_from_function(of_worker)

    def validation(self, dataset):
        """Returns the validation batches for ``fit``, and how many steps they are.

        Whole batches go to the replicas in turn, so the numbers are those of one replica; those
        that have none left get empty ones.
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

    def check(self, batch_size, precision="float32", jit_compile="auto"):
        """Raises ``InputError`` unless these values of flags can be had on several replicas.

        Args:
            batch_size: int, the global batch.
            precision: str.
            jit_compile: str.
        """
        if self.replicas == 1:
            return
        if precision == "float16":
            raise InputError(
                f"--precision=float16 scales its losses, which Keras cannot do on {self.replicas} replicas. Take "
                "bfloat16, or --distribute=one_device."
            )
        if jit_compile == "true":
            raise InputError(
                f"--jit_compile=true: XLA cannot compile a step of {self.replicas} replicas. Take auto, or "
                "--distribute=one_device."
            )
        if batch_size % self.replicas:
            raise InputError(
                f"--batch_size={batch_size} is the batch of all {self.replicas} replicas together, which it does "
                f"not divide among. Give a multiple of {self.replicas}."
            )
