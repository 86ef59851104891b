"""Servers and readers that others wrote: ovmsclient, OpenVINO, KServe; and what can go wrong.

The first two are the extra "interop". KServe's server needs an environment of its own, with kserve
and tensorflow; TF_CSVAE_KSERVE_PYTHON is its Python. Tests without them are skipped.
"""

import contextlib
import os
import socket
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import requests

from export.servers import GrpcServer, RestServer
from tests.export.conftest import IMAGES, VECTORS
from tests.export.server import Models, grpc_server, rest_server
from tf_csvae.errors import InputError

INFOS = {"images": IMAGES, "vectors": VECTORS}


def rows(info, n):
    """Inputs of n examples, as all signatures take them."""
    random = np.random.default_rng(0)
    x = random.uniform(0, 1, (n, *info.shape)).astype(np.float32 if info.is_image else np.float64)
    return {"x": x, "labels": np.float32([[1, 0]] * n)}


@pytest.mark.parametrize("kind", ["grpc", "http"])
@pytest.mark.parametrize("info", INFOS.values(), ids=INFOS)
def test_an_independent_client_gets_the_same_numbers(kind, info, exported):
    ovmsclient = pytest.importorskip("ovmsclient")
    _, served, folder = exported("csvae", info)
    inputs = rows(info, 3)
    serve = grpc_server if kind == "grpc" else rest_server
    with serve(Models({"m": folder})) as port:
        make = ovmsclient.make_grpc_client if kind == "grpc" else ovmsclient.make_http_client
        answer = make(f"127.0.0.1:{port}").predict(inputs=inputs, model_name="m")
    # It asks the default signature, and gives a single output without its name.
    np.testing.assert_allclose(answer, served.answer("reconstruct", inputs)["x"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("info", INFOS.values(), ids=INFOS)
@pytest.mark.parametrize("system", ["csvae", "vae"])
def test_openvino_reads_an_export_and_gives_the_same_numbers(system, info, exported):
    openvino = pytest.importorskip("openvino")
    _, served, folder = exported(system, info)
    core = openvino.Core()
    # Without it half precision is taken on processors that have it.
    model = core.compile_model(core.read_model(folder), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    inputs = rows(info, 3)
    made = model({each.get_any_name(): inputs[each.get_any_name()] for each in model.inputs})
    np.testing.assert_allclose(made[0], served.answer("reconstruct", inputs)["x"], rtol=1e-4, atol=1e-5)


@contextlib.contextmanager
def kserve(folder):
    """Serves a model by KServe's Python server while the block runs; gives the port."""
    python = os.environ.get("TF_CSVAE_KSERVE_PYTHON")
    if not python:
        pytest.skip("TF_CSVAE_KSERVE_PYTHON names no Python with kserve and tensorflow")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    script = Path(__file__).with_name("kserve_server.py")
    with subprocess.Popen([python, script, folder, "m", str(port)], stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(240):
                with contextlib.suppress(requests.ConnectionError):
                    if requests.get(f"http://127.0.0.1:{port}/v1/models/m", timeout=5).ok:
                        break
                time.sleep(0.5)
            yield port
        finally:
            process.terminate()


def test_a_real_python_server_answers_the_client(exported):
    _, served, folder = exported("csvae", IMAGES)
    with kserve(folder) as port:
        server, given = RestServer("127.0.0.1", port, "m", retries=0), rows(IMAGES, 2)
        asked = {
            "x": given["x"],
            "source_labels": given["labels"],
            "target_labels": np.float32([[0, -1]] * 2),
        }
        made = server.predict("transfer", asked)["x"]
        np.testing.assert_allclose(made, served.answer("transfer", asked)["x"], atol=1e-5)
        with pytest.raises(InputError, match="source_labels: each must lie between 0 and 1"):
            server.predict("transfer", {**asked, "source_labels": np.float32([[0, 7]] * 2)})


# On the way.


@pytest.mark.parametrize("megabytes", [5, 65])
def test_messages_are_larger_than_grpcs_default(megabytes, exported):
    _, _, folder = exported("csvae", IMAGES)
    inputs = rows(IMAGES, megabytes * 2**20 // (4 * 16 * 16 * 3) + 1)
    assert inputs["x"].nbytes > megabytes * 2**20
    with grpc_server(Models({"m": folder})) as port:
        made = GrpcServer("127.0.0.1", port, "m", timeout=120, retries=0).predict("reconstruct", inputs)["x"]
    assert made.shape == inputs["x"].shape


def test_a_slow_server_is_left_at_the_deadline_and_asked_again(exported):
    _, _, folder = exported("csvae", IMAGES)
    models, predict = Models({"m": folder}), Models.predict
    slow = [1.5, 0.0]
    models.predict = lambda *arguments: (time.sleep(slow.pop(0)), predict(models, *arguments))[1]
    with grpc_server(models) as port:
        server = GrpcServer("127.0.0.1", port, "m", timeout=0.5, retries=1, pause=0.01)
        predict(models, "m", "reconstruct", rows(IMAGES, 1))  # traces before the clock runs
        assert server.predict("reconstruct", rows(IMAGES, 1))["x"].shape == (1, *IMAGES.shape)
        slow[:] = [1.5, 1.5]
        with pytest.raises(InputError, match="in 2 attempts: DEADLINE_EXCEEDED"):
            server.predict("reconstruct", rows(IMAGES, 1))


def test_a_server_that_restarts_in_the_middle_is_found_again(exported):
    _, _, folder = exported("csvae", IMAGES)
    models = Models({"m": folder})
    with grpc_server(models) as port:
        server = GrpcServer("127.0.0.1", port, "m", timeout=20, retries=8, pause=0.2)
        first = server.predict("reconstruct", rows(IMAGES, 1))["x"]
    found = []
    asking = threading.Thread(target=lambda: found.append(server.predict("reconstruct", rows(IMAGES, 1))))
    asking.start()
    time.sleep(0.5)
    with grpc_server(models, port):
        asking.join(60)
    np.testing.assert_array_equal(found[0]["x"], first)
