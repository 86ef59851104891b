"""CondVAE-info: the losses of its four players, and what keeps the game stable."""

from absl import flags

flags.DEFINE_float(
    "label_weight", 1.0, "rho: the loss of the labels that the encoder reads from x.", lower_bound=0
)
flags.DEFINE_float(
    "relabel_weight",
    1.0,
    "beta: the decoder's loss where the encoder reads other labels from a reconstruction.",
    lower_bound=0,
)
flags.DEFINE_float(
    "auxiliary_weight",
    5.0,
    "gamma: the entropy of what the auxiliary network reads from z, which the encoder raises.",
    lower_bound=0,
)
flags.DEFINE_float(
    "gan_weight",
    1.0,
    "delta: the decoder's loss where the discriminator tells its images from real ones.",
    lower_bound=0,
)
flags.DEFINE_boolean("spectral_norm", True, "Every layer of the discriminator has spectral norm 1.")
flags.DEFINE_float("r1", 0.0, "Weight of the gradient penalty on real data; 0: none.", lower_bound=0)
flags.DEFINE_float(
    "instance_noise",
    0.1,
    "Standard deviation of the noise on all that the discriminator sees, in the units that it sees.",
    lower_bound=0,
)
