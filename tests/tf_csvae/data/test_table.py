import json

import numpy as np
import pyarrow
import pyarrow.csv
import pyarrow.parquet
import pytest

from tf_csvae import InputError
from tf_csvae.configs import DataConfig
from tf_csvae.data import load_data, table
from tf_csvae.data.dataset import Info
from tf_csvae.data.table_files import Table


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


def rows_of(dataset, number=1):
    """Returns the training rows of so many epochs, x and y, as bytes per row."""
    stream = dataset.train_from(0).take(number * dataset.steps_per_epoch)
    return [row.tobytes() for x, y in stream for row in np.concatenate([x, y], axis=1)]


def test_halves_of_the_training_rows_share_none_and_are_the_same_for_each_seed(path):
    whole = load(path, batch_size=1)
    for seed in (0, 1):
        dataset = load(path, batch_size=8, seed=seed)
        first, second = (sorted(rows_of(dataset.half(half, 1))) for half in ("first", "second"))
        assert abs(len(first) - len(second)) <= 1
        assert not set(first) & set(second)
        assert sorted(first + second) == sorted(rows_of(whole))
        assert first == sorted(rows_of(load(path, half="first", batch_size=1)))
        assert second == sorted(rows_of(load(path, half="second", batch_size=1)))
    part = dataset.half("second")
    assert part.batch_size == dataset.batch_size
    assert part.info.counts == {**dataset.info.counts, "train": len(second)}
    # Labels and transforms are those of all training rows.
    assert part.info.labels == dataset.info.labels
    assert part.info.columns == dataset.info.columns


def test_balanced_batches_have_a_rare_value_more_often_and_as_many_steps(tmp_path):
    random = np.random.default_rng(0)
    lines = [f"{random.normal():.4f},{int(row % 10 == 0)}" for row in range(400)]
    (tmp_path / "rare.csv").write_text("\n".join(["weight,sick", *lines]) + "\n")
    plain, balanced = (load(tmp_path / "rare.csv", balanced_batches=given) for given in (False, True))
    assert balanced.steps_per_epoch == plain.steps_per_epoch
    assert len(rows_of(balanced, 2)) == len(rows_of(plain, 2))

    def share(dataset):
        return np.mean([y for _, y in dataset.train_from(0).take(10 * dataset.steps_per_epoch)])

    assert share(plain) == pytest.approx(0.1, abs=0.02)
    # A sick row is drawn four times as often, the most that there is, another one 0.56 times.
    assert share(balanced) == pytest.approx(0.4 / (0.4 + 0.9 * 0.56), abs=0.05)
    np.testing.assert_array_equal(rows_of(balanced, 2), rows_of(balanced, 2))
    assert [len(list(dataset.test)) for dataset in (plain, balanced)] == [len(list(plain.test))] * 2


def all_of(dataset):
    """Returns the columns of all rows of the three splits, and their labels."""
    found, y = {}, []
    for split in ("validation", "test"):
        for x, labels in getattr(dataset, split):
            for name, values in dataset.info.to_columns(x).items():
                found.setdefault(name, []).extend(values)
            y.extend(labels.numpy()[:, 0])
    return found, y


def test_numbers_are_normal_scores_categories_one_hot_and_missing_values_nan(path):
    dataset = load(path)
    names = ("weight", "age", "colour=blue", "colour=green", "colour=red")
    assert dataset.info.feature_names == names
    x = np.concatenate([x for x, _ in dataset.train])
    assert np.all(np.abs(np.nanmean(x[:, :2], 0)) < 0.3)  # some rows fill no batch
    assert np.all(np.abs(np.nanstd(x[:, :2], 0) - 1) < 0.3)
    known = x[~np.isnan(x[:, 2]), 2:]
    assert set(np.unique(known)) == {0, 1}
    np.testing.assert_array_equal(known.sum(1), 1)
    assert 0 < np.isnan(x[:, 2]).sum() == np.isnan(x[:, 2:]).all(1).sum()
    assert [feature.kind for feature in dataset.info.features] == ["number", "number", "category"]


