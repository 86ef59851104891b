"""The client against a server on this machine, by gRPC and by REST."""

import json

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from export import servers
from tests import processes
from tests.export.conftest import IMAGES, LABELS
from tests.export.server import Models, grpc_server, rest_server
from tf_csvae import InputError

SERVERS = {"grpc": grpc_server, "rest": rest_server}


def run(*arguments, cwd):
    return processes.run("export.client", *arguments, cwd=cwd)


@pytest.fixture
def files(tmp_path):
    """Paths of three images, of which one is a TIFF file, and of labels.json."""
    paths = []
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 256, (30, 24, 3), dtype=np.uint8)
        paths.append(tmp_path / f"face_{number}.png")
        paths[-1].write_bytes(tf.io.encode_png(pixels).numpy())
    paths[-1] = paths[-1].with_suffix(".tiff")
    PIL.Image.fromarray(pixels).save(paths[-1])
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({"labels": [label.to_dict() for label in LABELS]}))
    return paths, labels


@pytest.fixture(scope="module")
def folders(exported):
    return {
        "faces": exported("csvae", IMAGES)[2],
        "judge": exported("classifier", IMAGES)[2],
    }


@pytest.mark.parametrize("kind", SERVERS)
def test_samples_transfers_and_verdicts(kind, folders, files, tmp_path):
    paths, labels = files
    with SERVERS[kind](Models(folders)) as port:
        at = ["--host=127.0.0.1", f"--port={port}", *(["--rest"] if kind == "rest" else [])]
        model = ["--model=faces", f"--labels_file={labels}"]
        done = run(
            "sample",
            *at,
            *model,
            "--set=Smiling=1",
            "--count=5",
            "--batch=2",
            "--out=s",
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr
        made = sorted((tmp_path / "s").iterdir())
        assert len(made) == 5
        assert tf.io.decode_png(made[0].read_bytes()).shape == (16, 16, 3)
        assert len({path.read_bytes() for path in made}) == 5

        done = run("transfer", *paths, *at, *model, "--set=Smiling=1,Male=0", "--out=t", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert {path.name for path in (tmp_path / "t").iterdir()} == {f"{path.stem}.png" for path in paths}

        done = run("classify", *paths, *at, "--model=judge", "--batch=2", "--out=c", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert [line["file"] for line in lines] == ["face_0", "face_1", "face_2"]
        assert all(0 <= line["Smiling"] <= 1 for line in lines)

        done = run("traverse", paths[0], *at, *model, "--label=Male", "--out=w", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert len(list((tmp_path / "w").iterdir())) == 49


@pytest.mark.parametrize("kind", SERVERS)
def test_a_busy_server_is_asked_again_and_a_mistake_is_not(kind, folders, files):
    paths, _ = files
    content = np.array([paths[0].read_bytes()], object)
    models = Models(folders, busy=2)
    with SERVERS[kind](models) as port:
        make = servers.GrpcServer if kind == "grpc" else servers.RestServer
        server = make("127.0.0.1", port, "judge", retries=2, pause=0.01)
        answer = server.predict("classify_bytes", {"x_bytes": content})
        assert answer["probabilities"].shape == (1, 2)
        assert models.asked == 3
        server = make("127.0.0.1", port, "judge", retries=5)
        with pytest.raises(InputError, match="must be a JPEG or a PNG file"):
            server.predict("classify_bytes", {"x_bytes": np.array([b"no image"], object)})
        assert models.asked == 4


def test_the_pauses_grow_by_a_random_part(monkeypatch):
    pauses = []
    monkeypatch.setattr("tenacity.nap.time.sleep", pauses.append)
    server = servers.GrpcServer("127.0.0.1", 1, "m", retries=3, pause=0.5)
    monkeypatch.setattr(server, "_ask", lambda *given: (_ for _ in ()).throw(servers.Retryable("busy")))
    with pytest.raises(InputError, match="The server did not answer in 4 attempts: busy"):
        server.predict("classify", {})
    assert len(pauses) == 3
    for pause, least in zip(pauses, (0.5, 1, 2), strict=True):
        assert least <= pause <= least + 0.5


def test_a_server_that_is_not_there_ends_with_one_line(files, tmp_path):
    paths, _ = files
    for rest in ([], ["--rest"]):
        done = run(
            "classify",
            paths[0],
            "--port=1",
            "--model=m",
            "--retries=1",
            "--timeout=2",
            *rest,
            cwd=tmp_path,
        )
        assert done.returncode == 1
        assert "did not answer in 2 attempts" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        ([], 2, "The first word must be one of sample"),
        (["paint"], 2, "Received: paint"),
        (["sample"], 1, "Give --model"),
        (["transfer", "face_0.png", "--model=m"], 1, "--labels_file=None is not there"),
        (
            ["classify", "face_0.png", "other/face_0.jpg", "--model=m"],
            1,
            "There is no file other/face_0.jpg",
        ),
        (
            ["classify", "face_0.png", "./face_0.png", "--model=m"],
            1,
            "Several files are named face_0",
        ),
        (["transfer", "--model=m"], 1, "transfer takes image files"),
        (
            ["classify", "face_0.png", "--model=m", "--labels=a/k=1/labels.csv"],
            1,
            "expected values for all images, as in --labels=A=1,B=0",
        ),
        (
            ["transfer", "face_0.png", "--model=m", "--labels_file=labels.json", "--out=."],
            1,
            "written over ./face_0.png, a file of the input",
        ),
        (["sample", "--model=m", "--labels_file=labels.json", "--set=Hat=1"], 1, "No label 'Hat'"),
        (
            ["sample", "--model=m", "--labels_file=labels.json", "--set=Male"],
            1,
            "Expected 0 or 1, as in Male=1",
        ),
        (
            ["traverse", "face_0.png", "--model=m", "--labels_file=labels.json"],
            1,
            "Give --label, one of Smiling, Male",
        ),
        (["classify", "nowhere.png", "--model=m"], 1, "nowhere.png"),
    ],
)
def test_a_mistake_is_one_line(arguments, code, complaint, files, tmp_path):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == code
    assert complaint in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
