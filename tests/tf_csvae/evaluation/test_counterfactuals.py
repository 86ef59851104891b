import dataclasses

import numpy as np
import pytest

from tf_csvae import CSVAE, CSVAEConfig
from tf_csvae.data.dataset import Info
from tf_csvae.data.face_styles import pixel_styles
from tf_csvae.evaluation import counterfactuals, identity
from tf_csvae.evaluation.codes import encode, style_leak
from tf_csvae.labels import Label

SHAPE = (16, 16, 3)


class Seeing:
    """A judge whose features are the pixels."""

    labels = (Label("hat", 0.5), Label("beard", 0.5))

    def features(self, x):
        return np.asarray(x).reshape(len(x), -1)


@pytest.fixture(scope="module")
def faces():
    random = np.random.default_rng(0)
    return random.random((30, *SHAPE), np.float32), (random.random((30, 2)) < 0.5).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    config = CSVAEConfig(z_dim=4, w_dim=2, filters=(4, 4), hidden=(8,))
    return CSVAE(SHAPE, list(Seeing.labels), config, bounded=True)


def test_a_receiver_gets_the_style_of_each_donor(model, faces):
    x, y = faces
    donors, receivers = np.flatnonzero(y[:, 0] == 1), np.flatnonzero(y[:, 0] == 0)[:3]
    made = counterfactuals._given(model, x, y, 0, donors, receivers)
    assert made.shape == (3, len(donors), *SHAPE)
    for row, receiver in enumerate(receivers):
        for place, donor in enumerate(donors[:2]):
            rows = [x[[receiver]], x[[donor]], "hat", y[[receiver]], y[[donor]]]
            alone = model.style_transfer(*rows)[0]
            np.testing.assert_allclose(made[row, place], alone, atol=1e-5)


def test_style_retrieval_has_its_chance_beside_it(model, faces):
    info = Info("made", SHAPE, (0.0, 1.0), Seeing.labels, {"train": 1, "validation": 1, "test": 30})
    found = counterfactuals.style_transfers(model, info, Seeing(), *faces)["style_retrieval"]
    for i, label in enumerate(Seeing.labels):
        donors = int((faces[1][:, i] == 1).sum())
        assert found[label.name]["chance_top1"] == 1 / donors
        assert found[label.name]["chance_rank"] == (donors + 1) / 2
        assert 1 <= found[label.name]["mean_rank"] <= donors


def test_a_system_without_subspaces_has_no_styles_to_give(faces):
    class Without:
        has_subspaces = False

    info = Info("made", SHAPE, (0.0, 1.0), Seeing.labels, {"train": 1, "validation": 1, "test": 30})
    assert counterfactuals.style_transfers(Without(), info, Seeing(), *faces) == {}


def test_the_leak_of_styles_is_near_its_null_without_training(model):
    random = np.random.default_rng(0)
    batches = [(random.random((400, *SHAPE), np.float32), np.ones((400, 2), np.float32))]
    codes = encode(model, batches)
    told = np.concatenate([codes.w_mean @ random.normal(size=(4, 4)), codes.z[:, :0]], 1)
    leak = style_leak(dataclasses.replace(codes, z=told), model.labels)["style_leak"]
    none = style_leak(dataclasses.replace(codes, z=random.normal(size=(400, 4))), model.labels)["style_leak"]
    for label in ("hat", "beard"):
        assert leak[label]["r2"] > 0.99
        for score in (none[label]["r2"], none[label]["null_mean"], leak[label]["null_mean"]):
            assert abs(score) < 0.1


def test_styles_are_read_off_aligned_faces_only():
    labels = (Label("Eyeglasses", 0.1), Label("Smiling", 0.5), Label("Bald", 0.1))
    counts = {"train": 1, "validation": 1, "test": 1}
    info = Info("celeba", (64, 64, 3), (0.0, 1.0), labels, counts, crop=(0.125, 0.125, 0.875, 0.875))
    styles = pixel_styles(info)
    assert set(styles) == {"Eyeglasses", "Smiling"}
    x = np.full((2, 64, 64, 3), 0.6)
    x[1, 30:37, 18:28], x[1, 30:37, 36:46] = 0.1, 0.1
    np.testing.assert_allclose(styles["Eyeglasses"](x), [[0], [-0.5]], atol=1e-6)
    np.testing.assert_allclose(styles["Smiling"](x), [[0], [0]], atol=1e-6)
    assert not pixel_styles(dataclasses.replace(info, shape=(48, 64, 3)))
    assert not pixel_styles(dataclasses.replace(info, name="folder"))


def test_a_result_near_its_original_is_the_same_person():
    random = np.random.default_rng(0)
    real = random.normal(size=(50, 128))
    assert identity.same_person(real + 0.1 * random.normal(size=real.shape), real).all()
    # Another person is within the nearest tenth of the others for some ten percent.
    assert identity.same_person(np.roll(real, 1, 0), real).mean() < 0.3


def test_identity_is_of_faces_only():
    counts = {"train": 1, "validation": 1, "test": 1}
    info = Info("folder", (64, 64, 3), (0.0, 1.0), (Label("hat", 0.5),), counts)
    assert identity.descriptor(info) is None


def test_the_descriptor_takes_small_faces():
    pytest.importorskip("dlib", reason="the extra identity is not installed")
    counts = {"train": 1, "validation": 1, "test": 1}
    info = Info("celeba", (64, 64, 3), (0.0, 1.0), (Label("hat", 0.5),), counts)
    x = np.random.default_rng(0).random((2, 64, 64, 3))
    assert identity.descriptor(info)(x).shape == (2, 128)
