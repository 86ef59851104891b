"""Image files: read, cropped and resized; and which file is unreadable."""

import concurrent.futures
import io
import os
import re
from collections.abc import Sequence

import numpy as np
import PIL.Image
import PIL.ImageOps
import tensorflow as tf

from tf_csvae.configs import BadExamplesConfig, DataConfig
from tf_csvae.data import decoding, pipeline
from tf_csvae.data.dataset import MAX_SIDE, Dataset, Info
from tf_csvae.data.decoding import decode
from tf_csvae.data.python_calls import python_call
from tf_csvae.errors import InputError

Crop = tuple[float, ...] | str | None  # see ``Info.crop``

# The colour behind what is transparent: white.
WHITE = (255, 255, 255)

# How TIFF files begin, and names of files that ``decode`` may not be able to read.
_TIFF, _OTHER = (b"II*\0", b"MM\0*"), r"(?s).*\.(tiff?|webp)"


def parse_crop(text: str) -> Crop:
    """Returns ``Info.crop`` for the option crop: "auto", "center", "none" or "x,y,w,h".

    x, y, w and h are left, top, width and height of a box. If none is above 1, they are fractions
    of the sides, else pixels.

    Raises:
        InputError: any other text, or a box that is in no image.
    """
    if text in ("auto", "center", "none"):
        return None if text == "none" else "center"
    try:
        left, top, width, height = numbers = [float(part) for part in text.split(",")]
        if not np.isfinite(numbers).all() or min(left, top) < 0 or min(width, height) <= 0:
            raise ValueError
    except ValueError:
        raise InputError(
            f"--crop={text}: expected center, none, or x,y,w,h: left, top, width and height of a "
            "box, in fractions of the sides or in pixels."
        ) from None
    in_pixels = max(numbers) > 1
    right, bottom = left + width, top + height
    if in_pixels and (min(width, height) < 1 or max(right, bottom) > MAX_SIDE):
        raise InputError(
            f"--crop={text}: expected a box in pixels, since a number is above 1. It is at least 1 "
            f"pixel wide and high and ends at pixel {MAX_SIDE} at most, the longest side of an image."
        )
    if not in_pixels and (min(width, height) * MAX_SIDE < 1 or max(right, bottom) > 1 + 1e-6):
        raise InputError(
            f"--crop={text}: expected a box in fractions of the sides, since no number is above 1. "
            "It is at least 1 pixel wide and high, and x + w and y + h are at most 1."
        )
    return (top, left, bottom, right) if in_pixels else (top, left, min(bottom, 1.0), min(right, 1.0))


def least_sides(box: Crop) -> tuple[int, int]:
    """Returns height and width of the smallest image that has a box of at least one pixel."""
    if box is None or box == "center":
        return 1, 1
    if max(box) > 1:
        return int(np.ceil(box[2])), int(np.ceil(box[3]))
    return int(np.ceil(1 / (box[2] - box[0]))), int(np.ceil(1 / (box[3] - box[1])))


def corners(image: tf.Tensor, box: Crop, sides: Sequence[int] = (1, 1)) -> tuple[tf.Tensor, ...]:
    """Returns top, left, bottom and right of the box of an image, [h, w, c], in its pixels.

    "center" is the largest box with the aspect ratio of ``sides``, height and width.

    Raises:
        tf.errors.InvalidArgumentError: the box reaches beyond the image, or is thinner than one of
            its pixels.
    """
    found = tf.cast(tf.shape(image)[:2], tf.float32)
    if box == "center":
        target = tf.constant(sides, tf.float32)
        ends = (found + tf.constant([[-1.0], [1.0]]) * target * tf.reduce_min(found / target)) / 2
    elif box is None:
        ends = tf.stack([tf.zeros(2), found])
    else:
        ends = tf.reshape(tf.constant(box, tf.float32), (2, 2))
        ends = ends if max(box) > 1 else ends * found
        least = tf.where(found > 1, 1.0, 0.0)  # of a single pixel, any part is that pixel
        fits = (ends <= found + 1e-3) & (ends[1] - ends[0] >= least - 1e-3)
        where = ", ".join(f"{number:.6g}" for number in (box[1], box[0], box[3], box[2]))
        unit = "pixels" if max(box) > 1 else "fractions of its sides"
        asserted = tf.debugging.Assert(
            tf.reduce_all(fits),
            [
                f"The box that is cut out of an image (left, top, right, bottom: {where}, in {unit}) "
                "must lie within it and be at least one pixel wide and high. "
                "Width and height of this image:",
                tf.shape(image)[1::-1],
            ],
        )
        with tf.control_dependencies([] if asserted is None else [asserted]):  # None: no graph
            ends = tf.identity(ends)
    (top, left), (bottom, right) = map(tf.unstack, tf.unstack(tf.cast(tf.round(ends), tf.int32)))
    top, left = tf.minimum(top, tf.shape(image)[0] - 1), tf.minimum(left, tf.shape(image)[1] - 1)
    return top, left, tf.maximum(bottom, top + 1), tf.maximum(right, left + 1)


