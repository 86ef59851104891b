import numpy as np

from tf_csvae.data import inspection
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
    told = list(inspection.warnings(LABELS, {"train": y, "validation": y, "test": rare}))
    assert told == [
        "same has the value 0 in 0 train examples: too few to learn it from.",
        "same has the value 0 in 0 validation examples: nothing can be measured about it.",
        "age has a known value in 0 test examples: nothing can be measured about it.",
        "group has the value b in 0 test examples: nothing can be measured about it.",
        "sick has the value 0 in 0 test examples: nothing can be measured about it.",
        "same has the value 0 in 0 test examples: nothing can be measured about it.",
        "group and sick have a correlation of 1.00, so a model cannot tell them apart. Leave one out.",
    ]
