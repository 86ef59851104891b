"""Faults of a training: each is a real one, and the last line of stderr says what to do."""

import contextlib
import json
import os
import signal
import subprocess
import sys

import pytest

from tests import processes
from tests.conftest import ALONE, ATTRIBUTES, write_table
from tests.trainers.test_csvae import has_reached
from tf_csvae import InputError, runs

QUICK = (
    "--hidden=16,16",
    "--batch_size=1000",
    "--epochs=1",
    "--steps_per_execution=1",
    "--notensorboard",
    "--jit_compile=false",
    *ALONE,
)


def start(*arguments, **environment):
    return processes.Started("trainers.vae", *QUICK, *arguments, **environment)


def fails(*arguments, module="trainers.vae"):
    """Runs a trainer that must fail; returns (its output, the last line of its errors)."""
    done = processes.run(module, *QUICK, *arguments)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: ")
    return done.stdout, done.stderr.splitlines()[-1]


def test_of_two_processes_on_one_run_the_second_is_refused(tmp_path):
    with runs.Run(str(tmp_path / "run")).locked():
        _, error = fails(f"--run_dir={tmp_path}/run")
        assert "is being written by another process. Wait for it" in error


def test_a_process_that_was_killed_holds_no_lock(tmp_path):
    run = runs.Run(str(tmp_path / "run"))
    code = f"""
import time
from tf_csvae import InputError, runs
with runs.Run({run.path!r}).locked():
    print(flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    process.stdout.readline()
    with pytest.raises(InputError, match="being written by another process"), run.locked():
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with run.locked():
        assert os.listdir(run.path) == [runs.LOCK]
    assert not os.path.exists(run.path)  # nothing was written


def test_a_loss_that_is_not_finite_is_named_with_its_step_and_rolled_back(tmp_path):
    table = (*write_table(tmp_path), "--batch_size=12")
    rollback = ("--learning_rate=1e30", "--on_nan=rollback")
    out, error = fails(*table, *rollback, f"--run_dir={tmp_path}/run", module="trainers.csvae")
    assert out.count("Going back, at") == 5
    assert "diverged in step 2 of epoch 1:" in error
    assert "kl_w, kl_z, loss" in error
    beginning = tmp_path / "run" / "backup" / "epoch-000000.weights.h5"
    assert f"The last good checkpoint is {beginning}" in error
    # A training that is resumed has the learning rate at which this one ended.
    state = json.loads((beginning.parent / "epoch-000000.json").read_text())
    assert state["rate_factor"] == 1 / 32


def test_too_little_memory_names_the_flags_that_need_it(tmp_path):
    _, error = fails("--hidden=3000000,3000000", f"--run_dir={tmp_path}/run")
    assert "memory" in error
    assert "--hidden=3000000,3000000" in error
    assert "--batch_size=1000" in error


def test_a_full_disk_ends_the_training_and_leaves_a_run_that_can_be_continued(tmp_path, small_disk):
    disk = small_disk(400)  # a checkpoint has 136 KiB
    saving = ("--checkpoint_seconds=0", "--checkpoints_to_keep=9")
    arguments = (*write_table(tmp_path), "--epochs=9", *saving, f"--run_dir={disk}/run")
    _, error = fails(*arguments)
    assert "cannot be written: No space left on device" in error
    backup = disk / "run" / "backup"
    stems = {path.name.split(".")[0] for path in backup.iterdir()}
    assert sorted(stems) == sorted(path.stem for path in backup.glob("*.json"))
    assert stems
    subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
    done = processes.run("trainers.vae", *QUICK, *arguments)
    assert done.returncode == 0, done.stderr
    assert f"continuing after epoch {len(stems)}" in done.stdout


def test_rare_labels_and_tiny_splits_give_numbers_and_no_nan(celeba_dir, tmp_path):
    # One image in each split, and a label that no image has.
    names = [f"{number:06d}.jpg" for number in (1, 2, 3)]
    rows = "\n".join(f"{name} -1 1 1" for name in names)
    (celeba_dir / "list_attr_celeba.txt").write_text(f"3\n{' '.join(ATTRIBUTES)}\n{rows}\n")
    partition = "\n".join(f"{name} {split}" for split, name in enumerate(names))
    (celeba_dir / "list_eval_partition.txt").write_text(partition)
    done = processes.run(
        "trainers.csvae",
        *QUICK,
        "--dataset=celeba",
        f"--data_dir={celeba_dir}",
        f"--attributes={','.join(ATTRIBUTES)}",
        "--image_size=8",
        "--filters=4",
        "--epochs=2",
        "--pictured_labels=Male",
        f"--run_dir={tmp_path}/run",
    )
    assert done.returncode == 0, done.stderr
    for name in (runs.METRICS, runs.HISTORY):
        assert "nan" not in (tmp_path / "run" / name).read_text().lower()


def test_a_second_signal_does_not_wait(tmp_path):
    with start("--epochs=1000", "--batch_size=1", f"--run_dir={tmp_path}/run") as process:
        process.until(lambda: process.says("written to"))
        process.send_signal(signal.SIGINT)
        process.until(lambda: process.says("Saving after this step"))
        process.send_signal(signal.SIGTERM)
        # Killed, unless it had saved before the second signal.
        assert process.done(timeout=60).returncode in (-signal.SIGTERM, 130, 143)


@contextlib.contextmanager
def two_workers(run_dir, *arguments):
    """Starts a chief and a worker that train together."""
    arguments = (*arguments, f"--run_dir={run_dir}")
    one, other = processes.tf_configs(2)
    with start(*arguments, TF_CONFIG=one) as chief, start(*arguments, TF_CONFIG=other) as worker:
        yield chief, worker


def test_a_cluster_that_lost_a_worker_continues_from_its_last_checkpoint(tmp_path):
    run_dir = tmp_path / "run"
    table = (*write_table(tmp_path), "--batch_size=12", "--checkpoint_seconds=0")
    with two_workers(run_dir, *table, "--epochs=10000") as (chief, worker):
        chief.until(lambda: has_reached(run_dir, 2))
        worker.send_signal(signal.SIGKILL)
        done = chief.done()
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert done.stderr.splitlines()[-1].startswith("error: ")
    last = max(int(path.stem[-6:]) for path in (run_dir / "backup").glob("*.json"))
    assert last >= 2
    with two_workers(run_dir, *table, "--resume", f"--epochs={last + 1}") as (chief, worker):
        done = chief.done()
        assert done.returncode == 0, done
        assert f"continuing after epoch {last}" in done.stdout
        assert worker.done().returncode == 0
