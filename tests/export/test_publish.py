"""A run that is published to a folder and to a hub, and read from there."""

import pathlib

import numpy as np
import pytest

import tf_csvae
from tests import processes
from tests.conftest import write_table
from tests.export import hub as stand_in
from tf_csvae import hub
from tf_csvae.errors import InputError
from tf_csvae.runs import Run

pytest.importorskip("huggingface_hub", reason="the extra share is not installed")


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("publish")
    write_table(folder)
    options = {"dataset": "table", "data_path": str(folder / "people.csv"), "label_columns": ("tall",)}
    run = folder / "run"
    options |= {"steps": 2, "hidden": (8,), "jit_compile": "false", "guide": "none", "judge": "none"}
    tf_csvae.fit("csvae", **options, run_dir=str(run))
    return run


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A hub on loopback, for this process and those that it starts."""
    with stand_in.running() as (url, held):
        for name, value in (("HF_ENDPOINT", url), ("HF_TOKEN", "hf_test"), ("HF_HOME", str(tmp_path / "hf"))):
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        yield held


def command(module, *flags):
    """Runs a command; returns (exit code, what it printed)."""
    done = processes.run(module, *flags)
    return done.returncode, done.stdout + done.stderr


def published(run_dir, to, *flags):
    code, said = command("export.publish", f"--run_dir={run_dir}", f"--to={to}", "--license=cc0-1.0", *flags)
    assert code == 0, said
    return said


def test_a_folder_takes_the_place_of_the_run(run_dir, tmp_path):
    published(run_dir, tmp_path / "made")
    x = np.float32([[0.1, -0.2]])
    models = [Run(path).model() for path in (run_dir, tmp_path / "made")]
    np.testing.assert_array_equal(*(model.reconstruct(x, [[1.0]]) for model in models))
    card = (tmp_path / "made" / "README.md").read_text()
    assert card.startswith("---\nlicense: cc0-1.0\n")
    # No path of this machine is in it.
    for path in (tmp_path / "made").rglob("*"):
        if path.is_file() and path.suffix in (".txt", ".json", ".md", ".html"):
            assert str(run_dir.parent) not in path.read_text(), path


def test_a_model_comes_back_from_the_hub_with_equal_numbers(run_dir, server):
    published(run_dir, "hf://me/people")
    code, said = command(
        "export.apply", "--run_dir=hf://me/people", "--mode=sample", "--set=tall=1", "--count=3"
    )
    assert code == 0, said
    (folder,) = pathlib.Path("runs/hub/me--people").iterdir()
    x = np.float32([[0.1, -0.2]])
    models = [Run(path).model() for path in (run_dir, folder)]
    np.testing.assert_array_equal(*(model.reconstruct(x, [[1.0]]) for model in models))
    # Pinned by its commit it is read without the hub.
    server.clear()
    assert Run(f"hf://me/people@{folder.name}").finished


def test_an_evaluation_of_a_published_run_stays_here(run_dir, server, tmp_path):
    published(run_dir, "hf://me/people")
    (tmp_path / "people.csv").write_text((run_dir.parent / "people.csv").read_text())
    flags = ("--run_dir=hf://me/people", f"--data_path={tmp_path}/people.csv", "--judge=none")
    for _ in range(2):
        code, said = command("trainers.evaluate", *flags)
        assert code == 0, said


def test_a_tampered_file_is_refused(run_dir, server):
    published(run_dir, "hf://me/people")
    server["me/people"]["model.keras"] += b"more"
    code, said = command("export.apply", "--run_dir=hf://me/people", "--mode=sample")
    assert code == 1
    assert "model.keras is not the file that was published. Nothing is loaded." in said


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hf://me/nothing", "no such repository"),
        ("hf://me", "expected hf://user/name"),
        ("hf://me/../../etc", "expected hf://user/name"),
        ("hf://me/people@nowhere", "no such revision"),
    ],
)
def test_what_is_not_there_gets_a_sentence(server, name, words):
    server["me/people"] = {"README.md": b""}
    code, said = command("export.apply", f"--run_dir={name}", "--mode=sample")
    assert code == 1
    assert words in said
    assert "Traceback" not in said


def test_a_repository_of_another_kind_is_no_run(server):
    server["me/other"] = {"checksums.json": b"{}", "model.keras": b""}
    code, said = command("export.apply", "--run_dir=hf://me/other", "--mode=sample")
    assert code == 1
    assert "is no run that export.publish wrote" in said


def test_a_hub_that_cannot_be_reached_gets_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.chdir(tmp_path)
    code, said = command("export.apply", "--run_dir=hf://me/people", "--mode=sample")
    assert code == 1
    assert "the hub cannot be reached" in said


def test_a_checksum_names_every_file(run_dir, tmp_path):
    published(run_dir, tmp_path / "made")
    (tmp_path / "made" / "figures" / "more.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"more\.png"):
        hub.check(str(tmp_path / "made"), "made")