def test_what_comes_out_is_in_the_tables_own_columns_and_units(path):
    written = [line.split(",") for line in path.read_text().splitlines()[1:]]
    rows = {row[0].rstrip("0").rstrip("."): row for row in written}
    dataset = load(path)
    found, y = all_of(dataset)
    assert list(found) == ["weight", "age", "colour"]
    assert len(y) == dataset.info.counts["validation"] + dataset.info.counts["test"] > 0
    inside, ages = 0, dataset.info.columns[1].knots
    for weight, age, colour, sick in zip(found["weight"], found["age"], found["colour"], y, strict=True):
        ends = dataset.info.columns[0].knots
        # One beyond the training rows has become their end.
        row = [None] * 4 if weight in (ends[0], ends[-1]) else rows[f"{weight:g}"]
        inside += row[0] is not None
        assert row[1] is None or str(age) == row[1] or age in (ages[0], ages[-1])
        assert colour in ("", "red", "green", "blue")
        assert row[2] is None or colour == ("" if row[2] == "NA" else row[2])
        assert row[3] is None or sick == (row[3] == "yes")
    assert inside > 0.7 * len(y)


def test_info_goes_through_json(path):
    info = load(path).info
    again = Info.from_dict(json.loads(json.dumps(info.to_dict())))
    assert again.columns == info.columns
    x = np.random.default_rng(0).normal(size=(5, 5))
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
            if weight in dataset.info.columns[0].knots:  # it may have been beyond the training rows
                continue
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
    rows = pyarrow.csv.read_csv(path, convert_options=options)
    pyarrow.parquet.write_table(rows, tmp_path / "people.parquet")
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
    dataset = load(path, feature_columns=["age"], types=["age:category"])
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
    with pytest.raises(InputError, match=r"no column to learn from .*: name is set aside: 200 of 200"):
        load(path)
    with pytest.raises(InputError, match=r"column name: it has 200 different texts, and a category at"):
        load(path, types=["name:category"])
    path.write_bytes(b"a,b\n\xff\xfe,1\n")
    with pytest.raises(InputError, match=r"no CSV file in UTF-8"):
        load(path)


def test_a_text_in_an_ordered_category_is_refused_with_the_flag_that_takes_it(tmp_path):
    values = [*[i % 3 + 4 for i in range(59)], "rotary"]
    columns = values, [i / 7 for i in range(60)], [i % 2 for i in range(60)]
    path = write(tmp_path / "t.csv", "v,w,sick", *columns)
    complaint = r"v: expected one of 4, 5, 6. Received: 'rotary'. If .* give --types=v:category"
    with pytest.raises(InputError, match=complaint):
        load(path)
    assert load(path, types=["v:category"]).info.columns[0].categories == ("4", "5", "6", "rotary")


def repeat_rows(path, *pairs, change=str):
    """Appends copies of lines to a table; returns their line numbers."""
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, *(change(lines[line - 1]) for line in pairs)]) + "\n")
    return [len(lines) + 1 + place for place in range(len(pairs))]


def test_repeated_rows_are_told_and_stay_in_one_split(path, capsys):
    load(path)
    assert "repeat" not in capsys.readouterr().out
    repeat_rows(path, 9, 4, 9, 20)
    counts = load(path).info.counts
    assert (
        f"{path}: 4 of 64 rows repeat another row exactly, the first in line 62 that in line 9.\n"
        in capsys.readouterr().out
    )
    assert sum(counts.values()) == 64


def test_a_row_in_two_splits_is_a_mistake(path, capsys):
    header, *lines = path.read_text().splitlines()
    named = [f"{line},{('train', 'Val', 'test', 'train')[row % 4]}" for row, line in enumerate(lines)]
    path.write_text("\n".join([f"{header},split", *named]) + "\n")
    repeat_rows(path, 2, 3)
    load(path)  # each in one split
    assert (
        "2 of 62 rows repeat another row exactly, the first in line 62 that in line 2"
        in capsys.readouterr().out
    )
    repeat_rows(path, 2, 3, change=lambda line: line.rpartition(",")[0] + ",test")
    complaint = (
        r"line 64: this row is in test and repeats line 2, which is in train. Leave one of them out, or"
    )
    with pytest.raises(InputError, match=complaint) as raised:
        load(path)
    assert len(raised.value.problems) == 2
    assert (
        "line 65: this row is in test and repeats line 3, which is in validation" in raised.value.problems[1]
    )
    assert sum(load(path, ignore=["split"]).info.counts.values()) == 64


