"""CSVAE in PyTorch, the peer of ``benchmarks.train_step``: the same layers, losses and optimizer.

The comparison is for the cost of a training step with the same networks, the published losses and
our terms that need no guide, not for the cost of the guide's terms. The twin is written for that
benchmark alone, in the plainest way that PyTorch offers, with losses in closed form.
``tests/benchmarks/test_torch_csvae.py`` compares losses and gradients with ours on the same
weights.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

# Values of a model's options that the twin has; of all other options it has any.
HAS = {
    "likelihood": ("gaussian_optimal",),
    "w_prior": ("joint", "fixed"),
    "adversarial": (True,),
    "activation": ("leaky_relu",),
    "batch_norm": (True,),
    "consistency_weight": (0,),
    "perceptual_weight": (0,),
}


class _Activated(nn.Sequential):
    """Dense layers, each with the activation behind it."""

    def __init__(self, widths, activation) -> None:
        layers = [(nn.Linear(a, b), activation()) for a, b in itertools.pairwise(widths)]
        super().__init__(*itertools.chain.from_iterable(layers))


def _halving(before, after, size):
    return [nn.Conv2d(before, after, size, stride=2, padding=(size - 2) // 2, bias=False)]


def _transposed(before, after, size):
    return [nn.ConvTranspose2d(before, after, size, stride=2, padding=(size - 2) // 2, bias=False)]


def _nearest(before, after, size):
    return [
        nn.Upsample(scale_factor=2),
        nn.Conv2d(before, after, size - 1, padding=(size - 2) // 2, bias=False),
    ]


def _convolutions(channels, size, activation, layers):
    """Convolutions with normalisation, each of which halves or doubles the sides of an image."""
    modules = []
    for before, after in itertools.pairwise(channels):
        # Keras' momentum is the share of the old average, PyTorch's that of the new.
        normalised = nn.BatchNorm2d(after, eps=1e-3, momentum=0.1)
        modules += [*layers(before, after, size), normalised, activation()]
    return nn.Sequential(*modules)


class CSVAE(nn.Module):
    """The networks and the objective of ``tf_csvae.CSVAE`` for images.

    Args:
        options: of ``keras_step.twin_options``: the fields of the model's config; its data_shape,
            labels and bounded; and from its modules class_weights [2, k], squared_widths of the
            MMD, min_scale, absent_scale, and (momentum, ridge, largest scale) of the erasure.

    Raises:
        ValueError: an option that the twin does not have.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()
        for name, values in HAS.items():
            if options[name] not in values:
                raise ValueError(f"The twin in PyTorch has no {name}={options[name]}.")
        size, k, z_dim = options["kernel_size"], len(options["labels"]), options["z_dim"]
        if size % 2:
            raise ValueError(f"The twin in PyTorch has no odd kernel_size={size}.")
        self.options = options
        self.filters, hidden = options["filters"], options["hidden"]
        height, width, colours = options["data_shape"]
        w_dim, count = k * options["w_dim"], len(self.filters)
        self.seed_shape = (height >> count, width >> count, self.filters[-1])
        flat = math.prod(self.seed_shape)

        def activation():
            return nn.LeakyReLU(0.2)

        def trunk():
            return nn.ModuleList(
                [
                    _convolutions((colours, *self.filters), size, activation, _halving),
                    _Activated((flat, *hidden[:-1]), activation),
                ]
            )

        def head(inputs, outputs, widths):
            layers = _Activated((inputs, *widths), activation)
            return nn.Sequential(layers, nn.Linear(widths[-1], outputs))

        features = hidden[-2] if len(hidden) > 1 else flat
        self.trunk = trunk()
        if not options["shared_encoder"]:
            self.w_trunk = trunk()
        self.z_head = head(features, 2 * z_dim, hidden[-1:])
        self.w_head = head(features + k, 2 * w_dim, hidden[-1:])
        doubled = (*self.filters[::-1], self.filters[0])
        doubling = {"nearest": _nearest, "transposed": _transposed}[options["upsampling"]]
        self.decoder = nn.ModuleList(
            [
                _Activated((z_dim + w_dim, *hidden[::-1], flat), activation),
                _convolutions(doubled, size, activation, doubling),
                nn.Conv2d(self.filters[0], colours, 3, padding=1),
            ]
        )
        self.adversary = head(z_dim, k, hidden)
        if options["w_prior"] == "joint":
            self.prior = head(k, 2 * w_dim, hidden)
        if options["erase_labels"]:
            for name, columns in (("moments", 1 + k), ("locations", z_dim), ("scales", z_dim)):
                self.register_buffer(name, torch.zeros(1 + k, columns))
        self.register_buffer("log_scale", torch.tensor(math.log(options["likelihood_scale"])))
        self.register_buffer("class_weights", torch.tensor(options["class_weights"]))

    def _features(self, trunk, x):
        convolutions, dense = trunk
        # In the order of our own layout, so that the weights behind are the same.
        return dense(convolutions(x).permute(0, 2, 3, 1).flatten(1))

    def _normal(self, parameters):
        mean, raw = parameters.chunk(2, -1)
        return mean, self.options["min_scale"] + functional.softplus(raw + 0.5413)

    def _prior(self, y):
        if self.options["w_prior"] == "joint":
            return self._normal(self.prior(y))
        present = self._by_label(y)
        absent_scale = 1.0 if self.options["absent_style"] else self.options["absent_scale"]
        scale = absent_scale + (1 - absent_scale) * present + self.options["min_scale"]
        return self.options["w_separation"] * (2 * present - 1), scale

    def _erased(self, mean, scale, y):
        momentum, ridge, most = self.options["erasure"]
        features = torch.cat([torch.ones_like(y[:, :1]), y], 1)

        def follow(average, other):
            average.mul_(momentum).add_((1 - momentum) * features.T @ other / len(features))

        def expected(average):
            moments = self.moments + ridge * torch.eye(features.shape[1])
            return features @ torch.linalg.solve(moments, average)

        with torch.no_grad():
            follow(self.moments, features)
            follow(self.locations, mean)
            location = expected(self.locations)
        mean = mean - location
        with torch.no_grad():
            follow(self.scales, (mean.square() + scale.square()).log())
            ratio = 0.5 * (expected(self.scales) - self.scales[0] / (self.moments[0, 0] + ridge))
            factor = (-ratio.clamp(-math.log(most), math.log(most))).exp()
        return mean * factor, scale * factor

    def _by_label(self, y):
        return y.repeat_interleave(self.options["w_dim"], 1)

    def _decoded(self, code):
        dense, convolutions, last = self.decoder
        height, width, channels = self.seed_shape
        seed = dense(code).view(-1, height, width, channels).permute(0, 3, 1, 2)
        mean = last(convolutions(seed))
        return torch.sigmoid(mean) if self.options["bounded"] else mean

    def losses(
        self,
        x: torch.Tensor,
        y: torch.Tensor,
        z_noise: torch.Tensor,
        w_noise: torch.Tensor,
        kl_weight: float,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns M1 and M2 of a batch; each has gradients for its own player's parameters only.

        Args:
            x: float32 [n, channels, height, width].
            y: float32 [n, k].
            z_noise: float32 [n, z_dim], standard normal.
            w_noise: float32 [n, k w_dim], standard normal.
            kl_weight: factor on the KL terms.
        """
        options = self.options
        features = self._features(self.trunk, x)
        z_mean, z_scale = self._normal(self.z_head(features))
        if options["erase_labels"]:
            z_mean, z_scale = self._erased(z_mean, z_scale, y)
        if not options["shared_encoder"]:
            features = self._features(self.w_trunk, x)
        w_mean, w_scale = self._normal(self.w_head(torch.cat([features, y], 1)))
        prior_mean, prior_scale = self._prior(y)
        if options["w_posterior"] == "residual":
            w_mean, w_scale = prior_mean + prior_scale * w_mean, prior_scale * w_scale
        if not options["absent_style"]:
            present = self._by_label(y) > 0.5
            w_mean = torch.where(present, w_mean, prior_mean)
            w_scale = torch.where(present, w_scale, prior_scale)
        z, w = z_mean + z_scale * z_noise, w_mean + w_scale * w_noise

        error = (x - self._decoded(torch.cat([z, w], 1))).square()
        variance = error.detach().mean().clamp_min(options["min_scale"] ** 2)
        with torch.no_grad():
            self.log_scale.mul_(0.9).add_(0.1 * 0.5 * variance.log())
        nats = 0.5 * (error / variance + variance.log() + math.log(2 * math.pi))
        reconstruction = nats.sum((1, 2, 3)).mean()
        kl_z = _kl(z_mean, z_scale, torch.zeros_like(z_mean), torch.ones_like(z_scale))
        kl_w = _kl(w_mean, w_scale, prior_mean, prior_scale)
        kl = options["beta2"] * kl_w + options["beta3"] * kl_z
        m1 = options["beta1"] * reconstruction + kl_weight * kl

        frozen = {name: value.detach() for name, value in self.adversary.named_parameters()}
        logits = torch.func.functional_call(self.adversary, frozen, (z,))
        entropy = (functional.softplus(logits) - logits * torch.sigmoid(logits)).sum(1).mean()
        m1 = m1 - options["beta4"] * entropy
        if options["mmd_weight"]:
            m1 = m1 + options["mmd_weight"] * _mmd(z, y, options["squared_widths"]).sum()
        if options["aggregate_weight"]:
            standard = torch.cat([z, (w - prior_mean) / prior_scale], 1)
            m1 = m1 + options["aggregate_weight"] * _prior_mmd(standard)

        weights = self.class_weights[0] * (1 - y) + self.class_weights[1] * y
        nats = functional.binary_cross_entropy_with_logits(
            self.adversary(z.detach()), y, weights, reduction="none"
        )
        return m1, options["beta5"] * nats.sum(1).mean()

    def players(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """Returns the parameters of the generator and those of the adversary."""
        adversary = list(self.adversary.parameters())
        owned = {id(parameter) for parameter in adversary}
        return [each for each in self.parameters() if id(each) not in owned], adversary


def _kl(mean, scale, prior_mean, prior_scale):
    ratio = (scale / prior_scale).square()
    nats = 0.5 * (ratio + ((mean - prior_mean) / prior_scale).square() - 1 - ratio.log())
    return nats.sum(1).mean()


def _mmd(z, y, squared_widths):
    d, n = z.shape[1], z.shape[0]
    norms = z.square().sum(1)
    distances = (norms[:, None] - 2 * z @ z.T + norms[None]).clamp_min(0)
    kernel = sum(torch.exp(distances * (-0.5 / (s * d))) for s in squared_widths)
    kernel = kernel * (1 - torch.eye(n, device=z.device))
    ones, zeros = y, 1 - y
    n1, n0 = ones.sum(0), zeros.sum(0)
    to_ones, to_zeros = kernel @ ones, kernel @ zeros
    within1 = (ones * to_ones).sum(0) / (n1 * (n1 - 1)).clamp_min(1)
    within0 = (zeros * to_zeros).sum(0) / (n0 * (n0 - 1)).clamp_min(1)
    between = (zeros * to_ones).sum(0) / (n1 * n0).clamp_min(1)
    known = (n1 > 1) & (n0 > 1)
    return torch.where(known, within1 + within0 - 2 * between, torch.zeros_like(n1))


def _prior_mmd(u):
    n, d = u.shape
    norms, products = u.square().sum(1), u @ u.T
    among = (products * (products + 2)).sum() - (norms * (norms + 2)).sum()
    return among / (n * (n - 1)) - 2 * norms.mean() + d


def stepper(
    options: dict[str, Any], batch_size: int, compiled: bool
) -> tuple[dict[str, str], Callable[[], float]]:
    """Makes a side of the benchmark.

    The learning rates are constant, so the twin has no schedule. It logs no means.

    Args:
        options: as of ``CSVAE``.
        batch_size: examples of a step.
        compiled: use torch.compile.

    Returns:
        The "version" of PyTorch, and a function that makes one training step.
    """
    torch.manual_seed(0)
    model = CSVAE(options)
    optimizers = [torch.optim.Adam(player, lr=1e-4, eps=1e-7, fused=True) for player in model.players()]
    k = len(options["labels"])
    x = torch.rand(batch_size, options["data_shape"][2], *options["data_shape"][:2])
    y = (torch.rand(batch_size, k) < 0.2).float()
    # The faster of the two layouts here.
    model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    losses = torch.compile(model.losses) if compiled else model.losses

    def step():
        z_noise = torch.randn(batch_size, options["z_dim"])
        w_noise = torch.randn(batch_size, k * options["w_dim"])
        m1, m2 = losses(x, y, z_noise, w_noise, 1.0)
        (m1 + m2).backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        return float(m1.detach())

    return {"version": torch.__version__}, step
