"""Label consistency: what is made for a label must show it to a classifier."""

from absl import flags

flags.DEFINE_float(
    "consistency_weight",
    0.0,
    "Weight of label consistency: one label is exchanged in the code, the rest kept, and the helper must see "
    "it and all others in what is decoded; 0, or no --helper: none.",
    lower_bound=0,
)
flags.DEFINE_float(
    "exchange_target",
    0.0,
    "How sure the helper is to be of an exchanged label, in the mean, or as sure as of real data that have it where "
    "that is less: the weight of each label's exchange grows, from five times that of a label that is kept to "
    "25 times, until it is; 0: each weighs five times.",
    0,
    0.99,
)
