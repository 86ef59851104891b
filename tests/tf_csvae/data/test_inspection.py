import numpy as np

from tf_csvae.configs import DataConfig
from tf_csvae.data import Info, inspection
from tf_csvae.evaluation import associations
from tf_csvae.labels import Label

LABELS = (
    Label("age", kind="real"),
    Label("group", kind="categorical", classes=("a", "b", "c")),
    Label("sick"),
    Label("same"),
)


def test_rare_and_correlated_labels_are_told():
    random = np.random.default_rng(0)
    age, group = random.normal(size=200), random.integers(3, size=200)
    sick = (group == 1).astype(float)
    y = np.stack([age, group, sick, np.ones(200)], 1)
    y[:3, 1] = np.nan
    rare = np.array([[np.nan, 0, 1, 1]])
    info = Info("made", (1,), None, LABELS, {})
    together = associations.together(info, np.zeros((200, 0)), y)
    told = list(inspection.warnings(LABELS, {"train": y, "validation": y, "test": rare}, together))
    assert told == [
        "same has the value 0 in 0 train examples: too few to learn it from.",
        "same has the value 0 in 0 validation examples: nothing can be measured about it.",
        "age has a known value in 0 test examples: nothing can be measured about it.",
        "group has the value b in 0 test examples: nothing can be measured about it.",
        "sick has the value 0 in 0 test examples: nothing can be measured about it.",
        "same has the value 0 in 0 test examples: nothing can be measured about it.",
        "group and sick have a correlation of 1.00, so a model cannot tell them apart. Leave one out.",
    ]


def test_it_says_what_each_column_was_taken_for(tmp_path, capsys):
    rows = [
        f"{i / 4:.2f}".replace(".", ",") + f";{i};{'rgb'[i % 3]};0.1;{i % 5}%;{i % 2};{'ab'[i % 2]}"
        for i in range(120)
    ]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["weight;n;colour;always;share;sick;kind", *rows]) + "\n")
    config = DataConfig.preset("table", data_path=str(path), label_columns=("sick", "kind"))
    inspection.inspect(config, (), str(tmp_path))
    told = capsys.readouterr().out.splitlines()
    start = told.index("What the columns were taken for:")
    assert [line.split(maxsplit=1) for line in told[start + 1 : start + 8]] == [
        ["weight", "number, 0 to 29.5 (decimal comma)"],
        ["colour", "category of 3 (b, g, r)"],
        ["always", "constant, 0.1"],
        ["share", "ordered category of 5 (0, 1, 2, 3, 4) (unit %)"],
        ["sick", "label, binary"],
        ["kind", "label, categorical (a, b)"],
        ["n", "set aside: it counts the rows"],
    ]
    page = (tmp_path / "inspection.html").read_text()
    assert "ordered category of 5 (0, 1, 2, 3, 4) (unit %)" in page
    assert "sick (binary)" in page


def test_mistakes_of_one_kind_are_told_by_three_examples():
    many = [f"t.csv, line {i}, column age: expected a number. Received: 'it\\'s {i}'." for i in range(2, 40)]
    other = ["t.csv, line 5, column sick: expected 0 or 1. Received: '2'."]
    told = list(inspection.grouped([*other, *many]))
    assert told == [*many[:2], f"{many[2]} (35 more like this)", *other]
    assert list(inspection.grouped(many[:3])) == many[:3]
