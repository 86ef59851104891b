"""Export: where the SavedModel is written."""

from absl import flags

flags.DEFINE_string("export_dir", "models", "The server's folder: EXPORT_DIR/MODEL_NAME/VERSION is written.")
flags.DEFINE_string("model_name", None, "The name to serve it by. Default: that of the run's directory.")
flags.DEFINE_integer(
    "version", None, "Its number; one that is there is never written over. Default: the next.", lower_bound=1
)
