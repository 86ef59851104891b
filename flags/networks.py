"""Networks and bound: sizes, likelihood and weights, the same for every generative system."""

from absl import flags

from flags import must_be_whole_numbers

flags.DEFINE_integer("z_dim", 2, "Dimensions of z, the code of all that is not a label.", lower_bound=1)
flags.DEFINE_integer(
    "w_dim",
    2,
    "Dimensions of each label's subspace w_i. A system without subspaces gets as many more in z, so that "
    "all codes are equally large.",
    lower_bound=1,
)
flags.DEFINE_list(
    "hidden",
    ["128", "128"],
    "Widths of the dense hidden layers: the whole network for vectors; for images the part between "
    "convolutions and code.",
)
flags.DEFINE_list(
    "filters", ["32", "64", "128", "256"], "Channels of the convolutions, each of which halves the image."
)
flags.DEFINE_integer("kernel_size", 4, "Side of the convolutions in pixels.", lower_bound=1)
flags.DEFINE_enum(
    "activation",
    "silu",
    ["leaky_relu", "relu", "silu", "gelu", "elu", "tanh"],
    "Activation; leaky_relu has slope 0.2.",
)
flags.DEFINE_boolean("batch_norm", True, "Batch normalisation after every convolution.")
flags.DEFINE_enum(
    "likelihood",
    "gaussian_optimal",
    ["gaussian_optimal", "gaussian_learned", "gaussian_fixed", "bernoulli"],
    "p(x|code). gaussian_optimal: one standard deviation, at its maximum-likelihood value "
    "(sigma-VAE); gaussian_learned: the same as a weight; gaussian_fixed: --likelihood_scale.",
)
flags.DEFINE_float(
    "likelihood_scale",
    1.0,
    "Standard deviation of p(x|code), in the units the networks see (standardised vectors, images in "
    "[0, 1]): fixed, or where it starts.",
    lower_bound=1e-3,
)
flags.DEFINE_float("beta1", 1.0, "Weight of the reconstruction, -log p(x|code).", lower_bound=0)
flags.DEFINE_float(
    "beta3", 1.0, "Weight of KL(q(z|x) || p(z)). The report's: 0.2, beside beta1=20.", lower_bound=0
)
flags.DEFINE_float(
    "aggregate_weight",
    0.0,
    "Weight of the distance (MMD) between mean and covariance of the codes of all data together and those of the "
    "prior, which samples are drawn from; 0: none.",
    lower_bound=0,
)
flags.DEFINE_boolean(
    "counterfactual",
    False,
    "What is changed of an example keeps what the decoder leaves open of it, such as single hairs, where the change "
    "itself is no larger than that. Else it is what is decoded, with the detail of a reconstruction.",
)
flags.DEFINE_string(
    "init_from",
    None,
    "A finished run, such as a VAE's, whose encoder and decoder this one starts from, layer by layer "
    "where they fit.",
)

for _name in ("hidden", "filters"):
    must_be_whole_numbers(_name)
