import io
import re

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from tests.images import PIXELS, encoded, huge
from tf_csvae import InputError
from tf_csvae.data import decoding, duplicates, images

WHOLE = (0.0, 0.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("mode", "kind", "tolerance"),
    [
        ("RGB", "PNG", 0),
        ("RGB", "BMP", 0),
        ("RGBA", "BMP", 0),
        ("P", "BMP", 0),
        ("RGB", "WEBP", 8),
        ("RGBA", "WEBP", 8),
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
    assert np.abs(read[..., :3].astype(int) - PIXELS).mean() <= tolerance
    assert (read[..., 3] == 255).all()


@pytest.mark.parametrize(("mode", "kind"), [("L", "PNG"), ("L", "JPEG"), ("LA", "PNG"), ("1", "PNG")])
def test_a_grey_image_is_read_as_grey(mode, kind):
    read = images.decode(tf.constant(encoded(mode, kind))).numpy()
    assert read.shape == (*PIXELS.shape[:2], 4)
    assert (read[..., :3] == read[..., :1]).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_is_turned_as_its_exif_orientation_says(orientation):
    file = encoded("RGB", "JPEG", orientation=orientation)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(file))))
    in_graph = tf.function(images.decode, autograph=False)
    for read in (images.decode(tf.constant(file)), in_graph(tf.constant(file))):
        assert read.shape[:2] == upright.shape[:2]
        assert np.abs(read.numpy()[..., :3].astype(int) - upright).max() <= 8


@pytest.mark.parametrize("cut", [24, 30, 40, 60])
def test_an_exif_that_is_nonsense_is_passed_over(cut):
    file = bytearray(encoded("RGB", "JPEG", orientation=6))
    file[cut : cut + 4] = b"\xff\xff\xff\xff"
    assert images.decode(tf.constant(bytes(file))).shape[:2] in (PIXELS.shape[:2], PIXELS.shape[1::-1])


def test_the_smallest_image_is_read(tmp_path):
    path = tmp_path / "one.png"
    path.write_bytes(encoded(size=(1, 1)))
    image = images.load(str(path))
    assert images.crop_and_resize(image, (0.125, 0.125, 0.875, 0.875), (8, 8, 3)).shape == (8, 8, 3)


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
        (encoded("1", "BMP"), "BMP file must have 8, 24 or 32 bits per pixel"),
        (b"II*\0" + bytes(30), "no TIFF or WebP file that can be read"),
    ],
    ids=[
        "empty",
        "text",
        "half a JPEG",
        "half a PNG",
        "huge PNG",
        "huge JPEG",
        "none",
        "BMP of bits",
        "TIFF",
    ],
)
def test_what_cannot_be_read_is_told_in_a_sentence(tmp_path, content, complaint):
    path = tmp_path / "image.jpg"
    if content is not None:
        path.write_bytes(content)
    sentence = images.first_unreadable([str(path)])
    assert sentence.startswith(f"Cannot read image {path} (")
    assert tf.compat.as_text(sentence).count("\n") == 0
    assert re.search(complaint, sentence), sentence


def animated(kind):
    frames = [Image.fromarray(PIXELS), Image.fromarray(PIXELS[::-1].copy())]
    buffer = io.BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def test_an_animated_gif_gives_its_first_frame_and_a_served_webp_is_refused():
    file = animated("GIF")
    np.testing.assert_array_equal(images.decode(tf.constant(file))[..., :3], PIXELS)
    start = file.index(b"\0;") - 20  # what comes after the first frame is not even read
    spoiled = file[:start] + b"\xff" * 20
    np.testing.assert_array_equal(images.decode(tf.constant(spoiled))[..., :3], PIXELS)
    with pytest.raises(tf.errors.InvalidArgumentError, match="An animated WebP cannot be read"):
        images.decode(tf.constant(animated("WEBP")))


@pytest.mark.parametrize("kind", huge())
def test_the_limit_of_size_holds_for_every_format(kind):
    file = huge()[kind]
    assert len(file) < 200
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"up to 8192 pixels. Received:\] \[.*14000"):
        images.decode(tf.constant(file))


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "WEBP"])
def test_the_limit_is_exact(kind):
    assert images.decode(tf.constant(encoded(kind=kind, size=(8192, 2)))).shape == (2, 8192, 4)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Received:\] \[8193 2\]"):
        images.decode(tf.constant(encoded(kind=kind, size=(8193, 2))))


def test_every_ending_is_of_a_format_that_is_read(tmp_path):
    kinds = {"jpg": "JPEG", "gif": "GIF", "bmp": "BMP", "webp": "WEBP", "png": "PNG", "jpeg": "JPEG"}
    kinds |= {"tif": "TIFF", "tiff": "TIFF"}
    assert {ending[1:] for ending in decoding.ENDINGS} == set(kinds)
    for ending, kind in kinds.items():
        path = tmp_path / f"IMAGE.{ending.upper()}"
        path.write_bytes(encoded(kind=kind))
        in_graph = tf.function(images.load, autograph=False)(tf.constant(str(path)))
        for read in (images.load(str(path)), in_graph):
            assert np.abs(read.numpy()[..., :3].astype(int) - PIXELS).mean() <= 8


