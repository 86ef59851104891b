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
        "folder: the CSV file with the labels, one row per image; or a regular expression of the "
        "names of files whose named groups are the labels, as in (?P<age>\\d+)_(?P<sex>[mf])_.*. "
        "Default: the images are in class folders, data_dir/CLASS/IMAGE, which may be in folders "
        "train, validation and test.",
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
    image_size: str = option(
        "auto",
        "Images: the side of squares, height and width as in 48x64, or auto. auto: folder, tfds: the "
        "size of small files, of larger ones 64 pixels for the longer side, squares if their "
        "aspect ratios differ; others: 64.",
    )
    cache: str = option(
        "auto",
        "Where decoded images are kept: memory; none; a folder, which later runs and other workers share; "
        "auto: memory if they take at most 1 GiB and a quarter of what is free, otherwise ~/.cache/tf_csvae.",
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
        "auto",
        "celeba, folder, tfds: the part of an image that is used: center (the largest with the "
        "aspect ratio of image_size), none, or x,y,w,h: left, top, width and height, in fractions "
        "of the sides or, if a number is above 1, in pixels. auto: celeba: the face; others: center.",
    )
    background: str | None = option(
        None,
        "folder: images with transparency are drawn on this colour, as in ffffff, and have three "
        "channels. Default: they keep it as a fourth channel.",
    )
    label_name: str = option("class", "folder: the name of the label that class folders are.")
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

    def __post_init__(self) -> None:
        if isinstance(self.image_size, int):
            object.__setattr__(self, "image_size", str(self.image_size))
        super().__post_init__()
