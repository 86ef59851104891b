"""The parts of each benchmark at sizes that take no time; what they measure is not tested."""

import os

import pandas as pd
import pytest
import tensorflow as tf

from benchmarks import (
    input_passes,
    input_pipeline,
    keras_step,
    scaling,
    scaling_step,
    swiss_roll,
    tables,
    train_step,
)
from benchmarks.made_tables import TABLES
from tests import processes
from tests.trainers.test_swiss_roll_study import finished_run
from tf_csvae import VAE, VAEConfig
from tf_csvae.training.cluster import Cluster

TINY = {"image_size": "8", "filters": (4,), "hidden": (5,), "z_dim": 2}
TINY_FLAGS = ("--image_size=8", "--filters=4", "--hidden=5", "--z_dim=2")


def test_the_products_of_a_step_are_counted():
    config = VAEConfig(z_dim=2, w_dim=0, filters=(4,), hidden=(5,))
    model = VAE([8, 8, 3], ["Smiling"], config, bounded=True)
    model.compile()
    n, convolution, doubled, last = 3, 4 * 4 * 16 * 3 * 4, 8 * 8 * 9 * 4 * 4, 8 * 8 * 9 * 4 * 3
    dense = 64 * 5 + 5 * 4 + 2 * 5 + 5 * 64
    # Forwards, and backwards to the weights and to the inputs, but for the gradient of x.
    products = 2 * convolution + 3 * (doubled + last + dense)
    batch = (tf.TensorSpec((n, 8, 8, 3)), tf.TensorSpec((n, 1)))
    assert keras_step.products_of(model, batch) == 2 * n * products


def test_a_step_on_random_images():
    facts, step = keras_step.stepper("csvae", {"dataset": "celeba", **TINY}, batch_size=2)
    assert facts["flops"] > 0
    assert facts["options"]["z_dim"] == 2
    assert step()


def test_every_system_has_options_for_the_networks_that_it_has():
    for system in train_step.SYSTEMS:
        for preset in train_step.PRESETS:
            options = train_step.options_of(system, preset)
            without = {
                "celeba_report": ("classifier",),
                "celeba_guide": ("vae", "condvae_info", "classifier"),
            }
            assert (options is None) == (system in without.get(preset, ()))


FAKE = """
import sys, time
folder = sys.argv[-1].partition("=")[2]
print("CSVAE on swiss_roll: ...", flush=True)
open(folder + "/history.csv", "w").write("epoch,seconds\\n0,5.0\\n1,0.25\\n2,0.5\\n3,0.25\\n")
print("Measuring ...", flush=True)
time.sleep(0.1)
"""


def test_the_times_of_a_training_are_split(tmp_path, monkeypatch):
    monkeypatch.setattr(swiss_roll, "TRAINER", ("-c", FAKE))
    seconds = swiss_roll.trained(0, str(tmp_path))
    assert seconds["compilation"] == 4.75
    assert seconds["training"] == 1.25
    assert seconds["measuring"] >= 0.1
    assert seconds["start-up"] > 0


@pytest.mark.parametrize(("auc", "kept"), [(0.51, True), (0.55, False)])
def test_a_training_is_compared_with_the_bounds(tmp_path, auc, kept):
    finished_run(tmp_path, 0.02, auc, with_w=True, active_units={"z": 1, "w": 2})
    numbers, within = swiss_roll.outcome(str(tmp_path))
    assert numbers["AUC from z"] == auc
    assert within == kept


def test_the_input_pipeline_is_read_and_feeds_a_training(celeba_dir, monkeypatch):
    monkeypatch.setitem(os.environ, "TF_NUM_INTRAOP_THREADS", "1")  # put back afterwards
    data = {"data_dir": str(celeba_dir), "attributes": ("Smiling", "Male"), "batch_size": 4}
    options = {"dataset": "celeba", **data, **TINY}
    input_pipeline.forget(celeba_dir)
    facts, step = input_passes.reading({**options, "cache": "none"}, threads=1)
    step()
    assert facts["images"] == 16
    assert facts["before"] > 2**20
    facts, step = input_passes.fed(options)
    assert facts["images"] == 4
    assert step() >= 0


def test_a_step_on_one_replica_is_timed():
    arguments = ("scaling", *TINY_FLAGS, "--label_count=2", "--batch_size=2")
    config, options = scaling.options_of(arguments)
    assert options == {"dataset": "celeba", "batch_size": 2, **TINY}
    facts, turn = scaling_step.turner(Cluster("one_device"), options, config.label_count)
    times = turn()
    assert facts == {"replicas": 1, "batches": [2, 2]}
    for step, reduce in times:
        assert step > 0
        assert reduce is None  # a single replica sends nothing


def test_groups_of_several_sizes_are_compared():
    few_terms = ("--noerase_labels", "--mmd_weight=0", "--aggregate_weight=0")
    few_steps = ("--label_count=2", "--batch_size=4", "--timed_steps=1", "--replicas=1,2")
    done = processes.run("benchmarks.scaling", *TINY_FLAGS, *few_terms, *few_steps)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    rows = [line.split() for line in lines if line.startswith(("strong", "weak"))]
    expected = [[scaling, replicas] for scaling in ("strong", "weak") for replicas in "12"]
    assert [row[:2] for row in rows] == expected


@pytest.mark.parametrize("name", TABLES)
def test_in_a_made_table_the_label_moves_what_it_says_and_nothing_else(name):
    made = TABLES[name](500, 0)
    rows, other = (each.drop(columns=made.label) for each in (made.rows, made.other))
    assert (made.rows[made.label] != made.other[made.label]).all()
    moved = [column for column in rows if (rows[column] != other[column]).any()]
    assert moved == list(made.moved)


def test_the_scores_of_real_rows_and_what_cannot_be():
    made, test = TABLES["bank"](600, 0), TABLES["bank"](600, 1)
    again = tables.again(made.rows, test.rows, 0, made.label)
    found = tables.scores(again, made.rows, test.rows, made.label, 500)
    assert found["auc"] > 0.8
    assert found["judged right"] > 0.7  # of rows that the judge has not seen
    assert found["impossible"] == 0
    train = pd.DataFrame({"n": [0, 1, 5], "kind": ["a", "b", "a"], "sick": ["yes", "no", "no"]})
    wrong = pd.DataFrame({"n": [0.5, 7, 0], "kind": ["c", "a", "b"]})
    cells, zeros = tables.impossible(wrong, train, "sick")
    assert (cells, zeros) == (3, pytest.approx(0))
