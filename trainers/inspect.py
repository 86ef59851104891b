"""Says what a dataset holds, before an hour is spent on training.

    python -m trainers.inspect --dataset=folder --data_dir=FOLDER --labels=labels.csv
    python -m trainers.inspect --dataset=table --data_path=FILE.csv --label_columns=A,B

Prints the examples per split, how frequent each label is, labels that go together, and all that is wrong in
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
    names = [label.name for label in info.labels]
    print(f"{info.name}: {_described(info)}", flush=True)
    with training.data_blamed(dataset):
        y = {split: _labels(getattr(dataset, split)) for split in SPLITS[1:]}
        y["train"] = _labels(dataset.train_from(0).take(dataset.steps_per_epoch))
        shown = _shown(dataset.test, names) if info.is_image else None
    rows = [["", *SPLITS], ["examples", *(f"{info.counts[split]:,}" for split in SPLITS)]]
    for i, label in enumerate(info.labels):
        cells = [f"{y[split][:, i].mean():.1%}" for split in SPLITS]
        rows.append([f"{label.name} ({label.kind})", *cells])
    print(report.as_text(report.Table("", rows)))
    for warning in warnings(names, y):
        print(f"warning: {warning}")
    if shown:
        path = os.path.join(FLAGS.out, "sheet.png")
        runs.write_bytes(path, report.as_png(figures.image_rows(list(shown.values()), list(shown))))
        print(f"Images by label: {path}")


def warnings(names, y):
    """Yields sentences about labels from which little can be learned.

    Args:
        names: names of the k labels.
        y: {split: float32 [n, k]}.
    """
    import numpy as np

    for split, columns in y.items():
        for name, column in zip(names, columns.T, strict=True):
            rarest = int(min(column.sum(), (1 - column).sum()))
            if rarest < (FEW if split == "train" else 1):
                value = int(column.mean() < 0.5)
                yield (
                    f"{name} has the value {value} in {rarest} {split} examples: "
                    + ("too few to learn it from." if split == "train" else "nothing can be measured of it.")
                )
    train = y["train"]
    varied = np.flatnonzero(train.std(0))
    for place, i in enumerate(varied):
        for j in varied[place + 1 :]:
            r = np.corrcoef(train[:, i], train[:, j])[0, 1]
            if abs(r) > CORRELATED:
                yield (
                    f"{names[i]} and {names[j]} have a correlation of {r:.2f}: what always goes together cannot be "
                    "told apart. Leave one out."
                )


def _described(info):
    if info.is_image:
        return f"images of {info.shape[0]} x {info.shape[1]}, {len(info.labels)} labels"
    return f"{info.shape[0]} features ({', '.join(info.feature_names[:20])}), {len(info.labels)} labels"


def _labels(batches):
    import numpy as np

    return np.concatenate([y.numpy() for _, y in batches])


def _shown(batches, names):
    """Returns {label = value: images that have it}, from the first examples that there are."""
    import numpy as np

    rows = [f"{name} = {value}" for name in names[: MAX_ROWS // 2] for value in (1, 0)]
    found = {row: [] for row in rows}
    for x, y in batches:
        for i, name in enumerate(names[: MAX_ROWS // 2]):
            for value in (1, 0):
                row = found[f"{name} = {value}"]
                row.extend(x.numpy()[y.numpy()[:, i] == value][: ROW - len(row)])
        if all(len(row) >= ROW for row in found.values()):
            break
    return {row: np.stack(images) for row, images in found.items() if images}


if __name__ == "__main__":
    flags.parse(sys.argv, GROUPS, __doc__)
    training.exit_cleanly(inspect, "Nothing was written.")