def test_rows_that_are_equal_as_read_stay_in_one_split(tmp_path, capsys):
    rows = [f"{sign}{i},5;{i % 7};{i % 2}" for sign in ("", "+") for i in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["a;b;sick", *rows]) + "\n")
    assert sum(load(tmp_path / "t.csv").info.counts.values()) == 120
    assert "60 of 120 rows repeat another row exactly" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("row", range(60), "it counts the rows"),
        ("customer", [15_000_000 + 37 * i * i for i in range(60)], "as many digits as numbers of customers"),
        (
            "card",
            [5471343773012379 + 10**14 * i for i in range(60)],
            "as many digits as numbers of customers",
        ),
        ("userId", [(i * 7919) % 10007 for i in range(60)], "its name is that of an identifier"),
        ("name", [f"person {i}" for i in range(60)], "60 of 60 values are different, as in names"),
        ("ticket", [f"{'A/' * (i % 3 == 0)}{1000 + i}" for i in range(60)], "60 of 60 values are different"),
        ("none", [""] * 60, "it has no values"),
    ],
)
def test_columns_that_name_the_rows_are_set_aside(path, capsys, name, values, why):
    header, *lines = path.read_text().splitlines()
    pairs = zip(values, lines, strict=True)
    path.write_text("\n".join([f"{name},{header}", *(f"{value},{line}" for value, line in pairs)]) + "\n")
    info = load(path).info
    assert [column.name for column in info.columns] == ["weight", "age", "colour"]
    assert why in info.aside[name]
    assert f"{name} is set aside: " in capsys.readouterr().out
    assert load(path, types=[f"{name}:aside"]).info.aside == {name: "as --types says"}
    if name in ("row", "userId"):
        assert load(path, types=[f"{name}:number"]).info.columns[0].name == name


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([i % 3 + 1 for i in range(60)], "ordered category of 3 (1, 2, 3)"),
        ([i % 2 for i in range(60)], "ordered category of 2 (0, 1)"),
        (["ABC"[i % 3] if i != 30 else "Z" for i in range(60)], "category of 4 (A, B, C, Z)"),  # a rare one
        ([1_700_000_000 + i * i for i in range(60)], "whole number, "),
        ([50_000 + 1_000 * (i % 40) for i in range(60)], "whole number, "),
        ([max(0, i - 40) ** 2 for i in range(60)], "whole number, 0 to 361, often 0"),
        ([f"2024-01-{i % 28 + 1:02d}" for i in range(60)], "date, 2024-01-01 to 2024-01-28"),
        ([f"{i % 28 + 1:02d}.03.2024" for i in range(60)], "date, 01.03.2024 to 28.03.2024"),
    ],
)
def test_types_of_columns(tmp_path, values, words):
    column = load(
        write(tmp_path / "t.csv", "v,w,sick", values, range(60), [i % 2 for i in range(60)])
    ).info.columns[0]
    assert words.split(", 0")[0] in column.described()
    assert (
        Info.from_dict(json.loads(json.dumps(load(tmp_path / "t.csv").info.to_dict()))).columns[0] == column
    )


def test_types_are_overruled_by_a_flag(path):
    info = load(path, types=["age:category", "colour:aside"]).info
    assert info.columns[1].categories
    assert info.aside == {"colour": "as --types says"}
    for types, complaint in (
        (["age"], "--types names columns with a type each, as in age:number"),
        (["age:whole"], "--types names columns with a type each, as in age:number"),
        (["weigth:number"], "Unknown column .* in --types 'weigth'"),
        (["sick:number"], "--types names sick, which is no feature"),
        (["colour:date"], "column colour: expected dates, such as 2024-12-31. Received: 'red'"),
        (["colour:number"], "column colour: expected a number. Received: 'red'"),
    ):
        with pytest.raises(InputError, match=complaint):
            load(path, types=types)


