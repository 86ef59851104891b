import time

import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import ATTRIBUTES, SPLITS
from tf_csvae import InputError
from tf_csvae.data import load_data
from tf_csvae.data.celeba import read_attributes


def load(folder, **options):
    options = {"attributes": ATTRIBUTES, "batch_size": 4, "image_size": 16, **options}
    return load_data("celeba", data_dir=str(folder), **options)


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


def test_two_halves_make_the_training_images_and_leave_the_others(celeba_dir):
    def images(half, split):
        dataset = load(celeba_dir, half=half, batch_size=1, augment=())
        return sorted(x.numpy().tobytes() for x, _ in getattr(dataset, split))

    halves = [images(half, "train") for half in ("first", "second")]
    assert len(halves[0]) == len(halves[1]) == SPLITS[0] // 2
    assert sorted(halves[0] + halves[1]) == images(None, "train")
    assert images("first", "test") == images("second", "test") == images(None, "test")
    with pytest.raises(InputError, match="third"):
        load(celeba_dir, half="third")


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
        (
            5,
            "000003.jpg 1 0 -1",
            r"line 5 \(000003.jpg\), column Male: expected -1 or 1. Received: '0'",
        ),
        (1, "9" * 5000, "line 1: expected the number of images. Received: '9999.* ...'"),
        (2, "Smiling Male Smiling", "line 2: the attribute Smiling is there twice"),
        (5, "000001.jpg 1 1 1", "line 5: 000001.jpg is there twice, first in line 3"),
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
    with pytest.raises(tf.errors.InvalidArgumentError):
        list(load(celeba_dir, cache=str(celeba_dir / "cache")).train)


def break_some(folder):
    """Spoils three training images in three ways, each of them of another file."""
    faces = folder / "img_align_celeba"
    (faces / "000002.jpg").unlink()
    (faces / "000003.jpg").write_bytes((faces / "000003.jpg").read_bytes()[:100])
    attributes = folder / "list_attr_celeba.txt"
    lines = attributes.read_text().splitlines()
    rows = [line for line in lines[1:] if not line.startswith("000005.jpg")]
    attributes.write_text("\n".join([str(len(rows) - 1), *rows]) + "\n")


def test_bad_examples_are_left_out_and_listed(celeba_dir):
    break_some(celeba_dir)
    with pytest.raises(InputError, match=r"000002\.jpg"):
        load(celeba_dir)
    dataset = load(celeba_dir, on_bad_example="skip")
    assert dataset.info.counts["train"] == SPLITS[0] - 3
    assert sum(len(x) for x, _ in dataset.train) == 12  # three batches of four
    told = "\n".join(dataset.left_out)
    assert len(dataset.left_out) == told.count("\n") + 1 == 3
    for sentence in ("there is no image", "000005.jpg has no row", "Cannot read image"):
        assert sentence in told


def test_too_many_bad_examples_are_an_error(celeba_dir):
    break_some(celeba_dir)
    with pytest.raises(InputError, match=r"has 3 bad examples, more than --max_bad_examples=2\. The first: "):
        load(celeba_dir, on_bad_example="skip", max_bad_examples=2)


def test_a_split_of_which_nothing_is_left_is_named(celeba_dir):
    for number in range(17, 21):
        (celeba_dir / "img_align_celeba" / f"{number:06d}.jpg").write_bytes(b"")
    with pytest.raises(InputError, match="no image in the validation split that can be used"):
        load(celeba_dir, on_bad_example="skip")


@pytest.mark.parametrize("name", ["../secret.jpg", "{root}/secret.jpg", "link.jpg"])
def test_a_name_does_not_lead_out_of_the_folder(celeba_dir, edit, name):
    image = (celeba_dir / "img_align_celeba" / "000003.jpg").read_bytes()
    (celeba_dir.parent / "secret.jpg").write_bytes(image)
    (celeba_dir / "secret.jpg").write_bytes(image)
    (celeba_dir / "img_align_celeba" / "link.jpg").symlink_to(celeba_dir.parent / "secret.jpg")
    name = name.format(root=celeba_dir.parent)
    edit(celeba_dir / "list_attr_celeba.txt", 5, f"{name} 1 1 1")
    edit(celeba_dir / "list_eval_partition.txt", 3, f"{name} 0")
    with pytest.raises(InputError, match=r"line 3: there is no image|a link that leads out"):
        load(celeba_dir)
    (celeba_dir / "img_align_celeba" / "link.jpg").unlink()
    (celeba_dir / "img_align_celeba" / "link.jpg").symlink_to(celeba_dir / "secret.jpg")
    if name == "link.jpg":  # one that stays within is the user's own way to lay out a disk
        assert load(celeba_dir).info.counts["train"] == SPLITS[0]


