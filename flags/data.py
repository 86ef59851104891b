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
flags.DEFINE_list(
    "augment",
    ["flip"],
    "How training images are changed at random: flip (mirrored), colour (brightness and contrast); empty: not.",
)
flags.DEFINE_integer("batch_size", 256, "Examples per step.", lower_bound=1)
