import dataclasses

import numpy as np
import pytest
from matplotlib.figure import Figure

from tf_csvae.data import Info
from tf_csvae.data.feature_columns import Column
from tf_csvae.evaluation import report
from tf_csvae.labels import Label

RUN = {
    "reconstruction": {"mse": 0.5},
    "probe": {"z": {"a": {"auc": 0.5}, "b": {"auc": 0.7}}},
    "generation": {
        "a": {"accuracy": 0.25, "accuracy_interval": [0.2, 0.3], "real_recall": 0.9},
        "b": {"accuracy": 0.75, "accuracy_interval": [0.7, 0.8], "real_recall": 0.8},
    },
}


def better(**changes):
    return {**RUN, **changes}


def test_a_star_is_the_mean_over_the_labels_that_have_the_number():
    assert report.find(RUN, ("probe", "z", "*", "auc")) == pytest.approx(0.6)
    assert report.find(RUN, ("probe", "w", "*", "auc")) is None
    assert report.find(RUN, ("generation", "a", "accuracy")) == 0.25
    assert report.find(RUN, ("generation", "*", "reconstruction_recall")) is None


def test_a_number_that_a_run_does_not_have_makes_no_row():
    rows = report.headline(RUN, "CSVAE", "swiss_roll").rows
    assert ["reconstruction error (mean square)", "0.5", "23"] in rows
    assert not any("transfer" in row[0] for row in rows)
    assert report.by_label({"probe": {"z": {"a": {"auc": 0.5}}}}, "VAE", "made") is None


def test_the_best_is_marked_in_the_right_direction():
    other = better(reconstruction={"mse": 0.4}, generation={"a": {"accuracy": 0.2}})
    table = report.side_by_side({"one": [RUN], "two": [other]})
    marked = {
        row[0]: title
        for row, best in zip(table.rows[1:], table.best, strict=True)
        for title, is_best in zip(table.rows[0][1:], best, strict=True)
        if is_best
    }
    assert marked["reconstruction error (mean square)"] == "two"
    assert marked["samples in which the judge sees the requested label"] == "one"


def test_runs_of_one_system_are_a_mean_with_its_spread_and_one_run_has_its_interval():
    entry = report.Entry("generation.*.accuracy", "")
    assert report.written(entry, [RUN], "a")[1] == "0.250 [0.20, 0.30]"
    twice = [RUN, better(generation={"a": {"accuracy": 0.35}})]
    assert report.written(entry, twice, "a")[1] == "0.300 ± 0.071"
    assert report.written(entry, [{}], "a") == (None, "–")


def test_labels_side_by_side_with_the_student_reports_figures():
    seen = {"Smiling": {"accuracy": 0.9, "real_recall": 0.95}, "Bald": {"accuracy": 0.5, "real_recall": 0.75}}
    systems = {"VAE": [{"generation": {"Smiling": {"real_recall": 0.95}}}], "CSVAE": [{"generation": seen}]}
    first = report.label_tables(systems, "celeba")[0]
    assert first.rows[0] == ["label", "CSVAE", "in real examples", "report: CondVAE", "report: CSVAE"]
    assert first.rows[1] == ["Smiling", "0.900", "0.950", "0.877", "0.826"]
    assert first.rows[2] == ["Bald", "0.500", "0.750", "–", "–"]
    assert first.rows[3] == ["mean", "0.700", "0.850", "–", "–"]


def test_one_label_has_no_tables_by_label():
    assert report.label_tables({"CSVAE": [{"generation": {"a": {"accuracy": 0.9}}}]}, "made") == []


def test_a_table_is_laid_out_for_a_terminal_and_as_markdown():
    table = report.Table("", [["label", "one"], ["a", "0.5 [0.4, 0.6]"], ["longer", "1"]])
    assert list(table.cells.index) == ["a", "longer"]
    assert report.as_text(table).splitlines() == [
        "label              one",
        "a       0.5 [0.4, 0.6]",
        "longer               1",
    ]
    assert report.as_markdown(table).splitlines() == [
        "| label | one |",
        "| --- | --- |",
        "| a | 0.5 [0.4, 0.6] |",
        "| longer | 1 |",
    ]


def test_the_page_escapes_all_that_it_shows():
    evil = "<script>alert(1)</script>"
    table = report.Table(evil, [["a", evil], [evil, "b"]])
    page = report.render(evil, [table, None], [(evil, png(noise=False))], {evil: evil})
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 8


def png(noise):
    pixels = np.random.default_rng(0).random((200, 200)) if noise else np.zeros((20, 20))
    axes = Figure().subplots()
    axes.imshow(pixels)
    return report.as_png(axes.figure)


def test_the_page_holds_photographs_as_webp():
    picture = png(noise=True)
    page = report.render("title", [], [("noise", picture)], {})
    assert "data:image/webp;base64," in page
    assert len(page) < len(picture)


def test_the_columns_of_a_table_and_what_they_hold():
    line, point = {"knots": (0.0, 1.0), "scores": (-1.0, 1.0)}, {"knots": (0.1,), "scores": (0.0,)}
    columns = (Column("a", **line), Column("b", **point), Column("c", ("x",)))
    counts = {"train": 3, "validation": 1, "test": 1}
    facts = {"a": {"different": 1200, "missing": 3, "outside": 1}}
    info = Info("table", (3,), None, (Label("sick"),), counts, columns=columns, facts=facts)
    first, second, third, label = report.columns(info).rows[1:]
    assert first == ["a", "number, 0 to 1, 3 missing, 1 far outside", "1,200"]
    assert second == ["b", "constant, 0.1", "–"]
    assert third[:2] == ["c", "constant, x"]
    assert label[:2] == ["sick", "label, binary"]
    assert report.columns(dataclasses.replace(info, columns=())) is None
