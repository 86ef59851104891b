"""Image files of every kind that a data folder may hold."""

import io
import struct

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


def huge(side=14_000):
    """Returns {kind: a small file whose header promises an image of side x side}."""
    two, three = struct.pack("<HH", side, side), 2 * (side - 1).to_bytes(3, "little")

    def gif(screen, frame):
        return b"GIF89a" + screen + b"\0\0\0!\xfe\3abc\0," + bytes(4) + frame + b"\0\2\0;"

    def bmp(width, height):
        header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
        return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header

    def webp(kind, content):
        return b"RIFF" + struct.pack("<I", 100) + b"WEBP" + kind + struct.pack("<I", 20) + content + bytes(30)

    return {
        "PNG": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", side, side) + b"\x08\2" + bytes(20),
        "GIF screen": gif(two, b"\4\0\4\0"),
        "GIF frame": gif(b"\4\0\4\0", two),
        "BMP": bmp(side, 4),
        "BMP from the top": bmp(4, -side),
        "WebP lossy": webp(b"VP8 ", b"\x10\0\0\x9d\1\x2a" + two),
        "WebP lossless": webp(b"VP8L", b"\x2f" + struct.pack("<I", (side - 1) * (1 + 2**14))),
        "WebP extended": webp(b"VP8X", bytes(4) + three),
    }
