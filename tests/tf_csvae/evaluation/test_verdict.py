import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from tf_csvae import fit
from tf_csvae.evaluation.verdict import REASONS, verdict
from tf_csvae.labels import Label
from tf_csvae.settings import settings

LABEL, OTHER = Label("tall", 0.5), Label("heavy", 0.5)
STEERED = {
    "run": {"counts": {"train": 1000}, "guide": "abc"},
    "judge": {"sha256": "def", "samples": 500},
    "by_value": {
        "tall": {
            "0": {"real": 0.95, "reconstruction": 0.94, "generation": 0.9, "transfer": 0.9, "examples": 50},
            "1": {"real": 0.9, "reconstruction": 0.9, "generation": 0.95, "transfer": 0.8, "examples": 50},
        },
        "heavy": {value: {"real": 0.9, "examples": 50} for value in "01"},
    },
    "kept": {"tall": {"heavy": 0.95}},
    "probe": {"z": {"tall": {"auc": 0.55}}, "w": {"tall": {"auc": 1.0}}},
    "subspace_kl": {"tall": 2.0},
    "training": {"improving": 0},
}


def changed(place, value):
    """The numbers of a steered label with one of them changed."""

    def copy(tree, names):
        if not names:
            return value
        return {**tree, names[0]: copy(tree.get(names[0], {}), names[1:])}

    return copy(STEERED, place.split("/"))


def judged(numbers, label=LABEL, **options):
    found = verdict(numbers, (label, OTHER), settings("csvae", dataset="table", **options))[label.name]
    assert set(found["reasons"]) <= set(REASONS)
    return found


def test_a_label_that_meets_all_criteria_is_steered():
    assert judged(STEERED) == {"status": "steered", "reasons": [], "next": []}


@pytest.mark.parametrize(
    ("place", "value", "status", "reason"),
    [
        ("by_value/tall/0/transfer", 0.7, "partly", "exchange_too_weak"),  # one direction is enough
        ("by_value/tall/1/generation", 0.4, "not", "exchange_too_weak"),
        ("probe/z/tall/auc", 0.65, "partly", "label_in_z"),
        ("kept/tall/heavy", 0.8, "partly", "others_change"),
        ("by_value/tall/1/real", 0.3, "unknown", "judge_cannot_see"),
        ("by_value/tall/1/examples", 3, "unknown", "few_test_examples"),
    ],
)
def test_each_criterion_is_told(place, value, status, reason):
    found = judged(changed(place, value))
    assert (found["status"], found["reasons"]) == (status, [reason])


def test_others_are_kept_as_often_as_the_judge_agrees_with_itself():
    numbers = changed("kept/tall/heavy", 0.8)
    numbers["by_value"]["heavy"] = {value: {"real": 0.85, "examples": 50} for value in "01"}
    assert judged(numbers)["status"] == "steered"  # 0.85 * 0.85 + 0.15 * 0.15 = 0.745
    numbers["kept"]["tall"]["heavy"] = 0.74
    assert judged(numbers)["reasons"] == ["others_change"]


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        ("by_value/tall/1/reconstruction", 0.5, "lost_in_reconstruction"),
        ("probe/w/tall/auc", 0.5, "subspace_unused"),
        ("training/improving", 1, "training_too_short"),
        ("goes_with/tall", {"heavy": 0.9}, "goes_with"),
        ("run", {"counts": {"train": 30}, "guide": "abc"}, "few_training_examples"),
        ("run", {"counts": {"train": 1000}}, "no_guide"),
    ],
)
def test_a_cause_is_told_only_of_a_label_that_is_not_steered(place, value, reason):
    fine = changed(place, value)
    assert judged(fine)["status"] == "steered"
    weak = {**fine, "kept": {"tall": {"heavy": 0.5}}}
    assert judged(weak)["reasons"] in ([reason, "others_change"], ["others_change", reason])


def test_shares_are_of_what_the_judge_sees_in_real_examples_with_the_same_other_labels():
    # Half of what it sees in all real examples; all of what it sees in those like the results.
    weak = changed("by_value/tall/1/transfer", 0.45)
    assert judged(weak)["status"] == "partly"
    weak["by_value"]["tall"]["1"] = {**weak["by_value"]["tall"]["1"], "transfer_real": 0.5}
    assert judged(weak)["status"] == "steered"


def test_few_test_examples_allow_a_larger_auc():
    few = changed("by_value/tall/0/examples", 10)
    few["by_value"]["tall"]["1"] = {**few["by_value"]["tall"]["1"], "examples": 10}
    # The standard deviation of the AUC of ten against ten examples is sqrt(21 / 1200) = 0.13.
    assert judged({**few, "probe": {"z": {"tall": {"auc": 0.75}}}})["status"] == "steered"
    assert judged({**few, "probe": {"z": {"tall": {"auc": 0.78}}}})["reasons"] == ["label_in_z"]


def test_without_a_judge_nothing_is_claimed():
    without = {name: value for name, value in STEERED.items() if name not in ("judge", "by_value")}
    assert judged(without) == {"status": "unknown", "reasons": ["no_judge"], "next": ["--judge=auto"]}


def test_next_are_flags_relative_to_the_settings():
    found = judged(changed("training/improving", 1) | {"kept": {"tall": {"heavy": 0.5}}}, steps=700)
    assert "--steps=1400" in found["next"]


