"""The explorer: what it computes, its page, and what a stranger sends to it."""

import contextlib
import dataclasses
import io
import json
import os
import pathlib
import shutil
import socket
import sys
import zipfile

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import tf_csvae
from export import explore, explore_page
from export.explorer import Explorer
from export.remote import Remote
from tests.conftest import write_images, write_table
from tests.export.conftest import IMAGES, VECTORS
from tests.export.server import Models, grpc_server
from tf_csvae.errors import InputError

SHORT = {
    "steps": 2,
    "guide_steps": 2,
    "judge_steps": 2,
    "jit_compile": "false",
    "tensorboard": False,
    "samples": 8,
}
SMALL = {"hidden": (8, 8), "filters": (4, 8)}


@pytest.fixture(scope="module")
def images_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explorer")
    data = write_images(folder / "pictures")
    options = {"dataset": "folder", "data_dir": str(data), "labels": str(data / "labels.csv")}
    tf_csvae.fit(
        "csvae", **options, attributes=("warm", "light"), run_dir=str(folder / "run"), **SHORT, **SMALL
    )
    return folder / "run", data


@pytest.fixture(scope="module")
def table_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explorer_table")
    write_table(folder)
    options = {"dataset": "table", "data_path": str(folder / "people.csv"), "label_columns": ("tall",)}
    tf_csvae.fit("csvae", **options, run_dir=str(folder / "run"), **SHORT, hidden=(8, 8))
    return folder / "run", folder / "people.csv"


@pytest.fixture(scope="module")
def explorer(images_run):
    return Explorer.of_run(str(images_run[0]))


def photograph(path, size=(900, 600)):
    pixels = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return str(path)


def test_an_edit_is_that_of_the_model(explorer):
    opened = explorer.example(0)
    target = explorer.requested([None, not bool(opened.labels[0, 1])])
    made = explorer.edited(opened, target)
    y = np.float32([[opened.labels[0, 0], target[1]]])
    expected = explorer.served.model.transfer(opened.x, opened.labels, y).numpy()
    np.testing.assert_allclose(made, expected, atol=1e-5)


def test_an_uploaded_photograph_comes_back_at_its_size(explorer, tmp_path):
    opened = explorer.opened(photograph(tmp_path / "a.png"))
    assert opened.x.shape == (1, *explorer.info.shape)
    made = explorer.edited(opened, 1 - opened.labels[0])
    before, after, change = explorer.pictures(opened, made)
    assert before.shape == after.shape
    assert change.shape[:2] == after.shape[:2]
    assert max(before.shape) <= 512
    assert Image.open(io.BytesIO(explorer.file(opened, made))).size == (900, 600)


@pytest.mark.parametrize("counterfactual", [True, False])
def test_an_edit_of_nothing_shows_the_image_as_it_is(explorer, tmp_path, monkeypatch, counterfactual):
    config = dataclasses.replace(explorer.served.model.config, counterfactual=counterfactual)
    monkeypatch.setattr(explorer.served.model, "config", config)
    opened = explorer.opened(photograph(tmp_path / "a.png", (40, 30)))
    before, after, change = explorer.pictures(opened, explorer.base(opened))
    np.testing.assert_array_equal(before, after)
    assert (change == 255).all()


def test_a_test_example_is_not_cut_out_again(explorer, monkeypatch):
    monkeypatch.setattr(explorer, "info", dataclasses.replace(explorer.info, crop=(0.2, 0.2, 0.8, 0.8)))
    opened = explorer.example(0)
    made = explorer.edited(opened, 1 - opened.labels[0])
    _, after, _ = explorer.pictures(opened, made)
    expected = explorer.picture(made[0])
    times = after.shape[0] // expected.shape[0]
    np.testing.assert_array_equal(after[::times, ::times], expected)