def test_a_file_without_a_header(path):
    expected = load(path).info
    path.write_text(path.read_text().partition("\n")[2])
    with pytest.raises(InputError, match=r"line 1: expected the names of the columns"):
        load(path)
    info = load(path, header="no", label_columns=["column_4"]).info
    assert [column.name for column in info.columns] == ["column_1", "column_2", "column_3"]
    assert sum(info.counts.values()) == sum(expected.counts.values()) == 60


def test_names_and_values_may_have_commas_in_a_file_with_semicolons(path):
    text = path.read_text().replace(",", ";").replace("weight", "weight, kg").replace("red", "red, dark")
    path.write_text(text)
    info = load(path).info
    assert [column.name for column in info.columns] == ["weight, kg", "age", "colour"]
    assert "red, dark" in info.columns[2].categories
    path.write_text(text.replace("sick", "sick, ill"))
    with pytest.raises(InputError, match=r"--label_columns names 'sick', and .* has the column 'sick, ill'"):
        load(path)


def write(path, header, *columns):
    rows = [",".join(map(str, row)) for row in zip(*columns, strict=True)]
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def with_column(path, *values, name="v"):
    """Writes a table of a column and a label; the last row is a test row, those before train."""
    splits = ["train"] * (len(values) - 2) + ["validation", "test"]
    return write(path, f"{name},sick,split", values, [i % 2 for i in range(len(values))], splits)


@pytest.mark.parametrize(
    "values",
    [
        [5_300_000 + 0.25 * i for i in range(400)],
        [1_700_000_000 + 3 * i for i in range(60)],
        [1e20 * (1 + i % 30) for i in range(60)],
        [1e39 * (1 + i % 30) for i in range(60)],
        [1e-30 * (1 + i % 30) for i in range(60)],
    ],
)
def test_values_of_any_size_come_back(tmp_path, values):
    middle = (values[0] + values[1]) / 2  # no row of the other splits repeats one of train
    info = load(with_column(tmp_path / "t.csv", *values, middle, middle)).info
    again = Info.from_dict(json.loads(json.dumps(info.to_dict())))
    x = np.float32(info.scaled(np.array(values[:50])[:, None]))
    width = max(values) - min(values)
    # float32 has seven digits of the score, not of the value.
    np.testing.assert_allclose(again.unscale(x)[:, 0], values[:50], rtol=0, atol=1e-5 * width)


def test_a_real_label_keeps_its_digits_too(tmp_path):
    times = [1_700_000_000 + i for i in range(60)]
    path = write(tmp_path / "t.csv", "v,time", [i % 7 for i in range(60)], times)
    dataset = load(path, label_columns=["time"], split=(0.5, 0.25, 0.25))
    (label,) = dataset.info.labels
    found = [label.in_units(y.numpy()) for _, y in dataset.test]
    np.testing.assert_allclose(np.concatenate(found) % 1, 0, atol=1e-5)
    assert np.concatenate(found).astype(int).min() >= 1_700_000_000


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("1e308", "line 12, column v: expected a number of at most 1e\\+100 in size. Received: '1e308'"),
        ("-1e101", "line 12, column v: expected a number of at most 1e\\+100 in size"),
        ("1e400", "line 12, column v: expected a number. Received: '1e400'"),
    ],
)
def test_a_number_that_nothing_can_hold_is_told(tmp_path, value, complaint):
    values = [0.5 + i for i in range(10)]
    path = with_column(tmp_path / "t.csv", *values, value, 5.25)
    with pytest.raises(InputError, match=complaint):
        load(path)
    if value != "1e400":
        with pytest.raises(InputError, match=complaint):
            load(path, label_columns=["v"], label_kinds=["v:real"])


