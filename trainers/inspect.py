"""Says what a dataset holds, before an hour is spent on training.

    python -m trainers.inspect --dataset=folder --data_dir=FOLDER --labels=labels.csv
    python -m trainers.inspect --dataset=table --data_path=FILE.csv --label_columns=A,B

Prints the examples per split, of what kind and how frequent each label is, labels that go together, and all that is wrong in
the files, by line; every example is read. Writes a sheet of images by label to --out.
"""

import os
import sys

import flags
import flags.data
import flags.inspection
import flags.labels
import flags.seed
from trainers import training

FLAGS = flags.FLAGS

GROUPS = (flags.data, flags.labels, flags.inspection, flags.seed)

# Labels whose correlation is beyond this are told; a label that fewer training examples have than that, too.
CORRELATED, FEW = 0.8, 20

# Images per row of the sheet, and the most rows.
ROW, MAX_ROWS = 12, 20


def inspect():
    """Inspects --dataset; raises ``InputError`` where it cannot be trained on."""
    with training.quietly():
        import tensorflow  # noqa: F401  while its greetings are hidden

        from tf_csvae import data, figures, report, runs
        from tf_csvae.data.dataset import SPLITS
        from tf_csvae.errors import InputError

    data.check(FLAGS.dataset)
    FLAGS.batch_size = 1  # an epoch leaves out what fills no batch, and here all shall be read
    if FLAGS.cache == "memory":
        FLAGS.cache = "none"
    try:
        dataset = training.load_data()
    except InputError as error:
        if len(error.problems) > 1:
            for problem in error.problems:
                print(f"problem: {problem}", file=sys.stderr)
            raise InputError(f"There are {len(error.problems)} problems; they stand above.") from None
        raise
    info = dataset.info
    print(f"{info.name}: {_described(info)}", flush=True)
    with training.data_blamed(dataset):
        y = {split: _labels(getattr(dataset, split)) for split in SPLITS[1:]}
        y["train"] = _labels(dataset.train_from(0).take(dataset.steps_per_epoch))
        shown = _shown(dataset.test, info.labels) if info.is_image else None
    rows = [["", *SPLITS], ["examples", *(f"{info.counts[split]:,}" for split in SPLITS)]]
    for i, label in enumerate(info.labels):
        rows += _shares(label, [y[split][:, i] for split in SPLITS])
    print(report.as_text(report.Table("", rows)))
    for warning in warnings(info.labels, y):
        print(f"warning: {warning}")
    if shown:
        path = os.path.join(FLAGS.out, "sheet.png")
        runs.write_bytes(path, report.as_png(figures.image_rows(list(shown.values()), list(shown))))
        print(f"Images by label: {path}")


def warnings(labels, y):
    """Yields sentences about labels from which little can be learned.

    Args:
        labels: the k ``Label``s.
        y: {split: float32 [n, k]}.
    """
    import numpy as np

    for split, columns in y.items():
        for label, column in zip(labels, columns.T, strict=True):
            known = column[~np.isnan(column)]
            counts = {label.text(value): (known == value).sum() for value in label.points[0]}
            if label.kind == "real":
                counts = {"that is known": len(known)}
            value, rarest = min(counts.items(), key=lambda pair: pair[1])
            if rarest < (FEW if split == "train" else 1):
                yield (
                    f"{label.name} has the value {value} in {rarest} {split} examples: "
                    + ("too few to learn it from." if split == "train" else "nothing can be measured of it.")
                )
    # A column for each class, so that two labels are compared at their likest.
    columns = [
        (label, np.where(np.isnan(column), np.nan, values))
        for label, column in zip(labels, y["train"].T, strict=True)
        for values in ([column == v for v in label.points[0]] if label.kind == "categorical" else [column])
    ]
    told = set()
    for place, (one, a) in enumerate(columns):
        for other, b in columns[place + 1 :]:
            known = ~np.isnan(a + b)
            if (
                one is other
                or (one, other) in told
                or not (len(set(a[known])) > 1 and len(set(b[known])) > 1)
            ):
                continue
            r = np.corrcoef(a[known], b[known])[0, 1]
            if abs(r) > CORRELATED:
                told.add((one, other))
                yield (
                    f"{one.name} and {other.name} have a correlation of {r:.2f}: what always goes together cannot be "
                    "told apart. Leave one out."
                )


def _shares(label, columns):
    """Returns rows of text: how often a label has its values in the splits, or what its mean is, or is not known."""
    import numpy as np

    known = [column[~np.isnan(column)] for column in columns]
    rows = []
    if label.kind == "real":
        cells = [
            f"{label.in_units(part.mean()):.4g} ± {label.scale * part.std():.2g}" if len(part) else "–"
            for part in known
        ]
        rows.append([f"{label.name} (real)", *cells])
    else:
        for value in label.points[0] if label.kind == "categorical" else [1.0]:
            name = f"{label.name} = {label.text(value)}" if label.kind == "categorical" else label.name
            cells = [f"{np.mean(part == value):.1%}" if len(part) else "–" for part in known]
            rows.append([f"{name} ({label.kind})", *cells])
    if any(np.isnan(column).any() for column in columns):
        rows.append([f"{label.name} is not known", *(f"{np.isnan(column).mean():.1%}" for column in columns)])
    return rows


def _described(info):
    if info.is_image:
        return f"images of {info.shape[0]} x {info.shape[1]}, {len(info.labels)} labels"
    return f"{info.shape[0]} features ({', '.join(info.feature_names[:20])}), {len(info.labels)} labels"


def _labels(batches):
    import numpy as np

    return np.concatenate([y.numpy() for _, y in batches])


def _shown(batches, labels):
    """Returns {label = value: images that have it}, from the first examples that there are."""
    import numpy as np

    wanted = []
    for i, label in enumerate(labels):
        if label.kind == "real":
            wanted += [(f"{label.name} high", i, 0.43, np.inf), (f"{label.name} low", i, -np.inf, -0.43)]
        else:
            values = (1, 0) if label.kind == "binary" else label.points[0]
            wanted += [(f"{label.name} = {label.text(value)}", i, value, value) for value in values]
    found = {name: [] for name, *_ in wanted[:MAX_ROWS]}
    for x, y in batches:
        for name, i, low, high in wanted[:MAX_ROWS]:
            column, row = y.numpy()[:, i], found[name]
            row.extend(x.numpy()[(column >= low) & (column <= high)][: ROW - len(row)])
        if all(len(row) >= ROW for row in found.values()):
            break
    return {row: np.stack(images) for row, images in found.items() if images}


if __name__ == "__main__":
    flags.parse(sys.argv, GROUPS, __doc__)
    training.exit_cleanly(inspect, "Nothing was written.")
