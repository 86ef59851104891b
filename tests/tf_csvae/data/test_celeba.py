import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import ATTRIBUTES, SPLITS
from tf_csvae import InputError, data


def load(folder, **options):
    options = {"attributes": ATTRIBUTES, "batch_size": 4, "image_size": 16, **options}
    return data.load("celeba", data_dir=str(folder), **options)


def test_images_meet_their_labels(celeba_dir):
    dataset = load(celeba_dir)
    assert dataset.info.counts == dict(zip(("train", "validation", "test"), SPLITS.values(), strict=True))
    assert [label.name for label in dataset.info.labels] == list(ATTRIBUTES)
    for batches in (dataset.train, dataset.validation, dataset.test):
        for x, y in batches:
            assert x.shape[1:] == (16, 16, 3)
            assert x.dtype == y.dtype == tf.float32
            assert 0 <= tf.reduce_min(x) <= tf.reduce_max(x) <= 1
            np.testing.assert_array_equal(tf.reduce_mean(x, (1, 2)) > 0.5, y > 0.5)


def test_frequencies_are_of_the_training_images(celeba_dir):
    dataset = load(celeba_dir)
    y = np.concatenate([y for _, y in dataset.train])
    np.testing.assert_allclose([label.frequency for label in dataset.info.labels], y.mean(0), atol=1e-6)


def test_a_choice_of_attributes_keeps_its_order(celeba_dir):
    chosen = load(celeba_dir, attributes=["Wearing_Hat", "Smiling"])
    whole = load(celeba_dir)
    for (_, some), (_, every) in zip(chosen.test, whole.test, strict=True):
        np.testing.assert_array_equal(some, every.numpy()[:, [2, 0]])


def test_the_face_is_cut_out(tmp_path, celeba_dir):
    # White on the middle three quarters of both sides, black around: only white is left.
    image = np.zeros((256, 256, 3), np.uint8)
    image[32:224, 32:224] = 255
    for path in (celeba_dir / "img_align_celeba").iterdir():
        tf.io.write_file(str(path), tf.io.encode_png(image))
    for x, _ in load(celeba_dir).test:
        assert tf.reduce_min(x) == 1


@pytest.mark.parametrize("name", ["img_align_celeba", "list_attr_celeba.txt", "list_eval_partition.txt"])
def test_what_is_missing_is_named_and_where_to_get_it(celeba_dir, name):
    (celeba_dir / name).rename(celeba_dir / "elsewhere")
    with pytest.raises(InputError, match=rf"has no {name}.*mmlab"):
        load(celeba_dir)
    with pytest.raises(InputError, match="no img_align_celeba"):
        load(celeba_dir / "nowhere")


@pytest.mark.parametrize(
    ("line", "text", "complaint"),
    [
        (1, "27", "line 1 promises 27 images, the file has rows for 26"),
        (1, "many", "line 1: expected the number of images. Received: 'many'"),
        (5, "000003.jpg 1 -1", r"line 5 \(000003.jpg\): expected 3 values.*Received: 2"),
        (5, "000003.jpg 1 0 -1", r"line 5 \(000003.jpg\), column Male: expected -1 or 1. Received: '0'"),
        (5, None, "promises 26 images, the file has rows for 25"),
    ],
)
def test_a_wrong_attribute_file_is_told_by_file_line_and_column(celeba_dir, edit, line, text, complaint):
    edit(celeba_dir / "list_attr_celeba.txt", line, text)
    with pytest.raises(InputError, match=r"list_attr_celeba.txt.*" + complaint):
        load(celeba_dir)


def test_an_empty_attribute_file(celeba_dir):
    (celeba_dir / "list_attr_celeba.txt").write_text("")
    with pytest.raises(InputError, match="too short"):
        load(celeba_dir)


def test_windows_line_ends_and_a_byte_order_mark_are_read(celeba_dir):
    before = [y.numpy() for _, y in load(celeba_dir).test]
    path = celeba_dir / "list_attr_celeba.txt"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    np.testing.assert_array_equal(
        np.concatenate(before), np.concatenate([y for _, y in load(celeba_dir).test])
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("000003.jpg 3", "line 3: expected an image's name and 0"),
        ("000099.jpg 0", "line 3: 000099.jpg has no row in list_attr_celeba.txt"),
    ],
)
def test_a_wrong_partition_file_is_told_by_line(celeba_dir, edit, text, complaint):
    edit(celeba_dir / "list_eval_partition.txt", 3, text)
    with pytest.raises(InputError, match=complaint):
        load(celeba_dir)


def test_a_missing_image_is_named(celeba_dir):
    (celeba_dir / "img_align_celeba" / "000007.jpg").unlink()
    with pytest.raises(InputError, match=r"there is no image .*000007\.jpg"):
        load(celeba_dir)


@pytest.mark.parametrize("content", [b"", b"not an image", None])
def test_an_undecodable_image_is_found(celeba_dir, content):
    path = celeba_dir / "img_align_celeba" / "000003.jpg"
    path.write_bytes(path.read_bytes()[:200] if content is None else content)
    dataset = load(celeba_dir)
    with pytest.raises(tf.errors.InvalidArgumentError):
        list(dataset.train)
    assert "000003.jpg" in dataset.explain_failure()
    with pytest.raises(InputError, match=r"000003\.jpg"):
        load(celeba_dir, cache=str(celeba_dir / "cache"))


def test_an_unknown_attribute_offers_the_nearest(celeba_dir):
    with pytest.raises(InputError, match=r"Unknown attribute 'smiling'. Did you mean Smiling"):
        load(celeba_dir, attributes=["smiling"])


def test_tensorflow_datasets_provides_it_where_no_folder_is_given():
    import tensorflow_datasets as tfds

    with tfds.testing.mock_data(num_examples=9):
        dataset = data.load("celeba", attributes=("Male", "Smiling"), batch_size=4, image_size=16)
        assert dataset.info.shape == (16, 16, 3)
        x, y = next(iter(dataset.train))
        assert x.shape == (4, 16, 16, 3)
        assert set(np.unique(y)) <= {0, 1}
        assert sum(len(x) for x, _ in dataset.test) == dataset.info.counts["test"] == 9
        with pytest.raises(InputError, match=r"Unknown attribute 'Mail'. Did you mean Male"):
            data.load("celeba", attributes=("Mail",))
