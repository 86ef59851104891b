"""Your own images: a folder of files, and a CSV (or Parquet) file with a row per image.

A column of that file names the images, relative to the folder. The others are labels. A column
``split`` assigns the images to the splits. Without such a file, the labels are the names of class
folders, or parts of the names of the files: see ``image_folders``.
"""

import dataclasses
import os

import numpy as np

from tf_csvae.configs import DataConfig
from tf_csvae.data import (
    duplicates,
    image_folders,
    image_format,
    images,
    label_columns,
    notations,
    remarks,
    scaling,
    table_files,
)
from tf_csvae.data.dataset import Dataset, Info
from tf_csvae.data.known import fingerprint, label_names
from tf_csvae.data.names import Folder
from tf_csvae.data.splits import repeated, split_rows
from tf_csvae.data.table_files import Problems, Table
from tf_csvae.errors import InputError
from tf_csvae.files import is_within
from tf_csvae.labels import Label

OPTIONS = (
    "data_dir", "labels", "label_name", "attributes", "file_column", "header", "ignore", "split",
    "group_column", "label_kinds", "decimal", "image_size", "crop", "background", "batch_size", "cache",
    "augment", "half", "balanced_batches",
    "on_bad_example", "max_bad_examples",
)  # fmt: skip


def load(config: DataConfig, known: Info | None = None) -> Dataset:
    """Loads a folder of images: x float32 [height, width, channels] in [0, 1], y float32 [k].

    y is NaN where a label is missing. Without a column ``split``, the hash of its name assigns an
    image to a split, together with its copies, near copies and frames of the same video. With
    on_bad_example=skip, all images are read once before the training. With ``known`` the labels,
    the crop and the format are those of a run.

    Raises:
        InputError: a missing file, a value that is not allowed for its label, a file that occurs
            twice or leads out of the folder, copies in two splits, a label that has one value in
            all training images, too many bad examples, or options that say nothing.
    """
    box = images.parse_crop(config.crop) if known is None else known.crop
    table = _read_table(config, known)
    file_column = config.file_column or next(iter(table.columns))
    table.column(file_column, "--file_column")
    _check_file_column(table, file_column, config)
    attributes = _attributes(table, file_column, config, known)
    problems = Problems()
    paths, names, missing = _check_files(table, file_column, config.data_dir, problems)
    skip = config.on_bad_example == "skip"
    if not skip:
        problems.extend(missing.values())
    numbers = label_columns.may_be_numbers(attributes, config.label_kinds, table.path)
    given = None if known is None else known.notations
    table, written = notations.plain_table(table, numbers, config.decimal, problems, given)
    for sentence in notations.told(written):
        print(sentence, flush=True)
    labels, values = _labels(table, attributes, config, known, problems)
    copies = {} if problems else duplicates.copies(paths)
    near = {} if problems else _near_copies(paths, copies)
    alike = copies
    if not (problems or config.group_column or "split" in table.columns):
        alike = _alike(table, names, copies, near, config)
    keys = [names[alike.get(row, row)] for row in range(len(table))]
    members = split_rows(table, keys, config, problems)
    if copies:
        _check_copies(table, names, copies, members, problems)
        moved = _moved(members, split_rows(table, names, config, Problems()))
        if not problems:
            _tell_copies(table, names, copies, values, moved)
    _tell_parted(table, names, near, members)
    left_out = {}
    if skip and not problems:
        present = [path for row, path in enumerate(paths) if row not in missing]
        unreadable = images.all_unreadable(present, box)
        left_out = missing | {row: unreadable[path] for row, path in enumerate(paths) if path in unreadable}
        images.check_few(list(left_out.values()), f"--data_dir={config.data_dir}", config)
        members = {split: np.setdiff1d(rows, list(left_out)).astype(int) for split, rows in members.items()}
    y = values
    if known is None:
        labels, y = label_columns.fit_labels(labels, values, members["train"], table.path, problems)
    scaling.check(table, attributes, y, problems)
    problems.raise_any()

    chosen = known or image_format.of_files(paths, config)
    counts = {split: len(rows) for split, rows in members.items()}
    columns = [names, *(table.columns[label.name] for label in labels)]
    rows = [(split, *(column[row] for column in columns)) for split, part in members.items() for row in part]
    info = Info("folder", chosen.shape, (0.0, 1.0), labels, counts, crop=box, notations=written)
    info = dataclasses.replace(info, background=chosen.background, fingerprint=fingerprint(rows))
    files = {split: (np.array(paths)[rows], y[rows]) for split, rows in members.items()}
    return dataclasses.replace(images.build(files, info, config), left_out=tuple(left_out.values()))


