"""One global batch trains the same weights on one replica, on two devices and on two workers."""

import contextlib
import os

import numpy as np
import pytest

from tests import processes

# Double precision: what differs is the order of sums, some 1e-16 of a weight in a step, and what
# the game between the players makes of that in so many steps.
STEPS, TOLERANCE = 20, 1e-8
LOG_TOLERANCE = 1e-5  # sums over batches in single precision


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """{"one", "mirrored", "worker_0", "worker_1"}: the arrays that ``replicas_process`` saved."""
    folder = tmp_path_factory.mktemp("replicas")
    module = "tests.tf_csvae.models.replicas_process"
    with contextlib.ExitStack() as stack:
        started = [
            stack.enter_context(processes.Started(module, folder, STEPS, **environment))
            for environment in (*({"TF_CONFIG": config} for config in processes.tf_configs(2)), {})
        ]
        for process in started:
            done = process.done()
            assert done.returncode == 0, done.stderr[-3000:]
    return {name.removesuffix(".npz"): np.load(folder / name) for name in os.listdir(folder)}


@pytest.mark.parametrize("where", ["mirrored", "worker_0", "worker_1"])
@pytest.mark.parametrize("model", ["csvae", "condvae_info", "classifier"])
def test_two_replicas_train_the_same_weights_as_one(trained, model, where):
    names = [name for name in trained["one"] if name.startswith(f"{model}/")]
    assert len(names) > 10
    for name in names:
        one, other = trained["one"][name], trained[where][name]
        tolerance = TOLERANCE if name.split("/")[1].isdigit() else LOG_TOLERANCE
        np.testing.assert_allclose(other, one, rtol=0, atol=tolerance * np.abs(one).max(), err_msg=name)


@pytest.mark.parametrize("where", ["mirrored", "worker_0"])
def test_keras_alone_still_needs_help(trained, where):
    assert not trained[where]["keras_alone"], (
        "This release of Keras trains under this strategy by itself. Once it does so under both, "
        "and in the oldest release that is supported, the methods of keras_fixes.FixedModel that "
        "are for strategies can go."
    )
