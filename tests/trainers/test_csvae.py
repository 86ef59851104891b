"""The trainer as a user meets it: a process, its files, its last line."""

import json
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

from tests import processes
from tests.conftest import ALONE, ATTRIBUTES, needs_no_other_file, write_table
from tf_csvae import files, load_data, load_model, runs
from tf_csvae.settings import header

QUICK = ("--hidden=16,16", "--checkpoint_seconds=0", "--jit_compile=false", "--notensorboard", *ALONE)


def run(*arguments):
    return processes.run("trainers.csvae", *arguments)


def test_a_run_leaves_everything_and_can_be_repeated(tmp_path):
    first = tmp_path / "first"
    done = run(*QUICK, "--epochs=2", f"--run_dir={first}")
    assert done.returncode == 0, done.stderr
    for name in (
        "flags.txt",
        "metrics.json",
        "model.keras",
        "history.csv",
        "report.html",
        "backup",
        "figures",
    ):
        assert (first / name).exists(), name
        assert name in done.stdout or name not in ("metrics.json", "report.html")
    assert (first / "flags.txt").read_text().splitlines()[0] == header("csvae")
    assert re.fullmatch(r"# python -m trainers\.csvae .*\(format 2\)", header("csvae"))
    assert "student report" in done.stdout
    assert "0.018" in done.stdout

    numbers = json.loads((first / "metrics.json").read_text())
    label = "x1_at_least_10"
    for key in ("seconds_training", "examples_per_second", "parameters"):
        assert numbers[key] > 0
    for part in ("z", "w"):
        assert set(numbers["divergence"][part][label]) == {"kl", "null_mean", "null_sd", "k"}
        assert set(numbers["probe"][part][label]) == {"auc", "balanced_accuracy"}
        assert numbers["active_units"][part] >= 0
    assert set(numbers["reconstruction"]) == {"mse"}

    page = (first / "report.html").read_text()
    assert page.count("data:image/") == len(list((first / "figures").glob("*.png"))) == 3
    assert needs_no_other_file(page)

    model, roll = load_model(str(first / "model.keras")), load_data("swiss_roll")
    x, y = next(iter(roll.test))
    assert model.reconstruct(x, y).shape == x.shape


def test_a_run_is_repeated_by_its_flags_and_continued_on_request(tmp_path):
    first, again, table = tmp_path / "first", tmp_path / "again", write_table(tmp_path)
    assert run(*table, *QUICK, "--epochs=2", f"--run_dir={first}").returncode == 0
    flags = f"--flagfile={first}/flags.txt"
    done = run(flags, *QUICK[1:], f"--run_dir={again}")
    assert done.returncode == 0, done.stderr
    assert (again / "flags.txt").read_text() == (first / "flags.txt").read_text()
    # Threads sum in any order, so two runs differ by rounding, grown over some steps.
    for one, other in zip(state(first), state(again), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-2)

    done = run(*table, *QUICK, "--epochs=2", f"--run_dir={first}")
    assert done.returncode == 1
    assert "finished" in done.stderr
    done = run(*table, *QUICK, "--epochs=3", "--resume", f"--run_dir={first}")
    assert done.returncode == 0, done.stderr
    assert "continuing after epoch 2" in done.stdout
    assert len((first / "history.csv").read_text().splitlines()) == 1 + 3


def has_reached(run_dir, epoch):
    """Returns whether a run has a checkpoint of this epoch or a later one."""
    names = [path.stem for path in (run_dir / "backup").glob("epoch-*.json")]
    return any(int(name.split("-")[1]) >= epoch for name in names)


EPOCHS = 12
EXACT = (
    *QUICK,
    f"--epochs={EPOCHS}",
    "--batch_size=12",
    "--steps_per_execution=1",
    "--deterministic",
)


def test_the_same_command_continues_an_interrupted_run_to_the_same_weights(tmp_path):
    arguments, whole = (*write_table(tmp_path), *EXACT), tmp_path / "whole"
    done = run(*arguments, f"--run_dir={whole}")
    assert done.returncode == 0, done.stderr
    # A checkpoint after each step, so that it continues within an epoch.
    arguments = (*arguments, "--checkpoint_minutes=1e-6", f"--run_dir={tmp_path}/run")
    interruptions = ((2, signal.SIGKILL, -9), (5, signal.SIGTERM, 143))
    for epoch, signum, code in interruptions:
        with processes.Started("trainers.csvae", *arguments) as process:
            process.until(lambda epoch=epoch: has_reached(tmp_path / "run", epoch))
            process.send_signal(signum)
            done = process.done(timeout=120)
        assert done.returncode == code
        if signum != signal.SIGKILL:
            assert "The same command continues" in done.stdout
            assert "Traceback" not in done.stderr
        assert not (tmp_path / "run" / "metrics.json").exists()

    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    assert "continuing after epoch" in done.stdout
    history, expected = (runs.Run(str(path)).history() for path in (tmp_path / "run", whole))
    assert history["epoch"] == expected["epoch"] == list(range(EPOCHS))
    for column in set(expected) - {"seconds", "examples_per_second"}:
        np.testing.assert_allclose(history[column], expected[column], rtol=1e-4, atol=1e-6, err_msg=column)
    for resumed, expected in zip(*map(state, (tmp_path / "run", whole)), strict=True):
        np.testing.assert_array_equal(resumed, expected)


