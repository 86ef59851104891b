"""A run's labels, scaling and columns belong to its training, whatever it is measured on."""

import dataclasses
import hashlib
import json
import os
import pathlib
import shutil

import numpy as np
import pytest

from tests.conftest import write_celeba, write_images
from tf_csvae import InputError, data, evaluate, fit, load_data, runs
from tf_csvae.data import Info, known
from tf_csvae.labels import Label

TINY = {"hidden": (8, 8), "epochs": 1, "jit_compile": "false", "tensorboard": False, "samples": 10}
TINY |= {"guide": "none", "judge": "none"}


def write(path, rows, order=("height", "weight", "age", "tall"), shift=0.0, seed=0):
    random = np.random.default_rng(seed)
    height, weight = random.normal(170 + shift, 10, rows), random.normal(70, 8, rows)
    age = random.normal(40 + shift, 12, rows)
    columns = {"height": height, "weight": weight, "age": age, "tall": (height > 170 + shift).astype(int)}
    lines = [",".join(f"{columns.get(name, age)[row]:.1f}" for name in order) for row in range(rows)]
    path.write_text("\n".join([",".join(order), *lines]).replace(".0\n", "\n") + "\n")
    return str(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("known")


@pytest.fixture(scope="module")
def trained(folder):
    """A finished run on people.csv."""
    table = {"dataset": "table", "data_path": write(folder / "people.csv", 120)}
    options = {**table, "label_columns": ("tall", "age"), **TINY, "run_dir": str(folder / "run")}
    fit("vae", **options)
    return options


@pytest.fixture
def run(trained, tmp_path):
    """A copy of that run, and its options."""
    shutil.copytree(trained["run_dir"], tmp_path / "run")
    return runs.Run(str(tmp_path / "run")), {**trained, "run_dir": str(tmp_path / "run")}


def checksums(run):
    """Returns {file: checksum} of all of a run but what an evaluation writes."""
    root = pathlib.Path(run.path)
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file() and path.name not in (runs.METRICS, runs.REPORT) and "figures" not in path.parts
    }


def test_measuring_on_other_data_changes_nothing_of_the_run(run, folder):
    there, _ = run
    before, info = checksums(there), there.info()
    other = write(folder / "others.csv", 200, ("tall", "weight", "age", "height"), shift=30, seed=1)
    numbers = evaluate(there.path, data_path=other, samples=10)
    assert checksums(there) == before
    assert numbers["measured_on"]["path"] == other
    counts = numbers["measured_on"]["counts"]
    assert sum(counts.values()) == 200
    assert there.metrics() == numbers
    assert f"{other}, {counts['test']} test examples" in pathlib.Path(there.file(runs.REPORT)).read_text()
    loaded = load_data("table", known=info, data_path=other, label_columns=("tall", "age"))
    x, y = (np.concatenate(part) for part in zip(*loaded.test.as_numpy_iterator(), strict=True))
    # Higher by three standard deviations of the training, in the run's own order of columns.
    assert loaded.info.feature_names == info.feature_names == ("height", "weight")
    assert x.mean(0) == pytest.approx([3, 0], abs=0.8)
    assert y[:, 1].mean() == pytest.approx(2.5, abs=1.2)
    again = evaluate(there.path, samples=10)
    assert "measured_on" not in again
    assert checksums(there) == before


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (("height", "age", "tall"), "weight"),
        (("height", "mass", "age", "tall"), "weight"),
        (("height", "weight", "size", "age", "tall"), "size"),
        (("height", "weight", "age", "big"), "tall"),
    ],
)
def test_columns_that_are_missing_or_new_are_refused_by_name(run, folder, order, said):
    there, _ = run
    before = checksums(there), there.metrics()
    other = write(folder / "columns.csv", 120, order)
    with pytest.raises(InputError, match=said):
        evaluate(there.path, data_path=other, samples=10)
    assert (checksums(there), there.metrics()) == before


