"""Tables in memory: what goes in as a DataFrame comes out as one."""

import numpy as np
import pandas as pd
import pytest

import tf_csvae
from export import check, saved_model
from tf_csvae import InputError, frames

QUICK = {
    "guide": "none", "judge": "none", "hidden": (16, 16), "tensorboard": False, "jit_compile": "false",
    "samples": 10, "epochs": 3, "batch_size": 16,
}  # fmt: skip


@pytest.fixture(scope="module")
def frame():
    """People whose size depends on a label; with an index, types and gaps of all kinds."""
    random, n = np.random.default_rng(0), 120
    sick = random.random(n) < 0.5
    return pd.DataFrame(
        {
            "person": [f"P{i:03d}" for i in range(n)],
            "size": random.normal(size=n) + 2 * sick,
            "age": random.integers(20, 90, n),
            "gain": np.where(random.random(n) < 0.6, 0, random.integers(100, 900, n)),
            "smokes": random.random(n) < 0.3,
            "blood": pd.Categorical(random.choice(["A", "B", "0"], n), ["0", "A", "B"], ordered=True),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 900, n), "D"),
            "weight": np.where(random.random(n) < 0.2, np.nan, random.normal(70, 9, n)),
            "sick": np.where(sick, "yes", "no"),
        },
        index=[f"row{i}" for i in range(n)],
    )


@pytest.fixture(scope="module")
def trained(frame, tmp_path_factory):
    return tf_csvae.fit(
        frame, labels=["sick"], run_dir=str(tmp_path_factory.mktemp("frame") / "run"), **QUICK
    )


def test_a_frame_is_trained_on_by_its_types(trained):
    taken = trained.data.info.taken_for()
    assert taken["person"].startswith("set aside")
    assert taken["smokes"].startswith("category of 2")
    assert taken["since"].startswith("date")
    assert taken["gain"].startswith("whole number, 0 to ")
    assert trained.run.settings().data.dataset == "table"
    assert trained.metrics["run"]["counts"] == trained.data.info.counts


def test_samples_have_the_frames_types_and_no_impossible_value(trained, frame):
    made = trained.sample(200, seed=1, sick="yes")
    assert list(made) == [name for name in frame if name != "person"]
    assert (made.dtypes == frame.dtypes[list(made)]).all()
    assert set(made["sick"]) == {"yes"}
    assert set(made["blood"]) <= set(frame["blood"])
    assert made.notna().all().all()
    for name in ("size", "age", "gain", "weight", "since"):
        assert frame[name].min() <= made[name].min() <= made[name].max() <= frame[name].max()
    assert ((made["gain"] == 0) | (made["gain"] >= 100)).all()
    pd.testing.assert_frame_equal(made, trained.sample(200, seed=1, sick="yes"))
    assert set(trained.sample(50, seed=1)["sick"]) == {"no", "yes"}


def test_a_counterfactual_keeps_columns_types_index_and_rows_that_have_the_value(trained, frame):
    made = trained.counterfactual(frame, sick="yes")
    assert list(made) == list(frame)
    assert (made.dtypes == frame.dtypes).all()
    assert (made.index == frame.index).all()
    already = frame["sick"] == "yes"
    pd.testing.assert_frame_equal(made[already], frame[already])
    assert set(made["sick"]) == {"yes"}
    pd.testing.assert_series_equal(made["person"], frame["person"])
    assert (made["weight"].isna() == frame["weight"].isna()).all()
    changed = made[~already].drop(columns="sick").ne(frame[~already].drop(columns="sick"))
    assert changed["size"].any()
    # The order of the columns and further ones do not matter; a missing one is named.
    other = frame[list(frame)[::-1]].assign(more=1)
    again = trained.counterfactual(other, sick="yes")
    pd.testing.assert_frame_equal(again[list(frame)], made)
    with pytest.raises(InputError, match="lacks the columns age"):
        trained.counterfactual(frame.drop(columns="age"), sick="yes")


def test_missing_features_are_filled_in_on_request_only(trained, frame):
    made = trained.impute(frame)
    lost = frame["weight"].isna()
    assert made["weight"].between(frame["weight"].min(), frame["weight"].max()).all()
    pd.testing.assert_frame_equal(made[~lost], frame[~lost])
    assert (made.dtypes == frame.dtypes).all()


def test_fixed_columns_stay_and_samples_have_those_of_real_rows(frame, tmp_path):
    options = {**QUICK, "epochs": 1, "run_dir": str(tmp_path / "run"), "fixed": ["age", "blood"]}
    result = tf_csvae.fit(frame, labels=["sick"], **options)
    fixed = ["age", "blood"]
    made = result.counterfactual(frame, sick="no")
    pd.testing.assert_frame_equal(made[fixed], frame[fixed])
    pairs = set(frame[["sick", *fixed]].itertuples(index=False, name=None))
    samples = result.sample(50, seed=0)[["sick", *fixed]]
    assert set(samples.itertuples(index=False, name=None)) <= pairs
    served = str(tmp_path / "served")
    saved_model.export(str(tmp_path / "run"), served)
    check.check(f"{served}/run/1")


def test_numbers_in_the_notation_of_the_training_are_read(frame, tmp_path):
    """A frame of texts with decimal commas, as read_csv returns it."""
    comma = frame.assign(size=[f"{each:.3f}".replace(".", ",") for each in frame["size"]])
    options = {**QUICK, "epochs": 1, "run_dir": str(tmp_path / "run")}
    result = tf_csvae.fit(comma, labels=["sick"], **options)
    point = frame.assign(size=frame["size"].round(3))
    pd.testing.assert_frame_equal(result.encode(comma), result.encode(point))


def test_codes_have_the_index_of_the_frame(trained, frame):
    codes = trained.encode(frame)
    assert list(codes) == [*(f"z_{i}" for i in range(1, 9)), "w_sick_1", "w_sick_2"]
    assert (codes.index == frame.index).all()


def test_mistakes_are_told(trained, frame, tmp_path):
    with pytest.raises(InputError, match=r"No label 'ill'\. Labels of this model: sick"):
        trained.sample(2, ill="yes")
    with pytest.raises(InputError, match="sick='perhaps' is no value of the label"):
        trained.sample(2, sick="perhaps")
    with pytest.raises(InputError, match="lacks the label sick, which the model must be told"):
        trained.counterfactual(frame.drop(columns="sick"), sick="yes")
    with pytest.raises(InputError, match="name the columns that are labels"):
        tf_csvae.fit(frame, run_dir=str(tmp_path / "run"))
    with pytest.raises(InputError, match="ignore names 'height'"):
        frames.load(frame, ["sick"], ignore=["height"])
    with pytest.raises(InputError, match="it has no rows"):
        frames.load(frame[:0], ["sick"])
    with pytest.raises(InputError, match="the column 'age' is there twice"):
        frames.load(pd.concat([frame, frame[["age"]]], axis=1), ["sick"])
