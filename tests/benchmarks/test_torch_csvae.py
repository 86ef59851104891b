"""The peer of the benchmark is fair only if it computes the same."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks import keras_step
from tf_csvae import CSVAE, CSVAEConfig, Label

torch = pytest.importorskip("torch")
from benchmarks import torch_csvae  # noqa: E402

REPORT = {"w_prior": "joint", "balanced": False, "mmd_weight": 0.0, "beta4": 10.0}
DEFAULT = {
    "w_prior": "fixed",
    "w_separation": 3.0,
    "w_posterior": "residual",
    "shared_encoder": True,
    "absent_style": False,
    "aggregate_weight": 1.0,
    "erase_labels": True,
    "mmd_weight": 300.0,
    "beta4": 100.0,
}


def layers(model):
    """Our layers with weights, in the order of the twin's modules."""
    shared = model.trunk is model.w_trunk
    networks = [model.trunk, *([] if shared else [model.w_trunk]), model.z_head, model.w_head]
    networks += [model.decoder, model.adversary, getattr(model.prior, "network", None)]
    return [layer for network in networks if network for layer in network.layers if layer.weights]


def as_torch(values):
    """Arrays of one of our layers' trainable weights as the twin has them."""
    order = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}
    return [np.transpose(value, order[value.ndim]) for value in values]


@pytest.mark.parametrize(("options", "hidden"), [(REPORT, [5]), (DEFAULT, [6, 5])], ids=["report", "default"])
def test_losses_and_gradients_are_ours_on_the_same_weights(options, hidden):
    keras.utils.set_random_seed(0)
    labels = [Label("Smiling", frequency=0.4), Label("Bald", frequency=0.2)]
    networks = {"filters": [4, 6], "hidden": hidden, "activation": "leaky_relu"}
    model = CSVAE([8, 8, 3], labels, CSVAEConfig(z_dim=3, **networks, **options), bounded=True)
    random = np.random.default_rng(0)
    x = random.random((9, 8, 8, 3), np.float32)
    y = (random.random((9, 2)) < 0.5).astype(np.float32)

    variables, seed = model.players(), tf.constant([0, 1])
    with tf.GradientTape(persistent=True) as tape:
        losses, _ = model.player_losses(tf.constant(x), tf.constant(y), True, seed)
    ours = {}
    for player, owned in variables.items():
        values = tape.gradient(losses[player], [variable.value for variable in owned])
        ours |= {id(variable): value.numpy() for variable, value in zip(owned, values, strict=True)}

    twin = torch_csvae.CSVAE(keras_step.twin_options(model))
    modules = [module for module in twin.modules() if list(module.parameters(recurse=False))]
    for layer, module in zip(layers(model), modules, strict=True):
        values = as_torch([variable.numpy() for variable in layer.trainable_variables])
        for parameter, value in zip(module.parameters(recurse=False), values, strict=True):
            parameter.data = torch.tensor(np.ascontiguousarray(value))

    code = model.inference(tf.constant(x), tf.constant(y), training=True)
    samples = code.sample(seed)
    noise = [
        torch.tensor(((sample - of.mean()) / of.stddev()).numpy())
        for sample, of in zip(samples, (code.z, code.w), strict=True)
    ]
    m1, m2 = twin.losses(torch.tensor(x).permute(0, 3, 1, 2), torch.tensor(y), *noise, 1.0)
    np.testing.assert_allclose(m1.item(), losses["generator"], rtol=1e-5)
    np.testing.assert_allclose(m2.item(), losses["adversary"], rtol=1e-5)

    (m1 + m2).backward()
    for layer, module in zip(layers(model), modules, strict=True):
        values = as_torch([ours[id(variable)] for variable in layer.trainable_variables])
        for parameter, value in zip(module.parameters(recurse=False), values, strict=True):
            # Sums over some thousand products of single precision.
            scale = np.abs(value).max() + 1e-3
            np.testing.assert_allclose(parameter.grad.numpy(), value, atol=1e-4 * scale, err_msg=layer.name)


def test_a_model_that_the_twin_does_not_have_is_refused():
    config = CSVAEConfig(filters=[4], hidden=[4], likelihood="gaussian_fixed")
    model = CSVAE([8, 8, 3], ["Smiling"], config)
    with pytest.raises(ValueError, match="likelihood=gaussian_fixed"):
        torch_csvae.CSVAE(keras_step.twin_options(model))
