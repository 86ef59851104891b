"""Every option of tf_csvae and its default, in one place.

The constructors, the flags of the commands, ``--help`` and flags.txt come from these classes.
``CSVAEConfig.preset("celeba")`` is the config that a preset in ``flags/`` describes. All configs
of one training together are its ``settings.Settings``.
"""

import dataclasses

from tf_csvae.errors import InputError
from tf_csvae.options import Config, option

SEED = 2**31 - 1


@dataclasses.dataclass(frozen=True)
class BadExamplesConfig(Config):
    """Images that cannot be used."""

    on_bad_example: str = option(
        "error",
        "What to do with an image that is missing or unreadable: error, or skip, which reads all "
        "images before anything else and reports those that are left out.",
        choices=("error", "skip"),
    )
    max_bad_examples: int = option(100, "With skip: more bad images are an error.", low=0)


@dataclasses.dataclass(frozen=True)
class DataConfig(BadExamplesConfig):
    """Data: which data set, where it is, how it is read."""

    dataset: str = option(
        "swiss_roll", "The data: swiss_roll, drawn_faces, celeba, folder, table, or tfds:NAME."
    )
    data_dir: str | None = option(
        None,
        "Folder of the files. celeba: img_align_celeba/, list_attr_celeba.txt and "
        "list_eval_partition.txt; without it TensorFlow Datasets provides celeb_a. folder: the "
        "images. tfds: where its data sets are kept.",
    )
    labels: str | None = option(None, "folder: the CSV file with the labels, one row per image.")
    attributes: tuple[str, ...] | None = option(
        None,
        "The labels, separated by commas. Default: for celeba the 18 of the student report, for "
        "folder and tfds all that there are.",
    )
    label_kinds: tuple[str, ...] = option(
        (),
        "folder, table, tfds: kinds of labels (binary, categorical, real) that differ from what "
        "the values suggest, as in age:real,grade:categorical.",
    )
    image_size: int = option(64, "Side of the images in pixels.", low=1)
    cache: str = option(
        "memory", "Where decoded images are kept: memory, none, or a folder that later runs share."
    )
    half: str | None = option(
        None,
        "Train on one half of the training examples, the first or the second, which have none in common. "
        "The guide that a training makes learns from the second, the judge from the first.",
        choices=("first", "second"),
    )
    augment: tuple[str, ...] = option(
        ("flip",),
        "Random changes of training images: flip (left to right), colour (brightness and "
        "contrast); empty: none.",
    )
    batch_size: int = option(256, "Examples per step, over all devices.", low=1)
    crop: str = option(
        "center",
        "folder, tfds: the part of an image that is used: center (the largest square), none, or "
        "x,y,w,h: left, top, width and height, in fractions of the sides or, if a number is above "
        "1, in pixels.",
    )
    file_column: str | None = option(None, "folder: the column of file names. Default: the first.")
    split: tuple[float, ...] = option(
        (0.8, 0.1, 0.1),
        "folder, table: shares of train, validation and test, unless a column named split says "
        "it. A hash decides, so new rows move no others.",
    )
    decimal: str | None = option(
        None,
        "folder, table: the decimal separator, a comma or a point, of columns of numbers that can "
        "be read in two ways, as 1.234 and 30,000 can.",
        choices=(",", "."),
    )
    group_column: str | None = option(
        None, "folder, table: rows with the same value in this column stay in one split."
    )
    header: str = option(
        "auto",
        "folder, table: whether the first line names the columns. auto: yes, but a line that looks "
        "like a row is an error. no: the columns are column_1, column_2, ...",
        choices=("auto", "yes", "no"),
    )
    ignore: tuple[str, ...] = option(
        (),
        'folder, table: columns that are left out; one without a name is "Unnamed: 0" by its place.',
    )
    data_path: str | None = option(None, "table: the CSV or Parquet file.")
    label_columns: tuple[str, ...] | None = option(None, "table: the columns that are labels.")
    feature_columns: tuple[str, ...] | None = option(None, "table: the features. Default: all others.")
    category_columns: tuple[str, ...] = option(
        (), "table: features that are categories although their values are numbers."
    )
    seed: int = option(0, "Seed of weights, order, noise and samples.", low=0, high=SEED)


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
        (32, 64, 128, 256), "Images: channels of the convolutions, each with stride 2.", low=1
    )
    kernel_size: int = option(4, "Images: side of the convolution kernels in pixels.", low=1)
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
        "p(x|code). gaussian_optimal: one standard deviation at its maximum-likelihood value "
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
        high=0.99,
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
        "Standardise z by a regression of its mean and scale on the labels, so that the adversary "
        "has only the rest to find.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.w_prior == "joint" and not self.absent_style:
            raise InputError(
                "absent_style=False needs a prior per label. Received: w_prior=joint. "
                "Use absent_style=True, or w_prior factorized or fixed."
            )
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
    noise: float = option(0.0, "Images: largest standard deviation of noise added in training.", low=0)
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


