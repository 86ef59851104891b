import numpy as np
import pytest

from tf_csvae import InputError
from tf_csvae.configs import DataConfig
from tf_csvae.data import load, load_data


@pytest.fixture(scope="module")
def roll():
    return load_data("swiss_roll", batch_size=256, seed=3)


def all_of(batches):
    return [
        np.concatenate(column) for column in zip(*[(x.numpy(), y.numpy()) for x, y in batches], strict=True)
    ]


def test_info_tells_what_the_batches_are(roll):
    assert roll.info.counts == {"train": 10_000, "validation": 2_000, "test": 10_000}
    x, y = all_of(roll.test)
    assert x.shape == (10_000, 3)
    assert y.shape == (10_000, 1)
    assert x.dtype == y.dtype == np.float32
    assert roll.info.labels[0].frequency == pytest.approx(0.1368)


def test_points_are_standardised_and_can_be_undone(roll):
    x, y = all_of(roll.test)
    np.testing.assert_allclose(x.mean(0), 0, atol=0.05)
    np.testing.assert_allclose(x.std(0), 1, atol=0.05)
    points = roll.info.unscale(x)
    np.testing.assert_array_equal(points[:, :1] >= 10, y > 0)
    # On the roll, x1 = t cos t and x3 = t sin t with t from 1.5 pi to 4.5 pi.
    t = np.hypot(points[:, 0], points[:, 2])
    np.testing.assert_allclose(points[:, 0], t * np.cos(t), atol=1e-3)


def test_test_order_is_fixed_and_every_example_is_there(roll):
    np.testing.assert_array_equal(all_of(roll.test)[0], all_of(roll.test)[0])


def test_an_unknown_option_or_dataset_is_named():
    no_such = (
        r"--image_size=3: --dataset=swiss_roll has no such option\. "
        r"Its options: --batch_size, --half, --balanced_batches, --seed\."
    )
    with pytest.raises(InputError, match=no_such):
        load_data("swiss_roll", image_size=3)
    with pytest.raises(InputError, match=no_such):
        load(DataConfig(image_size=3))
    with pytest.raises(InputError, match=r"--image_size=auto: --dataset=swiss_roll has no such option"):
        load(DataConfig(), given={"image_size", "epochs"})
    with pytest.raises(InputError, match="Unknown option of DataConfig 'size'"):
        load_data("swiss_roll", size=3)
    with pytest.raises(InputError, match="Did you mean swiss_roll"):
        load_data("swissroll")
