"""A trained model applied to a user's files, as a process."""

import csv
import dataclasses
import json
import os
import re

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from export import apply, examples, signatures, warmup
from tests import processes
from tests.export.conftest import IMAGES, make
from tests.images import encoded
from tf_csvae import InputError, data, files, labels, runs, settings


def run(*arguments):
    return processes.run("export.apply", *arguments)


def write_run(path, system, info, **options):
    """Writes the run of a model that was not trained; returns the model."""
    model = make(system, info, **options)
    model.compile()
    path.mkdir()
    model.save(path / runs.MODEL)
    flags = settings(system, dataset="table" if info.columns else "folder").flagfile()
    files.write_text(str(path / runs.FLAGFILE), flags)
    files.write_json(str(path / runs.INFO), info.to_dict())
    files.write_json(str(path / runs.METRICS), {})
    return model


def test_a_folder_of_images(image_dir, tmp_path):
    known = tuple(labels.Label(name) for name in ("warm", "light"))
    info = dataclasses.replace(IMAGES, labels=known, crop="center")
    model = write_run(tmp_path / "run", "csvae", info)
    given = (
        f"--run_dir={tmp_path}/run",
        f"--input={image_dir}",
        f"--labels={image_dir}/labels.csv",
        "--batch=16",
    )
    done = run(*given, "--set", "warm=1", f"--out={tmp_path}/made", "--size=model")
    assert done.returncode == 0, done.stderr
    made = sorted(path.relative_to(tmp_path / "made") for path in (tmp_path / "made").rglob("*.png"))
    files = [path for path in image_dir.rglob("*.*") if path.suffix != ".csv"]
    assert made == sorted(path.relative_to(image_dir).with_suffix(".png") for path in files)

    # What comes back is what the model makes of the image as it is cut in training.
    x = tf.io.decode_png((image_dir / "b/c/000.png").read_bytes())[:, 2:14]
    x = tf.image.resize(x[None], (16, 16), antialias=True) / 255
    row = (image_dir / "labels.csv").read_text().splitlines()[1].split(",")
    y = [float(row[1] == "yes"), float(row[2] == "True")]
    expected = model.transfer(x, y, [1.0, y[1]])[0]
    got = tf.io.decode_png((tmp_path / "made/b/c/000.png").read_bytes()) / 255
    assert np.abs(expected - got).max() < 0.01

    done = run(*given[:2], "--set=warm=1", "--labels=warm=0")
    assert done.returncode == 1
    assert "must be told the labels of its input; light are not known" in done.stderr


