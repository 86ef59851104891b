"""Edits at full size; beside ``test_apply``, which runs the command."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from export import full_size
from tf_csvae.data import images
from tf_csvae.data.dataset import Info
from tf_csvae.labels import Label

COUNTS = {"train": 1, "validation": 1, "test": 1}


def info_of(shape, crop="center", **options):
    return Info("folder", shape, (0.0, 1.0), (Label("a"),), COUNTS, crop=crop, **options)


@pytest.fixture
def photograph(tmp_path):
    """A photograph of 900 x 1200 with a bright disc; its name, and where the disc is."""
    y, x = np.mgrid[:900, :1200]
    disc = (y - 450) ** 2 + (x - 600) ** 2 < 200**2
    pixels = np.random.default_rng(0).normal(90, 10, (900, 1200, 3))
    pixels[disc] += 100
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "the maker", 1
    path = tmp_path / "a.png"
    Image.fromarray(np.uint8(np.clip(pixels, 0, 255))).save(path, exif=exif)
    return str(path), disc


def edit(path, info, where, by):
    """Edits as a model would that changes the pixels ``where`` of its image."""
    before = images.read(path, info).numpy() / np.float32(255)
    mask = tf.constant(np.uint8(255 * where)[..., None])
    change = by * images.crop_and_resize(mask, info.crop, (*info.shape[:2], 1)).numpy() / 255
    after = np.clip(before + change, 0, 1)
    return Image.open(io.BytesIO(full_size.edited(path, info, before, after)))


def test_a_change_is_made_to_the_pixels_of_the_photograph(photograph):
    path, disc = photograph
    original = np.asarray(Image.open(path)).astype(int)
    made = edit(path, info_of((48, 64, 3)), disc, -0.3)
    assert made.getexif()[0x010F] == "the maker"
    change = np.asarray(made).astype(int) - original
    assert change.shape == original.shape
    # Some pixels of the model's image from the disc nothing changes at all.
    y, x = np.mgrid[:900, :1200]
    distance = np.hypot(y - 450, x - 600) - 200
    assert not change[distance > 4 * 900 / 48].any()
    # Within, the change is what it was; and its edge is that of the disc, not that of the pixels.
    assert change[distance < -60].mean() == pytest.approx(-0.3 * 255, rel=0.05)
    inner, outer = change[(distance < -8) & (distance > -12)], change[(distance > 8) & (distance < 12)]
    assert abs(inner.mean()) > 3 * abs(outer.mean())


def test_without_a_change_the_pixels_are_those_of_the_file(photograph):
    path, disc = photograph
    made = edit(path, info_of((48, 64, 3), crop=(0.1, 0.1, 0.9, 0.7)), disc & False, 1.0)
    np.testing.assert_array_equal(np.asarray(made), np.asarray(Image.open(path)))


def test_what_is_outside_of_the_crop_stays_and_no_edge_is_seen(photograph):
    path, _ = photograph
    made = edit(path, info_of((20, 20, 3), crop=(0.0, 0.0, 0.5, 0.5)), np.ones((900, 1200), bool), 0.2)
    change = np.asarray(made).astype(int) - np.asarray(Image.open(path))
    assert not change[450:].any()
    assert not change[:, 600:].any()
    assert change[:400, :530].mean() == pytest.approx(0.2 * 255, rel=0.1)
    # The outer edges are those of the photograph; at the inner ones nothing jumps.
    assert change[0, 0].mean() > 0.15 * 255
    assert np.abs(change[449, :530]).max() <= 3
    assert np.abs(change[:400, 599]).max() <= 3


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGBA", 4)])
def test_grey_stays_grey_and_transparency_stays(tmp_path, mode, channels):
    pixels = np.random.default_rng(0).integers(0, 200, (60, 60, 4), dtype=np.uint8)
    pixels[:30, :, 3], pixels[30:, :, 3] = 255, 0
    path = str(tmp_path / "a.png")
    Image.fromarray(pixels).convert(mode).save(path)
    made = edit(path, info_of((30, 30, channels)), np.zeros((60, 60), bool), 0.0)
    assert made.mode == mode
    given, found = (np.asarray(image).astype(int)[:30] for image in (Image.open(path), made))
    assert np.abs(given - found).max() <= 1
    if channels == 4:
        assert (np.asarray(made)[30:, :, 3] == 0).all()
