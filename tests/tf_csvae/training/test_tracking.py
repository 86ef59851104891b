import json
import sys

import pytest

from tests import processes
from tests.conftest import ALONE
from tf_csvae.errors import InputError
from tf_csvae.training.tracking import check_tracker, flattened, tracked

SMALL = ("--hidden=8,8", "--jit_compile=false", *ALONE)


@pytest.mark.parametrize("track", ["mlflow", "mlflow:", "wandb:x", "tensorboard", ":"])
def test_only_trackers_that_exist_are_taken(track):
    with pytest.raises(InputError, match="expected mlflow:URI or wandb"):
        check_tracker(track)


def test_a_tracker_that_is_not_installed_is_told_before_the_training(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"needs wandb: pip install -e '\.\[track\]'"):
        check_tracker("wandb")


def test_the_numbers_of_metrics_json_get_names_of_their_places():
    metrics = {"transfer": {"a b": {"accuracy": 0.5, "interval": [0, 1]}}, "count": 2, "none": float("nan")}
    assert flattened(metrics) == {"transfer/a b/accuracy": 0.5, "count": 2.0}


def test_mlflow_gets_options_history_and_results_and_a_resumed_training_its_own_run(tmp_path):
    mlflow = pytest.importorskip("mlflow")
    uri, run = f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "run"

    def train(epochs, *more):
        flags = (f"--epochs={epochs}", f"--run_dir={run}", f"--track=mlflow:{uri}", *SMALL, *more)
        done = processes.run("trainers.csvae", "--dataset=swiss_roll", *flags, cwd=tmp_path)
        assert done.returncode == 0, done.stderr

    train(1)
    train(2, "--resume")
    client = mlflow.MlflowClient(uri)
    experiment = client.get_experiment_by_name("tf_csvae").experiment_id
    (found,) = client.search_runs([experiment])
    assert (found.info.run_name, found.info.status) == ("run", "FINISHED")
    assert found.data.params["hidden"] == "[8, 8]"
    numbers = json.loads((run / "metrics.json").read_text())
    assert found.data.metrics["reconstruction/mse"] == pytest.approx(numbers["reconstruction"]["mse"])
    assert [each.step for each in client.get_metric_history(found.info.run_id, "val_loss")] == [0, 1]


def test_weights_and_biases_gets_a_run_without_a_network(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    run = tmp_path / "run"
    flags = ("--dataset=swiss_roll", "--epochs=1", f"--run_dir={run}", "--track=wandb", *SMALL)
    done = processes.run("trainers.csvae", *flags, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert list(run.glob("wandb/offline-run-*/*.wandb"))
    assert json.loads((run / "track.json").read_text())["wandb"]


def test_no_tracker_costs_nothing(tmp_path):
    from tf_csvae.runs import Run
    from tf_csvae.settings import settings

    with tracked(settings("csvae"), Run(str(tmp_path))) as tracker:
        assert tracker.callbacks == ()
    assert not list(tmp_path.iterdir())