def test_the_own_style_of_an_image_is_its_reconstruction_without_change(explorer):
    opened, (label, _) = explorer.example(1), explorer.labels
    made = explorer.styled(opened, label, explorer.style(opened, label))
    # A counterfactual edit that changes nothing gives the image back.
    assert explorer.served.model.config.counterfactual
    np.testing.assert_allclose(made, opened.x, atol=1e-5)


def test_points_are_the_codes_of_examples(explorer):
    points, values = explorer.points(explorer.labels[0])
    assert points.shape == (len(explorer.x), explorer.served.model.config.w_dim)
    assert set(values) <= {0.0, 1.0}


def test_new_examples_are_those_of_the_seed(explorer):
    made, drawn = explorer.made([True, None], 3, 7)
    again, _ = explorer.made([True, None], 2, 8)
    np.testing.assert_allclose(made[1:], again, atol=1e-6)
    with zipfile.ZipFile(io.BytesIO(explorer.archive(made, drawn))) as file:
        assert file.namelist() == [*(f"sample_{i:05d}.png" for i in range(3)), "codes.jsonl"]
        codes = [json.loads(line) for line in file.read("codes.jsonl").splitlines()]
    decoded = explorer.served.model.decode(np.float32([codes[0]["z"]]), np.float32([codes[0]["w"]]))
    np.testing.assert_allclose(decoded.numpy()[0], made[0], atol=1e-5)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "cannot be read as an image"), (b"a text", "cannot be read as an image")],
)
def test_what_is_no_image_gets_a_sentence(explorer, tmp_path, content, words):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(InputError, match=words):
        explorer.opened(str(tmp_path / "a.png"))


def test_an_image_of_20000_pixels_is_refused_before_it_is_decoded(explorer, tmp_path):
    Image.new("1", (20_000, 20_000)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="8192"):
        explorer.opened(str(tmp_path / "a.png"))


def test_without_data_and_judge_a_run_says_what_is_missing(images_run, tmp_path):
    shutil.copytree(images_run[0], tmp_path / "run")
    flags = (tmp_path / "run" / "flags.txt").read_text()
    (tmp_path / "run" / "flags.txt").write_text(flags.replace(str(images_run[1]), str(tmp_path / "gone")))
    found = Explorer.of_run(str(tmp_path / "run"), judge="none")
    assert len(found.x) == 0
    assert "cannot be read" in found.notes[0]
    assert found.seen(np.zeros((1, *found.info.shape), np.float32)) == []


def test_a_row_changes_in_the_words_of_the_table(table_run):
    explorer = Explorer.of_run(str(table_run[0]))
    row = dict(explorer.frame().iloc[0])
    now = row["tall"]
    assert len(explorer.counterfactual(row, [None])) == 0
    changes = explorer.counterfactual(row, [1 - int(now)]).set_index("column")
    assert changes.loc["tall"].tolist() == [now, str(1 - int(now))]
    assert list(explorer.made_rows([1], 3, 0)["tall"]) == ["1", "1", "1"]


# A model behind a server.


@pytest.fixture
def behind(exported, tmp_path):
    """A function system -> (an explorer of the model behind a server, what the server has)."""
    with contextlib.ExitStack() as stack:

        def behind(system, info=IMAGES):
            _, served, folder = exported(system, info)
            port = stack.enter_context(grpc_server(Models({"faces": folder})))
            path = tmp_path / "labels.json"
            path.write_text(json.dumps(served.description.to_dict()))
            return Explorer(Remote(f"127.0.0.1:{port}/faces", str(path)), None), served

        yield behind


