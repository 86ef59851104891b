"""What edits typically change, beside real rows."""

import numpy as np
import pandas as pd
import pytest

from tf_csvae import frames
from tf_csvae.evaluation import report
from tf_csvae.evaluation.effects import disagreements, effects


@pytest.fixture(scope="module")
def rows():
    """Tall people weigh more and are more often called Kim; their age is that of all."""
    random, n = np.random.default_rng(0), 400
    tall = random.random(n) < 0.5
    frame = pd.DataFrame(
        {
            "weight": random.normal(60 + 20 * tall, 10),
            "age": random.integers(20, 60, n),
            "name": np.where(random.random(n) < 0.2 + 0.5 * tall, "Kim", "Bo"),
            "tall": np.where(tall, "yes", "no"),
        }
    )
    data = frames.load(frame, ["tall"], split=(0.5, 0.25, 0.25))
    parts = [(x.numpy(), y.numpy()) for x, y in data.train_from(0).take(data.steps_per_epoch)]
    x, y = (np.concatenate(each) for each in zip(*parts, strict=True))
    return data.info, x, y


class Moving:
    """In place of a model: it moves the first feature of rows by a number."""

    def __init__(self, by):
        self.by = by

    def transfer(self, x, y, target):
        return x + self.by * (target - y) * np.eye(x.shape[1], dtype=np.float32)[:1]


def test_edits_are_compared_with_real_rows_in_the_units_of_the_table(rows):
    info, x, y = rows
    found = effects(Moving(0.5), info, x, y)["tall"]["1"]
    weight = info.unscale(x)[:, 0]
    assert found["weight"]["without"] == pytest.approx(weight[y[:, 0] == 0].mean(), rel=1e-4)
    assert found["weight"]["with"] == pytest.approx(weight[y[:, 0] == 1].mean(), rel=1e-4)
    assert found["weight"]["without"] < found["weight"]["edited"]
    assert found["name=Kim"]["edited"] == pytest.approx(found["name=Kim"]["without"])
    assert "age" not in found
    assert not list(disagreements({"tall": {"1": found}}))
    (table,) = report.effect_tables({"effects": {"tall": {"1": found}}})
    assert "an edit to tall=1 changes" in table.caption
    assert table.rows[1][0] == "weight"


def test_an_edit_against_the_data_is_told(rows):
    info, x, y = rows
    found = effects(Moving(-0.5), info, x, y)
    (sentence,) = disagreements(found)
    assert sentence.startswith("tall=1: edits move the mean of weight from ")
    assert sentence in report.advice({"verdict": {}, "effects": found})


def test_a_value_that_few_rows_have_and_missing_features_say_nothing_wrong(rows):
    info, x, y = rows
    few = y.copy()
    few[5:] = 0
    assert effects(Moving(0.5), info, x, few) == {}
    gaps = x.copy()
    gaps[::2, 0] = np.nan
    assert np.isfinite(effects(Moving(0.5), info, gaps, y)["tall"]["1"]["weight"]["edited"])
