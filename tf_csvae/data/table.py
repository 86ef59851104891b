"""Your own table: a CSV or Parquet file with a row per example.

Numbers are standardised by the training rows, categories one-hot. A missing number is taken to be the
median of the training rows; a missing category is a category of its own.
"""

import numpy as np

from tf_csvae.data import columns, pipeline, rows
from tf_csvae.data.dataset import Info
from tf_csvae.errors import InputError


def load(
    data_path=None,
    label_columns=None,
    feature_columns=None,
    category_columns=(),
    split=(0.8, 0.1, 0.1),
    group_column=None,
    label_kinds=(),
    batch_size=256,
    seed=0,
):
    """Loads a table.

    Args:
        data_path: str, a CSV file with a header, or a Parquet file.
        label_columns: names of the columns that are labels, in the order they shall have in y.
        feature_columns: names of the columns of x; None: all but labels, groups and ``split``.
        category_columns: names of those that are categories although their values are numbers.
        split: shares of train, validation and test, where there is no column ``split``. They go by a
            hash of the whole row, so new rows move no other, and equal rows stay together.
        group_column: str, column of a patient or the like, whose rows stay in one split.
        label_kinds: list of "label:kind", where the kind is not the one that ``rows.kind_of`` infers.
        batch_size: int.
        seed: int, of the order of the training rows.

    Returns:
        A ``Dataset`` of x float32 [d] and y float32 [k], NaN where a label is missing; ``info.to_columns(x)`` gives the table's own
        columns back.

    Raises:
        InputError: a missing file or column, a value that is no label or no number, no rows, a label that
            all training rows have or none.
    """
    if not data_path or not label_columns:
        raise InputError("--dataset=table needs --data_path=FILE.csv (or .parquet) and --label_columns=A,B.")
    table = rows.read(data_path)
    label_columns, category_columns = list(label_columns), list(category_columns)
    apart = (*label_columns, group_column, "split")
    features = list(feature_columns or [name for name in table.columns if name not in apart])
    for flag, names in (
        ("--label_columns", label_columns),
        ("--feature_columns", features),
        ("--category_columns", category_columns),
    ):
        for name in names:
            rows.column(table, name, flag)
        if len(set(names)) < len(names):
            raise InputError(f"{flag} names a column twice. Received: {','.join(names)}.")
    both = sorted(set(features) & set(label_columns))
    if both or not features:
        what = f"{both[0]} is a label, too" if both else "there is none beside the labels"
        raise InputError(f"--feature_columns of {data_path}: {what}.")

    problems = rows.Problems()
    kinds = rows.parse_kinds(label_kinds, label_columns, data_path)
    read = [rows.read_label(table, name, problems, kinds.get(name)) for name in label_columns]
    labels, values = zip(*read, strict=True)
    keys = ["\x1f".join(values) for values in zip(*table.columns.values(), strict=True)]
    members = rows.deal(table, keys, split, group_column, problems)
    train = members["train"]
    known, y = rows.learned(labels, np.stack(values, 1), train, data_path, problems)
    learned = tuple(
        columns.learn(table, name, train, name in category_columns, problems) for name in features
    )
    x = encode(learned, table, problems)
    problems.raise_any()

    numeric = np.concatenate([[not each.categories] * len(each.feature_names) for each in learned])
    of_train = x[train] if len(train) else x
    deviation = of_train.std(0)
    offset = np.where(numeric, of_train.mean(0), 0).astype(np.float32)
    scale = np.where(numeric & (deviation > 0), deviation, 1).astype(np.float32)
    info = Info(
        name="table",
        shape=(x.shape[1],),
        value_range=None,
        labels=known,
        counts={part: len(chosen) for part, chosen in members.items()},
        offset=offset,
        scale=scale,
        feature_names=tuple(name for each in learned for name in each.feature_names),
        columns=learned,
    )
    arrays = {part: ((x[chosen] - offset) / scale, y[chosen]) for part, chosen in members.items()}
    return pipeline.from_arrays(arrays, info, batch_size, seed)


def encode(known, table, problems):
    """Returns float32 [n, d], the features of a ``Table`` in its own units.

    Args:
        known: tuple of ``Column``.
        table: ``Table`` that has them.
        problems: ``Problems``, which gets a sentence for each value that does not fit.
    """
    return np.concatenate([column.encode(table, problems) for column in known], 1)