def test_damaged_cells_move_nothing(tmp_path):
    random = np.random.default_rng(0)
    values = random.normal(10, 1, 400)
    clean = load(with_column(tmp_path / "t.csv", *values)).info
    values[[50, 70]] = 9.33e14, 8.1e14
    column = load(with_column(tmp_path / "t.csv", *values)).info.columns[0]
    assert column.knots[-1] < 15
    np.testing.assert_allclose(
        column.scaled(np.array([[9.0], [11.0]])),
        clean.columns[0].scaled(np.array([[9.0], [11.0]])),
        atol=0.05,
    )
    assert column.scaled(np.array([[9.33e14]])) == column.scores[-1]


@pytest.mark.parametrize("values", [["0.1"] * 30, ["0.1", "0.10000000000000002"] * 15, ["5000000"] * 30])
def test_a_constant_column_has_scale_1_and_is_told(tmp_path, values, capsys):
    path = with_column(tmp_path / "t.csv", *values)
    header, *lines = path.read_text().splitlines()
    path.write_text("\n".join([f"w,{header}", *(f"{i}.5,{line}" for i, line in enumerate(lines))]) + "\n")
    info = load(path).info
    assert info.constant_columns == ["v"]
    assert "One value in all training rows, so nothing can be learned from it: v." in capsys.readouterr().out
    column = info.columns[1]
    value = float(values[0])
    assert column.described().startswith("constant, ")
    assert outside(column, value, value + 0.1, "") == [False, True, False]
    # What a model makes of the column is noise.
    assert info.to_columns(np.array([[0.0, 0.3]]))["v"] == [pytest.approx(value)]


def outside(column, *values):
    """Returns which values are far outside the range of a column."""
    return column.outside(
        Table("t.csv", {column.name: list(map(str, values))}, list(range(len(values))))
    ).tolist()


def test_far_outside_is_further_than_the_width_of_the_training_range(tmp_path):
    column = load(with_column(tmp_path / "t.csv", *[i % 21 for i in range(60)], 0.5, 1.5)).info.columns[0]
    assert (column.knots[0], column.knots[-1], column.constant) == (0, 20, False)
    assert outside(column, -20.1, -20, 5, 40, 40.1) == [True, False, False, False, True]
    others = [i % 2 for i in range(90)]
    path = write(tmp_path / "t.csv", "v,w,sick", [i % 3 for i in range(90)], np.sqrt(range(90)), others)
    levels = load(path).info.columns[0]
    assert outside(levels, -1, 0, 2, 3, "") == [True, False, False, True, False]


def test_nothing_leaves_the_range_of_the_training_rows_and_whole_numbers_stay_whole(path):
    info = load(path).info
    made = info.to_columns(np.random.default_rng(0).normal(0, 5, (500, 5)))
    weight, age, _ = info.columns
    assert weight.knots[0] - 0.01 <= min(made["weight"]) <= max(made["weight"]) <= weight.knots[-1] + 0.01
    assert age.knots[0] <= min(made["age"]) <= max(made["age"]) <= age.knots[-1]
    assert all(isinstance(each, int) for each in made["age"])


def test_numbers_are_written_with_their_own_digits(tmp_path):
    values = [f"{5_000_000.12 + 0.01 * i:.2f}" for i in range(60)]
    column = load(with_column(tmp_path / "t.csv", *values)).info.columns[0]
    assert column.decode(np.array([[5_000_000.1234]])) == [5_000_000.12]
    column = load(with_column(tmp_path / "t.csv", *[f"{i / 7:.15f}" for i in range(60)])).info.columns[0]
    assert column.decode(np.array([[1.23456789]])) == [1.234568]  # a millionth of the scale
    column = load(with_column(tmp_path / "t.csv", *range(10**5, 10**5 + 60))).info.columns[0]
    assert column.decode(np.array([[100007.4]])) == [100007]


