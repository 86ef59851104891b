"""Names that come from data never become paths, and say nothing to what shows them."""

import os
import re
import types

import numpy as np
import pytest

from export import card
from tests.tf_csvae.test_files import HOSTILE
from tf_csvae import runs
from tf_csvae.data import Info
from tf_csvae.evaluation import Codes, Evaluation, pictures, write_results
from tf_csvae.evaluation.evaluate import what_ran
from tf_csvae.labels import Label
from tf_csvae.settings import header

HTML = '<script>alert("x")</script>'
NAMES = (*HOSTILE, "Smiling", "Sick", "sick", HTML, "[a](http://b) | **c**\n# d", "$x^$")
CLASSES = ("x/../../../../NAME", HTML, "", "a\0b")
LABELS = (*map(Label, NAMES), Label("../kind", kind="categorical", classes=CLASSES))
COUNTS = {"train": 1000, "validation": 4, "test": 4}


class Model:
    label_widths, labels, reads_labels = (), LABELS, False


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The folder in which a run is, and the run, with figures and page."""
    folder, k = tmp_path_factory.mktemp("names"), len(LABELS)
    info = Info(HTML, (2,), None, LABELS, COUNTS, feature_names=("../a", "$x^$"))
    random = np.random.default_rng(0)
    y, x = np.float32(random.random((4, k)) < 0.5), np.float32(random.normal(size=(4, 2)))
    w, subspaces = np.zeros((4, k)), {label.name: x for label in LABELS}
    codes = Codes(x, w, x, w, y, subspaces, nats={})
    result = Evaluation({"divergence": {"z": {}, "w": {}}}, codes, x, y, x, x)
    model = Model()
    model.label_index = lambda name: [label.name for label in LABELS].index(name)
    drawn = pictures(model, result, info, {"epoch": [0], "lo$s": [1.0]}, [label.name for label in LABELS])
    run = runs.Run(str(folder / "deep" / "below" / "here" / "runs" / "run"))
    run.begin(f"{header('csvae')}\n--dataset=````\n")
    run.write_info(info)
    data, trained = types.SimpleNamespace(info=info), {"run": what_ran(model, info, 0)}
    by_label = {label.name: {"accuracy": 0.5} for label in LABELS}
    write_results(run, model, data, trained, {"generation": by_label}, drawn)
    return folder, run


def test_figures_stay_in_the_run_and_do_not_share_names(written):
    folder, run = written
    found = [os.path.join(root, name) for root, _, names in os.walk(folder) for name in names]
    assert all(path.startswith(run.path + os.sep) for path in found)
    figures = [name for name in os.listdir(run.file(runs.FIGURES)) if name.startswith("planes_")]
    assert len({name.casefold() for name in figures}) == len(LABELS)
    assert "planes_Smiling.png" in figures
    assert all(re.fullmatch(r"planes_[\w-]{1,60}\.png", name) for name in figures)
    assert len(run.pictures()) == len(LABELS) + 2
    assert run.info().labels == LABELS


def test_the_page_and_the_card_show_names_as_text(written):
    _, run = written
    with open(run.file(runs.REPORT), encoding="utf-8") as file:
        page = file.read()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    served = types.SimpleNamespace(info=run.info(), labels=LABELS, signatures={"sample": None})
    text = card.card("m", 1, run, served)
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert r"[a]\(http&#58;//b) \| \*\*c\*\* \# d" in text
    assert "(1,000 examples, seed 0)" in text
    assert [line for line in text.splitlines() if line.startswith("#")][:2] == ["# m, version 1", "## Limits"]
    assert text.count("```") == 2
