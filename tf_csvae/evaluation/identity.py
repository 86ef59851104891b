"""Whether an edited face is still the same person, by dlib's face descriptor (extra ``identity``).

The descriptor has 128 numbers and was trained to tell persons apart (King 2009, JMLR 10:1755;
http://blog.dlib.net/2017/02/high-quality-face-recognition-with-deep.html). It took no part in any
training here.
"""

import importlib.util
import os
from collections.abc import Callable

import numpy as np
import PIL.Image

from tf_csvae.data.dataset import Info

# Side of the images that the descriptor takes, and the share of strangers that are nearest.
_SIDE, _STRANGERS = 150, 0.1

_MODEL = os.path.join("models", "dlib_face_recognition_resnet_model_v1.dat")

Describe = Callable[[np.ndarray], np.ndarray]


def descriptor(info: Info) -> Describe | None:
    """Returns a function: images [n, height, width, 3] in [0, 1] -> descriptors [n, 128].

    None unless the data are faces of CelebA, and the extra ``identity`` is installed.
    """
    if info.name != "celeba" or info.shape[-1] != 3:
        return None
    # Found and not imported: the package imports pkg_resources, which setuptools no longer has.
    models = importlib.util.find_spec("face_recognition_models")
    if models is None or importlib.util.find_spec("dlib") is None:
        return None
    import dlib

    network = dlib.face_recognition_model_v1(os.path.join(os.path.dirname(models.origin), _MODEL))

    def describe(x: np.ndarray) -> np.ndarray:
        pixels = np.uint8(np.round(255 * np.clip(x, 0, 1)))
        sides = (_SIDE, _SIDE)
        images = [np.asarray(PIL.Image.fromarray(each).resize(sides)) for each in pixels]
        return np.array(network.compute_face_descriptor(images))

    return describe


def same_person(made: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Returns, bool [n], whether each result is nearer to its own original than strangers are.

    ``made`` and ``real``, float [n, d], are descriptors of results and of their originals, n
    persons. A result is the same person if it is nearer to its original than all but the nearest
    tenth of the other originals are.
    """
    apart = np.linalg.norm(real[:, None] - real, axis=-1)
    others = apart[~np.eye(len(real), dtype=bool)].reshape(len(real), -1)
    return np.linalg.norm(made - real, axis=1) < np.quantile(others, _STRANGERS, axis=1)
