import types

import numpy as np
import pytest
import tensorflow as tf

from tf_csvae import CSVAE, CSVAEConfig, devices

HOPPER, VOLTA = (9, 0), (7, 0)


@pytest.fixture
def faked(monkeypatch):
    """A function that fakes the compute capabilities of GPUs, and the features of the processor."""

    def fake(*capabilities, cpu=()):
        monkeypatch.setattr(devices, "_cpu", lambda: set(cpu))
        gpus = [
            types.SimpleNamespace(name=f"/device:GPU:{i}", at=each) for i, each in enumerate(capabilities)
        ]
        monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind=None: gpus)
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: gpus)
        details = lambda gpu: {"compute_capability": gpu.at} if gpu.at else {}  # noqa: E731
        monkeypatch.setattr(tf.config.experimental, "get_device_details", details)
        return devices.choices()

    return fake


def test_choices_follow_the_devices(faked):
    assert faked() == devices.Choices(compile_images=False, precision="float32", prefetch_to=None)
    one = faked(HOPPER)
    assert one == devices.Choices(compile_images=True, precision="bfloat16", prefetch_to="/device:GPU:0")
    assert faked(HOPPER, HOPPER).prefetch_to is None
    assert faked(HOPPER, VOLTA).precision == "float32"
    assert faked(None).precision == "float32"
    assert faked(cpu=("avx2", "avx512_bf16")).precision == "bfloat16"
    assert faked(VOLTA, cpu=("avx512_bf16",)).precision == "float32"


@pytest.mark.parametrize(("capabilities", "shape", "compiled"), [
    ([], (16, 16, 3), False),
    ([HOPPER], (16, 16, 3), True),
    ([], (3,), True),
])  # fmt: skip
def test_auto_compiles_as_the_devices_ask(faked, capabilities, shape, compiled):
    model = CSVAE(shape, ["a"], CSVAEConfig(hidden=[4], filters=[4]))
    faked(*capabilities)
    model.compile()
    assert model.jit_compile == compiled


def test_images_of_bytes_are_what_scaled_ones_are():
    x = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), np.uint8)
    y = np.zeros((4, 1), np.float32)
    model = CSVAE((16, 16, 3), ["a"], CSVAEConfig(hidden=[4], filters=[4]), bounded=True)
    model.compile(jit_compile=False)
    np.testing.assert_array_equal(*(model.encode(each, y).z.mean() for each in (x, x / np.float32(255))))
    losses = [model.evaluate(each, y, verbose=0) for each in (x, x / np.float32(255))]
    assert losses[0] == losses[1]
