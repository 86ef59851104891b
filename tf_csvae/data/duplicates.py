"""Images that must stay on one side of the splits: copies, near copies, and frames of one video."""

import concurrent.futures
import hashlib
import os
import re
from collections.abc import Iterable, Sequence

import numpy as np
import PIL.Image

from tf_csvae.data import decoding
from tf_csvae.data.splits import repeated

# Near copies: the correlation of two images, grey and of THUMBNAIL pixels a side, is at least so
# much. Of 4,000 faces of CelebA and 2,062 photographs of hands, the nearest two have 0.93 and 0.95.
# A copy that was compressed again or resized has more than 0.995.
THUMBNAIL, NEAR = 32, 0.99

# Near copies are not looked for in more images, and not kept together if the largest group would
# have a larger share of the images: then they are alike by nature.
MOST_IMAGES, MOST_SHARE = 20_000, 0.25

# Images that are compared with all others at a time.
_CHUNK = 1000

_FRAME = re.compile(r"(.*?)[ _.-]*(?:frames?|frm)[ _.-]*\d+", re.IGNORECASE)


def copies(paths: Sequence[str]) -> dict[int, int]:
    """Returns {place: the first place} of files that have the same bytes as a file before them.

    Only files of equal size are read. Missing files are passed over.
    """
    places = {}
    for place, path in enumerate(paths):
        if os.path.isfile(path):
            places.setdefault(os.path.getsize(path), []).append(place)
    alike = sorted(place for group in places.values() if len(group) > 1 for place in group)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        digests = dict(zip(alike, threads.map(lambda place: _digest(paths[place]), alike), strict=True))
    return repeated(digests.get(place) for place in range(len(paths)))


def _digest(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:  # it is told when the image is read
        return os.fsencode(path)


def near_copies(paths: Sequence[str]) -> dict[int, int]:
    """Returns {place: a place before it} of images that look like another.

    They differ in size, in compression, or by little else. Files that cannot be read are passed
    over, and the result is empty for more than ``MOST_IMAGES`` images.
    """
    if len(paths) > MOST_IMAGES:
        return {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        thumbnails = np.array([*threads.map(_thumbnail, paths)]).reshape(-1, THUMBNAIL**2)
    found = {}
    for start in range(0, len(paths), _CHUNK):
        chunk = thumbnails[start : start + _CHUNK]
        like = chunk @ thumbnails[: start + len(chunk)].T >= NEAR
        like &= np.arange(like.shape[1]) < np.arange(start, start + len(chunk))[:, None]
        for row in np.flatnonzero(like.any(1)):
            found[start + int(row)] = int(like[row].argmax())
    return found


def _thumbnail(path: str) -> np.ndarray:
    """Returns the grey values of an image, float32 [THUMBNAIL²], of mean 0 and norm 1, or zeros."""
    found = decoding.thumbnail(path, 4 * THUMBNAIL)
    if found is None:
        return np.zeros(THUMBNAIL**2, np.float32)
    over, _ = found
    over = PIL.Image.alpha_composite(PIL.Image.new("RGBA", over.size, "white"), over)
    small = over.convert("L").resize((THUMBNAIL, THUMBNAIL), PIL.Image.Resampling.BOX)
    values = np.asarray(small, np.float32).ravel()
    values -= values.mean()
    norm = np.linalg.norm(values)
    return values / norm if norm > THUMBNAIL else np.zeros_like(values)  # an image of one colour


def frames(names: Iterable[str]) -> dict[int, int]:
    """Returns {place: the first place} of names that count the frames of one video.

    Such names have the word "frame" before the number, and the video before that, as in
    "walk_frame_012.png" or "CLASS/walk/frame012.png". A class folder alone is no video.
    """

    def video(name: str) -> tuple[str, str] | None:
        folder, base = os.path.split(os.path.splitext(name)[0])
        match = _FRAME.fullmatch(base)
        return (folder, match[1]) if match and (match[1] or "/" in folder) else None

    return repeated(map(video, names))


def together(count: int, *links: dict[int, int]) -> dict[int, int]:
    """Returns {place: the first place} of all places that links, {place: other place}, connect.

    Places, 0 to ``count`` - 1, that nothing connects have no entry.
    """
    root = list(range(count))

    def first(place: int) -> int:
        while root[place] != place:
            root[place] = place = root[root[place]]
        return place

    for place, other in (pair for each in links for pair in each.items()):
        low, high = sorted((first(place), first(other)))
        root[high] = low
    return {place: first(place) for place in range(count) if first(place) != place}
