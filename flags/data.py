"""Data: which dataset, where it is, how it is read."""

from absl import flags

flags.DEFINE_string(
    "dataset", "swiss_roll", "What to train on: swiss_roll, drawn_faces, celeba, folder, table, or tfds:NAME."
)
flags.DEFINE_string(
    "data_dir",
    None,
    "Folder of the dataset's files. CelebA: img_align_celeba/, list_attr_celeba.txt and "
    "list_eval_partition.txt; without it TensorFlow Datasets provides celeb_a. folder: the images. tfds:NAME: "
    "where its sets are kept.",
)
flags.DEFINE_list(
    "attributes",
    None,
    "The labels, separated by commas. Default: of CelebA the 18 of the student report, of a folder and of "
    "tfds:NAME all that there are.",
)
flags.DEFINE_list(
    "label_kinds",
    [],
    "Of folder, table and tfds:NAME: what a label is where it is not what its values look like, as in "
    "age:real,grade:categorical; or binary.",
)
flags.DEFINE_integer("image_size", 64, "Side of the images in pixels.", lower_bound=1)
flags.DEFINE_string(
    "cache", "memory", "Where images are kept once read: memory, none, or a folder, which later runs use too."
)
flags.DEFINE_enum(
    "half",
    None,
    ["first", "second"],
    "Of images: learn from every other training image only. A helper that learned from the second half shares no "
    "image with a judge that learned from the first.",
)
flags.DEFINE_enum(
    "on_bad_example",
    "error",
    ["error", "skip"],
    "An image that is missing or cannot be read: end, or leave it out and say so. Skip reads all of them before.",
)
flags.DEFINE_integer("max_bad_examples", 100, "With skip: end where there are more.", lower_bound=0)
flags.DEFINE_list(
    "augment",
    ["flip"],
    "How training images are changed at random: flip (mirrored), colour (brightness and contrast); empty: not.",
)
flags.DEFINE_integer("batch_size", 256, "Examples per step.", lower_bound=1)
flags.DEFINE_string(
    "crop",
    "center",
    "What is cut out of the images of a folder: center (the largest square), none, or x,y,w,h: left, top, width "
    "and height in fractions of the sides or, where one is above 1, in pixels.",
)
flags.DEFINE_string("file_column", None, "folder: the column that names the files. Default: the first.")
flags.DEFINE_list(
    "split",
    ["0.8", "0.1", "0.1"],
    "Shares of train, validation and test, where the files have no column of that name: by a hash, so that "
    "what is added moves nothing.",
)
flags.DEFINE_string(
    "group_column", None, "Column of a person or the like: what has the same value there stays in one split."
)
flags.DEFINE_string("data_path", None, "table: the CSV or Parquet file.")
flags.DEFINE_list("label_columns", None, "table: the columns that are labels.")
flags.DEFINE_list("feature_columns", None, "table: the columns that are features. Default: all others.")
flags.DEFINE_list(
    "category_columns", [], "table: features that are categories although their values are numbers."
)