def test_a_model_behind_a_server_is_steered_as_here(behind, tmp_path):
    explorer, served = behind("csvae")
    assert explorer.notes == ["The model is behind a server, so there are no test examples."]
    path = tmp_path / "a.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (30, 24, 3), np.uint8)).save(path)
    opened = explorer.opened(str(path))  # the server predicts the labels
    y = served._judge.read(opened.x)
    np.testing.assert_array_equal(opened.labels, y)
    target = np.float32([1 - opened.labels[0, 0], np.nan])
    expected = served.model.transfer(opened.x, y, np.float32([[target[0], opened.labels[0, 1]]]))
    np.testing.assert_allclose(explorer.edited(opened, target), expected, atol=1e-5)
    label = explorer.labels[0]
    expected = served.model.restyle(opened.x, label.name, [0.5, -1.0], y)
    np.testing.assert_allclose(explorer.styled(opened, label, [0.5, -1.0]), expected, atol=1e-5)
    w = served.model.encode(opened.x, y).w.mean()
    np.testing.assert_allclose(explorer.style(opened, label), w[0, :2], atol=1e-5)
    made, drawn = explorer.made([True, False], 3, 7)
    assert drawn == {}
    expected = served.model.made(served.model.sample_code(tf.constant([[1.0, 0.0]]), 1, 8))
    np.testing.assert_allclose(made[1:2], expected, atol=1e-5)
    with zipfile.ZipFile(io.BytesIO(explorer.archive(made, drawn))) as file:
        assert file.namelist() == [f"sample_{i:05d}.png" for i in range(3)]
    with explore_page.served(explorer) as (page, _):
        assert page is not None


def test_a_vae_and_vectors_behind_a_server(behind):
    explorer, served = behind("vae")
    assert (explorer.labels, explorer.has_pads) == ((), False)
    assert explorer.made([], 2, 0)[0].shape == (2, *IMAGES.shape)
    explorer, served = behind("csvae", VECTORS)
    expected = VECTORS.unscale(served.model.made(served.model.sample_code(tf.constant([[1.0, 0.0]]), 1, 3)))
    made = explorer.made([True, False], 1, 3)[0]
    np.testing.assert_allclose(VECTORS.unscale(made), expected, rtol=1e-4)
    table = explorer.made_rows([True, False], 2, 3)
    assert list(table) == ["a", "b", "c"]
    np.testing.assert_allclose(table.iloc[:1], expected, rtol=1e-4)
    here = Explorer(served, None).made_rows([True, False], 2, 3)  # without a server
    np.testing.assert_allclose(here, table, rtol=1e-4)


@pytest.mark.parametrize(
    ("place", "content", "words"),
    [
        ("127.0.0.1/faces", "{}", "expected HOST:PORT/NAME"),
        ("127.0.0.1:1/faces", None, "is not there"),
        ("127.0.0.1:1/faces", '{"labels": []}', "describes no exported model"),
        ("127.0.0.1:1/faces", "[", "labels.json"),
    ],
)
def test_no_place_and_no_description_of_a_model_are_told(tmp_path, place, content, words):
    path = tmp_path / "labels.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=words):
        Remote(place, str(path))


# The page, by its API.

gradio_client = pytest.importorskip("gradio_client", reason="the extra explore is not installed")


# One at a time: the folder of a page's files is that of the process.


@pytest.fixture
def page(explorer):
    from export import explore_page

    with explore_page.served(explorer) as (_, url):
        yield gradio_client.Client(url, verbose=False), url


@pytest.fixture
def table_page(table_run):
    from export import explore_page

    with explore_page.served(Explorer.of_run(str(table_run[0]))) as (_, url):
        yield gradio_client.Client(url, verbose=False)


def asked(client, *values, api_name):
    return client.predict(*values, api_name=f"/{api_name}")


def test_new_images_come_by_the_api_as_from_python(page, explorer):
    shown, archive = asked(page[0], 2, 5, "yes", "left open", api_name="make")
    expected, _ = explorer.made(["1", None], 2, 5)
    pixels = np.asarray(Image.open(shown[0]["image"]))
    np.testing.assert_array_equal(pixels, explorer.picture(expected[0]))
    assert zipfile.is_zipfile(archive)


