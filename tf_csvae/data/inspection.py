"""What a data set holds, and what is wrong in its files, before hours of training."""

import collections
import dataclasses
import itertools
import os
import re
import sys
from collections.abc import Collection, Iterator, Sequence

import numpy as np
import tensorflow as tf

from tf_csvae import data
from tf_csvae.configs import DataConfig
from tf_csvae.data.blame import blaming
from tf_csvae.data.dataset import SPLITS, Dataset, Info
from tf_csvae.errors import InputError
from tf_csvae.evaluation import figures, report
from tf_csvae.evaluation.associations import goes_with, pairs
from tf_csvae.files import check_folder, write_bytes, write_text
from tf_csvae.labels import Label

# Mistakes of a kind that are listed; what differs between mistakes of one kind.
EXAMPLES = 3
_VARIES = re.compile(r"\b(line|row) \d+|Received: ('(\\.|[^'\\])*'|\"(\\.|[^\"\\])*\"|[^.]*)|'[^']*'")

# Values with fewer training examples are reported.
FEW = 20

# Images per row of the sheet, and the most rows.
ROW, MAX_ROWS = 12, 20


def inspect(config: DataConfig, given: Collection[str], out: str) -> None:
    """Prints counts, labels and warnings of a data set, and writes them as a page in ``out``.

    The page is inspection.html; of images there is sheet.png, too. All examples are read. ``given``
    names the options that were asked for.

    Raises:
        InputError: the data set cannot be trained on. All problems are printed before.
    """
    check_folder(out, "--out")
    dataset = _load(config, given)
    info = dataset.info
    title = f"{info.name}: {_described(info)}"
    print(title, flush=True)
    if info.columns:
        taken = info.taken_for()
        width = max(map(len, taken))
        print(
            "What the columns were taken for:", *(f"  {n:{width}}  {w}" for n, w in taken.items()), sep="\n"
        )
    with blaming(dataset, {"image_size": config.image_size}):
        y = {split: _labels(getattr(dataset, split)) for split in ("validation", "test")}
        y["train"] = _labels(dataset.train_from(0).take(dataset.steps_per_epoch))
        sheet = _examples(dataset.test, info.labels) if info.is_image else {}
    rows = {"examples": [f"{info.counts[split]:,}" for split in SPLITS]}
    for i, label in enumerate(info.labels):
        rows |= _shares(label, [y[split][:, i] for split in SPLITS])
    shares = report.Table(
        "The splits, and how often the labels have their values.",
        [["", *SPLITS], *([name, *cells] for name, cells in rows.items())],
    )
    print(report.as_text(shares))
    told = list(warnings(info.labels, y, goes_with(dataset, y["train"])))
    for warning in told:
        print(f"warning: {warning}")
    pictures = []
    if sheet:
        png = report.as_png(figures.image_rows(list(sheet.values()), list(sheet)))
        path = os.path.join(out, "sheet.png")
        write_bytes(path, png)
        pictures.append(("Images by label.", png))
        print(f"Images by label: {path}")
    path = os.path.join(out, "inspection.html")
    advice = [*told, *info.remarks, *dataset.left_out]
    write_text(path, report.render(title, [report.columns(info)], pictures, {}, shares, advice))
    print(f"Page: {path}")


def _load(config: DataConfig, given: Collection[str]) -> Dataset:
    """Loads the data, one example per batch, since examples that fill no batch are left out."""
    data.check(config.dataset)
    has_cache = "cache" in data.options(config.dataset) and config.cache == "memory"
    config = dataclasses.replace(config, batch_size=1, **({"cache": "none"} if has_cache else {}))
    try:
        return data.load(config, given)
    except InputError as error:
        if len(error.problems) == 1:
            raise
        for problem in grouped(error.problems):
            print(f"problem: {problem}", file=sys.stderr)
        raise InputError(f"There are {len(error.problems)} problems; they stand above.") from None


