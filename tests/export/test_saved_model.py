"""Exported models, run by TensorFlow alone: its Python, its command line, its C library."""

import json
import os
import pathlib
import subprocess
import sys
import threading

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from export import versions, warmup
from tests import processes
from tests.conftest import ALONE, write_table
from tests.export.conftest import IMAGES, VECTORS, make
from tf_csvae import InputError

HERE = os.path.dirname(os.path.abspath(__file__))


def meta_graph(folder):
    content = pathlib.Path(folder, "saved_model.pb").read_bytes()
    return saved_model_pb2.SavedModel.FromString(content).meta_graphs[0]


def png(side=20, value=None):
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return tf.io.encode_png(pixels if value is None else np.full_like(pixels, value)).numpy()


@pytest.mark.parametrize(("system", "info"), [("csvae", IMAGES), ("vae", VECTORS)])
def test_it_gives_the_keras_models_numbers_where_nothing_of_ours_can_be_imported(exported, system, info):
    *_, folder = exported(system, info)
    command = [sys.executable, "-m", "export.check", f"--model_dir={folder}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WRONG" not in done.stdout
    assert ("traverse" in done.stdout) == (system == "csvae")
    assert ("classify" in done.stdout) == (system == "classifier")
    assert ("_bytes" in done.stdout) == info.is_image


@pytest.mark.parametrize(("system", "info"), [("csvae", IMAGES), ("csvae", VECTORS)])
def test_the_c_api_loads_it_and_gives_the_same(exported, system, info, tmp_path):
    _, served, folder = exported(system, info)
    name = f"{next(iter(served.signatures))}{'_bytes' if info.is_image else ''}"
    inputs = warmup.examples(served, rows=2)[name]
    loaded = tf.saved_model.load(folder)
    function = loaded.signatures[name]
    expected = function(**{key: tf.constant(value) for key, value in inputs.items()})

    signature = meta_graph(folder).signature_def[name]
    request = {
        part: {key: tensor.name for key, tensor in getattr(signature, part).items()}
        for part in ("inputs", "outputs")
    }
    (tmp_path / "request.json").write_text(json.dumps(request))
    np.savez(
        tmp_path / "inputs.npz",
        **{key: value.astype("S") if value.dtype == object else value for key, value in inputs.items()},
    )
    library = os.path.join(os.path.dirname(tf.__file__), "libtensorflow_cc.so.2")
    paths = [str(tmp_path / file) for file in ("request.json", "inputs.npz", "outputs.npz")]
    command = [sys.executable, os.path.join(HERE, "c_api.py"), library, folder, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    outputs = np.load(tmp_path / "outputs.npz")
    assert set(outputs) == set(expected)
    for key, value in expected.items():
        if value.dtype == tf.string:
            got = [bytes(text) for text in outputs[key].ravel()]
            # numpy drops the zero bytes at the end of a string.
            assert got == [text.rstrip(b"\x00") for text in value.numpy().ravel()]
        else:
            np.testing.assert_allclose(outputs[key], value, atol=1e-4)


def test_tensorflows_own_command_line_shows_and_runs_it(exported, tmp_path):
    *_, folder = exported("csvae", VECTORS)
    cli = [sys.executable, "-c", "from tensorflow.python.tools.saved_model_cli import main; main()"]
    run = {"capture_output": True, "text": True, "cwd": tmp_path, "check": False}
    shown = subprocess.run([*cli, "show", "--dir", folder, "--all"], **run)
    assert shown.returncode == 0, shown.stderr
    for text in (
        "signature_def['style_transfer']",
        "signature_def['serving_default']",
        "shape: (-1, 2)",
    ):
        assert text in shown.stdout
    ran = subprocess.run(
        [
            *cli, "run", "--dir", folder, "--tag_set", "serve", "--signature_def", "sample",
            "--input_exprs", "labels=[[0.0,1.0],[1.0,1.0]];seed=[1,2]", "--outdir", str(tmp_path),
        ],
        **run,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert np.load(tmp_path / "x.npy").shape == (2, 3)


def test_a_graph_holds_no_function_of_python_and_no_path_of_this_machine(exported, tmp_path_factory):
    *_, folder = exported("csvae", IMAGES)
    content = pathlib.Path(folder, "saved_model.pb").read_bytes()
    graph = meta_graph(folder).graph_def
    used = {node.op for part in (graph, *graph.library.function) for node in _nodes(part)}
    assert not {op for op in used if "PyFunc" in op or "Xla" in op}
    assert os.path.dirname(HERE).encode() not in content
    assert str(tmp_path_factory.getbasetemp()).encode() not in content


def _nodes(part):
    return part.node if hasattr(part, "node") else part.node_def


def test_vectors_travel_in_their_own_units(exported):
    model, _, folder = exported("csvae", VECTORS)
    x, y = np.array([[3.0, 6.0, 11.0]]), np.float32([[1.0, 0.0]])
    made = tf.saved_model.load(folder).signatures["reconstruct"](x=tf.constant(x), labels=tf.constant(y))["x"]
    standard = (x - VECTORS.offset) / VECTORS.scale
    np.testing.assert_allclose(made, VECTORS.unscale(model.reconstruct(standard, y)), rtol=1e-4)


def test_a_file_is_cut_and_resized_as_in_training(exported):
    from tf_csvae.data import images

    model, _, folder = exported("csvae", IMAGES)
    file = png(40)
    y = np.float32([[1.0, 0.0]])
    x = images.crop_and_resize(tf.io.decode_png(file), IMAGES.crop, (16, 16, 3))[None].numpy() / np.float32(
        255
    )
    signatures = tf.saved_model.load(folder).signatures
    code = signatures["encode_bytes"](x_bytes=tf.constant([file]), labels=tf.constant(y))
    np.testing.assert_allclose(code["z_mean"], model.encode(x, y).z.mean(), atol=1e-4)
    again = signatures["reconstruct_bytes"](x_bytes=tf.constant([file]), labels=tf.constant(y))["x_bytes"]
    pixels = tf.io.decode_png(again[0]).numpy()
    np.testing.assert_allclose(pixels / 255, model.reconstruct(x, y)[0], atol=0.6 / 255)


def test_labels_that_are_not_known_are_read_from_the_image(exported):
    model, _, folder = exported("csvae", IMAGES)
    x = np.random.default_rng(0).random((2, 16, 16, 3), dtype=np.float32)
    read = np.float32(make("classifier", IMAGES).classify(x).numpy() > 0.5)
    given = np.float32([[-1, 1], [0, -1]])
    known = np.where(given < 0, read, given)
    signatures = tf.saved_model.load(folder).signatures
    made = signatures["reconstruct"](x=tf.constant(x), labels=tf.constant(given))["x"]
    np.testing.assert_allclose(made, model.reconstruct(x, known), atol=1e-4)
    # A target of -1 stays as it is.
    moved = signatures["transfer"](
        x=tf.constant(x), source_labels=tf.constant(known), target_labels=tf.constant(given)
    )["x"]
    np.testing.assert_allclose(moved, model.transfer(x, known, np.where(given < 0, known, given)), atol=1e-4)


@pytest.mark.parametrize(("system", "info"), [("csvae", VECTORS), ("vae", VECTORS)])
def test_a_row_does_not_depend_on_those_that_a_server_batches_it_with(exported, system, info):
    model, _, folder = exported(system, info)
    seeds = tf.constant([5, 6, 5])
    labels = {"labels": tf.constant([[0.0, 1.0], [0.0, 1.0], [1.0, 1.0]])} if model.label_widths else {}
    sample = tf.saved_model.load(folder).signatures["sample"]
    together = sample(seed=seeds, **labels)["x"].numpy()
    for row in range(3):
        of_row = {key: value[row : row + 1] for key, value in labels.items()}
        np.testing.assert_allclose(
            sample(seed=seeds[row : row + 1], **of_row)["x"][0], together[row], atol=1e-4
        )
    assert not np.allclose(together[0], together[1])
    assert np.allclose(together[0], together[2]) == (not labels)


def test_each_row_traverses_a_label_of_its_own(exported):
    model, _, folder = exported("csvae", VECTORS)
    x, y = (
        np.random.default_rng(0).normal(size=(2, 3)),
        np.float32([[1, 0], [0, 0]]),
    )
    traverse = tf.saved_model.load(folder).signatures["traverse"]
    traversed = traverse(x=tf.constant(x), labels=tf.constant(y), label=tf.constant([1, 0]))["x"]
    inner = (x - VECTORS.offset) / VECTORS.scale
    for row, label in enumerate((1, 0)):
        expected = model.traverse(inner[row : row + 1], label, y[row : row + 1])
        np.testing.assert_allclose(traversed[row], VECTORS.unscale(expected[0]), atol=1e-3)


def test_the_commands_export_check_and_time_a_run(tmp_path):
    def run(module, *arguments):
        done = processes.run(module, *arguments, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    small = ("--hidden=8", "--epochs=1", "--jit_compile=false", "--notensorboard", *ALONE)
    run("trainers.csvae", "--run_dir=people", *write_table(tmp_path), *small)
    said = run("export.saved_model", "--run_dir=people", "--export_dir=models")
    assert os.path.join("models", "people", "1") in said
    folder = tmp_path / "models" / "people" / "1"
    assert "CSVAE" in (folder / "assets.extra" / "README.md").read_text()
    assert json.loads((folder / "assets.extra" / "labels.json").read_text())["labels"]
    assert "traverse" in run("export.check", f"--model_dir={folder}")
    one = ("--signatures=sample", "--batches=2", "--seconds=0.05")
    assert "sample" in run("benchmarks.serving", "--run_dir=people", *one)


def full(value, *shape):
    return np.full(shape, value, np.float32)


Y, SEED = full(1, 1, 2), np.zeros(1, np.int32)

HOSTILE = [
    ("sample", {"labels": full(1, 1, 3), "seed": SEED}, "labels must have shape"),
    ("sample", {"labels": full(1, 0, 2), "seed": np.zeros(0, np.int32)}, "n at least 1"),
    ("sample", {"labels": full(1, 2, 2), "seed": SEED}, "as many rows"),
    ("sample", {"labels": Y, "seed": np.int32(0)}, "seed must have shape [n]"),
    ("sample", {"labels": full(7, 1, 2), "seed": SEED}, "must lie between 0 and 1"),
    ("sample", {"labels": full(np.nan, 1, 2), "seed": SEED}, "each must lie between 0 and 1"),
    ("sample", {"labels": full(-1, 1, 2), "seed": SEED}, "must lie between 0 and 1. Received"),
    ("encode", {"x": full(1, 1, 8, 8, 3), "labels": Y}, "x must have shape"),
    ("encode", {"x": full(200, 1, 16, 16, 3), "labels": Y}, "between 0 and 1"),
    ("encode", {"x": full(np.nan, 1, 16, 16, 3), "labels": Y}, "finite"),
    ("encode", {"x": full(1, 2, 16, 16, 3), "labels": full(1, 3, 2)}, "as many rows"),
    (
        "traverse",
        {"x": full(1, 1, 16, 16, 3), "labels": Y, "label": np.int32([5])},
        "label must lie between 0 and 1",
    ),
    ("encode_bytes", {"x_bytes": np.array([b"just a text"]), "labels": Y}, "JPEG or a PNG"),
    ("encode_bytes", {"x_bytes": np.array([b""]), "labels": Y}, "JPEG or a PNG"),
    ("encode_bytes", {"x_bytes": "truncated", "labels": Y}, "JPEG"),
    ("encode_bytes", {"x_bytes": "huge", "labels": Y}, "up to 8192 pixels"),
]


@pytest.fixture(scope="module")
def served(exported):
    """A function (signature, inputs) -> outputs.

    Its session is fed as by a server: no Python looks at the shapes.
    """
    *_, folder = exported("csvae", IMAGES)
    with tf.Graph().as_default() as graph:
        session = tf.compat.v1.Session(graph=graph)
        signatures = tf.compat.v1.saved_model.load(session, ["serve"], folder).signature_def

    def ask(name, inputs):
        signature = signatures[name]
        feeds = {signature.inputs[key].name: value for key, value in inputs.items()}
        return session.run({key: tensor.name for key, tensor in signature.outputs.items()}, feeds)

    yield ask
    session.close()


@pytest.mark.parametrize(("name", "inputs", "sentence"), HOSTILE, ids=[f"{n}-{s}" for n, _, s in HOSTILE])
def test_hostile_input_is_an_invalid_argument_with_a_sentence(served, name, inputs, sentence):
    files = {
        "truncated": tf.io.encode_jpeg(np.zeros((64, 64, 3), np.uint8)).numpy()[:300],
        # The header of a picture whose pixels would take more than a gigabyte.
        "huge": png()[:16] + (20_000).to_bytes(4, "big") * 2 + png()[24:],
    }
    inputs = {
        key: np.array([files[value]], object) if isinstance(value, str) else value
        for key, value in inputs.items()
    }
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError)) as caught:
        served(name, inputs)
    if isinstance(caught.value, tf.errors.InvalidArgumentError):
        assert sentence in caught.value.message
    # It is alive, and answers the next request.
    assert served("sample", {"labels": Y, "seed": SEED})["x"].shape == (1, 16, 16, 3)


def test_a_version_is_never_written_over_and_leaves_no_trace_where_it_fails(exported, tmp_path):
    _, served, _ = exported("vae", VECTORS)
    path = versions.write(served, "m", str(tmp_path), 1, {"note": b"first"})
    with pytest.raises(InputError, match="is there, and a version is never written over"):
        versions.write(served, "m", str(tmp_path), 1, {"note": b"second"})
    assert pathlib.Path(path, "assets.extra", "note").read_bytes() == b"first"
    assert os.listdir(tmp_path / "m") == ["1"]
    assert versions.versions_of(str(tmp_path / "m")) == [1]


def test_a_reader_that_polls_sees_no_half_version(exported, tmp_path):
    _, served, _ = exported("vae", VECTORS)
    seen, stop = [], threading.Event()

    def poll():
        while not stop.is_set():
            for version in versions.versions_of(str(tmp_path / "m")):
                folder = tmp_path / "m" / str(version)
                seen.append(all((folder / part).exists() for part in ("saved_model.pb", "assets.extra/last")))

    reader = threading.Thread(target=poll)
    reader.start()
    for version in (1, 2, 3):
        versions.write(served, "m", str(tmp_path), version, {"last": b"x"})
    stop.set()
    reader.join()
    assert seen
    assert all(seen)


def test_models_config_moves_one_models_labels_and_leaves_the_others(tmp_path):
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2

    path = tmp_path / "models.config"
    path.write_text(versions.models_config(path, "a", 3))
    rolled_back = versions.models_config(path, "b", 1).replace("value: 1", "value: 7")
    path.write_text(rolled_back)
    config = text_format.Parse(
        versions.models_config(path, "a", 12), model_server_config_pb2.ModelServerConfig()
    )
    first, second = config.model_config_list.config
    assert (first.name, dict(first.version_labels)) == ("a", {"stable": 12, "previous": 3})
    assert list(first.model_version_policy.specific.versions) == [3, 12]
    path.write_text(text_format.MessageToString(config))
    again = versions.models_config(path, "a", 12)  # it was removed, and exported anew
    assert text_format.Parse(again, model_server_config_pb2.ModelServerConfig()) == config
    assert (second.name, dict(second.version_labels)) == ("b", {"stable": 7})
    path.write_text("what {")
    with pytest.raises(InputError, match="cannot be read"):
        versions.models_config(path, "a", 1)


def test_a_disk_that_fills_up_leaves_an_error_and_no_version(tmp_path):
    # A limit on the size of files fails writes as a full disk does, and needs no privilege.
    script = f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
from export import signatures, versions
from tests.export.conftest import VECTORS, make
served = signatures.Served(make("vae", VECTORS), VECTORS)
try:
    versions.write(served, "m", {str(tmp_path)!r}, 1, {{}})
except OSError as error:
    print("refused:", error)
"""
    root = os.path.dirname(os.path.dirname(HERE))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=root, check=False
    )
    assert done.stdout.startswith("refused:"), done.stderr
    assert os.listdir(tmp_path / "m") == []
