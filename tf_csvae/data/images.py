"""Reading image files: decode, turn upright, crop, resize, and say which file is at fault."""

import concurrent.futures
import os

import tensorflow as tf

from tf_csvae.data import pipeline
from tf_csvae.data.dataset import SPLITS
from tf_csvae.errors import InputError

# A larger picture takes gigabytes to decode and resize, for one example or one request to a server.
MAX_SIDE = 8192

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"

# Where the orientation is looked for: within so many bytes, segments, and entries of a directory.
_EXIF_WITHIN, _SEGMENTS, _ENTRIES = 2**16, 8, 64
_ORIENTATION = 0x0112


def is_png(file):
    """Whether an encoded image, a string tensor [], is a PNG file."""
    return tf.equal(tf.strings.substr(file, 0, len(_PNG)), _PNG)


def is_jpeg(file):
    """Whether an encoded image, a string tensor [], is a JPEG file."""
    return tf.equal(tf.strings.substr(file, 0, len(_JPEG)), _JPEG)


def decode(file):
    """Decodes an image as it is meant to be seen.

    Args:
        file: string tensor [], a JPEG, PNG, BMP or GIF file of any mode. Transparency is left
            away; of an animation the first frame is taken; a JPEG is turned and mirrored as its EXIF
            orientation says, which cameras write.

    Returns:
        uint8 [height, width, 3].

    Raises:
        tf.errors.InvalidArgumentError: it cannot be decoded, or a side of a JPEG or PNG is longer than
            ``MAX_SIDE``, which is seen before any memory is taken.
    """
    sides = tf.case(
        [
            (is_png(file), lambda: _png_sides(file)),
            (is_jpeg(file), lambda: tf.io.extract_jpeg_shape(file)[:2]),
        ],
        default=lambda: tf.ones([2], tf.int32),
    )
    size = tf.debugging.Assert(
        tf.reduce_all((sides > 0) & (sides <= MAX_SIDE)),
        [f"An image's sides may have up to {MAX_SIDE} pixels.", "Received:", sides],
    )
    with tf.control_dependencies([] if size is None else [size]):  # outside of graphs it has raised
        file = tf.identity(file)
    image = tf.io.decode_image(file, channels=3, expand_animations=False)
    image.set_shape((None, None, 3))
    # Most files say nothing of it, and looking takes as long as decoding. \C is any byte.
    start = tf.strings.substr(file, 0, _EXIF_WITHIN)
    said = is_jpeg(file) & tf.strings.regex_full_match(start, r"\C*Exif\x00\x00\C*")
    return tf.cond(said, lambda: _turned(image, _orientation(start)), lambda: image)


def _png_sides(file):
    # Width and height are the first two numbers of the header, big-endian.
    header = tf.io.decode_raw(tf.strings.substr(file, 16, 8), tf.uint8, fixed_length=8)
    bytes_ = tf.cast(tf.reshape(header, [2, 4]), tf.int64)
    sides = tf.linalg.matvec(bytes_, tf.constant([2**24, 2**16, 2**8, 1], tf.int64))
    return tf.cast(tf.minimum(sides, 2**30), tf.int32)


def _orientation(start):
    """Returns int32 []: the EXIF orientation of a JPEG, 1 to 8; 1, upright, where it has none that is valid.

    A JPEG begins with segments, each of a marker (2 bytes) and a length (2 bytes, itself included).
    That of EXIF holds a TIFF header and a directory: a number of entries, 12 bytes each.
    """
    content = tf.cast(tf.io.decode_raw(start, tf.uint8), tf.int32)
    end = tf.size(content)

    def at(places):  # beyond the end there are zeros
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

    # The lower half of a number of four bytes; the directory lies within the segment's 64 KiB.
    directory = tiff + ordered(tiff + tf.where(little, 4, 6))
    entries = directory + 2 + 12 * tf.range(_ENTRIES)
    meant = tf.equal(ordered(entries), _ORIENTATION) & (tf.range(_ENTRIES) < ordered(directory))
    values = tf.where(meant, ordered(entries + 8), 0)
    value = tf.reduce_max(values)
    return tf.where(exif(place) & (value >= 1) & (value <= 8), value, 1)


def _turned(image, orientation):
    """Turns and mirrors an image so that it is upright, given its EXIF orientation."""
    turned = tf.cond(orientation >= 5, lambda: tf.transpose(image, (1, 0, 2)), lambda: image)
    mirrored = tf.reduce_any(tf.equal(orientation, [2, 3, 6, 7]))
    turned = tf.cond(mirrored, lambda: turned[:, ::-1], lambda: turned)
    upended = tf.reduce_any(tf.equal(orientation, [3, 4, 7, 8]))
    return tf.cond(upended, lambda: turned[::-1], lambda: turned)