# Crops.


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("center", "center"),
        ("none", None),
        ("0.25,0,0.5,1", (0, 0.25, 1, 0.75)),
        ("0.7,0,0.3000001,1", (0, 0.7, 1, 1)),  # rounding
        ("0,0,1,1", (0, 0, 1, 1)),
        ("0.5,0.5,0.9,2", (0.5, 0.5, 2.5, 1.4)),
        ("4,2,6,10", (2, 4, 12, 10)),
    ],
)
def test_a_box_is_in_fractions_if_no_number_is_above_1(text, box):
    if text == "0.5,0.5,0.9,2":  # in pixels, and thinner than one
        with pytest.raises(InputError, match="a box in pixels, since a number is above 1"):
            images.parse_crop(text)
    else:
        assert images.parse_crop(text) == pytest.approx(box)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("0.5,0.5,0.9,0.9", r"no number is above 1.*x \+ w and y \+ h are at most 1"),
        ("0.3,0,0.701,1", "no number is above 1"),
        ("1,1,1,1", "no number is above 1"),
        ("0,0,0.0001,1", "at least 1 pixel wide"),
        ("0,0,9000,9000", "ends at pixel 8192 at most"),
        ("nan,0,1,1", "expected center, none, or x,y,w,h"),
        ("0,0,inf,1", "expected center, none, or x,y,w,h"),
        ("0,0,1,nan", "expected center, none, or x,y,w,h"),
    ],
)
def test_a_box_that_is_in_no_image_is_refused(text, complaint):
    with pytest.raises(InputError, match=rf"--crop={re.escape(text)}: .*{complaint}"):
        images.parse_crop(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("4,2,29,10", r"left, top, right, bottom: 4, 2, 33, 12, in pixels.*this image: 32, 48"),
        ("0,0,32,49", "in pixels"),
        ("0,0,0.02,1", "at least one pixel wide and high"),
    ],
)
def test_a_box_that_does_not_fit_is_told_with_the_image_and_its_size(tmp_path, text, complaint):
    path, box = str(tmp_path / "a.png"), images.parse_crop(text)
    (tmp_path / "a.png").write_bytes(encoded())
    assert re.search(f"Cannot read image {path} .*{complaint}", images.unreadable(path, box))
    assert images.all_unreadable([path], box) == {path: images.unreadable(path, box)}
    in_graph = tf.function(images.crop, autograph=False)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"this image:\] \[32 48\]"):
        in_graph(tf.constant(PIXELS), box)
    assert images.unreadable(path, images.parse_crop("0,0,32,48")) is None


@pytest.mark.parametrize("text", ["center", "none", "0.1,0,0.01,0.3", "5,7,100,200"])
def test_the_least_image_has_the_box(text):
    box = images.parse_crop(text)
    image = np.zeros((*images.least_sides(box), 3), np.uint8)
    assert images.crop_and_resize(tf.constant(image), box, (4, 4, 3)).shape == (4, 4, 3)


def test_the_middle_has_the_aspect_ratio_that_is_asked_for():
    image = tf.constant(np.arange(100 * 60, dtype=np.uint8).reshape(100, 60, 1))
    assert images.crop(image, "center", (32, 32)).shape == (60, 60, 1)
    assert images.crop(image, "center", (50, 25)).shape == (100, 50, 1)
    assert images.crop(image, "center", (10, 30)).shape == (20, 60, 1)


# Channels.


def test_colours_under_transparency_do_not_count(tmp_path):
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (20, 20, 4), dtype=np.uint8)
    pixels[5:15, 5:15, 3], pixels[:5, :, 3] = 255, 0
    Image.fromarray(pixels).save(tmp_path / "a.png")
    image = images.load(str(tmp_path / "a.png"))
    on_white = images.crop_and_resize(image, None, (20, 20, 4)).numpy()
    assert (on_white[:5, :, :3] == 255).all()
    np.testing.assert_array_equal(on_white[..., 3], pixels[..., 3])
    np.testing.assert_array_equal(on_white[5:15, 5:15, :3], pixels[5:15, 5:15, :3])
    on_blue = images.crop_and_resize(image, None, (20, 20, 3), (0, 0, 255)).numpy()
    assert (on_blue[:5] == (0, 0, 255)).all()
    # What is written holds the colours themselves, up to the rounding of what is hardly opaque.
    back = tf.io.decode_png(images.encoded(tf.constant(on_white / np.float32(255)))).numpy()
    visible = pixels[..., 3] > 200
    assert np.abs(back[visible].astype(int) - pixels[visible]).max() <= 1


def test_one_channel_is_grey_and_equal_channels_stay_as_they_are():
    pixels = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, 2)
    grey = images.crop_and_resize(tf.constant(pixels), None, (16, 16, 1))
    np.testing.assert_array_equal(grey, pixels[..., :1])
    deep = tf.constant(pixels[..., :1].astype(np.uint16) * 257)
    np.testing.assert_array_equal(images.crop_and_resize(deep, None, (16, 16, 1)), pixels[..., :1])


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_of_sixteen_bits_the_upper_eight_are_read(tmp_path, kind):
    values = np.arange(0, 65536, 1024, dtype=np.uint16).reshape(8, 8)
    Image.fromarray(values).save(tmp_path / "a.tif", kind)
    read = images.load(str(tmp_path / "a.tif")).numpy()
    assert np.abs(read[..., 0] - values / 257.0).max() <= 1


def test_an_animated_webp_file_gives_its_first_frame(tmp_path):
    (tmp_path / "a.webp").write_bytes(animated("WEBP"))
    read = images.load(str(tmp_path / "a.webp")).numpy()
    assert np.abs(read[..., :3].astype(int) - PIXELS).mean() <= 8


# Copies and caches.


def test_copies_are_found_by_content(tmp_path):
    contents = (b"one", b"two", b"three", b"one", b"one", b"two")
    paths = [tmp_path / str(number) for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    assert duplicates.copies([*map(str, paths), str(tmp_path / "gone")]) == {3: 0, 4: 0, 5: 1}
