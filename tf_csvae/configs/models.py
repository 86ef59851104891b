"""Options of networks and objectives, a class for each system."""

import dataclasses

from tf_csvae.errors import InputError
from tf_csvae.options import Config, option


@dataclasses.dataclass(frozen=True)
class NetworkConfig(Config):
    """Networks: their sizes."""

    hidden: tuple[int, ...] = option(
        (128, 128),
        "Widths of the dense hidden layers: the whole network for vectors; for images the part "
        "between convolutions and code.",
        low=1,
    )
    filters: tuple[int, ...] = option(
        (32, 64, 128, 256),
        "Images: channels of the convolutions, each with stride 2. Images of more than 96 pixels "
        "get further ones before them, each with half the channels.",
        low=1,
    )
    kernel_size: int = option(4, "Images: side of the convolution kernels in pixels.", low=1)
    upsampling: str = option(
        "nearest",
        "Images: how the decoder doubles the sides. nearest: each pixel four times, then a "
        "convolution; transposed: transposed convolutions, whose patterns show in the pictures.",
        choices=("nearest", "transposed"),
    )
    activation: str = option(
        "silu",
        "Activation of the hidden layers; leaky_relu has slope 0.2.",
        choices=("leaky_relu", "relu", "silu", "gelu", "elu", "tanh"),
    )
    batch_norm: bool = option(True, "Images: batch normalisation after every convolution.")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("hidden", "filters"):
            if not getattr(self, name):
                raise InputError(f"{name} needs at least one layer. Received: none.")


@dataclasses.dataclass(frozen=True)
class VAEConfig(NetworkConfig):
    """VAE: the code, the likelihood and the weights of the bound, as in every generative system."""

    z_dim: int = option(2, "Dimensions of z, the code of all that is not a label.", low=1)
    w_dim: int = option(
        2,
        "Dimensions of the subspace w_i of each label. A system without subspaces has as many "
        "more in z, so that the codes of all systems are equally large.",
        low=0,
    )
    likelihood: str = option(
        "gaussian_optimal",
        "p(x|code) of images and vectors; rows of a table have a distribution for each type of "
        "column. gaussian_optimal: one standard deviation at its maximum-likelihood value "
        "(sigma-VAE); gaussian_learned: one that is trained; gaussian_fixed: likelihood_scale.",
        choices=("gaussian_optimal", "gaussian_learned", "gaussian_fixed", "bernoulli"),
    )
    likelihood_scale: float = option(
        1.0,
        "Standard deviation of p(x|code) at the start, or fixed, in units of standardised vectors "
        "or of images in [0, 1].",
        low=1e-3,
    )
    beta1: float = option(1.0, "Weight of the reconstruction, -E[log p(x|code)].", low=0)
    likelihood_dims: int = option(
        0,
        "The reconstruction counts as that of an example of so many numbers, so that the other "
        "weights hold for images of any size; of rows of a table the whole bound; 0: as it is.",
        low=0,
    )
    beta3: float = option(1.0, "Weight of KL(q(z|x) || p(z)).", low=0)
    aggregate_weight: float = option(
        0.0,
        "Weight of aggregate prior matching: a distance (MMD) between the mean and covariance of "
        "the codes of all data and those of the prior; 0: none.",
        low=0,
    )
    perceptual_weight: float = option(
        0.0,
        "Weight of the perceptual term: the difference between reconstructions and examples in "
        "the features of the guide; needs a guide; 0: none.",
        low=0,
    )
    guide_every: int = option(
        1,
        "The guide sees every so many-th example of a batch, and no other, in the terms that need it. "
        "With a larger number a step takes less time, and these terms are noisier.",
        low=1,
    )
    counterfactual: bool = option(
        False,
        "Edits keep the residual x - E[p(x|code)] where the change is smaller than the noise of "
        "p(x|code). Otherwise an edit is the decoder's output.",
    )


@dataclasses.dataclass(frozen=True)
class CondVAEConfig(VAEConfig):
    """CondVAE: label consistency beside the bound."""

    consistency_weight: float = option(
        0.0,
        "Weight of label consistency: one label is exchanged in the code, and the guide must see "
        "it, and the other labels unchanged, in the result; needs a guide; 0: none.",
        low=0,
    )
    exchange_target: float = option(
        0.0,
        "Probability that the guide is to give to an exchanged label on average, or what it gives "
        "to real examples if that is less. The weight of each label's exchange grows from 5 to 25 "
        "until it does; 0: all weights stay at 5.",
        low=0,
        high=1,
    )
    exchange_least: float = option(
        5.0,
        "With exchange_target: the least weight of a label's exchange. If it is below 5, the weight does "
        "not grow beyond 5, and an exchange goes no further than the guide's view of real examples asks.",
        low=0.01,
        high=5,
    )
    minimality_weight: float = option(
        0.0,
        "Weight of minimality: with consistency_weight, an edit changes as little of an image or "
        "vector as label consistency allows; 0: none.",
        low=0,
    )
    realism_weight: float = option(
        0.0,
        "Weight of realism: with consistency_weight, a discriminator that is given the labels is to "
        "take what was decoded for other labels for real examples; 0: none.",
        low=0,
    )


