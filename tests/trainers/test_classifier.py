"""The classifier's trainer, from its flags to a finished run."""

import json
import re

import numpy as np

from tests import processes
from tests.conftest import ATTRIBUTES
from tf_csvae import load_data, load_model
from tf_csvae.evaluation import report
from tf_csvae.options import preset


def run(*arguments):
    return processes.run("trainers.classifier", *arguments)


def test_a_run_leaves_a_judge_and_its_numbers(celeba_dir, tmp_path):
    there = tmp_path / "run"
    done = run(
        "--dataset=celeba",
        f"--data_dir={celeba_dir}",
        f"--attributes={','.join(ATTRIBUTES)}",
        "--image_size=16",
        "--depth=10",
        "--width=4",
        "--shift=1",
        "--batch_size=8",
        "--epochs=2",
        "--notensorboard",
        f"--run_dir={there}",
    )
    assert done.returncode == 0, done.stderr
    assert "accuracy, mean over the labels" in done.stdout

    numbers = json.loads((there / "metrics.json").read_text())
    assert set(numbers["classification"]) <= set(ATTRIBUTES)
    for scores in numbers["classification"].values():
        assert set(scores) == {"accuracy", "balanced_accuracy", "recall", "auc"}
    for kind in ("accuracy", "balanced_accuracy"):
        each = [scores[kind] for scores in numbers["classification"].values()]
        np.testing.assert_allclose(numbers[f"mean_{kind}"], np.mean(each))
    assert numbers["seconds_training"] > 0
    assert {path.stem for path in (there / "figures").glob("*.png")} == {"accuracy", "training"}
    columns = (there / "history.csv").read_text().splitlines()[0].split(",")
    assert {"loss", "accuracy", "balanced_accuracy", "val_balanced_accuracy"} <= set(columns)

    judge = load_model(str(there / "model.keras"))
    faces = load_data("celeba", data_dir=str(celeba_dir), attributes=ATTRIBUTES, image_size=16)
    x, y = next(iter(faces.test))
    right = (judge.classify(x).numpy() > 0.5) == y.numpy()
    for i, name in enumerate(ATTRIBUTES):
        if name in numbers["classification"]:
            assert numbers["classification"][name]["accuracy"] == right[:, i].mean()


def test_its_own_preset_takes_the_place_of_the_datasets():
    def rate(trainer):
        done = processes.run(f"trainers.{trainer}", "--help", "--dataset=celeba")
        assert done.returncode == 0
        return float(re.search(r"--learning_rate: .*?\(default: '([^']+)'\)", done.stdout, re.DOTALL)[1])

    assert rate("classifier") == float(preset("classifier_celeba")["learning_rate"])
    assert rate("vae") == float(preset("celeba")["learning_rate"])
    assert rate("classifier") != rate("vae")


def test_the_report_shows_it_beside_the_student_reports_table_1():
    scores = {"accuracy": 0.9, "balanced_accuracy": 0.8, "recall": 0.7, "auc": 0.95}
    numbers = {
        "classification": {"Male": scores, "Bald": scores},
        "mean_accuracy": 0.9,
        "mean_balanced_accuracy": 0.8,
    }
    main = report.headline(numbers, "Classifier", "celeba")
    assert main.rows[1:] == [
        ["accuracy, mean over the labels", "0.900", "–"],
        ["balanced accuracy, mean over the labels", "0.800", "–"],
    ]
    table = report.by_label(numbers, "Classifier", "celeba")
    assert table.rows == [
        ["label", "accuracy", "balanced accuracy", "recall", "AUC", "student report"],
        ["Male", "0.900", "0.800", "0.700", "0.950", "0.97"],
        ["Bald", "0.900", "0.800", "0.700", "0.950", "–"],
    ]
