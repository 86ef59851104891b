"""Image files, decoded to upright RGBA, with a limit of size that holds before memory is taken.

``decode`` is part of graphs, those of exported models too.
"""

import numpy as np
import PIL.Image
import tensorflow as tf

from tf_csvae.data.dataset import MAX_SIDE

# The endings of image files, in lower case. ``images.content`` reads what ``decode`` cannot.
ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff")

_JPEG, _PNG, _BMP, _GIF = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"GIF8"
_WEBP = r"RIFF\C{4}WEBP\C*"  # \C is any byte

# The size of an image is within so many bytes, except that of a JPEG and of a GIF's frame.
_HEADER = 32

# Before a GIF's first frame: so many extensions, of so many parts. And the parts of a frame.
_EXTENSIONS, _EXTENSION_PARTS, _FRAME_PARTS = 32, 2**12, 2**16

# The orientation is searched in so many bytes, segments, and entries of a directory.
_EXIF_WITHIN, _SEGMENTS, _ENTRIES = 2**16, 8, 64
_ORIENTATION = 0x0112

# The kinds of a WebP file's first chunk, as numbers.
_VP8, _VP8L, _VP8X = (int.from_bytes(kind, "little") for kind in (b"VP8 ", b"VP8L", b"VP8X"))


def is_png(file: tf.Tensor) -> tf.Tensor:
    """Returns whether an encoded image, a string tensor [], is a PNG file."""
    return _begins(file, _PNG)


def is_jpeg(file: tf.Tensor) -> tf.Tensor:
    """Returns whether an encoded image, a string tensor [], is a JPEG file."""
    return _begins(file, _JPEG)


def _begins(file: tf.Tensor, letters: bytes) -> tf.Tensor:
    return tf.equal(tf.strings.substr(file, 0, len(letters)), letters)


# Outside of graphs, so many small operations and loops would take longer than the decoder.
_compiled = tf.function(input_signature=[tf.TensorSpec([], tf.string)], autograph=False)


@_compiled
def decode(file: tf.Tensor) -> tf.Tensor:
    """Decodes a JPEG, PNG, BMP, GIF or WebP file, a string tensor [], to uint8 [height, width, 4].

    The channels are red, green, blue and opacity; a PNG of 16 bits gives the upper eight. An
    animated GIF gives its first frame. A JPEG is turned and mirrored by the EXIF orientation, which
    cameras write.

    Raises:
        tf.errors.InvalidArgumentError: the file cannot be decoded, or a side is longer than
            ``MAX_SIDE``. This is checked before memory is allocated.
    """
    size = tf.strings.length(file)
    content = _asserted(file, size > 0, "The file is empty.")
    header = tf.io.decode_raw(tf.strings.substr(content, 0, _HEADER), tf.uint8, fixed_length=_HEADER)
    header = tf.cast(header, tf.int64)
    is_gif, is_bmp = _begins(content, _GIF), _begins(content, _BMP)
    is_webp = tf.strings.regex_full_match(tf.strings.substr(content, 0, 12), _WEBP)
    content, frame = tf.cond(
        is_gif, lambda: _first_frame(content), lambda: (content, tf.zeros([2], tf.int64))
    )
    kinds = [
        (is_png(content), tf.stack([_number(header[at : at + 4][::-1]) for at in (16, 20)])),
        (is_gif, tf.where(frame > 0, tf.maximum(frame, _pair(header, 6)), 0)),
        (is_webp, _webp_sides(header)),
        (is_bmp, _bmp_sides(header)),
    ]
    known = tf.reduce_any([is_jpeg(content), *(holds for holds, _ in kinds)])
    expected = "Unknown image file format: expected JPEG, PNG, BMP, GIF, WebP or TIFF."
    content = _asserted(content, known, expected)
    sides = tf.cond(
        is_jpeg(content),
        lambda: tf.cast(tf.io.extract_jpeg_shape(content)[1::-1], tf.int64),
        lambda: tf.zeros([2], tf.int64),
    )
    for holds, found in kinds:
        sides = tf.where(holds, found, sides)
    fits = tf.reduce_all((sides > 0) & (sides <= MAX_SIDE))
    sentence = f"The sides of an image may have from 1 up to {MAX_SIDE} pixels. Received:"
    content = _asserted(content, fits, sentence, sides)
    bits, bmp_header = _number(header[28:30]), _number(header[14:18])
    plain = tf.reduce_any(tf.equal(bits, [8, 24, 32])) & tf.reduce_any(tf.equal(header[30], [0, 3]))
    sentence = "A BMP file must have 8, 24 or 32 bits per pixel, without compression."
    content = _asserted(content, ~is_bmp | (plain & (bmp_header >= 40)), sentence)
    # Of such a file, the decoder refuses some and writes beyond its memory for others.
    is_animated = tf.equal(_number(header[12:16]), _VP8X) & tf.equal(header[20] // 2 % 2, 1)
    content = _asserted(
        content, ~(is_webp & is_animated), "An animated WebP cannot be read. Save one image of it."
    )
    # Of a WebP file only as many channels as it has can be asked for.
    image = tf.case(
        [(is_png(content), lambda: _decoded(content, 4)), (is_webp, lambda: _decoded(content, 0))],
        default=lambda: _decoded(content, 3),
    )
    image = tf.cond(tf.equal(tf.shape(image)[2], 3), lambda: opaque(image), lambda: image)
    image.set_shape((None, None, 4))
    # The decoder gives the number of each pixel's colour in a BMP file, not the colour.
    has_colours = is_bmp & tf.equal(bits, 8)
    image = tf.cond(has_colours, lambda: opaque(_coloured(image, content, 14 + bmp_header)), lambda: image)
    # Most files have no orientation, and the search takes as long as decoding.
    start = tf.strings.substr(content, 0, _EXIF_WITHIN)
    has_exif = is_jpeg(content) & tf.strings.regex_full_match(start, r"\C*Exif\x00\x00\C*")
    return tf.cond(has_exif, lambda: _turned(image, _orientation(start)), lambda: image)


def _decoded(content: tf.Tensor, channels: int) -> tf.Tensor:
    image = tf.io.decode_image(content, channels=channels, expand_animations=False)
    return tf.ensure_shape(image, (None, None, None))


def opaque(image: tf.Tensor) -> tf.Tensor:
    """Returns an image with an opacity of 255, uint8 [height, width, 3] -> [height, width, 4]."""
    return tf.pad(image, [[0, 0], [0, 0], [0, 1]], constant_values=255)


def eight_bits(image: PIL.Image.Image) -> PIL.Image.Image:
    """Returns an image of Pillow with 16 bits, or with numbers of any size, as one of eight."""
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image, np.float64)
    most = 65535 if image.mode.startswith("I") else max(1.0, values.max(initial=0))
    return PIL.Image.fromarray(np.uint8(255 * np.clip(values / most, 0, 1)))


