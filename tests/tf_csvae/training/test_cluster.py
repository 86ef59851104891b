"""What TF_CONFIG says, and the messages about a wrong one."""

import json
import types

import pytest

from tf_csvae import InputError
from tf_csvae.training.cluster import Cluster
from tf_csvae.training.tf_config import place

HOSTS = ["a:1", "b:1"]


def config(index=0, task="worker", **hosts):
    cluster = hosts or {"worker": HOSTS}
    return json.dumps({"cluster": cluster, "task": {"type": task, "index": index}})


@pytest.mark.parametrize(
    ("text", "distribute", "expected"),
    [
        ("", "auto", (1, 0)),
        (config(1), "auto", (2, 1)),
        (config(1), "multi_worker", (2, 1)),
        (config(1), "one_device", (1, 0)),
        (config(0, "chief", chief=["c:1"], worker=HOSTS), "auto", (3, 0)),
        (config(1, "worker", chief=["c:1"], worker=HOSTS), "auto", (3, 2)),
        (json.dumps({"task": {"type": "worker", "index": 0}}), "auto", (1, 0)),
    ],
)
def test_the_place_of_a_process_among_the_workers(monkeypatch, text, distribute, expected):
    monkeypatch.setenv("TF_CONFIG", text)
    assert place(distribute) == expected


@pytest.mark.parametrize(
    "text", ["{", "[]", "3", config(2), config(0, "ps", ps=HOSTS), '{"cluster": {"worker": 5}}']
)
def test_a_tf_config_without_this_process_is_refused_with_an_example(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(InputError, match=r'expected the cluster and the task .* as in \{"cluster"'):
        place("auto")


def test_several_workers_need_a_tf_config(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(InputError, match="needs the environment variable TF_CONFIG"):
        place("multi_worker")


@pytest.mark.parametrize(("options", "message"), [
    ({"batch_size": 30}, "--batch_size=30 is the batch of all 4 replicas together. Give a multiple of 4"),
    ({"batch_size": 8, "guide_every": 4}, "--guide_every=4 does not divide the 2 examples"),
    ({"batch_size": 8, "precision": "float16"}, "--precision=float16 scales its losses"),
    ({"batch_size": 8, "jit_compile": "true"}, "XLA cannot compile a step of 4 replicas"),
])  # fmt: skip
def test_what_replicas_do_not_support_is_refused(options, message):
    cluster = Cluster("one_device")
    cluster.check(**options)
    cluster.strategy = types.SimpleNamespace(num_replicas_in_sync=4)
    with pytest.raises(InputError, match=message):
        cluster.check(**options)
    cluster.check(32, guide_every=4)