def state(run_dir):
    """Returns the weights of the model of a finished run and the variables of its optimizers."""
    model = load_model(str(run_dir / "model.keras"))
    optimizers = [model.optimizer, *model.player_optimizers.values()]
    slots = [variable.numpy() for each in optimizers for variable in each.variables]
    return [*model.get_weights(), *slots]


def test_images_from_a_folder(celeba_dir, tmp_path):
    arguments = (
        "--dataset=celeba",
        f"--data_dir={celeba_dir}",
        f"--attributes={','.join(ATTRIBUTES)}",
        "--image_size=16",
        "--filters=4,8",
        "--batch_size=4",
        "--epochs=1",
        "--pictured_labels=Male",
        *QUICK,
        f"--run_dir={tmp_path}/run",
    )
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    numbers = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert set(numbers["reconstruction"]) == {"mse", "psnr", "ssim"}
    for name in ("reconstructions", "samples", "training", "planes_Male"):
        assert (tmp_path / "run" / "figures" / f"{name}.png").stat().st_size > 1000

    # The test split is read last, when all is trained.
    (celeba_dir / "img_align_celeba" / "000026.jpg").write_bytes(b"\xff\xd8\xff no pictu")
    done = processes.run("trainers.vae", *arguments, "--overwrite")
    assert done.returncode == 1
    # libjpeg may have written lines of its own before it.
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: Cannot read image")
    assert "000026.jpg (12 bytes)" in last
    assert "node" not in last


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--dataset=swiss_rol"], "Did you mean swiss_roll"),
        (
            ["--dataset=celeba", "--data_dir=/nowhere"],
            "--data_dir=/nowhere has no img_align_celeba",
        ),
        (["--resume"], "there is no run"),
        (
            ["--crop=none"],
            "--crop=none: --dataset=swiss_roll has no such option. Its options: --batch_size",
        ),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_1(arguments, complaint, tmp_path):
    done = run(*arguments, f"--run_dir={tmp_path}/run")
    assert done.returncode == 1
    assert complaint in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["consistency_weight", "perceptual_weight", "exchange_target"])
def test_a_weight_that_needs_a_guide_without_a_guide_is_one_line(name, tmp_path):
    done = run(f"--{name}=0.5", "--guide=none", f"--run_dir={tmp_path}/run")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: --{name}=0.5 needs a guide. Received: --guide=none.")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


# The first line of flags.txt of a run of tf_csvae 0.1.
OLD = "# python -m trainers.csvae --flagfile=THIS_FILE --run_dir=ANOTHER_DIRECTORY\n"


@pytest.mark.parametrize(
    ("trainer", "arguments"),
    [("csvae", ()), ("csvae", ("--resume",)), ("vae", ("--resume",)), ("evaluate", ())],
)
def test_a_run_of_an_earlier_version_is_refused_in_one_line(tmp_path, trainer, arguments):
    there = runs.Run(tmp_path / "run")
    files.write_text(there.file(runs.FLAGFILE), OLD + "--epochs=3\n--auxiliary_weight=5\n")
    for name in (runs.METRICS, runs.MODEL):
        files.write_text(there.file(name), "{}")
    done = processes.run(f"trainers.{trainer}", *arguments, f"--run_dir={there.path}")
    assert done.returncode == 1
    path = there.file(runs.FLAGFILE)
    assert done.stderr.startswith(f"error: {path} was written by an earlier version of tf_csvae")
    assert done.stderr.count("\n") == 1
    assert set(os.listdir(there.path)) - {runs.LOCK} == {runs.FLAGFILE, runs.METRICS, runs.MODEL}


def test_onednn_is_on_and_can_be_turned_off():
    code = "import os, tf_csvae; print(os.environ['TF_ENABLE_ONEDNN_OPTS'])"
    for given, expected in (({}, "1"), ({"TF_ENABLE_ONEDNN_OPTS": "0"}, "0")):
        environment = {k: v for k, v in os.environ.items() if k != "TF_ENABLE_ONEDNN_OPTS"} | given
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.stdout.strip() == expected
