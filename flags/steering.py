"""Steering: what a model is asked, and where its answers go."""

from absl import flags

flags.DEFINE_list(
    "set",
    [],
    "Labels and their values, in their own words and units, as in --set=Smiling=1,species=virginica,age=40. Of "
    "sample the other labels are 0, or where they have classes or numbers, as the data have them.",
)
flags.DEFINE_integer("count", 8, "Samples to make.", lower_bound=1)
flags.DEFINE_string("out", "answers", "Folder for what comes back.")
flags.DEFINE_integer("batch", 32, "Most examples in one request; a server has a limit too.", lower_bound=1)