def test_a_table_is_changed_as_a_file(table_page, table_run):
    path = asked(table_page, gradio_client.handle_file(str(table_run[1])), "yes", api_name="edit_table")
    lines = pathlib.Path(path).read_text().splitlines()
    column = lines[0].split(",").index("tall")
    assert len(lines) == 121
    assert {line.split(",")[column] for line in lines[1:]} == {"1"}


VALUES = [
    None,
    "",
    "x" * 10_000,
    -1,
    0,
    1e308,
    float("nan"),
    True,
    [],
    {},
    [[1]],
    "../../etc/passwd",
    "\0",
    "yes",
]


@pytest.mark.parametrize(
    ("kind", "takes"), [("page", {"make": 4, "move": 2}), ("table_page", {"edit_row": 4, "open_row": 1})]
)
def test_strange_values_get_sentences_and_no_traceback(kind, takes, request, capfd):
    client = request.getfixturevalue(kind)
    client = client if kind == "table_page" else client[0]
    random, sent, answers = np.random.default_rng(0), 0, []
    before = set(os.listdir(os.getcwd()))
    for _ in range(50):
        for name, count in takes.items():
            values = [VALUES[random.integers(len(VALUES))] for _ in range(count)]
            sent += 1
            try:
                asked(client, *values, api_name=name)
            except Exception as error:  # whatever the client makes of it
                answers.append(str(error))
    assert sent == 100
    assert len(answers) > 50
    assert "Traceback" not in "".join([*answers, *capfd.readouterr()])
    assert set(os.listdir(os.getcwd())) == before


@pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd", __file__])
def test_no_path_is_served_but_its_own(page, path):
    import requests

    answer = requests.get(f"{page[1]}gradio_api/file={path}", timeout=10)
    assert answer.status_code in (403, 404)


def test_a_port_that_is_taken_gets_a_sentence(explorer):
    from export import explore_page

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(InputError, match=f"--port={port} cannot be used"),
            explore_page.served(explorer, port),
        ):
            pass


def test_without_gradio_the_command_says_what_to_install(images_run, monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    monkeypatch.delitem(sys.modules, "export.explore_page", raising=False)
    monkeypatch.delattr("export.explore_page", raising=False)
    with pytest.raises(InputError, match=r"pip install -e '\.\[explore\]'"):
        explore.explore(explore.ExploreConfig(run_dir=str(images_run[0])))


# The page, in a browser.


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="the extra dev is not installed")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("there is no Chromium on this machine")
    with playwright.sync_playwright() as running:
        made = running.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield made
        made.close()


def test_a_person_edits_a_test_example_and_a_photograph(page, browser, explorer, tmp_path):
    shown, errors, elsewhere = browser.new_page(viewport={"width": 390, "height": 900}), [], []
    shown.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    shown.on("request", lambda one: None if "127.0.0.1" in one.url else elsewhere.append(one.url))
    shown.goto(page[1])
    shown.locator(".grid-container button").first.click()
    row = shown.get_by_role("row", name="warm")
    row.first.wait_for()
    label = shown.get_by_label("warm").first
    assert label.is_checked() == bool(explorer.example(0).labels[0, 0])
    before = row.first.inner_text()
    label.click()
    shown.wait_for_function("text => !document.body.innerText.includes(text)", arg=before)
    before = row.first.inner_text()
    shown.locator("input[type=file]").first.set_input_files(photograph(tmp_path / "mine.png"))
    shown.wait_for_function("text => !document.body.innerText.includes(text)", arg=before)
    shown.get_by_role("button", name="Make the file at full size").click()
    file = shown.locator(".file-preview")
    file.wait_for()
    assert "mine_edited" in file.inner_text()
    shown.get_by_role("tab", name="Ways to have it").click()
    shown.get_by_role("application").click(position={"x": 40, "y": 40})
    shown.get_by_role("application").press("ArrowRight")
    assert errors == []
    assert [url for url in elsewhere if not url.startswith(("data:", "blob:"))] == []