def thumbnail(path: str, side: int) -> tuple[PIL.Image.Image, tuple[int, int]] | None:
    """Returns an image file within a square of so many pixels, in RGBA, and its height and width.

    They are those of the upright image; the pixels are not turned. A JPEG is decoded at a smaller
    scale. None: the file cannot be read, or is too large.
    """
    try:
        with PIL.Image.open(path) as image:
            if max(image.size) > MAX_SIDE:
                return None
            turned = image.getexif().get(_ORIENTATION, 1) >= 5
            size = image.size if turned else image.size[::-1]
            image.thumbnail((side, side))
            return eight_bits(image).convert("RGBA"), size
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError):
        return None


def _asserted(value: tf.Tensor, holds: tf.Tensor, *shown: str | tf.Tensor) -> tf.Tensor:
    """Returns the value, which can be used only where the assertion holds; in a graph."""
    with tf.control_dependencies([tf.debugging.Assert(holds, list(shown))]):
        return tf.identity(value)


def _number(bytes_: tf.Tensor) -> tf.Tensor:
    """Returns the number that up to 7 bytes, int64 [n], encode, the lowest first."""
    return tf.reduce_sum(bytes_ * tf.constant([256**place for place in range(bytes_.shape[0])], tf.int64))


def _pair(header: tf.Tensor, place: int, size: int = 2) -> tf.Tensor:
    """Returns width and height, int64 [2], two numbers of ``size`` bytes from a place on."""
    return tf.stack([_number(header[at : at + size]) for at in (place, place + size)])


def _bmp_sides(header: tf.Tensor) -> tf.Tensor:
    sides = _pair(header, 18, 4)  # signed: an image with a negative height begins at the top
    return tf.where(sides < 2**31, sides, 2**32 - sides)


def _coloured(image: tf.Tensor, file: tf.Tensor, table: tf.Tensor) -> tf.Tensor:
    """Returns an image whose pixels are numbers of colours in a table: blue, green, red, unused."""
    found = tf.io.decode_raw(tf.strings.substr(file, table, 1024), tf.uint8, fixed_length=1024)
    return tf.gather(tf.reshape(found, [256, 4])[:, 2::-1], tf.cast(image[..., 0], tf.int32))


def _webp_sides(header: tf.Tensor) -> tf.Tensor:
    """Returns width and height, int64 [2], in the first chunk of a WebP file; else zeros."""
    packed = _number(header[21:25])
    lossless = tf.stack([packed % 2**14, packed // 2**14 % 2**14]) + 1
    chunks = {_VP8: _pair(header, 26) % 2**14, _VP8L: lossless, _VP8X: _pair(header, 24, 3) + 1}
    kind, sides = _number(header[12:16]), tf.zeros([2], tf.int64)
    for each, found in chunks.items():
        sides = tf.where(tf.equal(kind, each), found, sides)
    return sides


def _first_frame(file: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns a GIF file without all frames but the first, and the frame's sides, int64 [2].

    The decoder allocates memory for all frames. A file without a frame has sides of 0. A GIF
    consists of a header, a colour table, extensions and frames. Both have a chain of parts, each of
    which begins with its length; the last is empty.
    """
    content = tf.io.decode_raw(file, tf.uint8)
    end = tf.size(content)

    def at(place):  # zero beyond the end
        return tf.where(place < end, tf.cast(content[tf.minimum(place, end - 1)], tf.int32), 0)

    def after_table(place, flags):
        return place + tf.where(flags >= 128, 3 * 2 ** (flags % 8 + 1), 0)

    def last_part(place, most):
        return tf.while_loop(
            lambda place: at(place) > 0,
            lambda place: (place + 1 + at(place),),
            (place,),
            maximum_iterations=most,
        )[0]

    def after_extension(place):
        last = last_part(place + 2, _EXTENSION_PARTS)
        return tf.where(at(last) > 0, end, last + 1)  # too long: there is no frame

    (frame,) = tf.while_loop(
        lambda place: tf.equal(at(place), 0x21),
        lambda place: (after_extension(place),),
        (after_table(13, at(10)),),
        maximum_iterations=_EXTENSIONS,
    )
    sides = [at(frame + place) + 256 * at(frame + place + 1) for place in (5, 7)]
    sides = tf.where(tf.equal(at(frame), 0x2C), tf.cast(tf.stack(sides), tf.int64), 0)
    last = last_part(after_table(frame + 10, at(frame + 9)) + 1, _FRAME_PARTS)
    return tf.strings.substr(file, 0, tf.minimum(last + 1, end)) + b";", sides


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
