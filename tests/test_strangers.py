"""What somebody else wrote: it runs no code, leads nowhere, and where it is malformed one line says so."""

import json
import os
import pathlib
import re

import keras
import numpy as np
import pytest

import tf_csvae
from tests import processes
from tf_csvae import CSVAE, InputError, load_model, report, runs
from tf_csvae.data import Info
from tf_csvae.labels import Label

PACKAGES = ("tf_csvae", "trainers", "flags", "export", "benchmarks")

RUNS_CODE = (
    r"\bpickle\b|\bdill\b|\bjoblib\b|\bmarshal\b|\bshelve\b",
    r"(?<![.\w])(eval|exec)\(",
    r"yaml\.(unsafe_)?load\(",
    r"allow_pickle\s*=\s*True|safe_mode\s*=\s*False|enable_unsafe_deserialization",
    r"shell\s*=\s*True|os\.(system|popen)\(",
)


def test_nothing_here_runs_what_a_file_says():
    root = pathlib.Path(tf_csvae.__file__).parent.parent
    sources = [path for package in PACKAGES for path in (root / package).rglob("*.py")]
    assert len(sources) > 50
    found = [
        f"{path}:{number}: {line.strip()}"
        for path in sources
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if any(re.search(pattern, line) for pattern in RUNS_CODE)
    ]
    assert not found


def test_a_model_file_with_code_in_it_is_refused(tmp_path):
    proof = str(tmp_path / "proof")
    code = keras.layers.Lambda(lambda x: (open(proof, "w").close(), x)[1], output_shape=(2,))
    model = keras.Sequential([keras.Input((2,)), code])
    model.save(tmp_path / "model.keras")
    model(np.zeros((1, 2)))
    os.remove(proof)  # it runs, where it is allowed to
    with pytest.raises(InputError, match="Cannot load a model"):
        load_model(str(tmp_path / "model.keras"))
    assert not os.path.exists(proof)


def test_a_model_file_that_is_none_of_ours_is_refused(tmp_path):
    path = str(tmp_path / "model.keras")
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)
    with pytest.raises(InputError, match="holds a Sequential, which is no model of tf_csvae"):
        load_model(path)


def test_a_model_file_that_is_cut_is_refused(tmp_path):
    path = tmp_path / "model.keras"
    model = CSVAE([2], ["a"], networks={"hidden": [4]})
    model.compile()
    model.save(path)
    whole = path.read_bytes()
    for keep in (0, 10, 1000, -100):
        path.write_bytes(whole[:keep])
        with pytest.raises(InputError, match="Cannot load a model"):
            load_model(str(path))


RAN = {
    "system": "CSVAE",
    "dataset": "made",
    "seed": 0,
    "counts": {"train": 1},
    "versions": {"python": "3.12"},
}


@pytest.fixture
def run(tmp_path):
    run = runs.Run(str(tmp_path / "run"))
    run.begin("# python -m trainers.csvae\n--epochs=3\n")
    runs.write_json(run.file(runs.METRICS), {"seconds_training": 1, "run": RAN})
    return run


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "[" * 100_000,
        '{"a": "many"}',
        '{"a": NaN}',
        '{"a": {"b": null}}',
        '{"run": 3}',
        '{"run": {"system": "CSVAE"}}',
        json.dumps({"run": {**RAN, "counts": {"train": "<b>"}}}),
        json.dumps({"run": {**RAN, "versions": {"python": []}}}),
    ],
)
def test_malformed_metrics_are_told_in_one_line(run, text):
    assert run.metrics()["run"] == RAN
    runs.write_text(run.file(runs.METRICS), text)
    with pytest.raises(InputError, match=r"metrics\.json") as told:
        run.metrics()
    assert "\n" not in str(told.value)


INFO = Info("made", (2,), None, (Label("a"),), {"train": 3, "validation": 1, "test": 1}).to_dict()


@pytest.mark.parametrize(
    "change",
    [
        {"shape": None},
        {"shape": ["wide"]},
        {"labels": []},
        {"labels": [{"name": 3}]},
        {"labels": [{"name": "a", "kind": "real life"}]},
        {"labels": 7},
        {"counts": {"train": "all"}},
        {"counts": None},
        {"crop": [0, 2, 2, 1]},
        {"crop": "somewhere"},
        {"crop": ["a"]},
        {"scale": ["a"]},
        {"offset": {"a": 1}},
        {"name": {}},
        {"more": 1},
    ],
)
def test_a_malformed_description_of_data_is_told(change):
    assert Info.from_dict(INFO).to_dict() == INFO
    with pytest.raises(InputError, match="describes no dataset"):
        Info.from_dict({**INFO, **change})


