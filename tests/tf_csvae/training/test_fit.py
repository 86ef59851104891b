"""``tf_csvae.fit``, ``evaluate`` and ``compare`` from Python do what the commands do."""

import json

import keras
import numpy as np
import pytest

import tf_csvae
from tests import processes
from tests.conftest import write_images, write_table
from tf_csvae import InputError, load_data, load_model
from tf_csvae.options import preset
from tf_csvae.runs import Run
from tf_csvae.settings import config_classes, settings

ALONE = {"guide": "none", "judge": "none"}
QUICK = {"hidden": (8, 8), "tensorboard": False, "jit_compile": "false", "samples": 10}
TINY = {**QUICK, **ALONE}


def table(folder):
    """Writes a table; returns the options that name it."""
    write_table(folder)
    path = str(folder / "people.csv")
    return {"dataset": "table", "data_path": path, "label_columns": ("tall",)}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The result of ``fit`` on a Dataset, with its options."""
    folder = tmp_path_factory.mktemp("trained")
    data = load_data("table", **{**table(folder), "batch_size": 16})
    return tf_csvae.fit("csvae", data, callbacks=[rate()], epochs=2, run_dir=str(folder / "run"), **TINY)


def rate():
    """Returns a callback of the user, which adds a column to history.csv."""
    return keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate)


def content(run):
    return json.loads(open(run.file("metrics.json"), encoding="utf-8").read())


def test_fit_gives_what_the_command_gives_and_resumes_after_an_interruption(tmp_path):
    options = {**table(tmp_path), "epochs": 4, "batch_size": 12, "steps_per_execution": 1, "seed": 3}
    options |= {"hidden": (16, 16), "tensorboard": False, "jit_compile": "false"}
    options |= {"deterministic": True, "checkpoint_seconds": 0, **ALONE}
    known = {k: v for kind in config_classes("vae") for k, v in kind.options().items()}
    flags = [known[name].line(value) for name, value in options.items()]
    done = processes.run("trainers.vae", *flags, f"--run_dir={tmp_path}/command")
    assert done.returncode == 0, done.stderr
    module = "tests.tf_csvae.training.fit_process"
    done = processes.run(module, json.dumps(options), tmp_path)
    assert done.returncode == 0, done.stderr
    assert "interrupted by signal 2" in done.stdout
    assert "continuing after epoch 2 and" in done.stdout

    expected = Run(tmp_path / "command")
    for run in (Run(tmp_path / "whole"), Run(tmp_path / "interrupted")):
        assert run.flags() == expected.flags()
        for one, other in zip(weights(run), weights(expected), strict=True):
            np.testing.assert_array_equal(one, other)
        timed = {"seconds_training", "examples_per_second"}
        numbers, of_command = (
            {name: value for name, value in each.metrics().items() if name not in timed}
            for each in (run, expected)
        )
        assert numbers == of_command
        assert {name for name, _, _ in run.pictures()} == {n for n, _, _ in expected.pictures()}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"overwrite": True, "steps_per_execution": 7}, "does not divide"),
        ({"resume": True, "epochs": 3, "aggregate_weight": 0.0}, "logged other terms"),
    ],
)
def test_a_mistake_does_not_cost_the_run_that_is_there(trained, options, message):
    before, flags = content(trained.run), trained.run.flags()
    options = {"epochs": 2, "run_dir": trained.run.path, **TINY, **options}
    with pytest.raises(InputError, match=message):
        tf_csvae.fit("csvae", trained.data, **options)
    assert content(trained.run) == before
    assert trained.run.flags() == flags


def test_a_mistake_is_told_before_a_guide_is_trained(trained, tmp_path):
    options = {**TINY, "guide": "auto", "consistency_weight": 1.0, "steps_per_execution": 7}
    with pytest.raises(InputError, match="does not divide"):
        tf_csvae.fit("csvae", trained.data, epochs=1, run_dir=str(tmp_path / "run"), **options)
    assert not (tmp_path / "run").exists()


def weights(run):
    """Returns the weights of the model of a run and the variables of its optimizers."""
    model = load_model(run.file("model.keras"))
    optimizers = [model.optimizer, *model.player_optimizers.values()]
    slots = [variable.numpy() for each in optimizers for variable in each.variables]
    return [*model.get_weights(), *slots]


def test_a_dataset_is_trained_on_and_recorded(trained):
    run = trained.run
    assert trained.data.info.counts["train"] + trained.data.info.counts["test"] < 120
    assert trained.metrics == content(run)
    assert trained.metrics["run"]["dataset"] == "table"
    assert trained.metrics["run"]["counts"] == trained.data.info.counts
    recorded = run.settings()
    assert (recorded.data.dataset, recorded.data.batch_size) == ("table", 16)
    assert recorded.model.w_posterior == "residual"  # as in the preset for tables
    x, y = next(iter(trained.data.test))
    saved = load_model(run.file("model.keras"))
    np.testing.assert_allclose(saved.reconstruct(x, y), trained.model.reconstruct(x, y), atol=1e-6)
    assert run.file("metrics.json") in trained.summary()


@pytest.mark.parametrize("option", [{"image_size": 8}, {"dataset": "table"}, {"batch_size": 8}])
def test_options_of_data_beside_data_are_refused(trained, tmp_path, option):
    with pytest.raises(InputError, match=f"cannot change data that are given.*{next(iter(option))}"):
        tf_csvae.fit("csvae", trained.data, run_dir=str(tmp_path / "run"), **option)
    assert not (tmp_path / "run").exists()


def test_a_finished_run_is_refused_and_trained_on_with_resume(trained):
    options = {**TINY, "run_dir": trained.run.path}
    with pytest.raises(InputError, match="holds this run, finished"):
        tf_csvae.fit("csvae", trained.data, epochs=2, **options)
    with pytest.raises(InputError, match="--epochs: 2 there, 3 here"):
        tf_csvae.fit("csvae", trained.data, epochs=3, **options)
    more = tf_csvae.fit("csvae", trained.data, callbacks=[rate()], epochs=3, resume=True, **options)
    assert more.run.history()["epoch"] == [0, 1, 2]
    assert "learning_rate" in more.run.history()


def test_minutes_become_steps_that_are_recorded(trained, tmp_path, capsys):
    # Three seconds leave no time after measuring, so the fewest steps that there are.
    options = {**TINY, "minutes": 0.05, "run_dir": str(tmp_path / "run")}
    run = tf_csvae.fit("csvae", trained.data, **options).run
    assert "--minutes=0.05 takes --steps=50" in capsys.readouterr().out
    assert run.settings().training.steps == 50
    with pytest.raises(InputError, match="holds this run, finished"):  # the same steps again
        tf_csvae.fit("csvae", trained.data, **options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tf_csvae.fit("csva"), "Unknown system 'csva'. Did you mean csvae"),
        (lambda: tf_csvae.fit("csvae", epoch=3), "Unknown option of csvae 'epoch'. Did you mean epochs"),
        (lambda: tf_csvae.fit("vae", beta4=3.0), "Unknown option of vae 'beta4'"),
        (lambda: tf_csvae.fit("classifier", guide="RUN"), "Unknown option of classifier 'guide'"),
        (lambda: tf_csvae.fit("csvae", dataset="swiss_rol"), "Did you mean swiss_roll"),
        (lambda: tf_csvae.fit("csvae", epochs=0), "epochs must be a whole number of at least 1"),
        (lambda: tf_csvae.fit("csvae", hidden="8,8"), "hidden must be a list"),
        (lambda: tf_csvae.fit(settings("csvae"), epochs=3), "give options in Settings"),
        (lambda: tf_csvae.evaluate("RUN", sample=3), "holds no finished run"),
        (lambda: tf_csvae.compare([]), "Give --run_dirs"),
        (lambda: tf_csvae.compare(["RUN"], sampels=3), "Did you mean samples"),
        (lambda: tf_csvae.fit("csvae", minutes=5, steps=100), "Leave out --steps, or --minutes"),
    ],
)
def test_a_mistake_in_a_call_is_a_sentence(call, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as error:
        call()
    assert message in str(error.value)
    assert list(tmp_path.iterdir()) == []


# Weights that need a guide.

WEIGHTS = {"csvae": ("consistency_weight", "perceptual_weight"), "vae": ("perceptual_weight",)}


@pytest.mark.parametrize("system", WEIGHTS)
def test_a_weight_that_needs_a_guide_without_a_guide_is_refused(system, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kind = {"csvae": tf_csvae.CSVAE, "vae": tf_csvae.VAE}[system]
    for name in WEIGHTS[system]:
        with pytest.raises(InputError, match=rf"{name}=0\.5 needs a guide.*Received: --guide=none"):
            tf_csvae.fit(system, guide="none", **{name: 0.5})
        with pytest.raises(InputError, match=rf"{name}=0\.5 needs a guide.*Received: none"):
            kind((2,), ["a"], {name: 0.5})
    assert list(tmp_path.iterdir()) == []


def test_a_guide_brings_the_weights_of_its_preset_and_they_are_recorded(trained, tmp_path):
    images = str(write_images(tmp_path / "images"))
    options = {"dataset": "folder", "data_dir": images, "labels": "labels.csv", "image_size": 8}
    options |= {"attributes": ("warm", "light"), "split": (0.5, 0.25, 0.25), "group_column": "person"}
    options |= {"epochs": 1, "batch_size": 4, "tensorboard": False, "jit_compile": "false"}
    guide = tf_csvae.fit("classifier", depth=10, width=2, run_dir=f"{tmp_path}/guide", **options)
    networks = {"filters": (2, 4), "hidden": (4,), "z_dim": 2, "guide": guide.run.path, "judge": "none"}
    guided = tf_csvae.fit("csvae", run_dir=f"{tmp_path}/guided", **options, **networks)
    weights_of_guide = {name: text for name, text in preset("folder_guide").items() if name != "dataset"}
    assert float(weights_of_guide["consistency_weight"]) > 0
    for result, has_guide in ((guided, True), (trained, False)):
        recorded, terms = result.run.settings(), result.run.history()
        # What is recorded is what ran.
        assert recorded.model == result.model.config
        assert ("consistency" in terms) == has_guide
        lines = result.run.flags().splitlines()
        for flag, value in weights_of_guide.items():
            assert f"--{flag}={float(value) if has_guide else 0.0}" in lines
        assert f"--guide={guide.run.path if has_guide else 'none'}" in lines
        assert result.metrics["run"].get("guide") == (guide.run.checksum() if has_guide else None)


# The guide and the judge that a training makes.


@pytest.fixture(scope="module")
def own_classifiers(tmp_path_factory):
    """The result of a training with a guide and a judge of its own, and its options."""
    folder = tmp_path_factory.mktemp("own")
    options = {**table(folder), **QUICK, "batch_size": 16, "epochs": 1}
    options |= {"guide_steps": 8, "judge_steps": 8}
    return tf_csvae.fit("csvae", run_dir=str(folder / "first"), **options), options


def test_a_training_makes_its_guide_and_its_judge_of_different_halves(own_classifiers):
    result, _ = own_classifiers
    run, counts = result.run, result.data.info.counts
    guide, judge = (Run(run.file(role)) for role in ("guide", "judge"))
    assert result.metrics["run"]["guide"] == guide.checksum() != judge.checksum()
    assert result.metrics["judge"] == {"sha256": judge.checksum(), "samples": QUICK["samples"]}
    assert (guide.settings().data.half, judge.settings().data.half) == ("second", "first")
    assert guide.info().counts["train"] + judge.info().counts["train"] == counts["train"]
    for role in (guide, judge):
        assert role.metrics()["run"]["system"] == "Classifier"
        assert role.metrics()["training"]["steps"] == 8
        assert role.info().labels == run.info().labels
    assert "consistency" in run.history()
    assert set(result.metrics["verdict"]) == {"tall"}
    assert "guide=auto" in run.flags()


def test_a_run_beside_it_has_the_same_guide_and_judge(own_classifiers, capsys):
    result, options = own_classifiers
    beside = result.run.path.replace("first", "second")
    other = tf_csvae.fit("condvae", run_dir=beside, **{**options, "seed": 1})
    said = capsys.readouterr().out
    for role in ("guide", "judge"):
        assert f"The {role} is that of {result.run.path}" in said
        assert f"Training the {role}" not in said
        one, copy = (Run(each.run.file(role)) for each in (result, other))
        assert (copy.checksum(), copy.flags()) == (one.checksum(), one.flags())


def test_evaluate_without_a_judge_takes_the_one_of_the_run(own_classifiers):
    result, _ = own_classifiers
    judge = Run(result.run.file("judge")).checksum()
    assert tf_csvae.evaluate(result.run.path, samples=5)["judge"] == {"sha256": judge, "samples": 5}
    numbers = tf_csvae.evaluate(result.run.path, judge="none", samples=5)
    assert not {"judge", "generation", "transfer"} & set(numbers)
    guide = result.run.file("guide")
    with pytest.raises(InputError, match="is the guide that took part in the training"):
        tf_csvae.evaluate(result.run.path, judge=guide)


# Evaluation and comparison.


def test_evaluate_gives_metrics_json_and_leaves_the_training_as_it_was(trained):
    run = trained.run
    before, flags, checksum = content(run), run.flags(), run.checksum()
    numbers = tf_csvae.evaluate(run.path, data=trained.data, samples=7, seed=1)
    assert numbers == content(run)
    for name in ("seconds_training", "examples_per_second", "parameters", "run"):
        assert numbers[name] == before[name]
    assert numbers["reconstruction"]["mse"] == pytest.approx(before["reconstruction"]["mse"])
    assert (run.flags(), run.checksum()) == (flags, checksum)
    with pytest.raises(InputError, match=r"Unknown option 'sample'\. Did you mean samples"):
        tf_csvae.evaluate(run.path, data=trained.data, sample=7)


def test_compare_gives_metrics_json_of_its_folder(trained, tmp_path):
    other = tf_csvae.fit("vae", trained.data, epochs=1, run_dir=str(tmp_path / "vae"), **TINY)
    out = tmp_path / "out"
    numbers = tf_csvae.compare([trained.run.path, other.run.path], out=str(out))
    assert numbers == json.loads((out / "metrics.json").read_text())
    assert list(numbers) == ["CSVAE", "VAE"]
    assert numbers["CSVAE"] == [content(trained.run)]
    assert numbers["VAE"] == [other.metrics]
    assert (out / "report.html").exists()