@dataclasses.dataclass(frozen=True)
class TrainingConfig(Config):
    """Training: how long, how fast, and on which devices."""

    epochs: int = option(60, "Passes over the training data.", low=1)
    optimizer: str = option("adam", "Optimizer of every player.", choices=("adam", "rmsprop"))
    learning_rate: float = option(5e-3, "Learning rate.", low=0)
    schedule: str = option(
        "cosine",
        "Learning rate over the steps; cosine falls to zero at the end.",
        choices=("cosine", "constant"),
    )
    precision: str = option(
        "float32",
        "Of the inner layers; weights, distributions and losses are float32.",
        choices=("float32", "bfloat16", "float16"),
    )
    jit_compile: str = option(
        "auto", "XLA; auto: for vectors and not for images.", choices=("auto", "true", "false")
    )
    steps_per_execution: int = option(
        0, "Steps per call of TensorFlow; 0: an epoch for vectors, 1 for images.", low=0
    )
    deterministic: bool = option(
        False, "Deterministic operations: an interrupted run ends with the same bits."
    )
    on_nan: str = option(
        "stop",
        "When a loss is not finite: stop, or rollback to the last checkpoint with half the learning rate.",
        choices=("stop", "rollback"),
    )
    seed: int = option(0, "Seed of weights, order, noise and samples.", low=0, high=SEED)
    distribute: str = option(
        "auto",
        "Devices: one_device; mirrored: all GPUs of this machine; multi_worker: all workers in "
        "TF_CONFIG; auto: chosen by what is there. docs/distributed.md.",
        choices=("auto", "one_device", "mirrored", "multi_worker"),
        recorded=False,
    )
    run_dir: str | None = option(None, "Folder of the run. Default: runs/SYSTEM_DATASET.", recorded=False)
    resume: bool = option(
        False, "Continue the run in run_dir although its flags differ or it is finished.", recorded=False
    )
    overwrite: bool = option(False, "Remove the run in run_dir and begin anew.", recorded=False)
    checkpoint_seconds: float = option(
        2.0, "Least time between checkpoints at ends of epochs; 0: every epoch.", low=0, recorded=False
    )
    checkpoint_minutes: float = option(
        10.0, "Longest time without a checkpoint within an epoch; 0: only at ends of epochs.",
        low=0, recorded=False,
    )  # fmt: skip
    checkpoints_to_keep: int = option(2, "Checkpoints kept, the newest.", low=1, recorded=False)
    tensorboard: bool = option(True, "Write logs for TensorBoard.", recorded=False)


@dataclasses.dataclass(frozen=True)
class GenerativeTrainingConfig(TrainingConfig):
    """Training of a generative system: its guide, its start, its adversaries."""

    adversary_learning_rate: float | None = option(
        None, "Learning rate of adversaries. Default: learning_rate.", low=0
    )
    kl_warmup: float = option(
        0.4, "Share of the steps over which the weight of the KL terms rises from 0.", low=0, high=1
    )
    guide: str | None = option(
        None,
        "A finished run of trainers.classifier that takes part in the training. It is not the "
        "judge. It also predicts labels that are not given later.",
    )
    init_from: str | None = option(
        None, "A finished run whose encoder and decoder are the start, layer by layer if they fit."
    )


@dataclasses.dataclass(frozen=True)
class EvaluationConfig(Config):
    """Evaluation: the judge, and how much it is shown."""

    judge: str | None = option(
        None,
        "A finished run of trainers.classifier on the same data, which measures generation, "
        "transfer and the Fréchet distance.",
        recorded=False,
    )
    samples: int = option(
        1000,
        "Samples per label, its values in turn, and the most transfers per label.",
        low=2,
        recorded=False,
    )
    pictured_labels: tuple[str, ...] | None = option(
        None, "Labels with pictures of their own. Default: the first five.", recorded=False
    )
    seed: int = option(0, "Seed of weights, order, noise and samples.", low=0, high=SEED)