def test_resuming_with_other_data_is_refused_with_what_changed(run, folder, capsys):
    there, options = run
    os.remove(there.file(runs.METRICS))  # as if it had been interrupted
    content, info = pathlib.Path(options["data_path"]).read_text(), there.info()
    write(folder / "people.csv", 150, shift=5)
    try:
        with pytest.raises(InputError, match=r"was trained on other data: .*") as told:
            fit("vae", **options)
        assert f"{info.counts['train']} training rows became" in str(told.value)
        assert "the column height was number, " in str(told.value)
        assert "--overwrite to begin anew, or --resume" in str(told.value)
        assert there.info().to_dict() == info.to_dict()
        fit("vae", **{**options, "resume": True, "epochs": 2})
        assert "Continuing on other data: " in capsys.readouterr().out
        now = there.info()
        assert sum(now.counts.values()) == 150
        assert now.fingerprint != info.fingerprint
        np.testing.assert_array_equal(now.scale, info.scale)
        assert now.labels == info.labels
        evaluated = evaluate(there.path, samples=10)
        assert "measured_on" not in evaluated
    finally:
        pathlib.Path(options["data_path"]).write_text(content)


def test_other_values_in_as_many_rows_are_other_data(run):
    there, options = run
    os.remove(there.file(runs.METRICS))
    path = pathlib.Path(options["data_path"])
    content = path.read_text()
    lines = content.splitlines()
    path.write_text("\n".join([lines[0], *lines[:0:-1]]) + "\n")
    try:
        with pytest.raises(InputError, match=r"other data: the (rows are others|scaling of)"):
            fit("vae", **options)
    finally:
        path.write_text(content)


def test_other_data_from_python_are_refused_and_continue_with_the_scaling_of_the_run(folder, tmp_path):
    paths = [write(folder / f"from_python_{rows}.csv", rows, shift=rows) for rows in (100, 130)]
    options = {**TINY, "run_dir": str(tmp_path / "run")}
    first, other = (load_data("table", data_path=path, label_columns=("tall", "age")) for path in paths)
    fit("vae", first, **options)
    os.remove(tmp_path / "run" / runs.METRICS)
    with pytest.raises(InputError, match="training rows became"):
        fit("vae", other, **options)
    with pytest.raises(InputError, match=r"trained on other data: .*the column height was"):
        fit("vae", other, **options, resume=True)


def test_a_run_without_its_description_begins_to_have_one(run):
    there, options = run
    for name in (runs.METRICS, runs.INFO):
        os.remove(there.file(name))
    fit("vae", **options)
    assert there.info().counts["train"] > 0


def test_images_are_read_with_the_labels_of_the_run(tmp_path):
    pictures = write_images(tmp_path / "pictures")
    at = {"data_dir": str(pictures), "labels": "labels.csv", "image_size": 8, "group_column": "person"}
    before = load_data("folder", **at, crop="0,0,0.5,1")
    assert len(before.info.fingerprint) == 64
    rows = [line.split(",") for line in (pictures / "labels.csv").read_text().splitlines()]
    (pictures / "turned.csv").write_text("\n".join(",".join([a, c, b, d]) for a, b, c, d in rows) + "\n")
    now = load_data("folder", known=before.info, **{**at, "labels": "turned.csv"})
    assert now.info == before.info
    for (x, y), (other_x, other_y) in zip(before.test, now.test, strict=True):
        np.testing.assert_array_equal(x, other_x)
        np.testing.assert_array_equal(y, other_y)
    (pictures / "fewer.csv").write_text("\n".join(",".join([a, b, d]) for a, b, _, d in rows) + "\n")
    with pytest.raises(InputError, match=r"has the labels warm, light.*fewer.csv has no label light"):
        load_data("folder", known=before.info, **{**at, "labels": "fewer.csv"})
    more = ["file,warm,light,person,new", *(",".join([*row, "1"]) for row in rows[1:])]
    (pictures / "more.csv").write_text("\n".join(more) + "\n")
    with pytest.raises(InputError, match=r"has beside them new.*--attributes=warm,light"):
        load_data("folder", known=before.info, **{**at, "labels": "more.csv"})
    assert (
        load_data(
            "folder", known=before.info, **{**at, "labels": "more.csv", "attributes": ("light", "warm")}
        ).info.labels
        == before.info.labels
    )
    with pytest.raises(InputError, match="--image_size=16: the run has images of 8 x 8 pixels"):
        load_data("folder", known=before.info, **{**at, "image_size": 16})
    with pytest.raises(InputError, match="--crop=none: the run crops images as"):
        load_data("folder", known=before.info, **at, crop="none")
    with pytest.raises(InputError, match="in the run, warm is binary"):
        load_data("folder", known=before.info, **at, label_kinds=("warm:categorical",))