def test_a_table(tmp_path):
    random = np.random.default_rng(0)
    lines = ["weight,colour,sick,blood,age"]
    for row in range(60):
        blood, age = (
            ("A", "B", "0", "")[row % 4],
            "" if row % 5 == 4 else f"{random.normal(50, 9):.1f}",
        )
        lines.append(f"{random.normal(70, 9):.1f},{'red' if row % 3 else 'blue'},{row % 2},{blood},{age}")
    (tmp_path / "people.csv").write_text("\n".join(lines) + "\n")
    given = {"data_path": str(tmp_path / "people.csv"), "label_columns": ["sick", "blood", "age"]}
    info = data.load_data("table", **given).info
    write_run(tmp_path / "run", "csvae", info)
    given = (f"--run_dir={tmp_path}/run", f"--input={tmp_path}/people.csv")
    done = run(*given, "--set=sick=1,age=40", "--batch=25", f"--out={tmp_path}/out")
    assert done.returncode == 0, done.stderr
    with open(tmp_path / "out" / "transfer.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 60
    assert list(rows[0]) == ["weight", "colour", "sick", "blood", "age"]
    for number, row in enumerate(rows):
        assert 0 < float(row["weight"]) < 140
        assert row["colour"] in ("red", "blue")
        assert (row["sick"], row["blood"], row["age"]) == (
            "1",
            ("A", "B", "0", "")[number % 4],
            "40",
        )

    done = run(*given, "--mode=encode", f"--out={tmp_path}/out")
    assert done.returncode == 0, done.stderr
    codes = [json.loads(line) for line in (tmp_path / "out" / "encode.jsonl").read_text().splitlines()]
    assert [code["file"] for code in codes] == [str(line) for line in range(2, 62)]
    of_labels = {f"w_{label}_{what}" for label in ("sick", "blood", "age") for what in ("mean", "scale")}
    assert set(codes[0]) == {"file", "z_mean", "z_scale", *of_labels}

    (tmp_path / "people.csv").write_text("weight,colour,sick,blood,age\n70,green,1,A,\nheavy,red,0,A,\n")
    done = run(*given, "--set=sick=1")
    assert done.returncode == 1
    assert "line 3, column weight: expected a number. Received: 'heavy'" in done.stderr


def test_samples_from_python(tmp_path):
    write_run(tmp_path / "run", "vae", IMAGES)
    config = {"run_dir": str(tmp_path / "run"), "out": str(tmp_path / "new")}
    apply.apply(apply.ApplyConfig(mode="sample", count=5, batch=2, **config))
    made = sorted((tmp_path / "new").iterdir())
    assert [path.name for path in made] == [f"sample_{number:05d}.png" for number in range(5)]
    assert len({path.read_bytes() for path in made}) == 5


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--mode=sample", "--input=x.png"], "--mode=sample takes no --input"),
        ([], "--mode=transfer takes an --input"),
        (
            ["--input=x.png", "--set=warm=1"],
            "holds a VAE, which cannot transfer: it can reconstruct",
        ),
    ],
)
def test_a_mistake_is_one_line(arguments, complaint, tmp_path):
    if "--set=warm=1" in arguments:
        write_run(tmp_path / "run", "vae", IMAGES)
    done = run(f"--run_dir={tmp_path}/run", *arguments)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_new_table_is_read_by_the_columns_of_the_run(tmp_path):
    path = tmp_path / "years.csv"
    rows = [f"{row},{row / 8},{row % 2}" for row in range(60)]
    path.write_text("\n".join([",2019,sick=yes", *rows]) + "\n")
    given = {"data_path": str(path), "label_columns": ["sick=yes"], "header": "yes", "ignore": ["Unnamed: 0"]}
    write_run(tmp_path / "run", "csvae", data.load_data("table", **given).info)
    served = signatures.Served.of_run(runs.Run(str(tmp_path / "run")), None)
    found = examples.find(apply.ApplyConfig(input=str(path)), served)
    np.testing.assert_array_equal(found.read(slice(3))[:, 0], [0, 1 / 8, 2 / 8])
    np.testing.assert_array_equal(found.labels[:3, 0], [0, 1, 0])
    path.write_text("\n".join(rows) + "\n")
    with pytest.raises(
        InputError, match=r"line 1: expected the names of the columns, as 2019\. Received: '0, 0"
    ):
        examples.find(apply.ApplyConfig(input=str(path)), served)


def write_rows(path, header, rows):
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return str(path)


def read_rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def people(tmp_path):
    """A run on a table of a time, a gap, a constant and a real label; returns a function."""
    random = np.random.default_rng(0)
    rows = [
        (f"{n:.4f}", 1_700_000_000 + i, "" if i % 7 == 0 else i, 0.1, i % 2, 1_700_000_000 + 3 * i)
        for i, n in enumerate(random.normal(size=60))
    ]
    header = "a,t,n,c,sick,when"
    path = write_rows(tmp_path / "people.csv", header, rows)
    info = data.load_data("table", data_path=path, label_columns=["sick", "when"]).info
    write_run(tmp_path / "run", "csvae", info)

    def applied(rows=rows, **options):
        given = write_rows(tmp_path / "given.csv", header, rows)
        config = {"run_dir": str(tmp_path / "run"), "out": str(tmp_path / "out"), **options}
        config["overwrite"] = True
        apply.apply(apply.ApplyConfig(input=given, **config))
        return read_rows(tmp_path / "out" / f"{config.get('mode', 'transfer')}.csv"), rows

    return applied


def test_without_set_the_rows_come_back_as_they_were_read(people, capsys):
    made, rows = people()
    assert [list(row.values()) for row in made] == [[a, *map(str, rest)] for a, *rest in rows]
    assert list(made[0]) == ["a", "t", "n", "c", "sick", "when"]
    assert "nothing to change: all are written as they were read" in capsys.readouterr().out


def test_times_and_labels_keep_their_digits_through_a_model(people):
    made, rows = people(set=("sick=1",))
    assert [row["when"] for row in made] == [str(row[-1]) for row in rows]
    assert all(1_699_999_000 < int(row["t"]) < 1_700_001_000 for row in made)
    made, _ = people(set=("when=1700000039",), batch=7)
    assert {row["when"] for row in made} == {"1700000039"}


