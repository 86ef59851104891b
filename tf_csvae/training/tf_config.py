"""What the environment variable TF_CONFIG says of a cluster; needs no TensorFlow.

Cluster managers set it for every process: who belongs to the cluster, and which of them this
process is.
"""

import json
import os

from tf_csvae.errors import InputError

_EXAMPLE = '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'

# The tasks that train; a chief counts as the first worker.
_TASKS = ("chief", "worker")


def workers() -> tuple[int, int] | None:
    """Returns (number of workers, place of this one), or None without a cluster.

    Raises:
        InputError: a TF_CONFIG that is malformed.
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
            f"TF_CONFIG={text}: expected the cluster and the task of this process, of type chief "
            f"or worker, as in {_EXAMPLE}."
        ) from None
    return sum(counts.values()), index + (counts["chief"] if kind == "worker" else 0)


def place(distribute: str) -> tuple[int, int]:
    """Returns (number of workers, place of this process), by ``TrainingConfig.distribute``.

    Raises:
        InputError: "multi_worker" without a TF_CONFIG, or one that is malformed.
    """
    found = workers() if distribute in ("auto", "multi_worker") else None
    if distribute == "multi_worker" and found is None:
        raise InputError(
            "--distribute=multi_worker needs the environment variable TF_CONFIG, in every process, "
            f"as in TF_CONFIG='{_EXAMPLE}'. docs/distributed.md has examples."
        )
    return found or (1, 0)
