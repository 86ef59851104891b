"""Your own table: a CSV or Parquet file with a row per example.

A number becomes a normal score by the training rows (``data.quantiles``); categories are one-hot. A
missing value is NaN. Columns that name the rows, such as identifiers, are set aside.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from tf_csvae.configs import DataConfig
from tf_csvae.data import (
    feature_columns,
    label_columns,
    notations,
    pipeline,
    remarks,
    scaling,
    table_files,
)
from tf_csvae.data.dataset import Dataset, Info
from tf_csvae.data.feature_columns import Column
from tf_csvae.data.known import fingerprint
from tf_csvae.data.splits import split_rows
from tf_csvae.data.table_files import Problems, Table
from tf_csvae.errors import InputError
from tf_csvae.labels import Label

OPTIONS = (
    "data_path", "label_columns", "feature_columns", "types", "fixed", "header", "ignore", "split",
    "group_column", "label_kinds", "decimal", "batch_size", "half", "balanced_batches",
)  # fmt: skip


def load(config: DataConfig, known: Info | None = None, table: Table | None = None) -> Dataset:
    """Loads a table: x float32 [d], y float32 [k], NaN where a feature or a label is missing.

    ``table`` is one in memory, in place of the file ``config.data_path``.

    Without a column ``split``, the hash of the whole row assigns a row to a split, so equal rows
    stay together. ``info.to_columns(x)`` returns the columns of the table. ``known`` describes
    the data of a run: the table is read with its columns, scaling, labels and classes.

    Raises:
        InputError: a missing file or column, a value that is not a number or not allowed for its
            label, no rows, or a label that has one value in all training rows.
    """
    path = config.data_path if table is None else table.path
    if not path or not config.label_columns:
        raise InputError("--dataset=table needs --data_path=FILE.csv (or .parquet) and --label_columns=A,B.")
    names = [each.name for each in (*known.columns, *known.labels)] if known else ()
    if table is None:
        table = table_files.read(path, config.header, config.ignore, names)
    problems = Problems()
    if known is None:
        features = _feature_names(table, config)
        types = _types(table, features, config)
        numbers = [name for name in features if types.get(name, "number") in ("number", "date")]
        numbers += label_columns.may_be_numbers(config.label_columns, config.label_kinds, path)
    else:
        _check_columns(table, config, known)
        numbers = known.number_columns
    given = None if known is None else known.notations
    table, written = notations.plain_table(table, numbers, config.decimal, problems, given)
    keys = ["\x1f".join(row) for row in zip(*table.columns.values(), strict=True)]
    members = split_rows(table, keys, config, problems)
    if known is None:
        info, x, y = _fit(table, features, types, config, members["train"], problems)
        info = dataclasses.replace(info, notations=written)
    else:
        x = feature_columns.encode(known.columns, table, problems)
        y = label_columns.read_known_labels(table, known.labels, problems)
        info = known
    problems.raise_any()
    x = info.scaled(x)
    scaling.check(table, [label.name for label in info.labels], y, problems)
    problems.raise_any()
    told = notations.told(written) + ([] if known else [*info.remarks, *_aside(info), *_constant(info)])
    if told:
        print(*told, sep="\n", flush=True)
    counts = {split: len(rows) for split, rows in members.items()}
    content = _fingerprint(table, info.columns, info.labels, members)
    info = dataclasses.replace(info, counts=counts, fingerprint=content)
    arrays = {split: (scaling.single(x[rows]), y[rows]) for split, rows in members.items()}
    return pipeline.from_arrays(arrays, info, config)


def read_features(
    table: Table, info: Info, decimal: str | None, problems: Problems
) -> tuple[Table, np.ndarray]:
    """Returns rows with plain numbers, and their features in the table's units, float64 [n, d].

    The columns are found by name. ``decimal`` is as of ``notations.plain_table``.

    Raises:
        InputError: a column is missing.
    """
    missing = [column.name for column in info.columns if column.name not in table.columns]
    if missing:
        raise InputError(f"{table.path} lacks the columns {', '.join(missing)}.")
    table = in_plain_notation(table, info, decimal, problems)
    return table, feature_columns.encode(info.columns, table, problems)


def in_plain_notation(table: Table, info: Info, decimal: str | None, problems: Problems) -> Table:
    """Returns a table like that of a run with plain numbers; see ``notations.plain_table``."""
    numbers = [name for name in info.number_columns if name in table.columns]
    return notations.plain_table(table, numbers, decimal, problems, info.notations)[0]


def _fit(
    table: Table,
    features: Sequence[str],
    types: dict[str, str],
    config: DataConfig,
    train: np.ndarray,
    problems: Problems,
) -> tuple[Info, np.ndarray, np.ndarray]:
    """Returns the description of a table without counts, its features in its units, and its y."""
    labels, values = label_columns.read_labels(table, config.label_columns, config.label_kinds, problems)
    labels, y = label_columns.fit_labels(labels, values, train, table.path, problems)
    found = {
        name: feature_columns.fit_column(table, name, train, types.get(name, ""), problems)
        for name in features
    }
    for name in config.fixed:
        table.column(name, "--fixed")
        if not isinstance(found.get(name), Column):
            what = f"it is set aside: {found[name]}" if name in found else "it is no feature"
            problems.append(f"--fixed names {name}, but {what}.")
        else:
            found[name] = dataclasses.replace(found[name], fixed=True)
    columns = tuple(each for each in found.values() if isinstance(each, Column))
    if columns and all(each.fixed for each in columns):
        problems.append(f"--fixed names all features of {table.path}: none is left to learn.")
    aside = {name: each for name, each in found.items() if not isinstance(each, Column)}
    if not columns:
        raise InputError(
            f"{table.path} has no column to learn from beside the labels: "
            + "; ".join(f"{name} is set aside: {why}" for name, why in aside.items())
        )
    x = feature_columns.encode(columns, table, problems)
    info = Info(
        name="table",
        shape=x.shape[1:],
        value_range=None,
        labels=labels,
        counts={},
        feature_names=tuple(name for each in columns for name in each.feature_names),
        columns=columns,
        aside=aside,
        remarks=tuple(remarks.remarks(table, columns, config.label_columns, config.group_column)),
    )
    return dataclasses.replace(info, facts=remarks.facts(table, columns, info.parts(x))), x, y


def _types(table: Table, features: Sequence[str], config: DataConfig) -> dict[str, str]:
    """Returns {column: type} of --types; raises ``InputError`` for mistakes in it."""
    found = {}
    for each in config.types:
        name, separator, kind = each.rpartition(":")
        if not separator or kind not in feature_columns.TYPES:
            raise InputError(
                "--types names columns with a type each, as in age:number, of "
                f"{', '.join(feature_columns.TYPES)}. Received: {each}."
            )
        table.column(name, "--types")
        if name not in features:
            raise InputError(f"--types names {name}, which is no feature.")
        found[name] = kind
    return found


def _aside(info: Info) -> list[str]:
    """Returns a sentence about the columns that are no features, if there are any."""
    ask = "--types={}:category (or number, date) makes it a feature"
    return [f"Column {name} is set aside: {why}; {ask.format(name)}." for name, why in info.aside.items()]


def _constant(info: Info) -> list[str]:
    """Returns a sentence about the columns that do not vary, if there are any."""
    names = info.constant_columns
    if not names:
        return []
    return [f"One value in all training rows, so nothing can be learned from it: {', '.join(names)}."]


def _check_columns(table: Table, config: DataConfig, known: Info) -> None:
    """Raises ``InputError`` unless a table has the columns of a run's data, in any order."""
    features = [column.name for column in known.columns]
    labels = [label.name for label in known.labels]
    wanted = [*features, *labels]
    given = [*(config.feature_columns or ()), *(config.label_columns or ())]
    if config.feature_columns is None:  # then all columns are features, or labels, or apart
        apart = ("split", config.group_column, *known.aside)
        given += [name for name in table.columns if name not in apart]
    missing = [name for name in wanted if name not in table.columns]
    extra = sorted(set(given) - set(wanted))
    said = [f"lacks the columns {', '.join(missing)}"] if missing else []
    said += [f"has the columns {', '.join(extra)}, which those data had not"] if extra else []
    if said:
        raise InputError(
            f"{table.path} does not fit the data that the run was trained on: it {' and it '.join(said)}. "
            f"Expected the features {', '.join(features)} and the labels {', '.join(labels)}."
        )


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
    ):
        for name in names:
            table.column(name, flag)
        if len(set(names)) < len(names):
            raise InputError(f"{flag} names a column twice. Received: {','.join(names)}.")
    both = sorted(set(features) & set(config.label_columns))
    if both or not features:
        what = f"{both[0]} is a label, too" if both else "there is none beside the labels"
        raise InputError(f"--feature_columns of {table.path}: {what}.")
    return features
