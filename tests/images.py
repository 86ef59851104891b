"""Image files of every kind that a data folder may hold."""

import io

import numpy as np
from PIL import Image

PIXELS = np.zeros((48, 32, 3), np.uint8)
PIXELS[:24, :16], PIXELS[:24, 16:], PIXELS[24:, :16] = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def encoded(mode="RGB", kind="PNG", size=None, orientation=None):
    """Returns bytes of an image of four colours, or of a black one of a given (width, height)."""
    image = Image.fromarray(PIXELS).convert(mode) if size is None else Image.new(mode, size)
    exif = Image.Exif()
    exif[0x010F] = "the maker of the camera"
    if orientation:
        exif[0x0112] = orientation
    buffer = io.BytesIO()
    image.save(buffer, kind, **({"exif": exif.tobytes(), "quality": 95} if kind == "JPEG" else {}))
    return buffer.getvalue()
