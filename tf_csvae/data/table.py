"""Your own table: a CSV or Parquet file with a row per example.

Numbers are standardised by the training rows, categories are one-hot. A missing number becomes
the median of the training rows. A missing category is a category of its own.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from tf_csvae.configs import DataConfig
from tf_csvae.data import feature_columns, label_columns, pipeline, table_files
from tf_csvae.data.dataset import Dataset, Info
from tf_csvae.data.feature_columns import Column
from tf_csvae.data.known import fingerprint, label_names
from tf_csvae.data.splits import split_rows
from tf_csvae.data.table_files import Problems, Table
from tf_csvae.errors import InputError
from tf_csvae.labels import Label

OPTIONS = (
    "data_path", "label_columns", "feature_columns", "category_columns", "split", "group_column",
    "label_kinds", "batch_size",
)  # fmt: skip


def load(config: DataConfig, known: Info | None = None) -> Dataset:
    """Loads a table: x float32 [d], y float32 [k], NaN where a label is missing.

    Without a column ``split``, the hash of the whole row assigns a row to a split, so equal rows
    stay together. ``info.to_columns(x)`` returns the columns of the table. With ``known`` the
    columns, found by name, the labels and the scaling are those of a run.

    Raises:
        InputError: a missing file or column, a value that is not a number or not allowed for its
            label, no rows, or a label that has one value in all training rows.
    """
    path = config.data_path
    if not path or not config.label_columns:
        raise InputError("--dataset=table needs --data_path=FILE.csv (or .parquet) and --label_columns=A,B.")
    table = table_files.read(path)
    features = _feature_names(table, config)
    problems = Problems()
    if known is not None:
        return _load_known(config, table, features, known)
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

    is_number = np.concatenate([[not each.categories] * len(each.feature_names) for each in columns])
    offset, deviation = x[train].mean(0), x[train].std(0)
    offset = np.where(is_number, offset, 0).astype(np.float32)
    scale = np.where(is_number & (deviation > 0), deviation, 1).astype(np.float32)
    counts = {split: len(rows) for split, rows in members.items()}
    names = tuple(name for each in columns for name in each.feature_names)
    info = Info(
        "table", (x.shape[1],), None, labels, counts, offset, scale, names, columns=columns,
        fingerprint=_fingerprint(table, columns, labels, members),
    )  # fmt: skip
    arrays = {split: ((x[rows] - offset) / scale, y[rows]) for split, rows in members.items()}
    return pipeline.from_arrays(arrays, info, config)


def _load_known(config: DataConfig, table: Table, features: Sequence[str], known: Info) -> Dataset:
    """Loads a table with the columns, labels and scaling of a run."""
    problems, path = Problems(), config.data_path
    label_names(known, table.columns, config.label_columns, path)
    columns = [column.name for column in known.columns]
    missing = sorted(set(columns) - set(features))
    extra = [name for name in features if name not in columns and config.feature_columns is None]
    for names, words in ((missing, "has no column"), (extra, "has beside them the column")):
        if names:
            raise InputError(
                f"The run has the features {', '.join(columns)}. {path} {words} {', '.join(names)}. "
                "Give a table with the columns of the run."
            )
    x = feature_columns.encode(known.columns, table, problems)
    y = np.stack([label_columns.read_known_label(table, label, problems) for label in known.labels], 1)
    keys = ["\x1f".join(row) for row in zip(*table.columns.values(), strict=True)]
    members = split_rows(table, keys, config, problems)
    problems.raise_any()
    counts = {split: len(rows) for split, rows in members.items()}
    content = _fingerprint(table, known.columns, known.labels, members)
    info = dataclasses.replace(known, name="table", counts=counts, fingerprint=content)
    x = ((x - known.offset) / known.scale).astype(np.float32)
    arrays = {split: (x[rows], y[rows].astype(np.float32)) for split, rows in members.items()}
    return pipeline.from_arrays(arrays, info, config)


def _fingerprint(
    table: Table, columns: Sequence[Column], labels: Sequence[Label], members: dict[str, np.ndarray]
) -> str:
    """Returns the checksum of the rows, with their splits, as a run reads them."""
    texts = [table.columns[each.name] for each in (*columns, *labels)]
    return fingerprint(
        (split, *(column[row] for column in texts)) for split, rows in members.items() for row in rows
    )


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
