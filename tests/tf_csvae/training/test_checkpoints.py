import hashlib
import os

import keras
import numpy as np
import pytest

from tf_csvae import InputError
from tf_csvae.training.checkpoints import MAX_ROLLBACKS, Checkpoints, Diverged
from tf_csvae.training.clock import Clock
from tf_csvae.training.progress import Progress


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
def test_a_damaged_checkpoint_is_reported_and_the_one_before_it_loaded(tmp_path, capsys, damage):
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
    fitted = compiled().fit(np.ones((40, 2)), np.ones(40), epochs=3, verbose=0, callbacks=[Clock(32)])
    history = fitted.history
    assert len(history["seconds"]) == 3
    assert all(
        rate >= 40 / seconds
        for rate, seconds in zip(history["examples_per_second"], history["seconds"], strict=True)
    )


def test_a_diverged_training_stops_and_its_weights_are_not_saved(tmp_path):
    model = compiled()
    x, callbacks = np.full((4, 2), np.nan), [Checkpoints(str(tmp_path))]
    message = r"diverged in step 1 of epoch 1: loss not finite.*--learning_rate"
    with pytest.raises(InputError, match=message):
        model.fit(x, np.ones(4), verbose=0, callbacks=callbacks)
    assert not os.listdir(tmp_path)


def test_a_checkpoint_of_another_optimizer_is_refused(tmp_path):
    train(str(tmp_path), 1)
    other = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    other.compile("sgd", "mse")
    other.optimizer.build(other.trainable_variables)
    with pytest.raises(InputError, match="does not fit this model"):
        Checkpoints(str(tmp_path)).restore(other)


