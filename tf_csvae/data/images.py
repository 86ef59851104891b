"""Reading image files: decode, crop, resize, and say which file is at fault."""

import os

import tensorflow as tf


def crop_and_resize(image, box, size):
    """Cuts a box out of an image and resizes it.

    Args:
        image: uint8 [height, width, 3], of any size.
        box: (top, left, bottom, right) as fractions of the image's sides.
        size: int, side of the result in pixels.

    Returns:
        uint8 [size, size, 3]; bilinear, antialiased.
    """
    sides = tf.cast(tf.shape(image)[:2], tf.float32)
    corners = tf.cast(tf.round(tf.reshape(tf.constant(box), (2, 2)) * sides), tf.int32)
    (top, left), (bottom, right) = tf.unstack(corners[0]), tf.unstack(corners[1])
    image = image[top : tf.maximum(bottom, top + 1), left : tf.maximum(right, left + 1)]
    image = tf.image.resize(image, (size, size), antialias=True)
    image = tf.cast(tf.clip_by_value(tf.round(image), 0, 255), tf.uint8)
    return tf.ensure_shape(image, (size, size, 3))


def read(path, box, size):
    """Reads an image file (JPEG, PNG, BMP or GIF) to uint8 [size, size, 3]."""
    image = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
    image.set_shape((None, None, 3))
    return crop_and_resize(image, box, size)


def first_unreadable(paths):
    """Returns a sentence about the first file that cannot be decoded, or None.

    tf.data's own error names no file. This reads them one by one until it finds the one, so
    it costs nothing while all is well.
    """
    for path in paths:
        try:
            tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
        except tf.errors.OpError as error:
            # The reason stands between the name of the graph's node and that of the operation.
            reason = error.message.split("}} ")[-1].split(" [Op:")[0].splitlines()[0]
            size = f"{os.path.getsize(path)} bytes" if os.path.exists(path) else "gone"
            return f"Cannot read image {path} ({size}): {reason} Replace the file."
    return None
