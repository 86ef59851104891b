"""The format of the images of a training: sides, channels, background; from options and files."""

import dataclasses
import re
from collections.abc import Sequence

import numpy as np

from tf_csvae.configs import DataConfig
from tf_csvae.data import decoding
from tf_csvae.data.dataset import MAX_SIDE
from tf_csvae.errors import InputError

# Default sides. Files whose longer side has at most SMALL pixels keep their size.
SIDE, SMALL = 64, 80
SQUARE = (SIDE, SIDE)

# So many files are looked at; squares are taken unless the middle nine tenths of the aspect ratios
# are within this factor.
LOOKED_AT, SAME_RATIO = 200, 1.1

# The largest difference of the channels of an image that counts as grey, of 255.
GREY = 3


@dataclasses.dataclass(frozen=True)
class Format:
    """Sides and channels of the images of a training, and what is behind transparency.

    Attributes:
        shape: (height, width, channels); one channel: grey, four: the last one is the opacity.
        background: red, green and blue, 0 to 255.
    """

    shape: tuple[int, int, int]
    background: tuple[int, int, int] = (255, 255, 255)


def sides(config: DataConfig) -> tuple[int, int] | None:
    """Returns height and width that the option image_size gives; None: auto.

    Raises:
        InputError: another text, or sides that no image has.
    """
    text = config.image_size
    if text == "auto":
        return None
    match = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", text)
    found = match and (int(match[1]), int(match[2] or match[1]))
    if not found or not 1 <= min(found) <= max(found) <= MAX_SIDE:
        raise InputError(
            f"--image_size={text}: expected one side, as in 64, height and width, as in 48x64, or "
            f"auto. A side has 1 to {MAX_SIDE} pixels."
        )
    return found


def fitting_sides(seen: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Returns height and width that suit images of these heights and widths."""
    ratios = np.array([height / width for height, width in seen])
    longer = float(np.median([max(each) for each in seen]))
    ratio = float(np.median(ratios))
    low, high = np.quantile(ratios, (0.05, 0.95))
    if high > low * SAME_RATIO or abs(np.log(ratio)) < np.log(SAME_RATIO) / 2:
        shorter = np.median([min(each) for each in seen])
        side = int(shorter) if shorter <= SMALL else SIDE
        return side, side
    longer = longer if longer <= SMALL else SIDE
    height, width = (longer, longer / ratio) if ratio > 1 else (longer * ratio, longer)
    return max(1, round(height)), max(1, round(width))


def chosen_sides(config: DataConfig, seen: Sequence[tuple[int, int]] = ()) -> tuple[int, int]:
    """Returns the sides that the options give, or that suit images of these heights and widths.

    Without images, or if a box is cut out of them, they are ``SQUARE``.
    """
    whole = config.crop in ("auto", "center", "none")
    return sides(config) or (fitting_sides(seen) if seen and whole else SQUARE)


def of_files(paths: Sequence[str], config: DataConfig) -> Format:
    """Returns the format that suits files, of which some are looked at, and the options.

    Files that cannot be read are passed over, since they are told elsewhere.

    Raises:
        InputError: an option that says nothing.
    """
    colour = background(config)
    seen, grey, transparent = [], True, False
    for path in paths[:: max(1, len(paths) // LOOKED_AT)]:
        found = decoding.thumbnail(path, 4 * SIDE)
        if found is None:
            continue
        small, size = found
        seen.append(size)
        pixels = np.asarray(small, np.int16)
        grey = grey and np.ptp(pixels[..., :3] * (pixels[..., 3:] > 0), axis=-1).max(initial=0) <= GREY
        transparent = transparent or pixels[..., 3].min(initial=255) < 255
    channels = 4 if transparent and colour is None else 1 if grey and seen else 3
    return Format((*chosen_sides(config, seen), channels), colour or Format.background)


def background(config: DataConfig) -> tuple[int, int, int] | None:
    """Returns red, green and blue of the option background; raises ``InputError``."""
    if config.background is None:
        return None
    match = re.fullmatch("#?([0-9a-fA-F]{6})", config.background)
    if not match:
        raise InputError(
            f"--background={config.background}: expected a colour as six hexadecimal digits, as in "
            "ffffff for white."
        )
    return tuple(bytes.fromhex(match[1]))
