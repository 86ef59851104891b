"""Files of somebody else: they run no code and lead nowhere; a malformed one is told in a line."""

import json
import os
import pathlib
import re
import shutil
import zipfile

import keras
import numpy as np
import pytest

import tf_csvae
from tests import processes
from tf_csvae import CSVAE, Classifier, InputError, files, load_model, runs
from tf_csvae.data import Info
from tf_csvae.evaluation import figures, report
from tf_csvae.labels import Label
from tf_csvae.settings import header, recorded_lines

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
    os.remove(proof)  # it runs if nothing forbids it
    with pytest.raises(InputError, match="Cannot load a model"):
        load_model(str(tmp_path / "model.keras"))
    assert not os.path.exists(proof)


def test_a_model_file_of_another_package_is_refused(tmp_path):
    path = str(tmp_path / "model.keras")
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)
    with pytest.raises(InputError, match="holds a Sequential, which is no model of tf_csvae"):
        load_model(path)


@pytest.fixture
def saved(tmp_path):
    """The path of a model file."""
    path = tmp_path / "model.keras"
    model = CSVAE([2], ["a"], {"hidden": [4]})
    model.compile()
    model.save(path)
    return path


def test_a_model_file_that_is_cut_is_refused(saved):
    whole = saved.read_bytes()
    cut = r"the file of [\d,]+ bytes is cut off or no Keras file. Copy the file again, or train the run again"
    for keep, said in ((0, "the file is empty. Copy"), (10, cut), (1000, cut), (-100, cut)):
        saved.write_bytes(whole[:keep])
        with pytest.raises(InputError, match=f"Cannot load a model from .*model.keras: {said}") as told:
            load_model(str(saved))
        assert "not found" not in str(told.value)
        assert "\n" not in str(told.value)
    middle = whole.index(b"model.weights.h5") + 2000
    saved.write_bytes(whole[:middle] + bytes(200) + whole[middle + 200 :])
    with pytest.raises(InputError, match=r"the file of [\d,]+ bytes is damaged in model.weights.h5"):
        load_model(str(saved))


def test_what_is_no_model_file_is_said(tmp_path):
    with pytest.raises(InputError, match=r"there is no such file. Give the file model.keras of a run"):
        load_model(str(tmp_path / "none.keras"))
    with pytest.raises(InputError, match=r"it is a folder. Give the file model.keras of a run"):
        load_model(str(tmp_path))
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("a.jpg", b"")
    with pytest.raises(InputError, match=r"a zip file without metadata.json, so no Keras file"):
        load_model(str(tmp_path / "photos.zip"))


def change(path, name, content):
    """Replaces a member of a model file; a function makes it of the old content."""
    with zipfile.ZipFile(path) as archive:
        members = {each: archive.read(each) for each in archive.namelist()}
    members[name] = content(members[name]) if callable(content) else content
    with zipfile.ZipFile(path, "w") as archive:
        for each, value in members.items():
            archive.writestr(each, value)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("config.json", lambda old: old.replace(b'"hidden": [4]', b'"hidden": [5]'), "weights do not fit"),
        ("config.json", lambda old: old.replace(b'"hidden": [4]', b'"hidden": [4, 4]'), "weights do not fit"),
        (
            "model.weights.h5",
            b"no weights",
            "weights do not fit the networks that it describes, or are damaged",
        ),
        ("config.json", lambda old: old.replace(b'"data_shape": [2]', b'"data_shape": [1000000000]'), ""),
        ("config.json", lambda old: old.replace(b'"data_shape": [2]', b'"data_shape": [-1]'), ""),
        ("config.json", lambda old: old.replace(b'"data_shape": [2]', b'"data_shape": "wide"'), ""),
        ("config.json", b"[]", ""),
        ("config.json", b"\xff", ""),
    ],
)
def test_a_model_file_whose_parts_do_not_fit_is_a_sentence(saved, name, content, said):
    change(saved, name, content)
    with pytest.raises(InputError, match=f"Cannot load a model from .*{said}") as told:
        load_model(str(saved))
    assert "\n" not in str(told.value)
    assert "Example error message" not in str(told.value)
    assert len(str(told.value)) < 700 + len(str(saved))


