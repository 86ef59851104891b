"""Drawn faces: synthetic images whose every factor is known.

Six independent labels. Each has two continuous styles, which vary among the faces with the label:

========================  ==========================  =================================
label                     first style                 second style
========================  ==========================  =================================
Eyeglasses                lenses: low to high         tint: clear to black
Wearing_Hat               colour: red to blue         height
Smiling                   curvature                   width
Mustache                  width                       thickness
Long_Hair                 length                      colour: dark brown to blond
Dark_Background           hue: blue to green          brightness
========================  ==========================  =================================

Skin, the shape of the face and its position vary too and belong to no label. With these images one
can measure what CelebA cannot show: whether the subspace of a label holds its style, and only it.
"""

import dataclasses

import numpy as np

from tf_csvae.configs import DataConfig
from tf_csvae.data import image_format, pipeline
from tf_csvae.data.dataset import SPLITS, Dataset, Info
from tf_csvae.errors import InputError
from tf_csvae.labels import Label

OPTIONS = ("image_size", "batch_size", "augment", "half", "balanced_batches")

# The labels, and the share of the faces that have each.
FREQUENCIES = {
    "Eyeglasses": 0.4,
    "Wearing_Hat": 0.4,
    "Smiling": 0.5,
    "Mustache": 0.4,
    "Long_Hair": 0.5,
    "Dark_Background": 0.5,
}

# Each split is a draw of its own, the same in every run, whatever the seed of the training.
_DRAWS = {"train": (20_000, 0), "validation": (2_000, 1), "test": (5_000, 2)}

# Images that are drawn at a time, so that intermediate arrays fit the cache of a processor.
_CHUNK = 250


def load(config: DataConfig, known: Info | None = None) -> Dataset:
    """Loads the drawn faces: x float32 [side, side, 3] in [0, 1], y float32 [6].

    The ``factors`` are the styles of the test faces. Below 24 pixels styles are hard to see.
    The faces are always the same, so ``known`` changes nothing.

    Raises:
        InputError: an image size that is no square.
    """
    size, width = image_format.chosen_sides(config)
    if width != size:
        raise InputError(f"--image_size={config.image_size}: drawn faces are square. Give one side.")
    drawn = {split: draw(count, size, seed) for split, (count, seed) in _DRAWS.items()}
    arrays = {split: (x, y) for split, (x, y, _) in drawn.items()}
    shares = map(float, arrays["train"][1].mean(0))
    labels = tuple(Label(name, share) for name, share in zip(FREQUENCIES, shares, strict=True))
    counts = {split: len(arrays[split][0]) for split in SPLITS}
    info = Info("drawn_faces", (size, size, 3), (0.0, 1.0), labels, counts, fingerprint=pipeline.MADE)
    dataset = pipeline.from_arrays(arrays, info, config)
    return dataclasses.replace(dataset, factors=drawn["test"][2])