def test_captions_lead_nowhere(run, tmp_path):
    (tmp_path / "secret.png").write_bytes(b"\x89PNG a secret")
    figures = pathlib.Path(run.file(runs.FIGURES))
    runs.write_bytes(str(figures / "fine.png"), b"\x89PNG")
    runs.write_json(str(figures / runs.CAPTIONS), {"fine": "A picture."})
    assert run.pictures() == [("fine", "A picture.", b"\x89PNG")]
    (figures / "link.png").symlink_to(tmp_path / "secret.png")
    (figures / "text.png").write_text("no picture")
    for captions in (
        {"../../secret": "a"},
        {f"{tmp_path}/secret": "a"},
        {"link": "a"},
        {"fine": ["a"]},
        {"text": "a"},
    ):
        runs.write_json(str(figures / runs.CAPTIONS), captions)
        with pytest.raises(InputError, match=r"no picture of the run|no PNG"):
            run.pictures()


@pytest.mark.parametrize(
    "content", [b"epoch,loss\n0,low\n", b"epoch,loss\n0\n", b"a,b\n1,2,3\n", b"\xff\xfe\n"]
)
def test_a_malformed_history_is_told(run, content):
    runs.write_bytes(run.file(runs.HISTORY), content)
    with pytest.raises(InputError, match="is no table of numbers"):
        run.history()


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe\x00"])
def test_a_flags_file_that_is_none_is_never_a_run(run, content):
    runs.write_bytes(run.file(runs.FLAGS), content)
    with pytest.raises(InputError, match=r"holds other files and no run|is no text"):
        run.check("# python -m trainers.csvae\n")


EVALUATE, TRAIN = ("trainers.evaluate", "--run_dir={}"), ("trainers.csvae", "--flagfile={}/flags.txt")


@pytest.mark.parametrize(
    ("how", "line"),
    [
        (EVALUATE, "--flagfile=/etc/passwd"),
        (EVALUATE, "root:x:0:0"),
        (EVALUATE, "-flagfile=/etc/passwd"),
        (TRAIN, "--flagfile=/etc/passwd"),
        (TRAIN, "--undefok=seed"),
    ],
)
def test_a_hostile_flags_file_is_one_line_and_exit_code_2(run, how, line):
    runs.write_text(run.file(runs.FLAGS), run.flags() + line + "\n")
    module, flag = how
    done = processes.run(module, flag.format(run.path))
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {run.file(runs.FLAGS)}, line 3: expected --flag=value")
    assert done.stderr.count("\n") == 1
    assert "root:" not in done.stderr


def test_what_a_flags_file_does_not_record_counts_on_the_command_line_only(run):
    import flags

    runs.write_text(run.file(runs.FLAGS), run.flags() + "--run_dir=/elsewhere\n--overwrite\n--seed=3\n")
    assert flags._recorded(run.file(runs.FLAGS)) == ["--epochs=3", "--seed=3"]


def test_the_page_escapes_attributes_too():
    evil = "\"><script>alert(1)</script><img src=x onerror='alert(1)'>"
    table = report.Table(evil, [[evil, evil], [evil, evil]], frozenset({(1, 1)}))
    page = report.render(evil, [table], [(evil, b"\x89PNG")], {evil: f"</pre>{evil}"})
    assert "<script" not in page
    assert page.count("<img") == 1
    assert page.count("</pre>") == 1


def test_a_page_of_a_run_with_hostile_names_escapes_them():
    label = "<script>alert(1)</script>"
    numbers = {"probe": {"z": {label: {"auc": 0.5}, "b": {"auc": 0.5}}}}
    tables = [report.headline(numbers, label, label), report.by_label(numbers, label, label)]
    ran = {**RAN, "system": label, "versions": {label: label}}
    page = report.render(label, [*tables, report.what_was_run([ran])], [], {label: label})
    assert "<script" not in page


def test_a_lock_that_somebody_else_left_tells_no_more_than_a_line(run):
    with open(run.file(runs.LOCK), "w") as file:
        file.write("x" * 10_000)
    with run.locked():
        assert os.path.getsize(run.file(runs.LOCK)) < 20
