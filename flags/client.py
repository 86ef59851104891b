"""Client: which server and model, how patiently."""

from absl import flags

flags.DEFINE_string("host", "localhost", "The server.")
flags.DEFINE_integer("port", None, "Its port. Default: 8500, or 8501 with --rest.", 1, 65535)
flags.DEFINE_boolean("rest", False, "Ask by REST (HTTP and JSON) and not by gRPC.")
flags.DEFINE_string("model", None, "The model's name on the server.")
flags.DEFINE_integer("model_version", None, "Its version. Default: the server's newest.", lower_bound=1)
flags.DEFINE_string(
    "version_label",
    None,
    "A label of a version, as in stable, which models.config gives; in place of --model_version.",
)
flags.DEFINE_string(
    "labels_file",
    None,
    "labels.json of the model, which lies in its assets.extra: it names the labels in order.",
)
flags.DEFINE_string("label", None, "The label of interpolate, style_transfer and walk.")
flags.DEFINE_string("style", None, "Image whose way of having --label style_transfer gives to the others.")
flags.DEFINE_float("timeout", 30.0, "Seconds that one request may take.", lower_bound=0.001)
flags.DEFINE_integer(
    "retries", 4, "How often a request that may succeed later is tried again.", lower_bound=0
)
