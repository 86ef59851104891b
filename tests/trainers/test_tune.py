import json
import os

import optuna
import pytest

from tests import processes
from tf_csvae import data, files, runs
from tf_csvae.configs import DataConfig
from tf_csvae.errors import InputError
from tf_csvae.settings import settings
from tf_csvae.studies import tuning

SMALL = {"dataset": "swiss_roll", "judge": "none", "guide": "none", "seed": 0}
OBJECTIVES = ("leak", "reconstruction")


@pytest.fixture(scope="module")
def info():
    return data.load(DataConfig(dataset="swiss_roll")).info


@pytest.fixture
def trainings(monkeypatch, info):
    """Replaces trainings: z tells more, and reconstructions are better, where beta4 is small.

    The number of a training that is to fail: {number: what it raises}, as a dict to fill.
    """
    failing, done = {}, []

    def fit(system, callbacks=(), run_dir="", **options):
        done.append(run_dir)
        run = runs.Run(run_dir)
        files.write_text(run.file(runs.FLAGFILE), settings(system, **options).flagfile())
        run.write_info(info)
        if len(done) in failing:
            raise failing[len(done)]
        weight = options["beta4"]
        (label,) = info.labels
        leak = {label.name: {"auc": 0.5 + 0.4 / (1 + weight), "balanced_accuracy": 0.5}}
        numbers = {"probe": {"z": leak}, "reconstruction": {"mse": 0.01 * weight}, "seconds_training": 1.0}
        files.write_json(run.file(runs.METRICS), numbers)
        for callback in callbacks:
            callback.on_epoch_end(0, {"val_mmd": 0.1})

    monkeypatch.setattr(tuning, "fit", fit)
    return failing, done


def study(out):
    return optuna.load_study(study_name="csvae", storage=f"sqlite:///{out}/study.db")


def tune(out, trials, search=("beta4=1:100",), objectives=OBJECTIVES):
    return tuning.tune(trials, str(out), objectives, search, **SMALL)


def test_a_search_ends_with_a_page_and_the_flags_of_a_trial_of_the_pareto_front(tmp_path, trainings):
    table = tune(tmp_path, 4)
    assert len(table.rows) == 1 + 4
    (best,) = [row for row in table.rows if row[-1] == "best"]
    assert best[0] in {trial.user_attrs["run"] for trial in study(tmp_path).best_trials}
    flags = (tmp_path / tuning.BEST).read_text()
    assert flags == (tmp_path / best[0] / runs.FLAGFILE).read_text()
    page = (tmp_path / "report.html").read_text()
    assert "The trials and the Pareto front." in page
    assert "How much each option matters for leak." not in page or "<img" in page


def test_more_trials_continue_a_search_and_a_finished_one_trains_nothing(tmp_path, trainings):
    _, done = trainings
    tune(tmp_path, 2)
    tune(tmp_path, 2)
    assert len(done) == 2
    tune(tmp_path, 3)
    assert len(done) == 3
    values = [trial.params["beta4"] for trial in study(tmp_path).get_trials()]
    assert len(set(values)) == 3  # a sampler that began anew would propose the first again


def test_an_interrupted_trial_goes_on_in_its_own_run(tmp_path, trainings):
    failing, done = trainings
    failing[2] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        tune(tmp_path, 3)
    table = tune(tmp_path, 3)
    assert [os.path.basename(path) for path in done[:3]] == ["trial_0000", "trial_0001", "trial_0001"]
    assert [row[0] for row in table.rows[1:3]] == ["trial_0000", "trial_0001"]
    assert len(table.rows) == 1 + 3


def test_a_trial_that_fails_is_left_out_and_the_search_goes_on(tmp_path, trainings):
    failing, _ = trainings
    failing[2] = InputError("The loss is not finite.")
    table = tune(tmp_path, 3)
    assert [row[-1] for row in table.rows[1:]].count("The loss is not finite.") == 1
    assert len(study(tmp_path).best_trials) >= 1


def test_a_mistake_in_the_options_ends_the_search_at_its_first_trial(tmp_path, trainings):
    failing, done = trainings
    failing[1] = InputError("There is no such file.")
    with pytest.raises(InputError, match="no such file"):
        tune(tmp_path, 3)
    assert len(done) == 1


def test_of_one_objective_hopeless_trials_end_early(tmp_path, trainings, monkeypatch):
    monkeypatch.setattr(optuna.Trial, "should_prune", lambda trial: trial.number == 1)
    table = tune(tmp_path, 3, objectives=("leak",))
    assert [row[-1] for row in table.rows[1:]].count("hopeless") == 1


@pytest.mark.parametrize(
    ("search", "message"),
    [
        (["beta5x=1:2"], "beta5"),  # the nearest name
        (["beta4=8:1"], "range of beta4 is empty"),
        (["beta4"], "NAME=LOW:HIGH"),
        (["filters=8|16"], "NAME=LOW:HIGH"),
        (["seed=1:8"], "--seed is searched, and given as 0"),
        (["beta4=a:b"], "beta4"),
    ],
)
def test_ranges_that_say_nothing_are_refused(tmp_path, search, message):
    with pytest.raises(InputError, match=message):
        tune(tmp_path, 2, search)
    assert not os.path.exists(tmp_path / tuning.STORAGE)


def test_another_objective_needs_another_folder(tmp_path, trainings):
    tune(tmp_path, 1)
    with pytest.raises(InputError, match="is a study of leak, reconstruction"):
        tune(tmp_path, 2, objectives=("leak",))


def test_ranges_have_the_type_and_the_scale_of_the_option():
    found = tuning.search_space(["beta4=1:8", "z_dim=8|16", "w_dim=1:4"], settings("csvae", **SMALL))
    assert found["beta4"] == optuna.distributions.FloatDistribution(1, 8, log=True)
    assert found["z_dim"].choices == (8, 16)
    assert found["w_dim"] == optuna.distributions.IntDistribution(1, 4, log=True)
    around = tuning.search_space([], settings("csvae", dataset="table"))
    assert around["mmd_weight"].low == pytest.approx(settings("csvae", dataset="table").model.mmd_weight / 4)


def test_the_command_trains_and_says_how_to_use_the_best(tmp_path):
    small = ("--epochs=1", "--hidden=8,8", "--jit_compile=false", "--guide=none", "--judge=none")
    out = tmp_path / "search"
    arguments = (f"--out={out}", "--trials=1", "--objectives=leak,reconstruction", "--dataset=swiss_roll")
    done = processes.run("trainers.tune", *arguments, *small)
    assert done.returncode == 0, done.stderr
    assert f"--flagfile={out}/best.flags" in done.stdout
    assert json.loads((out / "trial_0000" / "metrics.json").read_text())["probe"]
    refused = processes.run("trainers.tune", *arguments, "--run_dir=x")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "--run_dir is of one training" in refused.stderr