def test_a_class_that_the_run_does_not_have_is_refused_by_row(tmp_path):
    pictures = write_images(tmp_path / "pictures")
    at = {"data_dir": str(pictures), "labels": "labels.csv", "image_size": 8, "attributes": ("person",)}
    at["split"] = (0.6, 0.2, 0.2)
    text = (pictures / "labels.csv").read_text()
    (pictures / "labels.csv").write_text(
        "\n".join(
            line.rpartition(",")[0] + f",p{n % 3}" if n else line for n, line in enumerate(text.split())
        )
    )
    before = load_data("folder", **at)
    assert before.info.labels[0].classes == ("p0", "p1", "p2")
    text = (pictures / "labels.csv").read_text()
    (pictures / "labels.csv").write_text(text.replace("p1", "p7", 1))
    with pytest.raises(
        InputError, match=r"line 2, column person: expected one of p0, p1, p2. Received: 'p7'"
    ):
        load_data("folder", known=before.info, **at)


def test_faces_are_read_with_the_labels_of_the_run(tmp_path):
    folder = write_celeba(tmp_path / "celeba")
    at = {"data_dir": str(folder), "image_size": 8}
    info = load_data("celeba", **at, attributes=("Male", "Smiling")).info
    assert load_data("celeba", known=info, **at, attributes=("Smiling", "Male")).info == info
    with pytest.raises(InputError, match="has no label Smiling"):
        load_data("celeba", known=info, **at, attributes=("Male",))
    with pytest.raises(InputError, match="has beside them Wearing_Hat"):
        load_data("celeba", known=info, **at, attributes=("Male", "Smiling", "Wearing_Hat"))


def test_data_that_are_always_the_same_are_checked():
    info = load_data("swiss_roll").info
    assert data.load_data("swiss_roll", known=info).info.counts == info.counts
    other = dataclasses.replace(info, scale=np.asarray(info.scale) * 2)
    with pytest.raises(InputError, match=r"the scaling of x1 was mean .*, and that of 2 more"):
        load_data("swiss_roll", known=other)


INFO = Info(
    "table", (2,), None, (Label("a"), Label("b", kind="real", mean=4.0)),
    {"train": 343, "validation": 2, "test": 2}, np.zeros(2), np.ones(2), ("x", "y"), fingerprint="1",
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"counts": {"train": 1495, "validation": 2, "test": 2}}, ["343 training rows became 1,495"]),
        ({"fingerprint": "2"}, ["the rows are others, or in another order"]),
        ({"fingerprint": ""}, []),
        ({"labels": INFO.labels[::-1]}, ["the order of the labels a, b became b, a"]),
        ({"labels": INFO.labels[:1]}, ["the label b is missing"]),
        (
            {"labels": (Label("a"), Label("b", kind="real", mean=5.0))},
            ["the label b was real (mean 4, scale 1) and is real (mean 5, scale 1)"],
        ),
        ({"feature_names": ("x", "z")}, ["the feature y is missing", "the feature z is new"]),
        ({"feature_names": ("y", "x")}, ["the features are in another order"]),
        (
            {"scale": np.array([1.0, 3.0])},
            ["the scaling of y was mean 0 and scale 1 and is mean 0 and scale 3"],
        ),
        ({"scale": np.array([1.0, 1 + 1e-7])}, []),
    ],
)
def test_what_changed_is_said(change, said):
    now = Info.from_dict(json.loads(json.dumps(dataclasses.replace(INFO, **change).to_dict())))
    assert known.changes(INFO, now) == said


def test_a_fingerprint_tells_rows_from_each_other():
    rows = [("a", "b"), ("ab", ""), ("a", "b", "")]
    prints = {known.fingerprint(part) for part in ([row] for row in rows)}
    assert len(prints) == 3
    assert known.fingerprint([("a",), ("b",)]) != known.fingerprint([("a", "b")])