def _read_table(config: DataConfig, known: Info | None) -> Table:
    """Reads the file of labels, which may be in the folder, or the names of class folders.

    Raises:
        InputError: no folder, or neither a file nor class folders; and as ``table_files.read``.
    """
    folder, path = config.data_dir, config.labels
    if not folder:
        raise InputError("--dataset=folder needs --data_dir=FOLDER, and --labels=FILE.csv or class folders.")
    if not os.path.isdir(folder):
        raise InputError(f"--data_dir={folder} is no folder.")
    if not path:
        return image_folders.class_folders(folder, config.label_name)
    if image_folders.is_pattern(path):
        return image_folders.named_files(folder, path)
    inside = os.path.join(folder, path)
    found = inside if not os.path.exists(path) and os.path.exists(inside) else path
    names = [label.name for label in known.labels] if known else ()
    return table_files.read(found, config.header, config.ignore, names)


def _check_file_column(table: Table, file_column: str, config: DataConfig) -> None:
    """Raises ``InputError`` if a column names no file of the folder and another one does."""

    def files_in(name: str) -> int:
        first = table.columns[name][:100]
        return sum("\0" not in text and os.path.isfile(os.path.join(config.data_dir, text)) for text in first)

    others = [name for name in table.columns if name != file_column and files_in(name)]
    if others and not files_in(file_column):
        raise InputError(
            f"{table.path}: no value of the column {file_column} is a file in --data_dir={config.data_dir}. "
            f"The column {others[0]} has names of files: give --file_column={others[0]}."
        )


def _labels(
    table: Table, attributes: list[str], config: DataConfig, known: Info | None, problems: Problems
) -> tuple[tuple[Label, ...], np.ndarray]:
    """Returns the labels and their values [n, k]; those of a run are read as it read them."""
    if known is None:
        for sentence in remarks.spellings(table, attributes):
            print(sentence, flush=True)
        return label_columns.read_labels(table, attributes, config.label_kinds, problems)
    kinds = label_columns.parse_kinds(config.label_kinds, attributes, table.path)
    for label in known.labels:
        if kinds.get(label.name, label.kind) != label.kind:
            raise InputError(
                f"--label_kinds={','.join(config.label_kinds)}: in the run, {label.name} is {label.kind}."
            )
    return known.labels, label_columns.read_known_labels(table, known.labels, problems)


def _attributes(table: Table, file_column: str, config: DataConfig, known: Info | None) -> list[str]:
    """Returns the names of the columns that are labels; raises ``InputError``."""
    apart = (file_column, config.group_column, "split")
    attributes = list(config.attributes or [name for name in table.columns if name not in apart])
    for name in attributes:
        table.column(name, "--attributes")
    if not attributes:
        raise InputError(f"{table.path} has no column of labels beside {', '.join(table.columns)}.")
    if len(set(attributes)) < len(attributes):
        raise InputError(f"An attribute is named twice. Received: {', '.join(attributes)}.")
    if known is not None:
        return label_names(known, attributes, attributes, table.path)
    return attributes


def _check_files(
    table: Table, file_column: str, folder: str, problems: Problems
) -> tuple[list[str], list[str], dict[int, str]]:
    """Returns all paths, all names as in ``names.plain``, and {row: sentence} of missing files.

    ``problems`` gets files that occur twice, in whatever spelling, or lead out of the folder.
    """
    home = Folder(folder)
    first, missing, paths, names = {}, {}, [], []
    for row, name in enumerate(table.columns[file_column]):
        at = table.at(row, file_column)
        if "\0" in name:
            problems.append(f"{at}: a file's name cannot hold a NUL character. Received: {name!r}.")
            name = f"row {row}"
        path = home.locate(name)
        paths.append(path)
        names.append(home.name(path))
        exists = os.path.isfile(path)
        found = os.stat(path) if exists else None
        same = first.setdefault((found.st_dev, found.st_ino) if exists else names[-1], row)
        if same != row:
            other = table.columns[file_column][same]
            problems.append(
                f"{at}: {name} is there twice, first in {table.at(same)}."
                if other == name
                else f"{at}: {name} is the same image as in {table.unit} {table.lines[same]}, {other}. "
                "Leave one of the rows out."
            )
        elif not is_within(path, folder):
            problems.append(f"{at}: {name} leads out of --data_dir={folder}.")
        elif not exists:
            missing[row] = f"{at}: there is no file {path}."
    return paths, names, missing


