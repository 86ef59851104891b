"""Label subspaces: the terms of CSVAE's objective beside reconstruction and KL(z)."""

from absl import flags

flags.DEFINE_enum(
    "w_prior",
    "factorized",
    ["factorized", "fixed", "joint"],
    "p(w|y). factorized: a learned normal per label and value; fixed: the same, not learned; joint: "
    "one network from all labels to one w (the student report's).",
)
flags.DEFINE_float(
    "w_separation",
    1.0,
    "Prior means of w_i: start (fixed: stay) at -/+ this for y_i = 0/1; those of classes no nearer to each other, that "
    "of a real label at this times its value.",
)
flags.DEFINE_enum(
    "w_posterior",
    "free",
    ["free", "centred"],
    "q(w|x, y). free: a network's mean and scale; centred: in units of p(w|y), from its centre, so that w "
    "follows the labels from the first step.",
)
flags.DEFINE_boolean(
    "absent_style",
    True,
    "Examples without a label have a style of it too. --noabsent_style: their w_i says nothing, "
    "q(w_i|x, y) = p(w_i|y_i), which is narrow, so that it can hold only what those with the label need. Not with "
    "--w_prior=joint.",
)
flags.DEFINE_boolean("shared_encoder", False, "One trunk reads x for q(z|x) and for q(w|x, y).")
flags.DEFINE_float(
    "beta2", 1.0, "Weight of KL(q(w|x, y) || p(w|y)). The report's: 1, beside beta1=20.", lower_bound=0
)
flags.DEFINE_float(
    "beta4", 5.0, "Weight of the adversary's entropy, which the encoder raises.", lower_bound=0
)
flags.DEFINE_float("beta5", 1.0, "Weight of the adversary's own loss, -log q(y|z).", lower_bound=0)
flags.DEFINE_boolean(
    "adversarial", True, "Drive the labels out of z. --noadversarial drops beta4, beta5 and --mmd_weight."
)
flags.DEFINE_boolean("balanced", True, "The adversary's loss weighs the two classes of a label equally.")
flags.DEFINE_float(
    "mmd_weight",
    20.0,
    "Weight of the two-sample penalty (MMD) between the z of each label's classes; 0: none.",
    lower_bound=0,
)
flags.DEFINE_boolean(
    "erase_labels",
    False,
    "Standardise z by the labels: regressions on them say what mean and scale to take out of it, so that the "
    "adversary has to find only what is left.",
)