def test_an_edit_returns_the_inputs_own_columns_and_changes_no_more_than_it_must(tmp_path, capsys):
    random = np.random.default_rng(0)
    rows = []
    for i in range(80):
        gain = random.integers(100, 5000) if i % 4 == 0 else 0
        age = "NA" if i % 9 == 0 else random.integers(18, 80)
        rows.append((f"P{i:03d}", i % 2, age, gain, "abc"[i % 3], f"2024-01-{i % 28 + 1:02d}", i % 5))
    header = "person,sick,age,gain,kind,since,children"
    path = write_rows(tmp_path / "people.csv", header, rows)
    info = data.load_data("table", data_path=path, label_columns=["sick"]).info
    write_run(tmp_path / "run", "csvae", info, counterfactual=True)
    config = {
        "run_dir": str(tmp_path / "run"),
        "input": path,
        "out": str(tmp_path / "out"),
        "set": ("sick=1",),
    }
    apply.apply(apply.ApplyConfig(**config))
    made = read_rows(tmp_path / "out" / "transfer.csv")
    assert ",".join(made[0]) == header
    ages = [int(row[2]) for row in rows if row[2] != "NA"]
    for row, (person, sick, age, gain, kind, since, children) in zip(made, rows, strict=True):
        assert (row["person"], row["sick"]) == (person, "1")
        if sick:  # it has the value already
            assert [*row.values()] == [*map(str, (person, sick, age, gain, kind, since, children))]
        assert (row["age"] == "NA") if age == "NA" else min(ages) <= int(row["age"]) <= max(ages)
        assert row["gain"] == "0" or 100 <= int(row["gain"]) < 5000
        assert row["kind"] in "abc"
        assert row["since"] in {each[5] for each in rows}
        assert row["children"] in "01234"
    told = capsys.readouterr().out
    assert "age moved in " in told
    assert "since moved in " in told
    apply.apply(apply.ApplyConfig(**config, show="beside", overwrite=True))
    beside = read_rows(tmp_path / "out" / "transfer.csv")
    for row, (_, sick, age, *_) in zip(beside, rows, strict=True):
        assert (row["sick before"], row["age before"]) == (str(sick), str(age))
        if age != "NA":
            assert int(row["age"]) - age == float(row["age difference"])
    assert "person before" not in beside[0]
    # Missing ages are filled in, and then changed as the others are, or only filled in.
    for changes in ({"set": ("sick=1",)}, {"set": ()}):
        apply.apply(apply.ApplyConfig(**{**config, **changes}, impute=True, overwrite=True))
        made = read_rows(tmp_path / "out" / "transfer.csv")
        assert all(min(ages) <= int(row["age"]) <= max(ages) for row in made)
        assert "age: 9 missing values are filled in by the model." in capsys.readouterr().out
    for row, (_, _, age, gain, *_) in zip(made, rows, strict=True):
        assert age in ("NA", int(row["age"]))
        assert row["gain"] == str(gain)
    with pytest.raises(InputError, match="--impute takes rows of a table, and --mode=transfer"):
        apply.apply(apply.ApplyConfig(**config, mode="encode", impute=True, overwrite=True))


def test_values_far_outside_the_training_range_are_flagged(people, capsys):
    made, _ = people(set=("sick=1",))
    assert "outside_training_range" not in made[0]
    rows = [(0.5, 1_700_000_000, 5, 0.2, 0, 1_700_000_000), (99, 1_800_000_000, "", 0.1, 0, 1_700_000_000)]
    made, _ = people(rows, set=("sick=1",))
    assert [row["outside_training_range"] for row in made] == ["c", "a, t"]
    assert [row["c"] for row in made] == ["0.2", "0.1"]  # nothing changed it
    assert "2 of 2 rows are far outside the training range, in a, c, t" in capsys.readouterr().out
    made, _ = people(rows)
    assert [row["c"] for row in made] == ["0.2", "0.1"]


def test_images_without_set_come_back_as_they_were_read(image_dir, tmp_path, capsys):
    info = dataclasses.replace(IMAGES, crop="center")
    write_run(tmp_path / "run", "csvae", info)
    config = {"run_dir": str(tmp_path / "run"), "out": str(tmp_path / "made")}
    apply.apply(apply.ApplyConfig(input=str(image_dir / "b" / "c" / "000.png"), **config))
    x = tf.io.decode_png((image_dir / "b/c/000.png").read_bytes())
    got = tf.io.decode_png((tmp_path / "made" / "000.png").read_bytes())
    np.testing.assert_array_equal(got, x)
    assert "as they were read" in capsys.readouterr().out


