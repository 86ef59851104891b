"""The client and things that are no TensorFlow Serving, or no labels.json: a sentence each."""

import contextlib
import json

import numpy as np
import pytest
from tensorflow_serving.apis import predict_pb2

from export import client, servers
from export.client import ClientConfig
from tests.export.server import Quiet, served
from tf_csvae import InputError

PNG = "iVBORw0KGgo="  # the first bytes of any


@contextlib.contextmanager
def answering(content, kind="application/json", status=200):
    """Serves the same answer to any request; yields the port."""

    class Handler(Quiet):
        def post(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send(status, kind, content)

    with served(Handler) as port:
        yield port


@pytest.mark.parametrize(
    ("content", "kind", "status", "said"),
    [
        (b"<html>Welcome</html>", "text/html", 200, "gives '<html>Welcome</html>' in place of a JSON object"),
        (b"<html>Welcome</html>", "application/json", 200, "in place of a JSON object with outputs"),
        (b"", "application/json", 200, "gives an empty answer in place"),
        (b"[]", "application/json", 200, "gives '\\[\\]' in place of a JSON object with outputs"),
        (b"3", "application/json", 200, "in place of a JSON object"),
        (b"{}", "application/json", 200, "in place of a JSON object with outputs"),
        (b"\xff\xfe\x00", "application/json", 200, "in place of a JSON object"),
        (b"[" * 100_000, "application/json", 200, "in place of a JSON object"),
        (b"<html>", "text/html", 404, "refused sample_bytes: HTTP 404"),
        (b"[]", "application/json", 400, "refused sample_bytes: HTTP 400"),
        (b'{"error": 3}', "application/json", 400, "refused sample_bytes: HTTP 400"),
        (b'{"error": ""}', "application/json", 400, "refused sample_bytes: HTTP 400"),
        (b'{"outputs": {}}', "application/json", 200, "It has no x_bytes, but nothing"),
        (b'{"outputs": {"y": [1, 2]}}', "application/json", 200, "It has no x_bytes, but y"),
        (b'{"outputs": 3}', "application/json", 200, r"x_bytes has the shape \[\]; 2 rows were asked for"),
        (b'{"outputs": null}', "application/json", 200, "x_bytes has the shape"),
        (b'{"outputs": [1, 2]}', "application/json", 200, "x_bytes holds no PNG files"),
        (b'{"outputs": ["a", "b"]}', "application/json", 200, "x_bytes holds no PNG files"),
        (b'{"outputs": [{"b64": 3}, {"b64": "!"}]}', "application/json", 200, "in place of a JSON object"),
        (b'{"outputs": [{"b64": "aGk="}, {"b64": "aGk="}]}', "application/json", 200, "holds no PNG files"),
        (b'{"outputs": [[], []]}', "application/json", 200, "holds no PNG files"),
        (json.dumps({"outputs": [{"b64": PNG}]}).encode(), "application/json", 200, r"shape \[1\]; 2 rows"),
        (b'{"outputs": {"x_bytes": [1, 2], "z": [[1], [1, 2]]}}', "application/json", 200, "is no array"),
    ],
)
def test_an_answer_of_something_else_is_a_sentence(content, kind, status, said, tmp_path):
    with answering(content, kind, status) as port:
        config = ClientConfig(
            host="127.0.0.1", port=port, rest=True, model="m", count=2, out=str(tmp_path / "out"), retries=0
        )
        with pytest.raises(InputError, match=said) as told:
            client.ask(config, "sample")
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 500
    assert not list((tmp_path / "out").iterdir())


ROWS = np.zeros((2, 3))


@pytest.mark.parametrize(
    ("outputs", "expected", "said"),
    [
        ({"z_mean": ROWS}, ("z_mean", "z_scale"), "It has no z_scale, but z_mean"),
        ({"z_mean": ROWS[:1], "z_scale": ROWS}, ("z_mean",), r"z_mean has the shape \[1, 3\]; 2 rows"),
        ({"z_mean": np.array([["a"], ["b"]])}, ("z_mean",), "z_mean holds no numbers"),
        ({"probabilities": ROWS, "labels": ROWS}, (), "labels holds no names"),
        ({"probabilities": ROWS, "labels": np.full((2, 2), b"a")}, (), "labels holds no names"),
        ({"probabilities": ROWS, "labels": np.array([b"a", b"b"])}, (), "labels holds no names"),
    ],
)
def test_outputs_that_do_not_fit_are_a_sentence(outputs, expected, said):
    with pytest.raises(InputError, match=said):
        servers.check_answer(outputs, expected, 2)


def test_outputs_that_fit_pass():
    servers.check_answer({"probabilities": ROWS, "labels": np.full((2, 3), b"a")}, ("labels",), 2)
    servers.check_answer({"z_mean": ROWS, "labels": ROWS}, ("z_mean",), 2)
    servers.check_answer({"x_bytes": np.array([b"\x89PNG", b"\x89PNG"], object)}, ("x_bytes",), 2)


def test_a_tensor_that_is_none_is_a_sentence(monkeypatch):
    answer = predict_pb2.PredictResponse()
    answer.outputs["x"].dtype = 99
    server = servers.GrpcServer("127.0.0.1", 1, "m", retries=0)
    stub = type("Stub", (), {"Predict": lambda self, request, timeout: answer})()
    monkeypatch.setitem(server.__dict__, "_stub", stub)
    with pytest.raises(InputError, match=r"is no answer of TensorFlow Serving.*It is no tensor"):
        server.predict("sample", {})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00\x01",
        b"\x89PNG\r\n",
        b"[]",
        b"3",
        b'"labels"',
        b"{}",
        b"[" * 100_000,
        b'{"labels": 3}',
        b'{"labels": null}',
        b'{"labels": "Smiling"}',
        b'{"labels": [3]}',
        b'{"labels": [[]]}',
        b'{"labels": [{"name": 3}]}',
        b'{"labels": [{"name": "a"}, {"name": "a"}]}',
        b'{"labels": [{"name": "a", "kind": "odd"}]}',
        b'{"labels": [{"name": "a", "kind": "real", "scale": 1' + b"0" * 400 + b"}]}",
    ],
)
def test_garbage_in_the_file_of_labels_is_one_line(content, tmp_path):
    path = tmp_path / "labels.json"
    path.write_bytes(content)
    config = ClientConfig(model="m", labels_file=str(path), out=str(tmp_path / "out"))
    give = r"Give assets.extra/labels.json of the exported model"
    with pytest.raises(InputError, match=give) as told:
        client.ask(config, "sample")
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 600 + len(str(path))
    with pytest.raises(InputError, match=give):
        client.ask(ClientConfig(model="m", labels_file=str(tmp_path)), "sample")


def test_a_label_that_is_given_twice_is_refused(tmp_path):
    path = tmp_path / "labels.json"
    path.write_text('{"labels": ["Smiling", "Male"]}')
    for name in ("set", "labels"):
        given = ("Smiling=1", "Smiling=0") if name == "set" else "Smiling=1,Smiling=0"
        config = ClientConfig(model="m", labels_file=str(path), **{name: given})
        with pytest.raises(InputError, match="The label Smiling is given twice: Smiling=1, Smiling=0"):
            client.ask(config, "sample")


def test_a_folder_that_cannot_be_is_told_first(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"--out=.* cannot be a folder: it is a file"):
        client.ask(ClientConfig(model="m", out=str(tmp_path / "file")), "sample")
    with pytest.raises(InputError, match=r"out must be a text in UTF-8, of one line and without NUL"):
        ClientConfig(model="m", out="a\0b")
    with pytest.raises(InputError, match=r"Received: 'a\\udcff'"):
        ClientConfig(model="m", out="a\udcff")
