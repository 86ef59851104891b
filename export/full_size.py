"""Edits of images at their full size: the change of the model's image, carried to the file.

A model sees an image of some 64 pixels. Its edit changes some of them, and that change is added to
the pixels of the file, so that everything else stays as it is. The change is upsampled by the fast
guided filter (He and Sun 2015, arXiv:1505.00996), so that its edges follow those of the file.
"""

import io
from typing import TYPE_CHECKING

import numpy as np
import PIL.Image
import PIL.ImageOps
import tensorflow as tf
from scipy import ndimage

from export.signatures import Served
from tf_csvae.data import images
from tf_csvae.data.dataset import Info

if TYPE_CHECKING:  # it needs the extra "serving"
    from export.remote import Remote

# Changes of a pixel below it are no change: two steps of 255.
LEAST = 2 / 255

# Share of a side over which a change fades towards an edge of the model's image that lies within
# the file, so that no edge is seen.
FADE = 0.1

# Side of the filter's windows, in pixels of the model's image, and the variance of the guide's
# brightness below which a window counts as flat.
WINDOW, FLAT = 3, 0.02**2


def edited(path: str, info: Info, before: np.ndarray, after: np.ndarray) -> bytes:
    """Returns an image file with the change of the model's image, as a PNG file with its metadata.

    Args:
        path: the file.
        info: describes the model's images.
        before: what the model's image is without the change, float [height, width, c] in [0, 1].
        after: what it is with the change.
    """
    pixels, content = changed(images.load(path), info, before, after), io.BytesIO()
    made = PIL.Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    made.save(content, "PNG", **_metadata(path))
    return content.getvalue()


def changed(image: np.ndarray | tf.Tensor, info: Info, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Returns an image, uint8 [h, w, 4] as of ``images.load``, with a change; uint8 [h, w, c]."""
    top, left, bottom, right = map(int, images.corners(image, info.crop, info.shape[:2]))
    shape, channels = tuple(image.shape[:2]), info.shape[2]
    whole = images.crop_and_resize(image, None, (*shape, channels), info.background).numpy() / 255
    part = whole[top:bottom, left:right]
    rows = _faded(bottom - top, top > 0, bottom < shape[0])
    columns = _faded(right - left, left > 0, right < shape[1])
    part += upsampled(after - before, before, part) * rows[:, None, None] * columns[:, None]
    pixels = images.straight(tf.constant(np.clip(whole, 0, 1), tf.float32)).numpy()
    return np.uint8(np.round(255 * pixels))


def unchanged(served: "Served | Remote", x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns what the change of an edit of images x, [n, ...], begins from.

    It is x, or their reconstructions if the model's edits do not keep what it cannot reconstruct.
    """
    if served.description.counterfactual:
        return x
    return served.answer("reconstruct", {"x": x, "labels": labels})["x"]


def upsampled(change: np.ndarray, guide: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Returns a change at the size of the part of a file that the model's image shows.

    Args:
        change: float [height, width, c] of the model's image.
        guide: the model's image, float [height, width, c].
        part: of the file, float [h, w, c]; its brightness is where the edges are.
    """
    change = np.where(np.abs(change).max(-1, keepdims=True) < LEAST, 0.0, change)
    if part.shape == change.shape:
        return change

    def mean(values: np.ndarray) -> np.ndarray:
        return ndimage.uniform_filter(values, (WINDOW, WINDOW, 1), mode="nearest")

    low, high = (np.mean(each[..., :3], -1, keepdims=True) for each in (guide, part))
    variance = mean(low * low) - mean(low) ** 2
    slope = (mean(low * change) - mean(low) * mean(change)) / (np.maximum(variance, 0) + FLAT)
    offset = mean(change) - slope * mean(low)
    slope, offset = (tf.image.resize(mean(each), part.shape[:2]).numpy() for each in (slope, offset))
    return slope * high + offset


def _faded(count: int, at_start: bool, at_end: bool) -> np.ndarray:
    """Returns factors of the pixels of a side, [count], that rise from 0 to 1 at these ends."""
    rising = np.float32(np.clip((np.arange(count) + 0.5) / (FADE * count), 0, 1))
    factors = np.ones(count, np.float32)
    if at_start:
        factors *= rising
    if at_end:
        factors *= rising[::-1]
    return factors


def _metadata(path: str) -> dict[str, bytes]:
    """Returns the EXIF data and the colour profile of a file; its pixels are upright already."""
    with PIL.Image.open(path) as image:
        found = {"exif": image.getexif(), "icc_profile": image.info.get("icc_profile")}
    found["exif"].pop(0x0112, None)
    return {name: value.tobytes() if name == "exif" else value for name, value in found.items() if value}
