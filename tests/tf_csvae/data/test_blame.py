import numpy as np
import pytest
import tensorflow as tf

from tests.images import encoded
from tf_csvae import InputError
from tf_csvae.configs import DataConfig
from tf_csvae.data import images
from tf_csvae.data.blame import blaming
from tf_csvae.data.dataset import SPLITS, Info
from tf_csvae.labels import Label

SIZES = {"batch_size": 32, "hidden": (64, 64)}


@pytest.fixture
def dataset(tmp_path):
    """Two images, of which the second is spoiled after the data set is made."""
    paths = [tmp_path / "one.png", tmp_path / "two.png"]
    for path in paths:
        path.write_bytes(encoded())
    files = dict.fromkeys(SPLITS, (np.array(list(map(str, paths))), np.zeros((2, 1), np.float32)))
    info = Info("two", (8, 8, 3), (0.0, 1.0), (Label("a"),), dict.fromkeys(SPLITS, 2))
    made = images.build(files, info, DataConfig(cache="none"))
    paths[1].write_bytes(b"spoiled")
    return made


def test_an_unreadable_example_is_named(dataset, tmp_path):
    with (
        pytest.raises(InputError, match=rf"Cannot read image {tmp_path}/two\.png \(7 bytes\)"),
        blaming(dataset, SIZES),
    ):
        list(dataset.test)


def test_a_lack_of_memory_names_the_options_that_it_depends_on(dataset):
    for error in (MemoryError(), tf.errors.ResourceExhaustedError(None, None, "OOM")):
        with (
            pytest.raises(InputError, match=r"options: --batch_size=32, --hidden=64,64\."),
            blaming(dataset, SIZES),
        ):
            raise error
    full = tf.errors.ResourceExhaustedError(None, None, "x; No space left on device\nmore")
    with pytest.raises(OSError, match="No space left on device"), blaming(dataset, SIZES):
        raise full


def test_a_failure_of_another_kind_stays(dataset, tmp_path):
    (tmp_path / "two.png").write_bytes(encoded())
    with pytest.raises(tf.errors.InternalError), blaming(dataset, SIZES):
        raise tf.errors.InternalError(None, None, "other")