@pytest.mark.parametrize("system", [CSVAE, Classifier])
def test_a_model_file_of_an_earlier_version_is_refused(tmp_path, system):
    path, old = str(tmp_path / "model.keras"), str(tmp_path / "old.keras")
    system([2], ["a"], seed=3).save(path)
    # Version 0.1 had the options themselves, not a config of them.
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(old, "w") as changed:
        for name in whole.namelist():
            content = whole.read(name)
            if name == "config.json":
                plain = json.loads(content)
                options = plain["config"].pop("config")
                plain["config"] |= options
                content = json.dumps(plain)
            changed.writestr(name, content)
    assert load_model(path).seed == 3
    with pytest.raises(InputError, match="saved by an earlier version of tf_csvae") as told:
        load_model(old)
    assert "\n" not in str(told.value)


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
    run.begin(f"{header('csvae')}\n--epochs=3\n")
    files.write_json(run.file(runs.METRICS), {"seconds_training": 1, "run": RAN})
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
        json.dumps({"run": {**RAN, "counts": {"train": 10**400}}}),
        '{"frechet": 1%s}' % ("0" * 400),
        '{"frechet": 1%s}' % ("0" * 5000),
        '{"frechet": 1e400}',
        '{"frechet": {"a": 1}}',
        '{"frechet": [1]}',
        '{"generation": 3}',
        '{"generation": {"a": 0.5}}',
        '{"generation": {"a": {"accuracy": [0.5]}}}',
        '{"generation": {"a": {"accuracy": true}}}',
        '{"generation": {"a": {"accuracy": 0.5, "accuracy_interval": [1]}}}',
        '{"divergence": {"z": {"a": 1}}}',
        '{"more": ' + '{"a": ' * 900 + "1" + "}" * 901,
        '{"judge": "me"}',
        '{"judge": {"sha256": 3, "samples": 1}}',
        '{"measured_on": {"dataset": "made", "counts": {"train": 1}}}',
    ],
)
def test_malformed_metrics_are_refused_in_one_line(run, text):
    assert run.metrics()["run"] == RAN
    files.write_text(run.file(runs.METRICS), text)
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
        {"crop": [0.5, 0.5, 1.4, 1.4]},
        {"crop": [0, 0, 1, float("nan")]},
        {"crop": [0, float("nan"), 1, 1]},
        {"crop": [0, 0, 1e9, 1e9]},
        {"crop": [0, 0, 1e-9, 1]},
        {"crop": [False, False, True, True]},
        {"crop": ["a"]},
        {"scale": ["a"]},
        {"offset": {"a": 1}},
        {"name": {}},
        {"more": 1},
        {"shape": [10**9]},
        {"shape": [2.0]},
        {"shape": [10**400]},
        {"shape": [20_000, 20_000, 3]},
        {"shape": [0]},
        {"shape": [2, 2]},
        {"counts": {"train": 1.0, "validation": 1, "test": 1}},
        {"counts": {"train": 10**400, "validation": 1, "test": 1}},
        {"scale": 0},
        {"scale": [1, -1]},
        {"scale": [1, 2, 3]},
        {"offset": float("nan")},
        {"offset": 10**400},
        {"value_range": [1, 0]},
        {"value_range": 1},
        {"feature_names": ["x"]},
        {"feature_names": ["x", 3]},
        {"columns": [{"name": 3}]},
        {"columns": [3]},
        {"labels": [{"name": "a"}, {"name": "a"}]},
        {"labels": [{"name": "a", "kind": "real", "scale": 0}]},
        {"labels": [{"name": "a", "kind": "real", "mean": 10**400}]},
        {"labels": [{"name": "a", "kind": "real", "mean": []}]},
        {"labels": [{"name": "a", "frequency": float("nan")}]},
        {"fingerprint": 3},
    ],
)
def test_a_malformed_description_of_data_is_refused(change):
    assert Info.from_dict(INFO).to_dict() == INFO
    with pytest.raises(InputError, match="describes no dataset") as told:
        Info.from_dict({**INFO, **change})
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 500


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"name": "made"}', "\0", '{"shape": 1e400}'])
def test_a_short_description_is_told_with_its_path_and_what_to_do(run, text):
    with pytest.raises(InputError, match=r"There is no file .*info.json. It describes the data of the run"):
        run.info()
    files.write_text(run.file(runs.INFO), text)
    with pytest.raises(InputError, match=r"info\.json.*: copy the run again, or train it again") as told:
        run.info()
    assert "\n" not in str(told.value)


def test_captions_lead_nowhere(run, tmp_path):
    (tmp_path / "secret.png").write_bytes(b"\x89PNG a secret")
    figures = pathlib.Path(run.file(runs.FIGURES))
    files.write_bytes(str(figures / "fine.png"), b"\x89PNG")
    files.write_json(str(figures / runs.CAPTIONS), {"fine": "A picture."})
    assert run.pictures() == [("fine", "A picture.", b"\x89PNG")]
    (figures / "link.png").symlink_to(tmp_path / "secret.png")
    (figures / "text.png").write_text("no picture")
    for captions in (
        {"../../secret": "a"},
        {f"{tmp_path}/secret": "a"},
        {"link": "a"},
        {"fine": ["a"]},
        {"text": "a"},
        {f"{figures}/fine": "a"},
        {"../figures/fine": "a"},
        {"fi\0ne": "a"},
        {"gone": "a"},
    ):
        files.write_json(str(figures / runs.CAPTIONS), captions)
        with pytest.raises(InputError, match=r"no picture of the run|no PNG|cannot be read: No such file"):
            run.pictures()


