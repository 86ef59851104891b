"""Apply: what to do, and with what."""

from absl import flags

flags.DEFINE_enum(
    "mode",
    "transfer",
    ["transfer", "sample", "reconstruct", "encode"],
    "transfer: --set labels of the input; sample: make --count new examples, which needs no input; reconstruct; "
    "encode: write the latent codes.",
)
flags.DEFINE_string(
    "input", None, "An image, a folder of images, or a table (CSV or Parquet) like the one trained on."
)