def stepwise(folder, x, epochs=1, size=1, rate=0.1, run=True, **options):
    """Trains by SGD on x, a step per example; returns (model, its ``Checkpoints``)."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(rate), "mse", steps_per_execution=size)
    model.optimizer.build(model.trainable_variables)
    checkpoints = Checkpoints(str(folder), **options)
    checkpoints.restore(model)
    checkpoints.begin(model)
    if run:
        options = {"batch_size": 1, "shuffle": False, "verbose": 0, "callbacks": [checkpoints]}
        model.fit(x, np.ones(len(x)), epochs=epochs, **options)
    return model, checkpoints


@pytest.mark.parametrize(("size", "where"), [(1, "step 6"), (4, "steps 5 to 8")])
def test_a_divergence_names_its_step_and_the_last_good_checkpoint(tmp_path, size, where):
    x = np.ones((12, 2), np.float32)
    x[5] = np.inf
    message = rf"diverged in {where} of epoch 1: loss not finite.*epoch-000000"
    with pytest.raises(Diverged, match=message):
        stepwise(tmp_path, x, size=size)


def test_weights_that_are_not_finite_are_not_saved_even_after_a_finite_loss(tmp_path):
    message = r"the last step of epoch 1: weights not finite.*epoch-000000"
    with pytest.raises(Diverged, match=message):
        stepwise(tmp_path, np.ones((1, 2)), rate=float("inf"))


def test_a_rollback_halves_the_learning_rate_until_it_is_low_enough(tmp_path):
    # The loss is a parabola of curvature 6: gradient descent diverges above 1/3.
    x, factor = np.ones((200, 2), np.float32), 1.0
    for wanted in (0.5, 0.25):
        with pytest.raises(Diverged) as diverged:
            stepwise(tmp_path, x, rate=factor)
        factor = Checkpoints(str(tmp_path)).roll_back(diverged.value).rate_factor
        assert factor == wanted
    model, checkpoints = stepwise(tmp_path, x, rate=factor)
    assert checkpoints.progress.rate_factor == float(model.optimizer.learning_rate) == 0.25
    np.testing.assert_allclose(model.predict(x[:1], verbose=0), 1, atol=1e-5)


def test_a_divergence_at_every_learning_rate_ends_the_training(tmp_path):
    stepwise(tmp_path, np.ones((1, 2)), run=False)
    for _ in range(MAX_ROLLBACKS):
        Checkpoints(str(tmp_path)).roll_back(Diverged("again"))
    with pytest.raises(Diverged, match="again"):
        Checkpoints(str(tmp_path)).roll_back(Diverged("again"))


class Over(Exception):
    pass


def test_a_stop_saves_within_the_epoch_with_the_means_so_far(tmp_path):
    x = np.arange(16, dtype=np.float32).reshape(8, 2) / 16
    whole, _ = stepwise(tmp_path / "whole", x, epochs=2)
    expected = whole.history.history["loss"]

    model, checkpoints = stepwise(tmp_path / "parts", x, run=False)
    stop = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: checkpoints.stop(Over()) if batch == 2 else None
    )
    callbacks = [stop, checkpoints]
    with pytest.raises(Over):
        model.fit(x, np.ones(8), batch_size=1, shuffle=False, verbose=0, callbacks=callbacks)
    model, checkpoints = stepwise(tmp_path / "parts", x, run=False)
    at = checkpoints.progress
    assert (at.epoch, at.step, at.steps_per_epoch) == (0, 3, 8)
    options = {"batch_size": 1, "shuffle": False, "verbose": 0, "callbacks": [checkpoints]}
    part = model.fit(x[3:], np.ones(5), **options)
    np.testing.assert_allclose(part.history["loss"], expected[:1], rtol=1e-6)
    model.fit(x, np.ones(8), epochs=2, initial_epoch=1, **options)
    for a, b in zip(model.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_checkpoint_of_the_best_epoch_is_kept_and_restored(tmp_path):
    # Each epoch overshoots, and more so: the first is the best.
    options = {"best": ("loss", "min"), "keep": 1, "rate": 0.35}
    model, checkpoints = stepwise(tmp_path, np.ones((3, 2), np.float32), epochs=4, **options)
    assert checkpoints.progress.best[0] == 1
    assert {name for name in os.listdir(tmp_path) if name.endswith(".json")} == {
        "epoch-000001.json",
        "epoch-000004.json",
    }
    last = model.get_weights()
    checkpoints.restore_best(model)
    assert not np.array_equal(last[0], model.get_weights()[0])
    resumed = Checkpoints(str(tmp_path), best=("loss", "min"))
    assert resumed.find().best == checkpoints.progress.best


def test_a_long_epoch_is_saved_within_and_the_newest_checkpoints_are_kept(tmp_path):
    stepwise(tmp_path, np.ones((5, 2)), most_seconds=0, keep=3)
    names = os.listdir(tmp_path)
    stems = sorted(name.removesuffix(".json") for name in names if name.endswith(".json"))
    assert stems == ["epoch-000000-step-00000003", "epoch-000000-step-00000004", "epoch-000001"]


def test_an_epoch_with_other_steps_is_resumed_at_the_same_share():
    at = Progress(2, 30, 100)
    assert at.scaled(100, 1) == at
    assert at.scaled(50, 1).step == 15
    assert at.scaled(50, 10).step == 10
    assert Progress(2).scaled(50, 1).step == 0


@pytest.mark.parametrize(
    "state",
    [
        "",
        "[]",
        "null",
        '{"epoch": 3}',
        '{"epoch": -3, "sha256": "SUM"}',
        '{"epoch": "3", "sha256": "SUM"}',
        '{"epoch": 3, "rate_factor": 0, "sha256": "SUM"}',
        '{"epoch": 3, "step": 7, "sha256": "SUM"}',
        '{"epoch": 3, "best": [1], "sha256": "SUM"}',
        '{"epoch": 3, "run": "rm", "sha256": "SUM"}',
        "[" * 100_000,
        '{"epoch": NaN, "sha256": "SUM"}',
    ],
)
def test_a_malformed_state_counts_as_damaged(tmp_path, capsys, state):
    folder = tmp_path / "backup"
    train(str(folder), 1)
    newest = folder / "epoch-000003.weights.h5"
    newest.write_bytes((folder / "epoch-000001.weights.h5").read_bytes())
    checksum = hashlib.sha256(newest.read_bytes()).hexdigest()
    (folder / "epoch-000003.json").write_text(state.replace("SUM", checksum))
    assert Checkpoints(str(folder)).find().epoch == 1
    assert "epoch-000003.weights.h5 is damaged" in capsys.readouterr().out


def test_unfinished_files_of_a_killed_process_are_removed(tmp_path):
    train(str(tmp_path), 1)
    whole = set(os.listdir(tmp_path))
    (tmp_path / ".123.epoch-000002.weights.h5").write_bytes(b"half of")
    (tmp_path / "epoch-000002.weights.h5").write_bytes(b"all, but its state was not written")
    Checkpoints(str(tmp_path)).find()
    assert set(os.listdir(tmp_path)) == whole


def test_a_full_disk_keeps_the_checkpoint_before(small_disk):
    folder = small_disk(40)
    message = r"cannot be written: No space left on device.*epoch-.* is kept"
    with pytest.raises(OSError, match=message):
        train(str(folder), 9, keep=9)
    states = list(folder.glob("*.json"))
    assert Checkpoints(str(folder)).find().epoch == len(states) >= 1
    assert len(os.listdir(folder)) == 2 * len(states)
