import numpy as np
import pytest

from tf_csvae.evaluation.metrics import Reconstruction


def test_error_is_in_the_datas_units_and_a_mean_over_unequal_batches():
    metric = Reconstruction(scale=np.array([2.0, 1.0]))
    metric.update(np.zeros((3, 2)), np.full((3, 2), 0.5))
    metric.update(np.zeros((1, 2)), np.zeros((1, 2)))
    # (0.5 * 2)^2 and (0.5 * 1)^2, averaged over dimensions, over 3 of 4 examples.
    assert metric.result() == {"mse": pytest.approx((1.0 + 0.25) / 2 * 3 / 4)}


def test_the_variance_of_mixed_features_is_that_of_known_values():
    x = np.array([[1.0], [0.0], [np.nan], [np.nan]])
    metric = Reconstruction(mixed=True)
    metric.update(x, np.full((4, 1), 0.5))  # the mean of the known values explains nothing
    assert metric.result()["r2"] == pytest.approx(0.0)


def test_images_are_measured_in_psnr_and_ssim_too():
    images = np.random.default_rng(0).random((5, 32, 32, 3)).astype(np.float32)
    metric = Reconstruction(image=True)
    metric.update(images, np.clip(images, 0, 0.999))
    assert metric.result()["ssim"] == pytest.approx(1, abs=1e-3)
    worse = Reconstruction(image=True)
    worse.update(np.zeros_like(images), np.full_like(images, 0.1))
    assert worse.result()["psnr"] == pytest.approx(20, abs=1e-3)  # 10 log10(1 / 0.01)
    assert worse.result()["mse"] == pytest.approx(0.01, rel=1e-4)
