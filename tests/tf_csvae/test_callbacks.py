import os

import keras
import numpy as np
import pytest

from tf_csvae import InputError
from tf_csvae.callbacks import Checkpoints, Clock, Progress


def compiled():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def train(folder, epochs, **options):
    model = compiled()
    checkpoints = Checkpoints(folder, **options)
    model.fit(np.ones((4, 2)), np.ones(4), epochs=epochs, verbose=0, callbacks=[checkpoints])
    return model


def test_the_newest_checkpoint_is_restored_with_the_optimizer(tmp_path):
    folder = str(tmp_path / "backup")
    model = train(folder, 4)
    restored = compiled()
    assert Checkpoints(folder).restore(restored).epoch == 4
    for a, b in zip(
        model.variables + model.optimizer.variables,
        restored.variables + restored.optimizer.variables,
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
    assert len(os.listdir(folder)) == 4  # two checkpoints of two files


@pytest.mark.parametrize("damage", ["truncated", "gone", "flipped"])
def test_a_damaged_checkpoint_is_told_and_the_one_before_it_taken(tmp_path, capsys, damage):
    folder = str(tmp_path / "backup")
    train(folder, 3)
    newest = tmp_path / "backup" / "epoch-000003.weights.h5"
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    {
        "truncated": lambda: newest.write_bytes(newest.read_bytes()[:1000]),
        "gone": newest.unlink,
        "flipped": lambda: newest.write_bytes(bytes(content)),
    }[damage]()
    assert Checkpoints(folder).restore(compiled()).epoch == 2
    assert "epoch-000003.weights.h5 is damaged" in capsys.readouterr().out


def test_without_checkpoints_training_begins_at_the_beginning(tmp_path):
    assert Checkpoints(str(tmp_path / "none")).restore(compiled()) == Progress()


def test_short_epochs_are_not_all_saved_but_the_last_is(tmp_path):
    train(str(tmp_path), 5, seconds=1000.0)
    assert {name for name in os.listdir(tmp_path) if name.endswith(".json")} == {
        "epoch-000001.json",
        "epoch-000005.json",
    }


def test_a_checkpoint_of_other_networks_is_refused(tmp_path):
    train(str(tmp_path), 1)
    other = keras.Sequential([keras.Input((2,)), keras.layers.Dense(7)])
    other.compile("adam", "mse")
    with pytest.raises(InputError, match="does not fit this model"):
        Checkpoints(str(tmp_path)).restore(other)


def test_the_clock_adds_times_to_the_logs(tmp_path):
    history = (
        compiled().fit(np.ones((40, 2)), np.ones(40), epochs=3, verbose=0, callbacks=[Clock(32)]).history
    )
    assert len(history["seconds"]) == 3
    assert all(
        rate >= 40 / seconds
        for rate, seconds in zip(history["examples_per_second"], history["seconds"], strict=True)
    )


def test_a_training_that_diverged_stops_and_its_weights_are_not_saved(tmp_path):
    model = compiled()
    with pytest.raises(InputError, match=r"diverged in step 1 of epoch 1: loss not finite.*--learning_rate"):
        model.fit(np.full((4, 2), np.nan), np.ones(4), verbose=0, callbacks=[Checkpoints(str(tmp_path))])
    assert not os.listdir(tmp_path)


def test_a_checkpoint_of_another_optimizer_is_refused(tmp_path):
    train(str(tmp_path), 1)
    other = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    other.compile("sgd", "mse")
    other.optimizer.build(other.trainable_variables)
    with pytest.raises(InputError, match="does not fit this model"):
        Checkpoints(str(tmp_path)).restore(other)