def crop(image: tf.Tensor, box: Crop, sides: Sequence[int] = (1, 1)) -> tf.Tensor:
    """Returns the box of an image, [h, w, c]; see ``corners``, also for what it raises."""
    top, left, bottom, right = corners(image, box, sides)
    return image[top:bottom, left:right]


def crop_and_resize(
    image: tf.Tensor, box: Crop, shape: Sequence[int], background: Sequence[int] = WHITE
) -> tf.Tensor:
    """Returns the ``crop`` of an image, uint8 [h, w, 1, 3 or 4], as uint8 ``shape``, antialiased.

    Of 16 bits the upper eight are taken. Colours stand over the background: what is hidden under
    transparency does not count. With four channels the last one is the opacity. With one the image
    is grey (ITU-R BT.601).
    """
    image = crop(image, box, shape[:2])
    if image.dtype == tf.uint16:
        image = tf.cast(image // 256, tf.uint8)
    if image.shape[-1] == 1:
        image = tf.repeat(image, 3, -1)
    if image.shape[-1] == 3:
        image = decoding.opaque(image)
    image = tf.cast(image, tf.float32)
    opacity = image[..., 3:]
    behind = tf.constant(background, tf.float32)
    colours = behind + (image[..., :3] - behind) * (opacity / 255)
    if shape[2] == 1:
        colours = tf.reduce_sum(colours * tf.constant([0.299, 0.587, 0.114]), -1, keepdims=True)
    image = tf.concat([colours, opacity], -1) if shape[2] == 4 else colours
    image = tf.image.resize(image, shape[:2], antialias=True)
    image = tf.cast(tf.clip_by_value(tf.round(image), 0, 255), tf.uint8)
    return tf.ensure_shape(image, shape)


def straight(image: tf.Tensor) -> tf.Tensor:
    """Returns an image, float [h, w, c] in [0, 1], as files hold it: its colours not over white."""
    if image.shape[-1] != 4:
        return image
    colours, opacity = image[..., :3], image[..., 3:]
    colours = 1 + tf.math.divide_no_nan(colours - 1, opacity)
    return tf.concat([tf.clip_by_value(colours, 0.0, 1.0), opacity], -1)


def encoded(image: tf.Tensor) -> tf.Tensor:
    """Returns an image, float [h, w, c] in [0, 1], as a PNG file, string []."""
    pixels = 255 * straight(tf.clip_by_value(image, 0.0, 1.0))
    return tf.io.encode_png(tf.cast(tf.round(pixels), tf.uint8))


def content(path: str | bytes) -> bytes:
    """Returns the content of an image file, one that ``decode`` cannot read as a PNG file.

    TIFF files and animated WebP files give their first picture.

    Raises:
        OSError, ValueError: the file cannot be read.
    """
    with open(path, "rb") as file:
        given = file.read()
    if not (given[:4] in _TIFF or (given[8:16] == b"WEBPVP8X" and given[20] & 2)):
        return given
    try:
        with PIL.Image.open(io.BytesIO(given)) as image:
            if max(image.size) > MAX_SIDE:
                raise ValueError(
                    f"The sides of an image may have from 1 up to {MAX_SIDE} pixels. Received: {image.size}"
                )
            image.seek(0)
            upright = decoding.eight_bits(PIL.ImageOps.exif_transpose(image)).convert("RGBA")
    except (PIL.UnidentifiedImageError, SyntaxError, PIL.Image.DecompressionBombError):
        raise ValueError("This is no TIFF or WebP file that can be read.") from None
    made = io.BytesIO()
    upright.save(made, "PNG", compress_level=0)
    return made.getvalue()


def load(path: str | tf.Tensor) -> tf.Tensor:
    """Reads and decodes an image file, to uint8 [h, w, 4]; see ``content``."""
    path = os.fsencode(path) if isinstance(path, str) else path  # a name may be in any encoding
    if not tf.is_tensor(path):
        return decode(tf.constant(content(path)))
    is_other = tf.strings.regex_full_match(tf.strings.lower(path), _OTHER)
    read = tf.cond(
        is_other,
        lambda: tf.ensure_shape(python_call(content, [path], tf.string), []),
        lambda: tf.io.read_file(path),
    )
    return decode(read)


def read(path: str | tf.Tensor, info: Info) -> tf.Tensor:
    """Reads an image file to uint8 ``info.shape``, as ``crop_and_resize`` does."""
    return crop_and_resize(load(path), info.crop, info.shape, info.background)


def asserted(message: str) -> str | None:
    """Returns the sentence of an assertion of TensorFlow in an error message, if there is one."""
    found = re.search(r"assertion failed: \[(.*?)\]((?: \[[^\]]*\])*)", message, re.DOTALL)
    return f"{found[1]}{found[2]}" if found else None


def reason(error: Exception) -> str:
    """Returns the sentence in an error: of TensorFlow that of an assertion, or the operation's."""
    message = getattr(error, "message", None) or str(error)
    if sentence := asserted(message):
        return sentence
    if "Summarized data: b" in message:  # an assertion outside of graphs
        parts = message.split("Summarized data: b")[1].splitlines()
        return " ".join(part.strip("'\"") for part in parts)
    # The reason is the line before the names of the graph's nodes, or between two names.
    message = message.split("\n\t [[")[0].split(" [Op:")[0].split("}} ")[-1]
    return next(iter(message.strip().splitlines()[::-1]), "no reason given")


def unreadable(path: str, box: Crop = None) -> str | None:
    """Returns a sentence about a file if it cannot be decoded, or its box not be cut out."""
    try:
        crop(load(path), box)
    except (tf.errors.OpError, OSError, ValueError) as error:
        size = f"{os.path.getsize(path)} bytes" if os.path.exists(path) else "gone"
        return f"Cannot read image {path} ({size}): {reason(error).rstrip('.')}. Replace or remove the file."
    return None


def first_unreadable(paths: Sequence[str], box: Crop = None) -> str | None:
    """Returns a sentence about the first ``unreadable`` file; tf.data does not name it."""
    return next(filter(None, (unreadable(path, box) for path in paths)), None)


def all_unreadable(paths: Sequence[str], box: Crop = None) -> dict[str, str]:
    """Reads all files, on all cores; returns {path: sentence} of those that are ``unreadable``."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        sentences = zip(paths, threads.map(lambda path: unreadable(path, box), paths), strict=True)
        return {path: sentence for path, sentence in sentences if sentence}


def check_few(left_out: Sequence[str], where: str, config: BadExamplesConfig) -> None:
    """Raises ``InputError`` if more bad examples are in ``where`` than max_bad_examples allows."""
    if len(left_out) > config.max_bad_examples:
        raise InputError(
            f"{where} has {len(left_out)} bad examples, more than "
            f"--max_bad_examples={config.max_bad_examples}. The first: {' '.join(left_out[:3])}"
        )


def build(files: dict[str, tuple[np.ndarray, np.ndarray]], info: Info, config: DataConfig) -> Dataset:
    """Returns the ``Dataset`` of image files {split: (paths [n], float32 y [n, k])}."""
    paths = {split: [*map(os.fsencode, x)] for split, (x, _) in files.items() if len(x)}
    sources = {
        split: pipeline.Source.of_files(x, files[split][1], lambda path: read(path, info))
        for split, x in paths.items()
    }

    def fingerprint() -> bytes:
        content = {split: pipeline.stamps(x) for split, x in paths.items()}
        return repr((content, info.shape, info.crop, info.background)).encode()

    return pipeline.build(
        sources,
        info,
        config,
        fingerprint,
        lambda: first_unreadable([path for paths, _ in files.values() for path in paths], info.crop),
    )