def draw(n: int, size: int, seed: int) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Draws n faces of a size in pixels. A seed draws the same faces at any size.

    Returns:
        Images uint8 [n, size, size, 3]; labels float32 [n, 6] of 0 and 1, in the order of
        ``FREQUENCIES``; styles {label: float32 [n, 2] in [0, 1], NaN where the label is 0}.
    """
    random = np.random.default_rng(seed)
    labels = (random.random((n, len(FREQUENCIES))) < list(FREQUENCIES.values())).astype(np.float32)
    styles = {name: random.random((n, 2), dtype=np.float32) for name in FREQUENCIES}
    others = random.random((n, 5), dtype=np.float32)
    images = np.empty((n, size, size, 3), np.uint8)
    for start in range(0, n, _CHUNK):
        rows = slice(start, start + _CHUNK)
        part = {name: style[rows] for name, style in styles.items()}
        faces = _faces(labels[rows], part, others[rows], size)
        images[rows] = np.moveaxis(np.round(255 * faces), 1, -1)
    for column, style in zip(labels.T, styles.values(), strict=True):
        style[column == 0] = np.nan
    return images, labels, styles


def _faces(labels: np.ndarray, styles: dict[str, np.ndarray], others: np.ndarray, size: int) -> np.ndarray:
    """Draws a chunk of faces, float32 [n, 3, size, size] in [0, 1], from back to front."""
    on = dict(zip(FREQUENCIES, labels.T, strict=True))
    skin, wide, high, right, down = others.T
    # Unit: a side of the image. Origin: the middle between the eyes; y points down.
    ticks = (np.arange(size, dtype=np.float32) + 0.5) / size
    x = ticks[None, None, :] - _each(_between(0.47, 0.53, right))
    y = ticks[None, :, None] - _each(_between(0.47, 0.53, down))
    side = np.abs(x)
    canvas = np.empty((len(labels), 3, size, size), np.float32)

    def paint(distance, colour, opacity=1.0):
        """Paints where a signed distance is negative; the edge is a pixel wide."""
        cover = np.clip(0.5 - distance * size, 0, 1) * _each(opacity)
        colour = np.asarray(colour, np.float32)
        for channel in range(3):
            layer = canvas[:, channel]
            layer += cover * (_each(colour[..., channel]) - layer)

    hue, light = styles["Dark_Background"].T
    dark = _mix((0.08, 0.10, 0.50), (0.05, 0.36, 0.10), hue) * _between(0.35, 1.0, light)[:, None]
    canvas[:] = _mix((0.86, 0.87, 0.88), dark, on["Dark_Background"])[:, :, None, None]

    wide, high = _between(0.21, 0.26, wide), _between(0.30, 0.34, high)
    skin = _mix((0.98, 0.83, 0.71), (0.62, 0.42, 0.30), skin)
    length, blond = styles["Long_Hair"].T
    hair = _mix((0.22, 0.12, 0.07), _mix((0.30, 0.14, 0.07), (0.95, 0.80, 0.38), blond), on["Long_Hair"])
    long = _between(0.12, 0.42, length)
    curtain = _box(side, y - _each(long / 2 - 0.05), wide + 0.06, long / 2 + 0.05, 0.04)
    paint(curtain, hair, on["Long_Hair"])
    paint(_ellipse(x, y + 0.04, wide + 0.05, high - 0.01), hair)  # only its top stays visible
    paint(_ellipse(x, y - 0.66, 0.36, 0.24), (0.45, 0.47, 0.52))  # shoulders
    paint(_box(side, y - 0.36, 0.09, 0.12, 0.03), 0.88 * skin)  # neck
    paint(_ellipse(x, y - 0.06, wide, high), skin)
    paint(_box(side, y + _each(high - 0.09), wide + 0.01, 0.07, 0.05), hair)  # fringe

    eyes = side - 0.105
    paint(_ellipse(eyes, y, 0.05, 0.032), (1.0, 1.0, 1.0))
    paint(_ellipse(eyes, y, 0.025, 0.028), (0.10, 0.10, 0.15))
    paint(_box(x, y - 0.08, 0.018, 0.055, 0.018), 0.80 * skin)  # nose

    curve, width = styles["Smiling"].T
    bend = on["Smiling"] * _between(0.05, 0.12, curve)
    half = np.where(on["Smiling"] > 0, _between(0.08, 0.16, width), 0.10)
    share = np.minimum(side / _each(half), 1)
    steepness = np.sqrt(1 + np.square(2 * _each(bend / half) * share))
    mouth = np.abs(y - 0.245 - _each(bend) * (0.5 - share**2)) / steepness
    paint(np.maximum(mouth - 0.016, side - _each(half)), (0.70, 0.15, 0.18))

    breadth, thick = styles["Mustache"].T
    bar = _box(side, y - 0.155, _between(0.07, 0.15, breadth), _between(0.018, 0.042, thick), 0.012)
    paint(bar, (0.16, 0.09, 0.05), on["Mustache"])

    lens, tint = styles["Eyeglasses"].T
    tall = _between(0.035, 0.085, lens)
    around = _box(np.abs(eyes), y, 0.08, tall, np.minimum(tall, 0.06))
    paint(around, (0.03, 0.03, 0.05), on["Eyeglasses"] * _between(0.0, 0.9, tint))
    paint(np.abs(around) - 0.010, (0.03, 0.03, 0.05), on["Eyeglasses"])
    paint(_box(side, y, 0.03, 0.010, 0.005), (0.03, 0.03, 0.05), on["Eyeglasses"])

    blue, tallness = styles["Wearing_Hat"].T
    cloth = _mix((0.88, 0.15, 0.15), (0.15, 0.25, 0.90), blue)
    crown = _between(0.06, 0.13, tallness)
    top = y + _each(high - 0.12)
    paint(_box(side, top + _each(crown), wide + 0.01, crown, 0.03), cloth, on["Wearing_Hat"])
    paint(_box(side, top, wide + 0.09, 0.025, 0.02), 0.75 * cloth, on["Wearing_Hat"])
    return np.clip(canvas, 0, 1)


def _each(value: np.ndarray | float) -> np.ndarray:
    """Returns a number per face, [n], with the axes of images; or one number for all."""
    value = np.asarray(value, np.float32)
    return value[:, None, None] if value.ndim else value


def _between(low: float, high: float, share: np.ndarray) -> np.ndarray:
    return low + (high - low) * share


def _mix(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Returns mixtures of two colours, [n, 3]."""
    share = share[:, None]
    return np.asarray((1 - share) * np.asarray(first) + share * np.asarray(second), np.float32)


def _ellipse(x: np.ndarray, y: np.ndarray, half_width: float, half_height: float) -> np.ndarray:
    """Returns the signed distance from an ellipse around the origin, approximately at its edge."""
    u, v = x / _each(half_width), y / _each(half_height)
    radius = np.sqrt(u * u + v * v)
    slope = np.sqrt((u / _each(half_width)) ** 2 + (v / _each(half_height)) ** 2)
    return radius * (radius - 1) / np.maximum(slope, 1e-6)


def _box(x: np.ndarray, y: np.ndarray, half_width: float, half_height: float, corner: float) -> np.ndarray:
    """Returns the signed distance from a box with round corners around the origin."""
    u = np.abs(x) - _each(half_width) + _each(corner)
    v = np.abs(y) - _each(half_height) + _each(corner)
    outside = np.sqrt(np.maximum(u, 0) ** 2 + np.maximum(v, 0) ** 2)
    return outside + np.minimum(np.maximum(u, v), 0) - _each(corner)
