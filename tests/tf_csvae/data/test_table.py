import json

import numpy as np
import pyarrow
import pyarrow.csv
import pyarrow.parquet
import pytest

from tf_csvae import InputError
from tf_csvae.data import load_data
from tf_csvae.data.dataset import Info


@pytest.fixture
def path(tmp_path):
    """A table of 60 rows: a number, a whole number with gaps, a category with gaps, a label."""
    random = np.random.default_rng(0)
    lines = ["weight,age,colour,sick"]
    for row in range(60):
        age = "" if row % 10 == 3 else random.integers(20, 90)
        colour = "NA" if row % 12 == 5 else ("red", "green", "blue")[row % 3]
        lines.append(f"{random.normal(70, 12):.2f},{age},{colour},{('no', 'yes')[row % 2]}")
    path = tmp_path / "people.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def load(path, **options):
    return load_data("table", data_path=str(path), **{"label_columns": ["sick"], "batch_size": 8, **options})


def all_of(dataset):
    """Returns the columns of all rows of the three splits, and their labels."""
    found, y = {}, []
    for split in ("validation", "test"):
        for x, labels in getattr(dataset, split):
            for name, values in dataset.info.to_columns(x).items():
                found.setdefault(name, []).extend(values)
            y.extend(labels.numpy()[:, 0])
    return found, y


def test_numbers_are_standardised_and_categories_one_hot(path):
    dataset = load(path)
    assert dataset.info.feature_names == (
        "weight",
        "age",
        "colour=blue",
        "colour=green",
        "colour=red",
        "colour=missing",
    )
    x = np.concatenate([x for x, _ in dataset.train])
    assert np.all(np.abs(x[:, :2].mean(0)) < 0.3)  # some rows fill no batch
    assert set(np.unique(x[:, 2:])) == {0, 1}
    np.testing.assert_array_equal(x[:, 2:].sum(1), 1)


def test_what_comes_out_is_in_the_tables_own_columns_and_units(path):
    written = [line.split(",") for line in path.read_text().splitlines()[1:]]
    rows = {row[0].rstrip("0").rstrip("."): row for row in written}
    dataset = load(path)
    found, y = all_of(dataset)
    assert list(found) == ["weight", "age", "colour"]
    assert len(y) == dataset.info.counts["validation"] + dataset.info.counts["test"] > 0
    ages = sorted(int(row[1]) for row in written if row[1])
    for weight, age, colour, sick in zip(found["weight"], found["age"], found["colour"], y, strict=True):
        row = rows[f"{weight:g}"]
        assert isinstance(age, int)
        assert age == int(row[1]) if row[1] else ages[15] < age < ages[-15]  # about the median
        assert colour == ("" if row[2] == "NA" else row[2])
        assert sick == (row[3] == "yes")


def test_info_goes_through_json(path):
    info = load(path).info
    again = Info.from_dict(json.loads(json.dumps(info.to_dict())))
    assert again.columns == info.columns
    x = np.random.default_rng(0).normal(size=(5, 6))
    assert again.to_columns(x) == info.to_columns(x)


def test_labels_of_every_kind_and_missing_ones(path):
    written = [line.split(",") for line in path.read_text().splitlines()[1:]]
    dataset = load(path, label_columns=["colour", "age", "sick"], split=(0.6, 0.2, 0.2))
    colour, age, sick = dataset.info.labels
    assert (colour.kind, colour.classes) == ("categorical", ("blue", "green", "red"))
    assert (age.kind, sick.kind, sick.missing) == ("real", "binary", 0)
    assert min(colour.missing, age.missing) > 0
    assert dataset.info.feature_names == ("weight",)
    for x, y in dataset.test:
        for weight, row in zip(dataset.info.to_columns(x)["weight"], y.numpy(), strict=True):
            (as_written,) = [each for each in written if float(each[0]) == weight]
            texts = [label.text(value) for label, value in zip(dataset.info.labels, row, strict=True)]
            assert texts == [
                as_written[2].replace("NA", ""),
                as_written[1],
                {"no": "0", "yes": "1"}[as_written[3]],
            ]
    again = Info.from_dict(json.loads(json.dumps(dataset.info.to_dict())))
    assert again.labels == dataset.info.labels
    asked = load(path, label_kinds=["sick:categorical"])
    assert asked.info.labels[0].classes == ("no", "yes")


def test_parquet_gives_what_csv_gives(path, tmp_path):
    options = pyarrow.csv.ConvertOptions(null_values=["", "NA"], strings_can_be_null=True)
    table = pyarrow.csv.read_csv(path, convert_options=options)
    pyarrow.parquet.write_table(table, tmp_path / "people.parquet")
    one, other = load(path), load(tmp_path / "people.parquet")
    assert one.info.feature_names == other.info.feature_names
    assert sum(one.info.counts.values()) == sum(other.info.counts.values()) == 60
    (tmp_path / "no.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(InputError, match=r"no.parquet is no Parquet file"):
        load(tmp_path / "no.parquet")


def test_semicolons_and_quotes(path):
    expected = load(path).info
    text = path.read_text().replace(",", ";").replace("red", '"red"')
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert load(path).info.columns == expected.columns


def test_a_choice_of_columns(path):
    dataset = load(path, feature_columns=["age"], category_columns=["age"])
    assert all(name.startswith("age=") for name in dataset.info.feature_names)


@pytest.mark.parametrize(
    ("line", "text", "complaint"),
    [
        (5, "heavy,33,red,no", "line 5, column weight: expected a number. Received: 'heavy'"),
        (5, "inf,33,red,no", "line 5, column weight: expected a number. Received: 'inf'"),
        (5, "70,33,red,2", "line 5, column sick: expected a binary label.*Received: '2'"),
        (5, "70,33,red", "line 5: expected 4 values, one per column. Received: 3"),
    ],
)
def test_a_mistake_is_told_by_file_line_column_and_value(path, edit, line, text, complaint):
    edit(path, line, text)
    with pytest.raises(InputError, match=r"people.csv, " + complaint):
        load(path)


def test_a_column_of_minus_one_and_one_has_no_zero(path, edit):
    text = path.read_text().replace(",no", ",-1").replace(",yes", ",1")
    path.write_text(text)
    assert 0.3 < load(path).info.labels[0].frequency < 0.7
    edit(path, 6, "70,33,red,0")
    with pytest.raises(InputError, match=r"line 6, column sick: expected -1 or 1 as elsewhere"):
        load(path)


def test_what_cannot_be_a_table(path, tmp_path):
    with pytest.raises(InputError, match=r"needs --data_path=FILE.csv"):
        load_data("table")
    with pytest.raises(InputError, match=r"Unknown column .* in --label_columns 'ill'"):
        load(path, label_columns=["ill"])
    with pytest.raises(InputError, match=r"sick is a label, too"):
        load(path, feature_columns=["age", "sick"])
    text = path.read_text()
    path.write_text(text.replace("yes", "no"))
    with pytest.raises(InputError, match=r"column sick: all training examples have the value 0"):
        load(path)
    path.write_text(text.splitlines()[0] + "\n")
    with pytest.raises(InputError, match=r"has no rows under its header"):
        load(path)
    path.write_text("name,sick\n" + "".join(f"person {i},{i % 2}\n" for i in range(200)))
    with pytest.raises(InputError, match=r"column name: 200 different texts. A category has 1 to 100"):
        load(path)
    path.write_bytes(b"a,b\n\xff\xfe,1\n")
    with pytest.raises(InputError, match=r"no CSV file in UTF-8"):
        load(path)