@dataclasses.dataclass(frozen=True)
class CSVAEConfig(CondVAEConfig):
    """CSVAE: the label subspaces, and what removes the labels from z."""

    w_prior: str = option(
        "factorized",
        "p(w|y). factorized: a learned normal per label and value; fixed: the same, not learned; "
        "joint: one network from all labels to w (the student report).",
        choices=("factorized", "fixed", "joint"),
    )
    w_separation: float = option(
        1.0,
        "Prior means of w_i start (fixed: stay) at -/+ this for y_i = 0/1. Classes are at least "
        "as far apart; a real label has its value times this.",
    )
    w_posterior: str = option(
        "free",
        "q(w|x, y). free: a network gives mean and scale; residual: in units of p(w|y) and from "
        "its centre, so that w follows the labels from the first step.",
        choices=("free", "residual"),
    )
    absent_style: bool = option(
        True,
        "Examples without a binary label also have a style in w_i. --noabsent_style: for them "
        "q(w_i|x, y) is p(w_i|y_i), which is narrow. Not with w_prior=joint.",
    )
    shared_encoder: bool = option(False, "One trunk reads x for both q(z|x) and q(w|x, y).")
    beta2: float = option(1.0, "Weight of KL(q(w|x, y) || p(w|y)).", low=0)
    beta4: float = option(5.0, "Weight of the adversary's entropy, which the encoder maximises.", low=0)
    beta5: float = option(1.0, "Weight of the adversary's loss, -E[log q(y|z)].", low=0)
    adversarial: bool = option(
        True, "Remove the labels from z. --noadversarial: without beta4, beta5 and mmd_weight."
    )
    balanced: bool = option(True, "The adversary's loss weighs the values of a label equally.")
    mmd_weight: float = option(
        20.0, "Weight of the MMD between the z of the values of each label; 0: none.", low=0
    )
    erase_labels: bool = option(
        False,
        "Give z the same mean and scale for all values of the labels, so that the adversary has only "
        "the rest to find.",
    )
    erase_covariance: bool = option(
        False, "With erase_labels: give z the same covariance for all values of the labels, too."
    )
    erase_styles: bool = option(
        False,
        "Remove from z what a regression on w predicts, too, so that the style of a label is in its "
        "w_i only. Needs erase_labels.",
    )
    style_weight: float = option(
        0.0,
        "Weight of style consistency: with consistency_weight, some exchanges take w_i from another "
        "example, and the result must look as that one does where the guide looks for the label; "
        "0: none.",
        low=0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.w_prior == "joint" and not self.absent_style:
            raise InputError(
                "absent_style=False needs a prior per label. Received: w_prior=joint. "
                "Use absent_style=True, or w_prior factorized or fixed."
            )
        if self.erase_styles and not self.erase_labels:
            raise InputError("erase_styles needs erase_labels. Received: erase_labels=False.")
        if not self.w_dim:
            raise InputError("w_dim must be at least 1 for CSVAE. Received: w_dim=0.")


@dataclasses.dataclass(frozen=True)
class CondVAEInfoConfig(VAEConfig):
    """CondVAE-info: the losses of its four players, and what keeps the game stable."""

    label_weight: float = option(
        1.0, "rho: weight of the loss of the labels that the encoder predicts from x.", low=0
    )
    relabel_weight: float = option(
        1.0, "beta: weight of the loss of the labels predicted from a reconstruction.", low=0
    )
    auxiliary_weight: float = option(
        5.0,
        "gamma: weight of the entropy of the labels predicted from z, which the encoder maximises.",
        low=0,
    )
    gan_weight: float = option(1.0, "delta: weight of the decoder's loss against the discriminator.", low=0)
    spectral_norm: bool = option(True, "The discriminator's layers have spectral norm 1.")
    r1: float = option(0.0, "Weight of the gradient penalty on real data; 0: none.", low=0)
    instance_noise: float = option(
        0.1, "Standard deviation of the noise added to the discriminator's input.", low=0
    )


@dataclasses.dataclass(frozen=True)
class ClassifierConfig(Config):
    """Classifier: its network, its augmentation and its loss."""

    depth: int = option(34, "Images: layers of the ResNet.", choices=(10, 18, 34))
    width: int = option(
        64, "Images: channels of the first of four stages. Vectors: units of both layers.", low=1
    )
    stem_stride: int = option(2, "Images: stride of the first convolution.", low=1)
    shift: int = option(4, "Images: largest random shift in training, in pixels.", low=0)
    blur: float = option(
        0.0,
        "Images: largest standard deviation, in pixels, of the Gaussian blur of half of the "
        "training images. A judge of generated images must not be misled by blur.",
        low=0,
    )
    noise: float = option(
        0.0,
        "Largest standard deviation of the noise added to examples in training, in units of "
        "standardised vectors or of images in [0, 1].",
        low=0,
    )
    epsilon: float = option(
        0.0,
        "Adversarial training: each training example is moved against the classifier by up to "
        "this Euclidean length. For guides; 0: none.",
        low=0,
    )
    dropout: float = option(0.0, "Share of the features dropped in training.", low=0, high=0.99)
    balance: float = option(
        0.5,
        "How far rarer values of a label weigh more in the loss: 0: not at all; 1: all values of "
        "a label have the same total weight.",
        low=0,
        high=1,
    )