def test_other_notations_become_numbers(tmp_path, capsys):
    random = np.random.default_rng(0)
    numbers = random.normal(size=60).round(2)
    path = tmp_path / "t.csv"

    def write_rows(first):
        rows = [f"{n};{1000 + i:,};{(0, 1)[i % 2]}" for i, n in enumerate(first)]
        path.write_text("\n".join(["a;b;sick", *rows]) + "\n")

    write_rows([f"{n}".replace(".", ",") for n in numbers])
    with pytest.raises(InputError, match=r"column b: '1,000' may be 1 or 1000, and so all numbers"):
        load(path)
    assert load(path, decimal=",").info.columns[1].knots[-1] < 2
    capsys.readouterr()
    dataset = load(path, decimal=".")
    assert dataset.info.feature_names == ("a", "b")
    assert "The column a is read as numbers: decimal comma." in capsys.readouterr().out
    assert set(all_of(dataset)[0]["a"]) <= set(numbers)
    assert dataset.info.columns[1].knots[0] >= 1000
    again = Info.from_dict(json.loads(json.dumps(dataset.info.to_dict())))
    assert again.notations == dataset.info.notations


def test_whole_numbers_as_classes_keep_their_digits(tmp_path):
    codes = [10_000_001 + i % 3 for i in range(60)]
    path = write(tmp_path / "t.csv", "v,code", np.sqrt(range(60)), codes)
    label = load(path, label_columns=["code"], split=(0.5, 0.25, 0.25)).info.labels[0]
    assert label.classes == ("10000001", "10000002", "10000003")


# Data for a run that was trained on others.


def again(path, known, **options):
    config = DataConfig.preset("table", data_path=str(path), label_columns=("sick",), batch_size=8, **options)
    return table.load(config, known)


def test_other_data_are_read_with_a_runs_columns_scaling_and_labels(path, tmp_path):
    known = load(path).info
    rows = [line.split(",") for line in path.read_text().splitlines()]
    shifted = [rows[0], *[[f"{float(row[0]) + 100:.2f}", *row[1:]] for row in rows[1:]]]
    other = tmp_path / "other.csv"
    other.write_text("\n".join(",".join(row[::-1]) for row in shifted[:50]) + "\n")
    dataset = again(other, known)
    for name in ("columns", "labels", "feature_names"):
        assert getattr(dataset.info, name) == getattr(known, name)
    assert sum(dataset.info.counts.values()) == 49
    weights = np.concatenate([x[:, 0] for x, _ in dataset.train])
    np.testing.assert_allclose(weights, known.columns[0].scores[-1], rtol=1e-6)  # the end of the range


def test_columns_and_values_that_a_run_does_not_know_are_refused(path, tmp_path):
    known, text, other = load(path).info, path.read_text(), tmp_path / "other.csv"
    for old, new, complaint in (
        ("weight,age", "mass,age", "it lacks the columns weight and it has the columns mass, which"),
        ("sick", "ill", "it lacks the columns sick and it has the columns ill"),
        ("age,colour", "age,shade", "lacks the columns colour and it has the columns shade"),
        ("red", "violet", "column colour: expected one of blue, green, red. Received: 'violet'"),
        ("yes", "perhaps", "column sick: expected 0 or 1. Received: 'perhaps'"),
    ):
        other.write_text(text.replace(old, new))
        with pytest.raises(InputError, match=complaint):
            again(other, known)
    # A column that the options of the run left out does not matter.
    chosen = load(path, feature_columns=["weight"]).info
    assert again(path, chosen, feature_columns=("weight",)).info.feature_names == ("weight",)
    with pytest.raises(InputError, match="has the columns age, colour, which those data had not"):
        again(path, chosen)


def test_other_data_are_read_in_a_runs_notation(tmp_path):
    values = [f"{1000 + i},5" for i in range(60)]
    path = tmp_path / "t.csv"
    path.write_text("v;sick\n" + "\n".join(f"{v};{i % 2}" for i, v in enumerate(values)) + "\n")
    known = load(path).info
    path.write_text("v;sick\n" + "\n".join(f"1{i:03d},250;{i % 2}" for i in range(60)) + "\n")
    assert again(path, known).info.columns == known.columns  # not asked whether it is a thousand
