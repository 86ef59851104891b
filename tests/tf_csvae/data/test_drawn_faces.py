import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVR

from tf_csvae import InputError
from tf_csvae.data import drawn_faces, load_data

NAMES = list(drawn_faces.FREQUENCIES)


@pytest.fixture(scope="module")
def drawn():
    return drawn_faces.draw(2_000, 32, seed=5)


def test_a_seed_draws_the_same_faces_again(drawn):
    images, labels, styles = drawn
    again = drawn_faces.draw(2_000, 32, seed=5)
    np.testing.assert_array_equal(images, again[0])
    other = drawn_faces.draw(2_000, 32, seed=6)
    assert np.mean(images != other[0]) > 0.5
    assert images.shape == (2_000, 32, 32, 3)
    assert images.dtype == np.uint8
    assert labels.shape == (2_000, len(NAMES))
    assert list(styles) == NAMES


def test_labels_are_as_frequent_as_promised_and_independent(drawn):
    _, labels, _ = drawn
    np.testing.assert_allclose(labels.mean(0), list(drawn_faces.FREQUENCIES.values()), atol=0.05)
    correlations = np.corrcoef(labels.T) - np.eye(len(NAMES))
    assert np.abs(correlations).max() < 0.1


def test_styles_belong_to_those_that_have_the_label(drawn):
    _, labels, styles = drawn
    for column, style in zip(labels.T, styles.values(), strict=True):
        np.testing.assert_array_equal(np.isnan(style).all(1), column == 0)
        assert 0 <= np.nanmin(style) < 0.05
        assert 0.95 < np.nanmax(style) <= 1


def test_every_label_and_every_style_can_be_seen(drawn):
    images, labels, styles = drawn
    flat = images.reshape(len(images), -1) / 255
    codes = PCA(200, whiten=True, svd_solver="randomized", random_state=0).fit_transform(flat)
    for name, column in zip(NAMES, labels.T, strict=True):
        reader = LogisticRegression(C=0.1).fit(codes[:1000], column[:1000])
        assert reader.score(codes[1000:], column[1000:]) > 0.95, name
        has = column == 1
        seen, style = codes[has], styles[name][has]
        train = 2 * len(seen) // 3
        for i in (0, 1):
            reader = SVR(gamma=0.001, C=3, epsilon=0.02).fit(seen[:train], style[:train, i])
            assert reader.score(seen[train:], style[train:, i]) > 0.5, (name, i)


def test_larger_images_show_the_same_faces():
    small, labels, _ = drawn_faces.draw(20, 32, seed=0)
    large, same, _ = drawn_faces.draw(20, 64, seed=0)
    np.testing.assert_array_equal(labels, same)
    pooled = large.reshape(20, 32, 2, 32, 2, 3).mean((2, 4))
    assert np.abs(pooled - small).mean() < 4


def test_the_dataset():
    faces = load_data("drawn_faces", batch_size=500)
    y = np.concatenate([y for _, y in faces.test])
    x, _ = next(iter(faces.train))
    assert x.shape == (500, 32, 32, 3)
    assert 0 <= x.numpy().min() < x.numpy().max() <= 1
    assert [label.name for label in faces.info.labels] == NAMES
    for column, factor in zip(y.T, faces.factors.values(), strict=True):
        np.testing.assert_array_equal(np.isfinite(factor).all(1), column == 1)
    with pytest.raises(InputError, match=r"Unknown augmentation 'flap'. Did you mean flip"):
        load_data("drawn_faces", augment=["flap"])
