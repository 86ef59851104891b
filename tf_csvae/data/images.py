"""Reading image files: decode, crop, resize, and say which file is at fault."""

import os

import tensorflow as tf

from tf_csvae.data import pipeline
from tf_csvae.data.dataset import SPLITS
from tf_csvae.errors import InputError


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
    return pipeline.build(
        {split: examples(split) for split in SPLITS if len(files[split][0])},
        info,
        batch_size,
        seed,
        convert=pipeline.image_to_float,
        augment=pipeline.augmentation(augment),
        cache=cache,
        fingerprint=repr((source, names, info.shape, info.crop)).encode(),
        explain_failure=lambda: first_unreadable([path for paths, _ in files.values() for path in paths]),
    )
