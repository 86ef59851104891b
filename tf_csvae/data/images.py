"""Image files: decoded, turned upright, cropped and resized; and which file is unreadable."""

import concurrent.futures
import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tf_csvae.configs import DataConfig
from tf_csvae.data import pipeline
from tf_csvae.data.dataset import Dataset, Info
from tf_csvae.errors import InputError

Crop = tuple[float, ...] | str | None  # see ``Info.crop``

# Decoding and resizing a larger image takes gigabytes, for one example or one request.
MAX_SIDE = 8192

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"

# The orientation is searched in so many bytes, segments, and entries of a directory.
_EXIF_WITHIN, _SEGMENTS, _ENTRIES = 2**16, 8, 64
_ORIENTATION = 0x0112


def is_png(file: tf.Tensor) -> tf.Tensor:
    """Returns whether an encoded image, a string tensor [], is a PNG file."""
    return tf.equal(tf.strings.substr(file, 0, len(_PNG)), _PNG)


def is_jpeg(file: tf.Tensor) -> tf.Tensor:
    """Returns whether an encoded image, a string tensor [], is a JPEG file."""
    return tf.equal(tf.strings.substr(file, 0, len(_JPEG)), _JPEG)


def decode(file: tf.Tensor) -> tf.Tensor:
    """Decodes a JPEG, PNG, BMP or GIF file, a string tensor [], to uint8 [height, width, 3].

    Transparency is dropped. An animation gives its first frame. A JPEG is turned and mirrored by
    the EXIF orientation, which cameras write.

    Raises:
        tf.errors.InvalidArgumentError: the file cannot be decoded, or a side of a JPEG or PNG is
            longer than ``MAX_SIDE``. This is checked before memory is allocated.
    """
    png = (is_png(file), lambda: _png_sides(file))
    jpeg = (is_jpeg(file), lambda: tf.io.extract_jpeg_shape(file)[:2])
    sides = tf.case([png, jpeg], default=lambda: tf.ones([2], tf.int32))
    size = tf.debugging.Assert(
        tf.reduce_all((sides > 0) & (sides <= MAX_SIDE)),
        [f"An image's sides may have up to {MAX_SIDE} pixels.", "Received:", sides],
    )
    with tf.control_dependencies([] if size is None else [size]):  # None outside of graphs
        file = tf.identity(file)
    image = tf.io.decode_image(file, channels=3, expand_animations=False)
    image.set_shape((None, None, 3))
    # Most files have no orientation, and the search takes as long as decoding. \C is any byte.
    start = tf.strings.substr(file, 0, _EXIF_WITHIN)
    has_exif = is_jpeg(file) & tf.strings.regex_full_match(start, r"\C*Exif\x00\x00\C*")
    return tf.cond(has_exif, lambda: _turned(image, _orientation(start)), lambda: image)


def _png_sides(file: tf.Tensor) -> tf.Tensor:
    """Returns width and height, int32 [2]: the first two numbers of the header, big-endian."""
    header = tf.io.decode_raw(tf.strings.substr(file, 16, 8), tf.uint8, fixed_length=8)
    bytes_ = tf.cast(tf.reshape(header, [2, 4]), tf.int64)
    sides = tf.linalg.matvec(bytes_, tf.constant([2**24, 2**16, 2**8, 1], tf.int64))
    return tf.cast(tf.minimum(sides, 2**30), tf.int32)


def _orientation(start: tf.Tensor) -> tf.Tensor:
    """Returns the EXIF orientation of a JPEG, int32 [], 1 to 8. Without a valid one it is 1.

    A JPEG begins with segments: a marker (2 bytes), a length (2 bytes, which count too), and in
    that of EXIF a TIFF header and a directory: the number of its entries, 12 bytes for each.
    """
    content = tf.cast(tf.io.decode_raw(start, tf.uint8), tf.int32)
    end = tf.size(content)

    def at(places):  # zero beyond the end
        inside = (places >= 0) & (places < end)
        return tf.where(inside, tf.gather(content, tf.where(inside, places, 0)), 0)

    def two(place):
        return 256 * at(place) + at(place + 1)

    def exif(place):
        letters = at(place + tf.range(4, 10))
        return tf.equal(two(place), 0xFFE1) & tf.reduce_all(tf.equal(letters, list(b"Exif\0\0")))

    (place,) = tf.while_loop(
        lambda place: tf.equal(at(place), 0xFF) & ~exif(place),
        lambda place: (place + 2 + two(place + 2),),
        (tf.constant(2),),
        maximum_iterations=_SEGMENTS,
    )
    tiff = place + 10
    little = tf.equal(two(tiff), 0x4949)  # "II"; else big-endian, "MM"

    def ordered(place):
        return tf.where(little, at(place) + 256 * at(place + 1), two(place))

    # The lower half of a number of four bytes: the directory is within 64 KiB.
    directory = tiff + ordered(tiff + tf.where(little, 4, 6))
    entries = directory + 2 + 12 * tf.range(_ENTRIES)
    exists = tf.range(_ENTRIES) < ordered(directory)
    found = exists & tf.equal(ordered(entries), _ORIENTATION)
    value = tf.reduce_max(tf.where(found, ordered(entries + 8), 0))
    return tf.where(exif(place) & (value >= 1) & (value <= 8), value, 1)


