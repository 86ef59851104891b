"""A trained model applied to a user's files, as a process."""

import csv
import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

from export import apply, examples, signatures
from tests import processes
from tests.export.conftest import IMAGES, make
from tf_csvae import InputError, data, files, labels, runs, settings


def run(*arguments):
    return processes.run("export.apply", *arguments)


def write_run(path, system, info):
    """Writes the run of a model that was not trained; returns the model."""
    model = make(system, info)
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
    done = run(*given, "--set", "warm=1", f"--out={tmp_path}/made")
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
    found = examples.find(str(path), None, served)
    np.testing.assert_array_equal(found.read(slice(3))[:, 0], [0, 1 / 8, 2 / 8])
    np.testing.assert_array_equal(found.labels[:3, 0], [0, 1, 0])
    path.write_text("\n".join(rows) + "\n")
    with pytest.raises(
        InputError, match=r"line 1: expected the names of the columns, as 2019\. Received: '0, 0"
    ):
        examples.find(str(path), None, served)


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
        apply.apply(apply.ApplyConfig(input=given, **config))
        return read_rows(tmp_path / "out" / f"{config.get('mode', 'transfer')}.csv"), rows

    return applied


def test_without_set_the_rows_come_back_as_they_were_read(people, capsys):
    made, rows = people()
    assert [list(row.values()) for row in made] == [[f"{float(a)}", *map(str, rest)] for a, *rest in rows]
    assert list(made[0]) == ["a", "t", "n", "c", "sick", "when"]
    assert "nothing to change: all are written as they were read" in capsys.readouterr().out


def test_times_and_labels_keep_their_digits_through_a_model(people):
    made, rows = people(set=("sick=1",))
    assert [row["when"] for row in made] == [str(row[-1]) for row in rows]
    assert all(1_699_999_000 < int(row["t"]) < 1_700_001_000 for row in made)
    made, _ = people(set=("when=1700000039",), batch=7)
    assert {row["when"] for row in made} == {"1700000039"}


def test_values_far_outside_the_training_range_are_flagged(people, capsys):
    made, _ = people(set=("sick=1",))
    assert "outside_training_range" not in made[0]
    rows = [(0.5, 1_700_000_000, 5, 0.2, 0, 1_700_000_000), (99, 1_800_000_000, "", 0.1, 0, 1_700_000_000)]
    made, _ = people(rows, set=("sick=1",))
    assert [row["outside_training_range"] for row in made] == ["c", "a, t"]
    assert [row["c"] for row in made] == ["0.1", "0.1"]
    assert "2 of 2 rows are far outside the training range, in a, c, t" in capsys.readouterr().out
    made, _ = people(rows)
    assert [row["c"] for row in made] == ["0.2", "0.1"]


def test_images_without_set_come_back_as_they_were_read(image_dir, tmp_path, capsys):
    info = dataclasses.replace(IMAGES, crop="center")
    write_run(tmp_path / "run", "csvae", info)
    config = {"run_dir": str(tmp_path / "run"), "out": str(tmp_path / "made")}
    apply.apply(apply.ApplyConfig(input=str(image_dir / "b" / "c" / "000.png"), **config))
    x = tf.io.decode_png((image_dir / "b/c/000.png").read_bytes())[:, 2:14]
    x = tf.image.resize(x[None], (16, 16), antialias=True)[0]
    got = tf.io.decode_png((tmp_path / "made" / "000.png").read_bytes()).numpy()
    assert np.abs(got - x).max() <= 1
    assert "as they were read" in capsys.readouterr().out