def test_images_that_have_the_value_already_are_counted(image_dir, tmp_path, capsys):
    info = dataclasses.replace(IMAGES, crop="center")
    write_run(tmp_path / "run", "csvae", info, counterfactual=True)
    label = info.labels[0].name
    config = {"run_dir": str(tmp_path / "run"), "input": str(image_dir / "b"), "overwrite": True}
    known = ",".join(f"{each.name}=1" for each in info.labels)
    for value, same in ((1, True), (0, False)):
        given = {**config, "labels": known, "set": [f"{label}={value}"], "out": str(tmp_path / "made")}
        apply.apply(apply.ApplyConfig(**given))
        assert (f"did not change. They may have {label}=1 already" in capsys.readouterr().out) == same


# Files of any name and kind.


@pytest.fixture(scope="module")
def image_run(tmp_path_factory):
    """The run of a VAE of images, which needs no labels."""
    path = tmp_path_factory.mktemp("runs") / "vae"
    write_run(path, "vae", dataclasses.replace(IMAGES, crop="center"))
    return path


@pytest.fixture
def reconstruct(image_run, tmp_path):
    """A function (input, **options) that applies the run and returns the files of the answers."""

    def reconstruct(given, out=tmp_path / "made", **options):
        config = {"run_dir": str(image_run), "mode": "reconstruct", **options}
        apply.apply(apply.ApplyConfig(input=str(given), out=str(out), **config))
        return sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())

    return reconstruct


def write(folder, names):
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((20, 20, 3), 5 + number, np.uint8)
        kind = {".webp": "WEBP", ".gif": "GIF", ".bmp": "BMP"}.get(path.suffix.lower(), "PNG")
        path.write_bytes(encoded(kind=kind) if kind != "PNG" else tf.io.encode_png(pixels).numpy())