def test_next_names_no_flag_that_the_run_already_has():
    unused = changed("probe/w", {"tall": {"auc": 0.5}}) | {"kept": {"tall": {"heavy": 0.5}}}
    found = judged(unused, w_prior="fixed", w_separation=3.0, w_posterior="free")
    assert "subspace_unused" in found["reasons"]
    assert "--w_posterior=residual" in found["next"]
    found = judged(unused, w_prior="fixed", w_separation=3.0, w_posterior="residual", beta2=1.0)
    assert "subspace_unused" in found["reasons"]
    assert not [flag for flag in found["next"] if "w_" in flag or "beta2" in flag]


def test_the_criteria_of_real_labels_are_those_of_r2():
    label = dataclasses.replace(LABEL, kind="real")
    numbers = {
        **STEERED,
        "generation": {"tall": {"r2": 0.75, "real_r2": 0.8, "reconstruction_r2": 0.8}},
        "transfer": {"tall": {"r2": 0.7}},
        "probe": {"z": {"tall": {"r2": 0.05}}},
    }
    assert judged(numbers, label)["status"] == "steered"
    numbers["transfer"] = {"tall": {"r2": 0.3}}
    assert judged(numbers, label)["status"] == "not"


# Made data, trained for real.

SMALL = {
    "hidden": (32,),
    "guide_steps": 300,
    "judge_steps": 300,
    "steps": 1_000,
    "jit_compile": "false",
    "tensorboard": False,
    "samples": 200,
    "pictured_labels": ("seen",),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder, and the options of a table in it: not all of its labels can be steered."""
    folder, rows = tmp_path_factory.mktemp("made"), 1_000
    random = np.random.default_rng(0)
    seen, noise, pair = random.integers(0, 2, (3, rows))
    rare = (np.arange(rows) % 125 == 0).astype(int)  # 8 in 1,000
    features = random.normal(size=(rows, 4))
    features[:, 0] += 3 * seen
    features[:, 1] += 3 * pair
    features[:, 2] += 3 * rare
    lines = ["a,b,c,d,seen,noise,pair,twin,rare"]
    for row in zip(*features.T, seen, noise, pair, pair, rare, strict=True):
        lines.append(",".join(f"{value:.3f}" if isinstance(value, float) else str(value) for value in row))
    path = folder / "made.csv"
    path.write_text("\n".join(lines) + "\n")
    return folder, {"dataset": "table", "data_path": str(path)}


def test_made_labels_get_the_verdict_that_they_deserve(made):
    folder, options = made
    names = ("seen", "noise", "pair", "twin", "rare")
    # With 100 samples of a value, as of SMALL, a share has a standard error of 0.03.
    own = {**SMALL, "samples": 1_000}
    result = fit("csvae", **options, **own, label_columns=names, run_dir=str(folder / "all"))
    found = result.metrics["verdict"]
    assert found["seen"]["status"] == "steered"
    assert found["noise"] == {"status": "unknown", "reasons": ["judge_cannot_see"], "next": []}
    for name, other in (("pair", "twin"), ("twin", "pair")):
        assert found[name]["status"] != "steered"
        assert "goes_with" in found[name]["reasons"]
        assert list(result.metrics["goes_with"][name]) == [other]
    assert found["rare"]["status"] == "unknown"
    assert {"few_test_examples", "few_training_examples"} <= set(found["rare"]["reasons"])


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        # The same prior for both values, and no way to differ from it.
        (
            {"w_separation": 0.0, "beta2": 1e5, "consistency_weight": 0.0, "exchange_target": 0.0},
            "subspace_unused",
        ),
        ({"steps": 50, "schedule": "cosine"}, "training_too_short"),  # 5 % of the steps
    ],
)
def test_a_training_that_fails_says_why(made, options, reason):
    folder, data = made  # the second training copies the guide and the judge of the first
    options = {**data, **SMALL, "label_columns": ("seen", "pair"), **options}
    found = fit("csvae", **options, run_dir=str(folder / reason)).metrics["verdict"]["seen"]
    assert found["status"] in ("not", "partly")
    assert reason in found["reasons"]


def test_a_label_of_two_pixels_is_not_claimed(tmp_path):
    random = np.random.default_rng(0)
    for number in range(300):
        label = number % 2
        image = np.full((8, 8, 3), random.integers(60, 200), np.uint8)
        image[1:5, 1:5] = random.integers(0, 255, 3)
        if label:
            image[6, 6:8] = 255 - image[6, 6:8]
        folder = tmp_path / "images" / ("dot" if label else "plain")
        folder.mkdir(parents=True, exist_ok=True)
        tf.io.write_file(str(folder / f"{number}.png"), tf.io.encode_png(image))
    small = {name: value for name, value in SMALL.items() if name != "pictured_labels"}
    options = {**small, "steps": 60, "filters": (8, 16), "image_size": 8, "augment": ()}
    run = str(tmp_path / "run")
    found = fit("csvae", dataset="folder", data_dir=str(tmp_path / "images"), run_dir=run, **options)
    assert found.metrics["verdict"]["class"]["status"] != "steered"


def test_other_labels_that_the_judge_cannot_see_do_not_count():
    numbers = changed("kept/tall/heavy", 0.5)
    blind = {value: {"real": 0.6, "examples": 50} for value in "01"}
    numbers["by_value"] = {**numbers["by_value"], "heavy": blind}
    assert judged(numbers)["status"] == "steered"
