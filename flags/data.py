"""Data: which dataset, where it is, how it is read."""

from absl import flags

flags.DEFINE_string("dataset", "swiss_roll", "What to train on: swiss_roll or celeba.")
flags.DEFINE_string(
    "data_dir",
    None,
    "Folder of the dataset's files. CelebA: img_align_celeba/, list_attr_celeba.txt and "
    "list_eval_partition.txt; without it TensorFlow Datasets provides celeb_a.",
)
flags.DEFINE_list(
    "attributes", None, "CelebA: the labels, separated by commas. Default: the 18 of the student report."
)
flags.DEFINE_integer("image_size", 64, "Side of the images in pixels.", lower_bound=1)
flags.DEFINE_string(
    "cache", "memory", "Where images are kept once read: memory, none, or a folder, which later runs use too."
)
flags.DEFINE_enum(
    "half",
    None,
    ["first", "second"],
    "CelebA: learn from every other training image only. A helper that learned from the second half shares no "
    "image with a judge that learned from the first.",
)
flags.DEFINE_enum(
    "on_bad_example",
    "error",
    ["error", "skip"],
    "An image that is missing or cannot be read: end, or leave it out and say so. Skip reads all of them before.",
)
flags.DEFINE_integer("max_bad_examples", 100, "With skip: end where there are more.", lower_bound=0)
flags.DEFINE_boolean("flip", True, "Mirror training images at random.")
flags.DEFINE_integer("batch_size", 256, "Examples per step.", lower_bound=1)
