import numpy as np

from tf_csvae.data import Info
from tf_csvae.evaluation.associations import pairs, together
from tf_csvae.labels import Label

LABELS = (Label("sick"), Label("ill"), Label("kind", kind="categorical", classes=("a", "b", "c")))


def test_labels_and_features_that_go_together_are_named_with_their_correlation():
    random = np.random.default_rng(0)
    sick, kind = random.integers(0, 2, 500), random.integers(0, 3, 500)
    ill = np.where(random.random(500) < 0.02, 1 - sick, sick)  # differs in 2 %
    y = np.stack([sick, ill, kind], 1).astype(float)
    x = np.stack([random.normal(size=500), kind == 1, np.ones(500)], 1)
    info = Info("made", (3,), None, LABELS, {}, feature_names=("noise", "is_b", "constant"))
    found = together(info, x, y)
    assert set(found) == {"sick", "ill", "kind"}
    # The correlation of two equally frequent labels that differ in a share p is 1 - 2 p.
    assert 0.9 < found["sick"]["ill"] == found["ill"]["sick"] < 1
    assert found["kind"]["is_b"] > 0.999
    assert [pair[:2] for pair in pairs(found)] == [("sick", "ill"), ("kind", "is_b")]


def test_nothing_goes_together_by_chance():
    y = np.random.default_rng(0).integers(0, 2, (100, 3)).astype(float)
    info = Info("made", (4, 4, 3), (0.0, 1.0), LABELS, {})
    assert together(info, np.zeros((100, 0)), y) == {}