@pytest.mark.parametrize("change", ["\t", "\r\n", "no last line end", "trailing blanks"])
def test_attribute_files_as_various_programs_write_them(celeba_dir, change):
    path = celeba_dir / "list_attr_celeba.txt"
    expected = read_attributes(str(path))
    text = path.read_text()
    changed = {
        "\t": text.replace(" ", "\t"),
        "\r\n": text.replace("\n", "\r\n"),
        "no last line end": text.rstrip("\n"),
        "trailing blanks": text.replace("\n", "  \n") + "\n\n",
    }[change]
    path.write_bytes(changed.encode())
    names, attributes, table = read_attributes(str(path))
    assert (names, attributes) == expected[:2]
    np.testing.assert_array_equal(table, expected[2])


def test_images_that_no_partition_names_are_passed_over(celeba_dir):
    (celeba_dir / "img_align_celeba" / "000099.jpg").write_bytes(b"no row, no place")
    path = celeba_dir / "list_attr_celeba.txt"
    first, *lines = path.read_text().splitlines()
    path.write_text("\n".join([str(int(first) + 1), *lines, "000100.jpg 1 1 1"]) + "\n")
    assert load(celeba_dir).info.counts["train"] == SPLITS[0]


def test_an_unknown_attribute_offers_the_nearest(celeba_dir):
    with pytest.raises(InputError, match=r"Unknown attribute 'smiling'. Did you mean Smiling"):
        load(celeba_dir, attributes=["smiling"])


def test_tensorflow_datasets_provides_it_where_no_folder_is_given():
    import tensorflow_datasets as tfds

    with tfds.testing.mock_data(num_examples=9):
        dataset = load_data("celeba", attributes=("Male", "Smiling"), batch_size=4, image_size=16)
        assert dataset.info.shape == (16, 16, 3)
        x, y = next(iter(dataset.train))
        assert x.shape == (4, 16, 16, 3)
        assert set(np.unique(y)) <= {0, 1}
        assert sum(len(x) for x, _ in dataset.test) == dataset.info.counts["test"] == 9
        with pytest.raises(InputError, match=r"Unknown attribute 'Mail'. Did you mean Male"):
            load_data("celeba", attributes=("Mail",))


def test_one_image_under_two_names_is_an_error(celeba_dir, edit):
    faces = celeba_dir / "img_align_celeba"
    for line in (5, 3):
        edit(celeba_dir / "list_attr_celeba.txt", line, f"./00000{line - 2}.jpg 1 1 1")
    before = load(celeba_dir).info.counts
    assert before["train"] == SPLITS[0]
    edit(celeba_dir / "list_eval_partition.txt", 3, "./000001.jpg 0")
    with pytest.raises(InputError, match=r"line 3: 000001\.jpg is there twice"):
        load(celeba_dir)
    edit(celeba_dir / "list_eval_partition.txt", 3, "000003.jpg 0")
    (faces / "000003.jpg").unlink()
    (faces / "000003.jpg").symlink_to(faces / "000001.jpg")
    with pytest.raises(InputError, match=r"line 3: 000003\.jpg is the same image as in line 1, 000001\.jpg"):
        load(celeba_dir)


def test_hard_links_to_one_image_are_told(celeba_dir, capsys):
    faces = celeba_dir / "img_align_celeba"
    (faces / "000003.jpg").unlink()
    (faces / "000003.jpg").hardlink_to(faces / "000001.jpg")
    assert load(celeba_dir).info.counts["train"] == SPLITS[0]
    assert "26 names of 25 images, since some are hard links" in capsys.readouterr().out


def test_a_cache_is_not_used_for_images_that_were_replaced(celeba_dir):
    cache = str(celeba_dir / "cache")
    assert max(float(tf.reduce_max(x)) for x, _ in load(celeba_dir, cache=cache).test) > 0.5
    for path in (celeba_dir / "img_align_celeba").iterdir():
        tf.io.write_file(str(path), tf.io.encode_jpeg(np.zeros((50, 40, 3), np.uint8)))
    assert max(float(tf.reduce_max(x)) for x, _ in load(celeba_dir, cache=cache).test) < 0.1


def test_without_a_network_it_fails_soon_and_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr("tf_csvae.data.tfds._is_reachable", lambda host: False)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("tensorflow_datasets.core.constants.DATA_DIR", str(tmp_path))
    start = time.monotonic()
    with pytest.raises(
        InputError, match=r"drive\.google\.com cannot be reached\. Download it by hand and give"
    ):
        load_data("celeba")
    assert time.monotonic() - start < 10
