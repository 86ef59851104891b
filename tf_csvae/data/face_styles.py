"""Styles of labels that can be read off the pixels of aligned faces: how dark glasses are.

They belong to the default crop of CelebA at 64 x 64, in which the eyes of all faces lie at the same
place. A style says in which way a face has a label, and means nothing without the label.
"""

from collections.abc import Callable

import numpy as np

from tf_csvae.data.dataset import Info

# Rows and columns of the crop at 64 x 64.
_SKIN = slice(38, 43), slice(22, 42)
_LENSES = slice(30, 37), np.r_[18:28, 36:46]
_HAT = slice(4, 14), slice(18, 46)
_MOUTH = slice(46, 52), slice(25, 39)
_CHIN = slice(52, 58), slice(25, 39)

# Red, green and blue in luminance (ITU-R BT.601).
_LUMINANCE = np.array([0.299, 0.587, 0.114])


def pixel_styles(info: Info) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Returns {label: function from images [n, 64, 64, 3] to its styles [n, s]} of a data set.

    They are the darkness of lenses, the colour of a hat, the brightness of a smiling mouth and the
    darkness of a beard. Empty unless the data are CelebA in the default crop at 64 x 64.
    """
    if info.name != "celeba" or info.shape != (64, 64, 3) or info.crop in (None, "center"):
        return {}
    named = {label.name for label in info.labels}
    return {name: style for name, style in _STYLES.items() if name in named}


def _mean(x: np.ndarray, place: tuple) -> np.ndarray:
    rows, columns = place
    return np.asarray(x, np.float64)[:, rows][:, :, columns].mean((1, 2))


def _beside_skin(place: tuple) -> Callable[[np.ndarray], np.ndarray]:
    """Returns a function: images -> the luminance of a place, less that of the skin, [n, 1]."""

    def style(x: np.ndarray) -> np.ndarray:
        return ((_mean(x, place) - _mean(x, _SKIN)) @ _LUMINANCE)[:, None]

    return style


_STYLES = {
    "Eyeglasses": _beside_skin(_LENSES),
    "Wearing_Hat": lambda x: _mean(x, _HAT),
    "Smiling": _beside_skin(_MOUTH),
    "Male": _beside_skin(_CHIN),
}
