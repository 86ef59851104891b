import numpy as np
import pytest

from tf_csvae.evaluation import metrics


@pytest.fixture
def factors():
    random = np.random.default_rng(0)
    return {"a": random.random(800), "b": random.random(800), "on": (random.random(800) < 0.4) * 1.0}


def test_a_dimension_for_each_factor(factors):
    found = metrics.disentanglement(np.stack(list(factors.values()), 1), factors)
    # 20 bins of 800 examples: the information of independent columns is overestimated by about
    # 19^2 / (2 * 800) = 0.23 nats, of an entropy of log 20 = 3.
    assert found.pop("mig") > 0.85
    assert all(score > 0.95 for score in found.values())


def test_every_dimension_mixes_all_factors(factors):
    # A rotation, as of 45 degrees in two dimensions: all entries have the same size.
    code = np.stack([each - each.mean() for each in factors.values()], 1) / [0.29, 0.29, 0.49]
    mixed = code @ np.array([[2, 2, -1], [2, -1, 2], [-1, 2, 2]]) / 3
    found, pure = metrics.disentanglement(mixed, factors), metrics.disentanglement(code, factors)
    for name in ("dci_disentanglement", "dci_completeness", "sap", "mig"):
        assert found[name] < 0.6 * pure[name], name


def test_factors_that_few_examples_have_are_left_out(factors):
    code = np.stack([factors["a"], factors["b"]], 1)
    some = np.where(np.arange(800) < 30, factors["a"], np.nan)
    assert metrics.disentanglement(code, {"a": some, "b": factors["b"]}) == {}


def test_a_code_of_one_dimension_has_no_scores(factors):
    assert metrics.disentanglement(factors["a"][:, None], factors) == {}
