"""Inspection: where its sheet of images goes."""

from absl import flags

flags.DEFINE_string("out", "inspection", "Folder for the sheet of images.")
