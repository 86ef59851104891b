"""Each benchmark's parts at sizes that take no time; what they measure is not tested."""

import os

import pytest
import tensorflow as tf
from absl.testing import flagsaver

from benchmarks import input_pipeline, scaling, swiss_roll, train_step
from tests import processes
from tests.trainers.test_swiss_roll_study import finished_run
from tf_csvae import VAE
from tf_csvae.cluster import Cluster

TINY = ("--image_size=8", "--filters=4", "--hidden=5", "--z_dim=2")


def test_the_products_of_a_step_are_counted():
    model = VAE([8, 8, 3], ["Smiling"], z_dim=2, networks={"filters": [4], "hidden": [5]}, bounded=True)
    model.compile()
    n, convolution, transposed, last = 3, 4 * 4 * 16 * 3 * 4, 4 * 4 * 16 * 4 * 4, 8 * 8 * 9 * 4 * 3
    dense = 64 * 5 + 5 * 4 + 2 * 5 + 5 * 64
    # Forwards, and backwards to the weights and to the inputs, of which there is no one of x.
    products = 2 * convolution + 3 * (transposed + last + dense)
    batch = (tf.TensorSpec((n, 8, 8, 3)), tf.TensorSpec((n, 1)))
    assert train_step.products_of(model, batch) == 2 * n * products


def test_a_step_on_random_images():
    with flagsaver.flagsaver():
        facts, step = train_step.keras_step("csvae", ["--dataset=celeba", *TINY], batch_size=2)
    assert facts["flops"] > 0
    assert facts["options"]["z_dim"] == 2
    assert step()


def test_every_system_has_a_command_line_for_the_networks_that_it_has():
    for system in train_step.SYSTEMS:
        for preset in train_step.PRESETS:
            arguments = train_step.command_line(system, preset)
            assert (arguments is None) == (system == "classifier" and preset == "celeba_report")


FAKE = """
import sys, time
folder = sys.argv[-1].partition("=")[2]
print("CSVAE on swiss_roll: ...", flush=True)
open(folder + "/history.csv", "w").write("epoch,seconds\\n0,5.0\\n1,0.25\\n2,0.5\\n3,0.25\\n")
print("Measuring ...", flush=True)
time.sleep(0.1)
"""


def test_the_times_of_a_training_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(swiss_roll, "TRAINER", ("-c", FAKE))
    seconds = swiss_roll.trained(0, str(tmp_path))
    assert seconds["compilation"] == 4.75
    assert seconds["training"] == 1.25
    assert seconds["measuring"] >= 0.1
    assert seconds["start-up"] > 0


@pytest.mark.parametrize(("auc", "kept"), [(0.51, True), (0.55, False)])
def test_a_training_is_held_against_the_bounds(tmp_path, auc, kept):
    finished_run(tmp_path, 0.02, auc, with_w=True, active_units={"z": 1, "w": 2})
    numbers, within = swiss_roll.outcome(str(tmp_path))
    assert numbers["AUC from z"] == auc
    assert within == kept


def test_the_input_pipeline_is_read_and_feeds_a_training(celeba_dir, monkeypatch):
    monkeypatch.setitem(os.environ, "TF_NUM_INTRAOP_THREADS", "1")  # put back afterwards
    data = (f"--data_dir={celeba_dir}", "--attributes=Smiling,Male", "--batch_size=4")
    arguments = ["--dataset=celeba", *data, *TINY]
    input_pipeline.forget(celeba_dir)
    with flagsaver.flagsaver():
        facts, step = input_pipeline.reading([*arguments, "--cache=none"], threads=1)
        step()
    assert facts["images"] == 16
    assert facts["before"] > 2**20
    with flagsaver.flagsaver():
        facts, step = input_pipeline.fed(arguments)
    assert facts["images"] == 4
    assert step() >= 0


def test_a_step_on_one_replica_is_timed():
    with flagsaver.flagsaver():
        scaling.parse(["scaling", *TINY, "--label_count=2", "--batch_size=2"])
        facts, turn = scaling.turner(Cluster("one_device"))
        times = turn()
    assert facts == {"replicas": 1, "batches": [2, 2]}
    for step, reduce in times:
        assert step > 0
        assert reduce is None  # nothing is sent where there is one


def test_groups_of_several_sizes_are_compared():
    tiny = (*TINY, "--label_count=2", "--batch_size=4", "--timed_steps=1", "--replicas=2,4")
    done = processes.run("benchmarks.scaling", *tiny)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith(("strong", "weak"))]
    expected = [[scaling, replicas] for scaling in ("strong", "weak") for replicas in "24"]
    assert [row[:2] for row in rows] == expected