@pytest.mark.parametrize(
    "content", [b"epoch,loss\n0,low\n", b"epoch,loss\n0\n", b"a,b\n1,2,3\n", b"\xff\xfe\n"]
)
def test_a_malformed_history_is_refused(run, content):
    files.write_bytes(run.file(runs.HISTORY), content)
    with pytest.raises(InputError, match="is no table of numbers"):
        run.history()


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe\x00"])
def test_a_malformed_flags_file_is_never_a_run(run, content):
    files.write_bytes(run.file(runs.FLAGFILE), content)
    with pytest.raises(InputError, match=r"holds other files and no run|is no text"):
        run.check(f"{header('csvae')}\n")


# What reads flags.txt: module, flag, exit code (2 if the file is given as flags).
EVALUATE = ("trainers.evaluate", "--run_dir={}", 1)
TRAIN = ("trainers.csvae", "--flagfile={}/flags.txt", 2)


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
def test_a_hostile_flags_file_is_one_line_and_an_exit_code(run, how, line):
    files.write_text(run.file(runs.FLAGFILE), run.flags() + line + "\n")
    module, flag, code = how
    done = processes.run(module, flag.format(run.path))
    assert done.returncode == code
    path = run.file(runs.FLAGFILE)
    assert done.stderr.startswith(f"error: {path}, line 3: expected --flag=value")
    assert done.stderr.count("\n") == 1
    assert "root:" not in done.stderr


def test_what_a_flags_file_does_not_record_counts_on_the_command_line_only(run):
    text = run.flags() + "--run_dir=/elsewhere\n--overwrite\n--seed=3\n"
    assert recorded_lines(text, "flags.txt") == ["--epochs=3", "--seed=3"]
    files.write_text(run.file(runs.FLAGFILE), text)
    training = run.settings().training
    assert (training.run_dir, training.overwrite, training.seed) == (None, False, 3)


def test_the_page_escapes_attributes_too():
    evil = "\"><script>alert(1)</script><img src=x onerror='alert(1)'>"
    table = report.Table(evil, [[evil, evil], [evil, evil]], [[True]])
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


def test_the_content_of_a_lock_file_is_never_shown(run):
    with open(run.file(runs.LOCK), "w") as file:
        file.write("x\n" * 10_000)
    refused = pytest.raises(InputError, match="is being written by another process")
    with run.locked(), refused as told, runs.Run(run.path).locked():
        pass
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 200 + len(run.path)


def test_a_run_that_is_there_twice_is_not_compared(run, tmp_path):
    files.write_bytes(run.file(runs.MODEL), b"a model")
    shutil.copytree(run.path, tmp_path / "copy")
    (tmp_path / "link").symlink_to(run.path)
    for other, words in (
        (run.path, "the same run"),
        (f"{run.path}/.", "the same run"),
        (f"{tmp_path}/link", "the same run"),
        (f"{tmp_path}/copy", "copies of one run"),
    ):
        with pytest.raises(InputError, match=f"{words}, which would count as several trainings") as told:
            tf_csvae.compare([run.path, other], out=str(tmp_path / "out"))
        assert f"--run_dirs={run.path},{other}" in str(told.value)
    assert not (tmp_path / "out").exists()


def test_names_of_labels_are_drawn_as_they_are(recwarn):
    names = ["$x^$ $\\frac$", "_a", "a\0b", "<b>", "y" * 300]
    figure = figures.heat_map(np.zeros((5, 5)), names, names, (0, 1))
    assert report.as_png(figure).startswith(b"\x89PNG")
    assert figures.drawable("Wearing_Hat") == "Wearing_Hat"
    assert figures.drawable("_a") == " _a"
    assert len(figures.drawable("y" * 300)) < 130
    planes = figures.latent_planes([np.zeros((4, 2))], [names[0]], np.float32([0, 1, 0, 1]), "_a")
    assert report.as_png(planes).startswith(b"\x89PNG")
    assert len(planes.axes[0].get_legend().get_texts()) == 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Wearing_Hat", "Wearing_Hat"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("[x](http://e)", r"[x]\(http&#58;//e)"),
        ("a | b\n# c", r"a \| b \# c"),
        ("**b** `c` _d_", r"\*\*b\*\* \`c\` \_d\_"),
        ("![i](j)", r"\![i]\(j)"),
        ("- a", r"\- a"),
        ("&lt;", "&amp;lt;"),
    ],
)
def test_markdown_shows_a_text_and_reads_nothing_in_it(text, shown):
    assert report.markdown(text) == shown
    table = report.as_markdown(report.Table("", [["", text], ["a", text]]))
    assert len(table.splitlines()) == 3
    assert table.count(shown) == 2
