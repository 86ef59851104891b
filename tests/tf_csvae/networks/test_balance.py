import numpy as np
import pytest

from tf_csvae.networks.balance import class_weights


@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0])
def test_class_weights(balance):
    p = np.array([0.1, 0.7])
    weights = class_weights(p, balance)
    np.testing.assert_allclose(weights[1] / weights[0], ((1 - p) / p) ** balance)
    np.testing.assert_allclose(weights[1] * p + weights[0] * (1 - p), 1)
    np.testing.assert_array_equal(class_weights([0, 1], balance), 1)
    assert class_weights([1e-6], 1.0).max() < 100


def test_fully_balanced_classes_of_a_label_weigh_the_same():
    p = np.array([0.1, 0.5])
    weights = class_weights(p, 1.0)
    np.testing.assert_allclose(weights[1] * p, weights[0] * (1 - p))
