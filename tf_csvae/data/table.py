"""Your own table: a CSV or Parquet file with a row per example.

Numbers are standardised by the training rows, categories are one-hot. A missing number becomes
the median of the training rows. A missing category is a category of its own.
"""

from collections.abc import Sequence

import numpy as np

from tf_csvae.configs import DataConfig
from tf_csvae.data import feature_columns, label_columns, pipeline, table_files
from tf_csvae.data.dataset import Dataset, Info
from tf_csvae.data.splits import repeats, split_rows
from tf_csvae.data.table_files import Problems, Table
from tf_csvae.errors import InputError

OPTIONS = (
    "data_path", "label_columns", "feature_columns", "category_columns", "header", "ignore", "split",
    "group_column", "label_kinds", "batch_size",
)  # fmt: skip


def load(config: DataConfig) -> Dataset:
    """Loads a table: x float32 [d], y float32 [k], NaN where a label is missing.

    Without a column ``split``, the hash of the whole row assigns a row to a split, so equal rows
    stay together. ``info.to_columns(x)`` returns the columns of the table.

    Raises:
        InputError: a missing file or column, a value that is not a number or not allowed for its
            label, no rows, or a label that has one value in all training rows.
    """
    path = config.data_path
    if not path or not config.label_columns:
        raise InputError("--dataset=table needs --data_path=FILE.csv (or .parquet) and --label_columns=A,B.")
    table = table_files.read(path, config.header, config.ignore)
    features = _feature_names(table, config)
    problems = Problems()
    labels, values = label_columns.read_labels(table, config.label_columns, config.label_kinds, problems)
    keys = ["\x1f".join(row) for row in zip(*table.columns.values(), strict=True)]
    members = split_rows(table, keys, config, problems)
    train = members["train"]
    labels, y = label_columns.fit_labels(labels, values, train, path, problems)
    columns = tuple(
        feature_columns.fit_column(table, name, train, name in config.category_columns, problems)
        for name in features
    )
    x = feature_columns.encode(columns, table, problems)
    problems.raise_any()
    _tell(table, features)

    is_number = np.concatenate([[not each.categories] * len(each.feature_names) for each in columns])
    offset, deviation = x[train].mean(0), x[train].std(0)
    offset = np.where(is_number, offset, 0).astype(np.float32)
    scale = np.where(is_number & (deviation > 0), deviation, 1).astype(np.float32)
    counts = {split: len(rows) for split, rows in members.items()}
    names = tuple(name for each in columns for name in each.feature_names)
    info = Info("table", (x.shape[1],), None, labels, counts, offset, scale, names, columns=columns)
    arrays = {split: ((x[rows] - offset) / scale, y[rows]) for split, rows in members.items()}
    return pipeline.from_arrays(arrays, info, config)


def _feature_names(table: Table, config: DataConfig) -> Sequence[str]:
    """Returns the names of the feature columns; raises ``InputError`` for mistakes in names."""
    apart = (*config.label_columns, config.group_column, "split")
    features = config.feature_columns or [name for name in table.columns if name not in apart]
    for flag, names in (
        ("--label_columns", config.label_columns),
        ("--feature_columns", features),
        ("--category_columns", config.category_columns),
    ):
        for name in names:
            table.column(name, flag)
        if len(set(names)) < len(names):
            raise InputError(f"{flag} names a column twice. Received: {','.join(names)}.")
    both = sorted(set(features) & set(config.label_columns))
    if both or not features:
        what = f"{both[0]} is a label, too" if both else "there is none beside the labels"
        raise InputError(f"--feature_columns of {config.data_path}: {what}.")
    return features


def _tell(table: Table, features: Sequence[str]) -> None:
    """Prints what is no mistake, but may be one: rows that repeat others, and numbers of rows."""
    copies = repeats(table, ("split",))
    if copies:
        row, first = next(iter(copies.items()))
        print(
            f"{table.path}: {len(copies)} of {len(table)} rows repeat another row exactly, the first "
            f"in {table.unit} {table.lines[row]} that in {table.unit} {table.lines[first]}."
        )
    for name in features:
        if table_files.counts_rows(table.columns[name]):
            print(
                f"{table.path}: the feature {name} counts the rows. If it has no other meaning, leave it "
                f"out by --ignore={name}."
            )
