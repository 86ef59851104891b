"""Options of data."""

import dataclasses

from tf_csvae.options import Config, option

# Largest seed.
SEED = 2**31 - 1


@dataclasses.dataclass(frozen=True)
class BadExamplesConfig(Config):
    """Images that cannot be used."""

    on_bad_example: str = option(
        "error",
        "What to do with an image that is missing or unreadable: error, or skip, which reads all "
        "images before anything else and reports those that are left out.",
        choices=("error", "skip"),
    )
    max_bad_examples: int = option(100, "With skip: more bad images are an error.", low=0)


@dataclasses.dataclass(frozen=True)
class DataConfig(BadExamplesConfig):
    """Data: which data set, where it is, how it is read."""

    dataset: str = option(
        "swiss_roll", "The data: swiss_roll, drawn_faces, celeba, folder, table, or tfds:NAME."
    )
    data_dir: str | None = option(
        None,
        "Folder of the files. celeba: img_align_celeba/, list_attr_celeba.txt and "
        "list_eval_partition.txt; without it TensorFlow Datasets provides celeb_a. folder: the "
        "images. tfds: where its data sets are kept.",
    )
    labels: str | None = option(
        None,
        "folder: the CSV file with the labels, one row per image. Default: the images are in class "
        "folders, data_dir/CLASS/IMAGE, and the label is called class.",
    )
    attributes: tuple[str, ...] | None = option(
        None,
        "The labels, separated by commas. Default: for celeba the 18 of the student report, for "
        "folder and tfds all that there are.",
    )
    label_kinds: tuple[str, ...] = option(
        (),
        "folder, table, tfds: kinds of labels (binary, categorical, real) that differ from what "
        "the values suggest, as in age:real,grade:categorical.",
    )
    image_size: int = option(64, "Side of the images in pixels.", low=1)
    cache: str = option(
        "memory", "Where decoded images are kept: memory, none, or a folder that later runs share."
    )
    half: str | None = option(
        None,
        "Train on one half of the training examples, the first or the second, which have none in common. "
        "The guide that a training makes learns from the second, the judge from the first.",
        choices=("first", "second"),
    )
    augment: tuple[str, ...] = option(
        ("flip",),
        "Random changes of training images: flip (left to right), colour (brightness and "
        "contrast); empty: none.",
    )
    batch_size: int = option(256, "Examples per step, over all devices.", low=1)
    crop: str = option(
        "center",
        "folder, tfds: the part of an image that is used: center (the largest square), none, or "
        "x,y,w,h: left, top, width and height, in fractions of the sides or, if a number is above "
        "1, in pixels.",
    )
    file_column: str | None = option(None, "folder: the column of file names. Default: the first.")
    split: tuple[float, ...] = option(
        (),
        "folder, table: shares of train, validation and test, unless a column named split says "
        "it. A hash decides, so new rows move no others. Default: 0.8,0.1,0.1; fewer than 1,000 "
        "rows have more for the test, up to 0.25.",
    )
    decimal: str | None = option(
        None,
        "folder, table: the decimal separator, a comma or a point, of columns of numbers that can "
        "be read in two ways, as 1.234 and 30,000 can.",
        choices=(",", "."),
    )
    group_column: str | None = option(
        None, "folder, table: rows with the same value in this column stay in one split."
    )
    header: str = option(
        "auto",
        "folder, table: whether the first line names the columns. auto: yes, but a line that looks "
        "like a row is an error. no: the columns are column_1, column_2, ...",
        choices=("auto", "yes", "no"),
    )
    ignore: tuple[str, ...] = option(
        (),
        'folder, table: columns that are left out; one without a name is "Unnamed: 0" by its place.',
    )
    data_path: str | None = option(None, "table: the CSV or Parquet file.")
    label_columns: tuple[str, ...] | None = option(None, "table: the columns that are labels.")
    feature_columns: tuple[str, ...] | None = option(None, "table: the features. Default: all others.")
    types: tuple[str, ...] = option(
        (),
        "table: types of features, where they are not recognised, as in code:category,born:date: "
        "number, category, date, or aside, which is no feature.",
    )
    fixed: tuple[str, ...] = option(
        (), "table: features that no edit changes. The model is given them: a sample has those of a real row."
    )
    balanced_batches: bool = option(
        False, "Training draws rare values of labels more often, up to four times as often."
    )
    seed: int = option(0, "Seed of weights, order, noise and samples.", low=0, high=SEED)