def test_every_image_has_an_answer_and_the_rest_is_named(reconstruct, tmp_path, capsys):
    write(
        tmp_path / "in",
        ["a.png", "A.JPG", "b.webp", "c.GIF", "d.bmp", "-e f.png", "grüße 😀.jpeg", "x/a.png"],
    )
    others = ["._a.jpg", ".DS_Store", "Thumbs.db", "notes.txt", ".git/x.png"]
    for name in others:
        (tmp_path / "in" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes(b"no image")
    made = reconstruct(tmp_path / "in")
    names = ["-e f", "A.JPG", "a.png", "b", "c", "d", "grüße 😀", "x/a"]
    assert made == sorted(f"{name}.png" for name in names)
    told = capsys.readouterr().out
    assert told.startswith("reconstruct: 8 of ")
    assert "Passed over 5 other files: .DS_Store, ._a.jpg, .git/x.png and 2 more.\n" in told
    assert reconstruct(tmp_path / "in" / "-e f.png", tmp_path / "one") == ["-e f.png"]


def test_a_file_name_of_any_bytes(reconstruct, tmp_path, capsys):
    write(tmp_path / "in", ["a.png"])
    (tmp_path / "in" / "a.png").rename(tmp_path / "in" / os.fsdecode(b"b\xff\n.png"))
    (tmp_path / "in" / os.fsdecode(b"c\xff.txt")).write_bytes(b"")
    assert reconstruct(tmp_path / "in") == [os.fsdecode(b"b\xff\n.png")]
    assert "Passed over 1 other files: c\\udcff.txt" in capsys.readouterr().out


def test_no_file_is_written_over_unasked_and_the_input_never(reconstruct, tmp_path):
    write(tmp_path / "in", ["a.png", "b.jpg"])
    before = {path: path.read_bytes() for path in (tmp_path / "in").iterdir()}
    for options in ({}, {"overwrite": True}):
        with pytest.raises(InputError, match=r"written over .*in/a\.png, a file of the input"):
            reconstruct(tmp_path / "in", tmp_path / "in", **options)
    assert {path: path.read_bytes() for path in (tmp_path / "in").iterdir()} == before
    reconstruct(tmp_path / "in")
    (tmp_path / "made" / "b.png").write_bytes(b"mine")
    with pytest.raises(InputError, match=r"made/a\.png is there already, as are 1 others"):
        reconstruct(tmp_path / "in")
    assert (tmp_path / "made" / "b.png").read_bytes() == b"mine"
    reconstruct(tmp_path / "in", overwrite=True)
    assert (tmp_path / "made" / "b.png").read_bytes() != b"mine"


def test_answers_within_the_input_are_no_input(reconstruct, tmp_path):
    write(tmp_path / "in", ["a.png"])
    for _ in range(2):
        assert reconstruct(tmp_path / "in", tmp_path / "in" / "out", overwrite=True) == ["a.png"]


def test_bad_images_are_left_out_of_apply_too(reconstruct, tmp_path, capsys):
    write(tmp_path / "in", ["a.png", "b.png", "c.png"])
    for name in ("b.png", "c.png"):
        (tmp_path / "in" / name).write_bytes(b"spoiled")
    with pytest.raises(InputError, match=r"Cannot read image .*in/b\.png \(7 bytes\)"):
        reconstruct(tmp_path / "in", tmp_path / "none")
    assert reconstruct(tmp_path / "in", on_bad_example="skip") == ["a.png"]
    told = capsys.readouterr().out
    assert "reconstruct: 1 of " in told
    assert re.search(
        r"Left out 2 bad examples:\nCannot read image .*b\.png.*\nCannot read image .*c\.png", told
    )
    with pytest.raises(InputError, match=r"--input=.*in has 2 bad examples, more than --max_bad_examples=1"):
        reconstruct(tmp_path / "in", on_bad_example="skip", max_bad_examples=1)
    (tmp_path / "in" / "a.png").unlink()
    with pytest.raises(InputError, match="has no image that can be read"):
        reconstruct(tmp_path / "in", on_bad_example="skip")


def test_a_box_beyond_an_image_is_told_by_apply_and_by_a_server(tmp_path):
    write_run(tmp_path / "run", "vae", dataclasses.replace(IMAGES, crop=(0, 0, 30, 40)))
    write(tmp_path / "in", ["a.png"])
    config = {"run_dir": str(tmp_path / "run"), "mode": "reconstruct", "out": str(tmp_path / "made")}
    with pytest.raises(InputError, match=r"a\.png .*0, 0, 40, 30, in pixels\).*this image: 20, 20\."):
        apply.apply(apply.ApplyConfig(input=str(tmp_path / "in"), **config))
    served = signatures.Served.of_run(runs.Run(str(tmp_path / "run")))
    function = served.signatures["encode_bytes"]
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"this image:\] \[20 20\]"):
        function(tf.constant([(tmp_path / "in" / "a.png").read_bytes()]))
    asked = warmup.examples(served)["encode_bytes"]["x_bytes"]  # large enough for the box
    assert np.isfinite(function(tf.constant(asked))["z_mean"]).all()


def test_the_labels_of_images_in_any_spelling(tmp_path):
    write(tmp_path / "in", ["n\u0301.png", "b.png", "sub/c.png"])
    known = (labels.Label("warm"), labels.Label("light"))
    run_dir = tmp_path / "run"
    write_run(run_dir, "condvae", dataclasses.replace(IMAGES, labels=known, crop="center"))
    served = signatures.Served.of_run(runs.Run(str(run_dir)))
    table = tmp_path / "k=1" / "labels.csv"
    table.parent.mkdir()
    table.write_text(f"file,warm,light\n./sub/../\u0144.png,1,0\n{tmp_path}/in/b.png,0,1\nsub//c.png,1,1\n")

    def find():
        config = apply.ApplyConfig(input=f"{tmp_path}/in/", labels=str(table))
        found = examples.find(config, served)
        return dict(zip(found.names, found.labels.tolist(), strict=True))

    assert find() == {"n\u0301": [1, 0], "b": [0, 1], "sub/c": [1, 1]}
    table.write_text(table.read_text() + "sub/../b.png,1,1\n")
    with pytest.raises(InputError, match=r"line 5: sub/\.\./b\.png is the same image as in line 3"):
        find()


def test_texts_that_are_formulas_are_told():
    texts = ["=1+2", "+a", "-b", "@c", "\td", "e", "-1.5", "+2", ""]
    table = pd.DataFrame({"x": texts, "number": range(-4, 5), "=y": ["a"] * 9})
    one, two = examples.formulas(table)
    assert one.startswith("Column x: 5 texts begin with =, +, -, @")
    assert two.startswith("Column =y: 1 texts begin with")