def grouped(problems: Sequence[str]) -> Iterator[str]:
    """Yields sentences about mistakes, the most frequent kind first, at most three of each kind.

    Mistakes are of one kind if their sentences differ in the row and in what was received only. The
    third sentence says how many more there are.
    """
    kinds = collections.defaultdict(list)
    for problem in problems:
        kinds[_VARIES.sub("", problem)].append(problem)
    for of_kind in sorted(kinds.values(), key=len, reverse=True):
        *first, last = of_kind[:EXAMPLES]
        yield from first
        more = len(of_kind) - EXAMPLES
        yield f"{last} ({more:,} more like this)" if more > 0 else last


def warnings(
    labels: Sequence[Label], y: dict[str, np.ndarray], together: dict[str, dict[str, float]]
) -> Iterator[str]:
    """Yields sentences about labels, y {split: float32 [n, k]}, that can hardly be learned.

    ``together`` is as of ``goes_with``.
    """
    for split, columns in y.items():
        for label, column in zip(labels, columns.T, strict=True):
            known = column[~np.isnan(column)]
            counts = {f"the value {label.text(v)}": (known == v).sum() for v in label.points[0]}
            if label.kind == "real":
                counts = {"a known value": len(known)}
            what, count = min(counts.items(), key=lambda pair: pair[1])
            few = f"{label.name} has {what} in {count} {split} examples"
            if split == "train" and count < FEW:
                yield f"{few}: too few to learn it from."
            elif not count:
                yield f"{few}: nothing can be measured about it."
    for label, other, r in pairs(together):
        yield (
            f"{label} and {other} have a correlation of {r:.2f}, so a model cannot tell them apart. "
            "Leave one out."
        )


def _shares(label: Label, columns: Sequence[np.ndarray]) -> dict[str, list[str]]:
    """Returns {title: cells}, how often a label has its values in the splits, or its mean."""

    def cells(measure):
        known = [column[~np.isnan(column)] for column in columns]
        return [measure(part) if len(part) else "–" for part in known]

    if label.kind == "real":
        mean = cells(lambda part: f"{label.in_units(part.mean()):.4g} ± {label.scale * part.std():.2g}")
        rows = {f"{label.name} (real)": mean}
    elif label.kind == "binary":
        rows = {f"{label.name} (binary)": cells(lambda part: f"{part.mean():.1%}")}
    else:
        rows = {}
        for place, name in enumerate(label.classes):
            share = cells(lambda part, place=place: f"{np.mean(part == place):.1%}")
            rows[f"{label.name} = {name} (categorical)"] = share
    unknown = [np.isnan(column).mean() for column in columns]
    if any(unknown):
        rows[f"{label.name} is unknown"] = [f"{share:.1%}" for share in unknown]
    return rows


def _described(info: Info) -> str:
    labels = f"{len(info.labels)} labels"
    if info.is_image:
        kind = {1: "grey images", 3: "images", 4: "images with transparency"}[info.shape[2]]
        return f"{kind} of {info.shape[0]} x {info.shape[1]}, {labels}"
    return f"{info.shape[0]} features ({', '.join(info.feature_names[:20])}), {labels}"


def _labels(batches: tf.data.Dataset) -> np.ndarray:
    return np.concatenate([y.numpy() for _, y in batches])


def _examples(batches: tf.data.Dataset, labels: Sequence[Label]) -> dict[str, np.ndarray]:
    """Returns {"label = value": the first images that have it}."""
    ranges = {}
    for i, label in enumerate(labels):
        if label.kind == "real":  # the upper and the lower third of a normal distribution
            ranges[f"{label.name} high"] = (i, 0.43, np.inf)
            ranges[f"{label.name} low"] = (i, -np.inf, -0.43)
        else:
            for value in (1, 0) if label.kind == "binary" else label.points[0]:
                ranges[f"{label.name} = {label.text(value)}"] = (i, value, value)
    ranges = dict(itertools.islice(ranges.items(), MAX_ROWS))
    found = {title: [] for title in ranges}
    for x, y in batches:
        for title, (i, low, high) in ranges.items():
            column, row = y.numpy()[:, i], found[title]
            row.extend(x.numpy()[(column >= low) & (column <= high)][: ROW - len(row)])
        if all(len(row) >= ROW for row in found.values()):
            break
    return {title: np.stack(images) for title, images in found.items() if images}
