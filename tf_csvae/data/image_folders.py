"""Folders of images whose labels are in the names of folders or of files."""

import os
import pathlib
import re

from tf_csvae import texts
from tf_csvae.data.decoding import ENDINGS
from tf_csvae.data.names import shown
from tf_csvae.data.splits import NAMES
from tf_csvae.data.table_files import Table
from tf_csvae.errors import InputError

# A list of labels that has this is a pattern of names of files.
_GROUP = "(?P<"


def is_pattern(labels: str) -> bool:
    """Returns whether the option labels is a pattern of names, not a file."""
    return _GROUP in labels


def image_files(folder: str) -> tuple[list[str], list[str]]:
    """Returns the images in a folder and below it, relative to it, and the files passed over.

    These are hidden files, such as those that systems write beside images (``._a.jpg``), files that
    are no images by their ending (``Thumbs.db``), and links to folders, which are not followed.
    """
    found, others = [], []
    for path in sorted(pathlib.Path(folder).rglob("*")):
        name = path.relative_to(folder)
        is_hidden = any(part.startswith(".") for part in name.parts)
        if path.is_dir() and not path.is_symlink():
            continue
        is_image = path.is_file() and not is_hidden and path.suffix.lower() in ENDINGS
        (found if is_image else others).append(str(name))
    return found, others


def class_folders(folder: str, label: str) -> Table:
    """Returns the table of the images in class folders, FOLDER/CLASS/..., with a label for them.

    The class folders may be in folders of splits, FOLDER/train/CLASS/..., which become a column.

    Raises:
        InputError: fewer than two classes, or a class whose name means that it is unknown.
    """
    files, others = image_files(folder)
    parts = [path.split(os.sep) for path in files]
    tops = {each[0] for each in parts if len(each) > 1}
    splits = {NAMES.get(name.casefold()) for name in tops}
    has_splits = None not in splits and splits >= {"train", "test"}
    depth = 1 if has_splits else 0
    chosen = [(path, each) for path, each in zip(files, parts, strict=True) if len(each) > depth + 1]
    classes = [each[depth] for _, each in chosen]
    if len(set(classes)) < 2:
        raise InputError(
            f"--data_dir={folder} has no two folders with images ({', '.join(ENDINGS)}), which would be "
            "classes. Give --labels=FILE.csv, or sort the images into a folder for each class."
        )
    unknown = next((name for name in classes if texts.missing(name)), None)
    if unknown is not None:
        raise InputError(
            f"--data_dir={folder}: the folder {unknown} would mean that the class is unknown. Rename it."
        )
    _tell(folder, others + [path for path, each in zip(files, parts, strict=True) if len(each) <= depth + 1])
    columns = {"file": [path for path, _ in chosen], label: classes}
    if has_splits:
        columns["split"] = [NAMES[each[0].casefold()] for _, each in chosen]
    return Table(folder, columns, list(range(1, len(chosen) + 1)), "image")


def named_files(folder: str, pattern: str) -> Table:
    """Returns the table of the images whose names, relative to the folder, have a pattern.

    Its named groups are the columns.

    Raises:
        InputError: no regular expression, or one that no name has.
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise InputError(f"--labels={pattern}: it is no regular expression: {error}.") from error
    files, others = image_files(folder)
    matches = [expression.search(path.replace(os.sep, "/")) for path in files]
    chosen = [(path, match) for path, match in zip(files, matches, strict=True) if match]
    if not chosen:
        first = f", such as {files[0]}" if files else ""
        raise InputError(
            f"--labels={pattern}: none of the names of {len(files)} images in {folder} has this "
            f"pattern{first}."
        )
    _tell(folder, others + [path for path, match in zip(files, matches, strict=True) if not match])
    columns = {"file": [path for path, _ in chosen]}
    columns |= {name: [match[name] or "" for _, match in chosen] for name in expression.groupindex}
    return Table(folder, columns, list(range(1, len(chosen) + 1)), "image")


def _tell(folder: str, passed_over: list[str]) -> None:
    """Prints how many files of a folder are passed over."""
    if passed_over:
        names = ", ".join(map(shown, passed_over[:3])) + (", ..." if passed_over[3:] else "")
        print(f"--data_dir={folder}: passed over {len(passed_over)} other files: {names}", flush=True)