def _near_copies(paths: list[str], copies: dict[int, int]) -> dict[int, int]:
    """Returns {row: a row before it} of images that look like another and are no copies of it.

    It is empty if so many are alike that this says nothing.
    """
    near = duplicates.near_copies(paths)
    groups = duplicates.together(len(paths), copies | near)
    largest = max(np.bincount([groups.get(row, row) for row in range(len(paths))]))
    if largest > duplicates.MOST_SHARE * len(paths):
        return {}
    return {row: other for row, other in near.items() if row not in copies}


def _alike(
    table: Table, names: list[str], copies: dict[int, int], near: dict[int, int], config: DataConfig
) -> dict[int, int]:
    """Returns {row: the first row} of images that belong to one split; prints which and why.

    They are copies, near copies, frames of one video, and in class folders files of one name, which
    may be pictures of one thing.
    """
    frames, same = duplicates.frames(names), {}
    if not config.labels:
        named = zip(names, table.columns[config.label_name], strict=True)
        same = repeated(name.partition(f"{folder}/")[2] for name, folder in named)
    for found, words in (
        (near, "look like another image"),
        (frames, "are frames of a video by their names"),
        (same, "have the name of an image in another class folder"),
    ):
        if found:
            row = next(iter(found))
            print(
                f"{table.path}: {len(found)} images {words}, such as {names[row]} and {names[found[row]]}. "
                "They are kept in one split.",
                flush=True,
            )
    return duplicates.together(len(names), copies, near, frames, same)


def _tell_parted(
    table: Table, names: list[str], near: dict[int, int], members: dict[str, np.ndarray]
) -> None:
    """Prints how many near copies, {row: a row before it}, a column puts in two splits."""
    parted = _parted(near, members)
    if parted:
        row, split, other, its = parted[0]
        print(
            f"{table.path}: {len(parted)} images look like an image of another split, such as "
            f"{names[row]} ({split}) and {names[other]} ({its}). Numbers of the test split are then "
            "better than those of new images.",
            flush=True,
        )


def _parted(copies: dict[int, int], members: dict[str, np.ndarray]) -> list[tuple[int, str, int, str]]:
    """Returns (row, its split, other row, its split) of copies, {row: other row}, in two splits."""
    splits = {row: split for split, rows in members.items() for row in rows}
    placed = ((row, splits.get(row), other, splits.get(other)) for row, other in copies.items())
    return [each for each in placed if None not in each and each[1] != each[3]]


def _moved(members: dict[str, np.ndarray], alone: dict[str, np.ndarray]) -> set[int]:
    """Returns the rows that are in another split than in ``alone``."""
    return {row for split, rows in members.items() for row in set(rows) - set(alone[split])}


def _tell_copies(
    table: Table, names: list[str], copies: dict[int, int], values: np.ndarray, moved: set[int]
) -> None:
    """Prints a line if copies, {row: the first row}, contradict or would be in two splits."""
    contradict = [row for row, first in copies.items() if _differ(values[row], values[first])]
    if contradict or moved & copies.keys():
        row = (contradict or sorted(moved & copies.keys()))[0]
        print(
            f"{table.path}: {len(copies)} images have the same bytes as another; {len(contradict)} of "
            f"them have other labels, such as {names[row]} and {names[copies[row]]}. "
            "Copies are kept in one split.",
            flush=True,
        )


def _differ(y: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.any((y != other) & ~np.isnan(y) & ~np.isnan(other)))


def _check_copies(
    table: Table, names: list[str], copies: dict[int, int], members: dict[str, np.ndarray], problems: Problems
) -> None:
    """``problems`` gets copies, {row: the first row}, that a column puts in two splits."""
    for row, split, first, its in _parted(copies, members):
        problems.append(
            f"{table.at(row)}: {names[row]} is in {split} and has the same bytes as {names[first]} in "
            f"{table.unit} {table.lines[first]}, which is in {its}. Copies belong to one split."
        )
