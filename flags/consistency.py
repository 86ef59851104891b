"""Label consistency: what is made for a label must show it to a classifier."""

from absl import flags

flags.DEFINE_float(
    "consistency_weight",
    0.0,
    "Weight of label consistency: one label is exchanged in the code, the rest kept, and a helper, a "
    "classifier that learns from half of the real data meanwhile, must see it and all others in what is "
    "decoded; 0: none.",
    lower_bound=0,
)
flags.DEFINE_integer(
    "helper_width",
    8,
    "Channels of the helper's first stage (a ResNet-10); for vectors units of its two layers.",
    lower_bound=1,
)
