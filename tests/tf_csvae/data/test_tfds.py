"""Sets of TensorFlow Datasets that the tests make, and mocked ones for errors. No download."""

import time

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tf_csvae import InputError
from tf_csvae.data import load_data
from tf_csvae.data import tfds as tfds_source


class TinyPictures(tfds.core.GeneratorBasedBuilder):
    """Grey images, light if the label is "day"; one in three has a moon. Only a train split."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {
            "image": tfds.features.Image(shape=(None, None, 1)),
            "label": tfds.features.ClassLabel(names=["night", "day"]),
            "seen": {"moon": np.bool_},
            "place": tfds.features.ClassLabel(num_classes=3),
        }
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for number in range(60):
            image = np.full((6 + number % 3, 9, 1), 220 if number % 2 else 20, np.uint8)
            seen = {"moon": number % 3 == 0}
            yield number, {"image": image, "label": number % 2, "seen": seen, "place": number % 3}


class TinyRows(tfds.core.GeneratorBasedBuilder):
    """Numbers, and the label whether the first is large. All three splits."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {
            "size": np.float32,
            "measured": tfds.features.Tensor(shape=(2,), dtype=np.float32),
        }
        label = tfds.features.ClassLabel(names=["small", "large"])
        features = tfds.features.FeaturesDict({**features, "kind": label})
        return tfds.core.DatasetInfo(builder=self, features=features)

    def _split_generators(self, manager):
        return {
            "train": self._generate_examples(40, 0),
            "validation": self._generate_examples(8, 1),
            "test": self._generate_examples(12, 2),
        }

    def _generate_examples(self, count, seed):
        for number, (size, *measured) in enumerate(np.random.default_rng(seed).normal(5, 2, (count, 3))):
            yield number, {"size": size, "measured": np.float32(measured), "kind": int(size > 5)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(tmp_path_factory.mktemp("sets"))


def test_images_and_their_labels_alone_or_in_groups(folder):
    options = {"data_dir": folder, "image_size": 8, "batch_size": 4}
    dataset = load_data("tfds:tiny_pictures", **options)
    assert dataset.info.name == "tfds:tiny_pictures"
    assert [label.name for label in dataset.info.labels] == ["label", "moon", "place"]
    assert [label.kind for label in dataset.info.labels] == ["binary", "binary", "categorical"]
    assert dataset.info.counts == {"train": 48, "validation": 6, "test": 6}  # it has train alone
    for split in (dataset.train, dataset.validation, dataset.test):
        for x, y in split:
            assert x.shape[1:] == (8, 8, 1)
            np.testing.assert_array_equal(x[:, 0, 0, 0] > 0.5, y[:, 0] == 1)
            np.testing.assert_array_equal(y[:, 1] == 1, y[:, 2] == 0)
    chosen = load_data("tfds:tiny_pictures", attributes=["moon"], **options)
    assert chosen.info.labels[0].frequency == pytest.approx(dataset.info.labels[1].frequency)


def test_numbers_are_standardised(folder):
    dataset = load_data("tfds:tiny_rows", data_dir=folder, batch_size=4)
    assert dataset.info.feature_names == ("size", "measured[0]", "measured[1]")
    assert dataset.info.counts == {"train": 40, "validation": 8, "test": 12}
    for x, y in dataset.test:
        assert np.abs(x).max() < 5
        np.testing.assert_array_equal(dataset.info.unscale(x)[:, 0] > 5, y[:, 0] == 1)
    dataset = load_data("tfds:tiny_rows", data_dir=folder, attributes=["size", "kind"])
    size, _ = dataset.info.labels
    assert (size.kind, dataset.info.feature_names) == ("real", ("measured[0]", "measured[1]"))
    for _, y in dataset.test:
        np.testing.assert_array_equal(size.in_units(y[:, 0]) > 5, y[:, 1] == 1)


def test_what_cannot_be_had(folder):
    with pytest.raises(InputError, match=r"Unknown label of tfds:tiny_pictures 'noon'. Did you mean moon"):
        load_data("tfds:tiny_pictures", data_dir=folder, attributes=["noon"])
    with pytest.raises(InputError, match=r"--dataset=tfds: give the set's name too"):
        load_data("tfds")
    with tfds.testing.mock_data(num_examples=3):
        with pytest.raises(InputError, match=r"TensorFlow Datasets could not provide nowhere"):
            load_data("tfds:nowhere")
        with pytest.raises(InputError, match=r"tfds:binarized_mnist has no label.* It has image"):
            load_data("tfds:binarized_mnist")


def test_a_box_beyond_an_image_names_the_example(folder):
    with pytest.raises(InputError, match="tfds:tiny_pictures, train split, example 1: The box") as raised:
        load_data("tfds:tiny_pictures", data_dir=folder, image_size=8, crop="0,0,9,7", batch_size=4)
    assert "in pixels) must lie within it" in str(raised.value)


def test_a_cache_is_not_used_for_another_copy_of_the_set(tmp_path):
    options = {"image_size": 8, "batch_size": 4, "cache": str(tmp_path / "cache")}
    for place in ("one", "two", "one"):
        load_data("tfds:tiny_pictures", data_dir=str(tmp_path / place), **options)
    assert len(list((tmp_path / "cache").iterdir())) == 2 * 3 * 2  # images and checksums


def test_a_host_that_is_not_there_is_found_in_time(monkeypatch):
    start = time.monotonic()
    assert not tfds_source._is_reachable("127.0.0.1:1")
    monkeypatch.setattr("requests.head", lambda *given, **named: time.sleep(60))
    monkeypatch.setattr(tfds_source, "_PATIENCE", 0.2)
    assert not tfds_source._is_reachable("a.name.that.hangs")
    assert time.monotonic() - start < 5
    monkeypatch.setattr("requests.head", lambda *given, **named: None)
    assert tfds_source._is_reachable("there")
