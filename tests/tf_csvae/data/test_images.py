import io
import re

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from tests.images import PIXELS, encoded
from tf_csvae.data import images

WHOLE = (0.0, 0.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("mode", "kind", "tolerance"),
    [
        ("RGB", "PNG", 0),
        ("RGB", "BMP", 0),
        ("P", "PNG", 0),
        ("P", "GIF", 0),
        ("RGBA", "PNG", 0),
        ("RGB", "JPEG", 8),
        ("CMYK", "JPEG", 8),
    ],
)
def test_an_image_of_any_mode_is_read_in_its_colours(mode, kind, tolerance):
    read = images.decode(tf.constant(encoded(mode, kind))).numpy()
    # In the mean: a JPEG blurs the edges of colours.
    assert np.abs(read.astype(int) - PIXELS).mean() <= tolerance


@pytest.mark.parametrize(("mode", "kind"), [("L", "PNG"), ("L", "JPEG"), ("LA", "PNG"), ("1", "PNG")])
def test_a_grey_image_is_read_as_grey(mode, kind):
    read = images.decode(tf.constant(encoded(mode, kind))).numpy()
    assert read.shape == PIXELS.shape
    assert (read == read[..., :1]).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_is_turned_as_its_exif_orientation_says(orientation):
    file = encoded("RGB", "JPEG", orientation=orientation)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(file))))
    in_graph = tf.function(images.decode, autograph=False)
    for read in (images.decode(tf.constant(file)), in_graph(tf.constant(file))):
        assert read.shape == upright.shape
        assert np.abs(read.numpy().astype(int) - upright).max() <= 8


@pytest.mark.parametrize("cut", [24, 30, 40, 60])
def test_an_exif_that_is_nonsense_is_passed_over(cut):
    file = bytearray(encoded("RGB", "JPEG", orientation=6))
    file[cut : cut + 4] = b"\xff\xff\xff\xff"
    assert images.decode(tf.constant(bytes(file))).shape in (
        PIXELS.shape,
        PIXELS.transpose(1, 0, 2).shape,
    )


def test_the_smallest_image_is_read(tmp_path):
    path = tmp_path / "one.png"
    path.write_bytes(encoded(size=(1, 1)))
    assert images.read(str(path), (0.125, 0.125, 0.875, 0.875), 8).shape == (8, 8, 3)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "0 bytes.*empty"),
        (b"just text\n", "Unknown image file format"),
        (encoded("RGB", "JPEG")[:400], "Invalid JPEG"),
        (encoded()[:-40], "Invalid PNG"),
        (encoded("L", "PNG", (20_000, 20_000)), "up to 8192 pixels"),
        (encoded("L", "JPEG", (20_000, 20_000)), "up to 8192 pixels"),
        (None, "gone"),
    ],
    ids=["empty", "text", "half a JPEG", "half a PNG", "huge PNG", "huge JPEG", "none"],
)
def test_what_cannot_be_read_is_told_in_a_sentence(tmp_path, content, complaint):
    path = tmp_path / "image.jpg"
    if content is not None:
        path.write_bytes(content)
    sentence = images.first_unreadable([str(path)])
    assert sentence.startswith(f"Cannot read image {path} (")
    assert tf.compat.as_text(sentence).count("\n") == 0
    assert re.search(complaint, sentence), sentence
