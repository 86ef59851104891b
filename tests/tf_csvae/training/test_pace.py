"""How long a training takes, and the plan of its learning rate."""

import numpy as np
import pytest

from tf_csvae import load_data
from tf_csvae.configs import TrainingConfig
from tf_csvae.training import pace
from tf_csvae.training.pace import Plan, improves, paced

FALLING = [10.0 / epoch for epoch in range(1, 41)]
FLAT = FALLING[:8] + [FALLING[7]] * 32


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([], True),
        ([3.0] * pace.LEAST_EPOCHS, True),  # too few to know
        ([3.0] * (pace.LEAST_EPOCHS + 1), False),
        (list(range(40, 0, -1)), True),
        (FLAT, False),
        ([*FLAT[:-1], FLAT[-1] - 5 * pace.LEAST_GAIN], False),
        ([*FLAT[:-1], FLAT[-1] - 20 * pace.LEAST_GAIN], True),
        (list(range(40)), False),
        # A loss may be below 0, and noise that goes nowhere is no improvement.
        ([-loss for loss in range(40)], True),
        ([100, 0, *[0.5, 0.2, -0.3, 0.1] * 9], False),
    ],
)
def test_a_loss_improves_if_its_last_quarter_brought_a_share_of_all(losses, expected):
    assert improves(losses) is expected


def bound(losses, **others):
    """Returns a history whose validation bound per epoch is this."""
    parts = {"val_reconstruction": [loss - 1 for loss in losses], "val_kl_z": [1.0] * len(losses)}
    return {"epoch": list(range(len(losses))), **parts, **others}


def test_the_plan_of_a_training_that_improves_is_its_budget():
    plan = Plan.of({}, 100, 0.1)
    assert (plan.decay_from, plan.epochs) == (60, 100)
    for losses in (FALLING[:3], [100.0 - epoch for epoch in range(100)]):
        assert Plan.of(bound(losses), 100, 0.1) == Plan(60, 100, early=True)
    # The rate stays, then falls evenly to nearly nothing in the last epoch.
    assert [plan.factor(epoch) for epoch in (0, 59)] == [1, 1]
    assert [plan.factor(epoch) for epoch in (60, 80, 99)] == pytest.approx([40 / 41, 20 / 41, 1 / 41])


def test_the_plan_of_a_training_that_no_longer_improves_ends_it():
    history = bound(FLAT)
    plan = Plan.of(history, 100, 0.1)
    assert not plan.early
    assert 10 + pace.LEAST_EPOCHS <= plan.decay_from < 30
    assert plan.epochs == np.ceil(plan.decay_from / (1 - pace.DECAY))
    # What came later does not change it, so a training that is resumed has the same plan.
    assert Plan.of(bound(FLAT + FALLING), 100, 0.1) == plan
    assert Plan.of(bound(FLAT[: plan.decay_from + 1]), 100, 0.1) == plan
    # Epochs in which the loss itself changes say nothing.
    assert Plan.of(history, 100, 0.3).decay_from >= 30 + pace.LEAST_EPOCHS


def test_a_training_goes_on_while_the_guides_loss_or_a_classifiers_errors_improve():
    assert Plan.of(bound(FLAT, val_consistency=list(range(40, 0, -1))), 100, 0.1).epochs == 100
    accuracy = {"epoch": list(range(40)), "val_accuracy": [1 - loss / 11 for loss in FLAT]}
    assert Plan.of(accuracy, 100, 0.0).epochs < 100
    rising = {**accuracy, "val_accuracy": [epoch / 40 for epoch in range(40)]}
    assert Plan.of(rising, 100, 0.0) == Plan(60, 100, early=True)


def test_what_is_recorded_of_the_pace():
    for history, early in ((bound(FLAT), 0), (bound([100.0 - epoch for epoch in range(40)]), 1)):
        for schedule in ("plateau", "cosine"):
            config = TrainingConfig(schedule=schedule)
            expected = {"epochs": 40, "steps": 280, "improving": early}
            assert pace.pace_numbers(history, 7, config, 40) == expected


def test_a_budget_of_steps_is_cut_into_epochs_of_equal_length():
    roll = load_data("swiss_roll", batch_size=500)
    assert roll.steps_per_epoch == 20
    assert paced(roll, TrainingConfig(epochs=7)) == (roll, 7)
    made, epochs = paced(roll, TrainingConfig(steps=230))
    assert (made.steps_per_epoch, epochs) == (76, 3)  # no more than 230
    assert paced(roll, TrainingConfig(steps=30))[0].steps_per_epoch == 30
    assert paced(roll, TrainingConfig(steps=30))[1] == 1

    # Epochs follow one another in the stream of the data, within a pass too.
    short, _ = paced(roll, TrainingConfig(steps=30))
    stream = [x.numpy() for x, _ in roll.train_from(0).take(61)]
    for epoch in (0, 1, 2):
        x, _ = next(iter(short.train_from(epoch)))
        np.testing.assert_array_equal(x, stream[30 * epoch])
    # As a worker asks for its rows of the batches from a step on.
    x, _ = next(iter(short.train_from(1, slice(100, 200), 4, scaled=False)))
    np.testing.assert_array_equal(x, stream[34][100:200])
