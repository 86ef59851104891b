"""Data beside the data that a run was trained on: what is different, and what must not be.

A run's labels, scaling and columns belong to its training. Other data are read with them:
``data.load(config, known=run.info())``.
"""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np

from tf_csvae.data.dataset import SPLITS, Info
from tf_csvae.errors import InputError
from tf_csvae.labels import Label

# Relative difference of two scalings that are the same but for rounding.
_ROUNDING = 1e-5


def fingerprint(rows: Iterable[Sequence[str]]) -> str:
    """Returns a checksum of rows of texts, ``Info.fingerprint``; their order counts."""
    digest, known = hashlib.sha256(), {}

    def part(text: str) -> bytes:
        content = text.encode("utf-8", "surrogatepass")
        content = len(content).to_bytes(8, "big") + content
        if len(text) < 8:  # such as a value of a label, which returns in most rows
            known[text] = content
        return content

    for row in rows:
        parts = [known.get(text) or part(text) for text in row]
        digest.update(b"".join(parts) + b"\xff" * 8)  # no text is so long
    return digest.hexdigest()


def changes(before: Info, now: Info) -> list[str]:
    """Says what is different now, as in "343 training rows became 495"; empty if nothing is."""
    found = meaning_changes(before, now)
    of = "images" if now.is_image else "rows"
    for split in SPLITS:
        old, new = before.counts[split], now.counts[split]
        if old != new:
            words = "training" if split == "train" else split
            found.append(f"{old:,} {words} {of} became {new:,}")
    known = before.fingerprint and now.fingerprint
    if not found and known and before.fingerprint != now.fingerprint:
        found.append(f"the {of} are others, or in another order")
    return found


def meaning_changes(before: Info, now: Info) -> list[str]:
    """Says what x and y mean differently now; a model of other data cannot be used with these."""
    old, new = (tuple(label.name for label in info.labels) for info in (before, now))
    found = [*_names("label", old, new)]
    if not found and old != new:
        found.append(f"the order of the labels {', '.join(old)} became {', '.join(new)}")
    here = {label.name: label for label in now.labels}
    for label in before.labels:
        other = here.get(label.name, label)
        if not label.same_values(other):
            found.append(f"the label {label.name} was {label.described()} and is {other.described()}")
    features = _names("feature", before.feature_names, now.feature_names)
    found += features
    if features:
        return found
    if tuple(before.shape) != tuple(now.shape):
        found.append(f"the shape {tuple(before.shape)} became {tuple(now.shape)}")
    elif before.feature_names != now.feature_names:
        found.append("the features are in another order")
    else:
        found += _scaling(before, now)
    return found


def _names(what: str, old: Sequence[str], new: Sequence[str], most: int = 5) -> list[str]:
    """Says which names are missing and which are new."""
    found = []
    for names, words in ((set(old) - set(new), "is missing"), (set(new) - set(old), "is new")):
        shown = [f"the {what} {name} {words}" for name in sorted(names)]
        more = [f"and {len(shown) - most} more"] if len(shown) > most else []
        found += shown[:most] + more
    return found


def _scaling(before: Info, now: Info) -> list[str]:
    """Says in which feature the scaling is another, with the numbers of the first one."""
    if before.columns:
        pairs = zip(before.columns, now.columns, strict=True)
        different = [(old, new) for old, new in pairs if not old.same_scaling(new)]
        if not different:
            return []
        old, new = different[0]
        more = f", and that of {len(different) - 1} more" if different[1:] else ""
        return [f"the column {old.name} was {old.described()} and is {new.described()}{more}"]
    size = before.shape[0] if len(before.shape) == 1 else 1
    pairs = []
    for info in (before, now):
        pairs.append([np.broadcast_to(np.float64(part), size) for part in (info.offset, info.scale)])
    (offset, scale), (other_offset, other_scale) = pairs
    moved = np.abs(offset - other_offset) > _ROUNDING * np.abs(scale) + 1e-6 * np.abs(offset)
    different = np.flatnonzero(moved | (np.abs(scale - other_scale) > _ROUNDING * np.abs(scale)))
    if not len(different):
        return []
    first = different[0]
    name = before.feature_names[first] if before.feature_names else f"number {first + 1}"
    more = f", and that of {len(different) - 1} more" if len(different) > 1 else ""
    return [
        f"the scaling of {name} was mean {offset[first]:g} and scale {scale[first]:g} and is "
        f"mean {other_offset[first]:g} and scale {other_scale[first]:g}{more}"
    ]


def check_fits(known: Info, now: Info, where: str) -> None:
    """Raises ``InputError`` unless x and y of data mean what they meant in the data ``known``.

    ``where`` is what has the data ``known``, as in "runs/a".
    """
    different = meaning_changes(known, now)
    if different:
        raise InputError(
            f"{where} was trained on other data: {'; '.join(different)}. Give data of the same "
            "kind, read with the labels and the scaling of the run: load_data(..., known=run.info())."
        )


def label_names(known: Info, present: Iterable[str], chosen: Sequence[str] | None, where: str) -> list[str]:
    """Returns the labels of a run, in its order, which the columns of other data must have.

    ``present`` are the names of the columns that can be labels, ``chosen`` those that were named
    as labels; None: all are labels. ``where`` is the file, for messages.

    Raises:
        InputError: labels that are missing, or labels that the run does not have.
    """
    names = [label.name for label in known.labels]
    present = list(present)
    missing = [name for name in names if name not in present]
    extra = [name for name in (present if chosen is None else chosen) if name not in names]
    if not missing and not extra:
        return names
    parts = [("has no label", missing), ("has beside them", extra)]
    said = " and ".join(f"{words} {', '.join(of)}" for words, of in parts if of)
    raise InputError(
        f"The run has the labels {', '.join(names)}. {where} {said}. Give a file with the labels of "
        f"the run{f', or name them: --attributes={chr(44).join(names)}' if not missing else ''}."
    )


def check_kinds(known: Sequence[Label], found: Sequence[Label], where: str) -> None:
    """Raises ``InputError`` unless labels as found in other data have the kinds of the run's."""
    for label, other in zip(known, found, strict=True):
        if (label.kind, label.classes) != (other.kind, other.classes):
            raise InputError(
                f"{where}: the label {label.name} is {label.described()} in the run, and "
                f"{other.described()} here. Give data in which it is the same."
            )
