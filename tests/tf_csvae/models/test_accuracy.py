import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from tf_csvae.labels import as_labels
from tf_csvae.models.accuracy import BalancedAccuracy


def test_balanced_accuracy_is_scikit_learns_over_all_batches():
    random = np.random.default_rng(0)
    logits = random.normal(size=(200, 3)).astype(np.float32)
    y = (random.random((200, 3)) < [0.5, 0.05, 0.0]).astype(np.float32)
    metric = BalancedAccuracy(as_labels(list("abc")))
    for start in range(0, 200, 32):
        metric.update_state(y[start : start + 32], logits[start : start + 32])
    # Of the last label no example has the value 1: the value 0 alone counts.
    expected = [balanced_accuracy_score(y[:, i], logits[:, i] > 0) for i in range(2)]
    expected.append(np.mean(logits[:, 2] <= 0))
    assert float(metric.result()) == pytest.approx(np.mean(expected))
    metric.reset_state()
    assert float(metric.result()) == 0