def _turned(image: tf.Tensor, orientation: tf.Tensor) -> tf.Tensor:
    """Turns and mirrors an image with an EXIF orientation to upright."""
    turned = tf.cond(orientation >= 5, lambda: tf.transpose(image, (1, 0, 2)), lambda: image)
    mirrored = tf.reduce_any(tf.equal(orientation, [2, 3, 6, 7]))
    turned = tf.cond(mirrored, lambda: turned[:, ::-1], lambda: turned)
    upended = tf.reduce_any(tf.equal(orientation, [3, 4, 7, 8]))
    return tf.cond(upended, lambda: turned[::-1], lambda: turned)


def parse_crop(text: str) -> Crop:
    """Returns ``Info.crop`` for the option crop: "center", "none" or "x,y,w,h".

    x, y, w and h are left, top, width and height of a box, in fractions of the sides or, if one is
    above 1, in pixels. Any other text raises ``InputError``.
    """
    if text in ("center", "none"):
        return "center" if text == "center" else None
    try:
        left, top, width, height = map(float, text.split(","))
        if min(left, top) < 0 or min(width, height) <= 0:
            raise ValueError
    except ValueError:
        raise InputError(
            f"--crop={text}: expected center, none, or x,y,w,h: left, top, width and height of a "
            "box, in fractions of the sides or in pixels."
        ) from None
    return (top, left, top + height, left + width)


def crop_and_resize(image: tf.Tensor, box: Crop, size: int) -> tf.Tensor:
    """Returns the box of an image, uint8 [h, w, 3], as uint8 [size, size, 3], antialiased."""
    sides = tf.cast(tf.shape(image)[:2], tf.float32)
    if box == "center":
        corners = (sides + tf.constant([[-1.0], [1.0]]) * tf.reduce_min(sides)) / 2
    else:
        corners = tf.reshape(tf.constant((0.0, 0.0, 1.0, 1.0) if box is None else box), (2, 2))
        corners = corners if box is not None and max(box) > 1 else corners * sides
    corners = tf.cast(tf.round(corners), tf.int32)
    (top, left), (bottom, right) = tf.unstack(corners[0]), tf.unstack(corners[1])
    top, left = tf.minimum(top, tf.shape(image)[0] - 1), tf.minimum(left, tf.shape(image)[1] - 1)
    image = image[top : tf.maximum(bottom, top + 1), left : tf.maximum(right, left + 1)]
    image = tf.image.resize(image, (size, size), antialias=True)
    image = tf.cast(tf.clip_by_value(tf.round(image), 0, 255), tf.uint8)
    return tf.ensure_shape(image, (size, size, 3))


def read(path: str | tf.Tensor, box: Crop, size: int) -> tf.Tensor:
    """Reads an image file (JPEG, PNG, BMP or GIF) to uint8 [size, size, 3]."""
    return crop_and_resize(decode(tf.io.read_file(path)), box, size)


def unreadable(path: str) -> str | None:
    """Returns a sentence about a file if it cannot be decoded."""
    try:
        decode(tf.io.read_file(path))
    except tf.errors.OpError as error:
        # The reason is between the name of the graph's node and that of the operation.
        reason = error.message.split("}} ")[-1].split(" [Op:")[0].splitlines()[0]
        reason = reason.split("Summarized data: b")[-1]  # of an assertion
        size = f"{os.path.getsize(path)} bytes" if os.path.exists(path) else "gone"
        return f"Cannot read image {path} ({size}): {reason} Replace the file."
    return None


def first_unreadable(paths: Sequence[str]) -> str | None:
    """Returns a sentence about the first file that cannot be decoded; tf.data does not name it."""
    return next(filter(None, map(unreadable, paths)), None)


def all_unreadable(paths: Sequence[str]) -> dict[str, str]:
    """Reads all files, on all cores; returns {path: sentence} of those that cannot be decoded."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        sentences = zip(paths, threads.map(unreadable, paths), strict=True)
        return {path: sentence for path, sentence in sentences if sentence}


def check_few(left_out: Sequence[str], config: DataConfig) -> None:
    """Raises ``InputError`` if there are more bad examples than max_bad_examples allows."""
    if len(left_out) > config.max_bad_examples:
        raise InputError(
            f"--data_dir={config.data_dir} has {len(left_out)} bad examples, more than "
            f"--max_bad_examples={config.max_bad_examples}. The first: {' '.join(left_out[:3])}"
        )


def build(files: dict[str, tuple[np.ndarray, np.ndarray]], info: Info, config: DataConfig) -> Dataset:
    """Returns the ``Dataset`` of image files {split: (paths [n], float32 y [n, k])}."""

    def example(path, y):
        return read(path, info.crop, info.shape[0]), y

    items = pipeline.slices({split: pair for split, pair in files.items() if len(pair[0])}, config.seed)
    content = {split: (x.tolist(), y.tolist(), config.seed) for split, (x, y) in files.items()}
    names = [label.name for label in info.labels]
    return pipeline.build(
        {split: pipeline.read_all(each, example) for split, each in items.items()},
        info,
        config,
        config.cache,
        fingerprint=repr((content, names, info.shape, info.crop)).encode(),
        explain_failure=lambda: first_unreadable([path for paths, _ in files.values() for path in paths]),
    )