def parse_crop(text):
    """Reads what ``--crop`` gives.

    Args:
        text: "center", the largest square in the middle; "none", the whole; or "x,y,w,h": left, top,
            width and height of a box, in fractions of the image's sides or, where one is above 1, in
            pixels.

    Returns:
        ``Info.crop``.

    Raises:
        InputError: anything else.
    """
    if text in ("center", "none"):
        return "center" if text == "center" else None
    try:
        left, top, width, height = map(float, text.split(","))
        if min(left, top) < 0 or min(width, height) <= 0:
            raise ValueError
    except ValueError:
        raise InputError(
            f"--crop={text}: expected center, none, or x,y,w,h: left, top, width and height of a box, in "
            "fractions of the sides or in pixels."
        ) from None
    return (top, left, top + height, left + width)


def crop_and_resize(image, box, size):
    """Cuts a box out of an image and resizes it.

    Args:
        image: uint8 [height, width, 3], of any size.
        box: (top, left, bottom, right) as fractions of the image's sides or, where one is above
            1, in pixels; "center": the largest square in the middle; None: the whole.
        size: int, side of the result in pixels.

    Returns:
        uint8 [size, size, 3]; bilinear, antialiased.
    """
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


def read(path, box, size):
    """Reads an image file (JPEG, PNG, BMP or GIF) to uint8 [size, size, 3]."""
    return crop_and_resize(decode(tf.io.read_file(path)), box, size)


def unreadable(path):
    """Returns a sentence about a file that cannot be decoded, or None."""
    try:
        decode(tf.io.read_file(path))
    except tf.errors.OpError as error:
        # The reason stands between the name of the graph's node and that of the operation.
        reason = error.message.split("}} ")[-1].split(" [Op:")[0].splitlines()[0]
        reason = reason.split("Summarized data: b")[-1]  # of an assertion
        size = f"{os.path.getsize(path)} bytes" if os.path.exists(path) else "gone"
        return f"Cannot read image {path} ({size}): {reason} Replace the file."
    return None


def first_unreadable(paths):
    """Returns a sentence about the first file that cannot be decoded, or None.

    tf.data's own error names no file. This reads them one by one until it finds the one, so
    it costs nothing while all is well.
    """
    return next(filter(None, map(unreadable, paths)), None)


def all_unreadable(paths):
    """Reads all files, on all cores.

    Args:
        paths: list of str.

    Returns:
        {path: sentence} of those that cannot be decoded.
    """
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        told = zip(paths, threads.map(unreadable, paths), strict=True)
        return {path: sentence for path, sentence in told if sentence}


def check_few(left_out, most, data_dir):
    """Raises ``InputError`` where more examples are bad than ``--max_bad_examples`` admits.

    Args:
        left_out: sentences about them.
        most: int.
        data_dir: str, the folder.
    """
    if len(left_out) > most:
        raise InputError(
            f"--data_dir={data_dir} has {len(left_out)} bad examples, more than --max_bad_examples={most}. "
            f"The first: {' '.join(left_out[:3])}"
        )


def build(files, info, batch_size, seed, augment, cache):
    """Makes the ``Dataset`` of image files.

    Args:
        files: {split: (paths [n], float32 y [n, k])}.
        info: ``Info``, with the counts; of its shape the side of the images, and its crop.
        batch_size: see ``pipeline.build``.
        seed: see ``pipeline.build``.
        augment: names of ``pipeline.AUGMENTATIONS`` for the training images.
        cache: see ``pipeline.build``.
    """

    def examples(split):
        paths, y = files[split]
        items = (
            pipeline.shuffled_once((paths, y), seed)
            if split == "train"
            else tf.data.Dataset.from_tensor_slices((paths, y))
        )
        return pipeline.read_all(items, lambda path, y: (read(path, info.crop, info.shape[0]), y))

    source = {split: (paths.tolist(), y.tolist(), seed) for split, (paths, y) in files.items()}
    names = [label.name for label in info.labels]
    return pipeline.build_images(
        {split: examples(split) for split in SPLITS if len(files[split][0])},
        info,
        batch_size,
        seed,
        augment,
        cache,
        fingerprint=repr((source, names, info.shape, info.crop)).encode(),
        explain_failure=lambda: first_unreadable([path for paths, _ in files.values() for path in paths]),
    )
