import os
import re
import shutil
import unicodedata

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tf_csvae import InputError
from tf_csvae.configs import DataConfig
from tf_csvae.data import load_data, splits, table_files


def load(folder, **options):
    given = {
        "data_dir": str(folder),
        "labels": "labels.csv",
        "image_size": 8,
        "batch_size": 4,
        "split": (0.5, 0.25, 0.25),
    }
    return load_data("folder", **{**given, **options})


def columns(dataset, split):
    pairs = [(x.numpy(), y.numpy()) for x, y in getattr(dataset, split)]
    return [np.concatenate(column) for column in zip(*pairs, strict=True)]


def test_images_of_any_format_meet_their_labels(image_dir):
    dataset = load(image_dir, attributes=["light", "warm"])
    assert [label.name for label in dataset.info.labels] == ["light", "warm"]
    assert sum(dataset.info.counts.values()) == 40
    for split in ("train", "validation", "test"):
        x, y = columns(dataset, split)
        assert x.shape[1:] == (8, 8, 3)
        np.testing.assert_array_equal(x[:, 4, 4, 1] > 0.1, y[:, 0] == 1)
        np.testing.assert_array_equal(x[:, 4, 4, 0] > 0.5, y[:, 1] == 1)


def test_all_other_columns_are_labels(image_dir, edit):
    dataset = load(image_dir, group_column="person")
    assert [label.name for label in dataset.info.labels] == ["warm", "light"]


def members(folder, **options):
    """Returns {name: split} of the images."""
    table = table_files.read(str(folder / "labels.csv"))
    names, problems = table.columns["file"], table_files.Problems()
    config = DataConfig(split=(0.5, 0.25, 0.25), **options)
    rows_of = splits.split_rows(table, names, config, problems)
    assert not problems
    return {names[row]: split for split, rows in rows_of.items() for row in rows}


def test_images_that_are_added_move_no_other(image_dir):
    before = members(image_dir)
    path = image_dir / "labels.csv"
    header, *lines = path.read_text().splitlines()
    more = [f"new/{number}.png,1,0,q" for number in range(60)]
    path.write_text("\n".join([header, *more[:30], *reversed(lines), *more[30:]]) + "\n")
    after = members(image_dir)
    assert len(after) == 100
    assert {name: after[name] for name in before} == before
    counts = [list(after.values()).count(split) for split in ("train", "validation", "test")]
    assert 35 <= counts[0] <= 65
    assert min(counts) >= 12


def test_a_group_stays_together(image_dir):
    found = members(image_dir, group_column="person")
    people = {}
    for name, split in found.items():
        people.setdefault(int(name[-7:-4]) // 3, set()).add(split)
    assert all(len(splits) == 1 for splits in people.values())
    assert len(set(found.values())) == 3


def test_a_column_split_is_obeyed(image_dir, edit):
    path = image_dir / "labels.csv"
    header, *lines = path.read_text().splitlines()
    named = [f"{line},{('train', 'Val', 'test', 'train')[row % 4]}" for row, line in enumerate(lines)]
    path.write_text("\n".join([header + ",split", *named]) + "\n")
    dataset = load(image_dir, attributes=["warm"])
    assert dataset.info.counts == {"train": 20, "validation": 10, "test": 10}
    edit(path, 3, lines[1] + ",exam")
    with pytest.raises(InputError, match=r"line 3, column split: expected train.*Received: 'exam'"):
        load(image_dir, attributes=["warm"])
    edit(path, 3, named[1])
    with pytest.raises(
        InputError, match=r"line 3, column person: 'p0' is in validation here and in train above"
    ):
        load(image_dir, attributes=["warm"], group_column="person")


@pytest.mark.parametrize(
    ("crop", "left", "right"),
    [("center", 2, 14), ("none", 0, 16), ("0.5,0,0.5,1", 8, 16), ("4,2,6,10", 4, 10)],
)
def test_crops(image_dir, crop, left, right):
    # Red grows from left to right, so the mean of what is left says what that is.
    ramp = np.zeros((12, 16, 3), np.uint8)
    ramp[..., 0] = np.arange(16) * 16 + 8
    for path in image_dir.rglob("*.*"):
        if path.suffix != ".csv":
            path.write_bytes(tf.io.encode_png(ramp).numpy() + path.name.encode())
    x, _ = columns(load(image_dir, attributes=["warm"], crop=crop), "test")
    np.testing.assert_allclose(255 * x[..., 0].mean(), 8 * (left + right), atol=1.5)


@pytest.mark.parametrize("crop", ["middle", "1,2,3", "0,0,0,1", "-1,0,5,5"])
def test_a_wrong_crop(image_dir, crop):
    with pytest.raises(InputError, match=f"--crop={crop}: expected center, none, or x,y,w,h"):
        load(image_dir, attributes=["warm"], crop=crop)


@pytest.mark.parametrize(
    ("line", "text", "complaint"),
    [
        (4, "a/404.png,1,0,p", r"line 4, column file: there is no file .*a/404\.png"),
        (
            4,
            "b/c/000.png,1,0,p",
            r"line 4, column file: b/c/000.png is there twice, first in .*line 2",
        ),
        (
            4,
            "b/c/002.bmp,2,0,p",
            r"line 4, column warm: expected a binary label \(0 or 1.*Received: '2'",
        ),
        (4, "b/c/002.bmp,1,0", "line 4: expected 4 values, one per column. Received: 3"),
        (1, "file,warm,warm,person", "line 1: the column 'warm' is there twice"),
    ],
)
def test_a_mistake_is_told_by_file_line_column_and_value(image_dir, edit, line, text, complaint):
    edit(image_dir / "labels.csv", line, text)
    with pytest.raises(InputError, match=r"labels.csv, " + complaint):
        load(image_dir, attributes=["warm", "light"])


def test_the_error_has_all_mistakes(image_dir, edit):
    edit(image_dir / "labels.csv", 4, "b/c/002.bmp,2,0,p")
    edit(image_dir / "labels.csv", 6, "a/gone.bmp,1,maybe,p")
    with pytest.raises(InputError, match=r"And 2 more: python -m trainers.inspect") as raised:
        load(image_dir, attributes=["warm", "light"])
    assert len(raised.value.problems) == 3
    assert any("'maybe'" in problem for problem in raised.value.problems)


def test_what_cannot_be_learned_or_found(image_dir):
    path = image_dir / "labels.csv"
    with pytest.raises(InputError, match=r"Unknown column of .* in --attributes 'Warm'. Did you mean warm"):
        load(image_dir, attributes=["Warm"])
    with pytest.raises(InputError, match=r"needs --data_dir=FOLDER, and --labels=FILE.csv or class folders"):
        load_data("folder")
    with pytest.raises(InputError, match=r"There is no file nowhere.csv"):
        load(image_dir, labels="nowhere.csv")
    with pytest.raises(InputError, match=r"--split=0.8,0.3,0.1: expected the shares"):
        load(image_dir, attributes=["warm"], split=[0.8, 0.3, 0.1])
    with pytest.raises(InputError, match=r"labels.csv: none of the 40 rows is in the test split"):
        load(image_dir, attributes=["warm"], split=[0.5, 0.4999, 0.0001])
    text = path.read_text()
    path.write_text(text.replace("True", "False"))
    with pytest.raises(InputError, match=r"column light: all training examples have the value 0"):
        load(image_dir, attributes=["light"])
    path.write_text(text.splitlines()[0] + "\n")
    with pytest.raises(InputError, match=r"has no rows"):
        load(image_dir)
    path.write_text("")
    with pytest.raises(InputError, match=r"is empty"):
        load(image_dir)


def sort_into_classes(folder, target):
    """Copies images into a folder for each value of "warm"; returns the target."""
    for line in (folder / "labels.csv").read_text().splitlines()[1:]:
        name, warm, _, _ = line.split(",")
        path = target / {"yes": "warm", "no": "cold"}[warm] / name.replace("/", "_")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((folder / name).read_bytes())
    return target


def test_class_folders_are_a_label(image_dir, tmp_path):
    classes = sort_into_classes(image_dir, tmp_path / "classes")
    # What is no image, and what is hidden, belongs to no class.
    (classes / "warm" / "notes.txt").write_text("warm ones")
    (classes / ".hidden").mkdir()
    (classes / ".hidden" / "a.png").write_bytes(b"no picture")
    dataset = load(classes, labels=None)
    (label,) = dataset.info.labels
    assert (label.name, label.kind, label.classes) == ("class", "categorical", ("cold", "warm"))
    assert sum(dataset.info.counts.values()) == 40
    for split in ("train", "validation", "test"):
        x, y = columns(dataset, split)
        np.testing.assert_array_equal(x[:, 4, 4, 0] > 0.5, y[:, 0] == 1)


def test_class_folders_may_be_in_folders_of_splits(image_dir, tmp_path, capsys):
    classes = sort_into_classes(image_dir, tmp_path / "classes")
    sorted_out = tmp_path / "splits"
    for number, path in enumerate(sorted(classes.rglob("*.*"))):
        split = "Test" if number % 4 == 0 else "train"
        target = sorted_out / split / path.relative_to(classes)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    (sorted_out / "Thumbs.db").write_bytes(b"no picture")
    (sorted_out / "train" / "warm" / "._a.jpg").write_bytes(b"no picture")
    dataset = load(sorted_out, labels=None, label_name="tone", split=())
    (label,) = dataset.info.labels
    assert (label.name, label.classes) == ("tone", ("cold", "warm"))
    # There is no folder of validation, so it is cut from the training images.
    assert dataset.info.counts["test"] == 10
    assert dataset.info.counts["validation"] > 0
    assert sum(dataset.info.counts.values()) == 40
    assert "passed over 2 other files: Thumbs.db, train/warm/._a.jpg" in capsys.readouterr().out


def test_labels_may_be_in_the_names_of_files(image_dir, tmp_path, capsys):
    flat = tmp_path / "flat"
    flat.mkdir()
    for number, path in enumerate(sorted(image_dir.rglob("*.*[gp]"))):
        shutil.copy(path, flat / f"{number:03d}_{'mf'[number % 2]}_{20 + number % 5}{path.suffix}")
    (flat / "cover.png").write_bytes((flat / sorted(os.listdir(flat))[0]).read_bytes())
    dataset = load(flat, labels=r"\d+_(?P<sex>[mf])_(?P<age>\d+)", label_kinds=("age:real",))
    assert [(label.name, label.kind) for label in dataset.info.labels] == [
        ("sex", "categorical"),
        ("age", "real"),
    ]
    assert "passed over 1 other files: cover.png" in capsys.readouterr().out
    with pytest.raises(InputError, match=r"none of the names of 41 images in .* has this pattern, such as"):
        load(flat, labels="(?P<sex>x+)$")
    with pytest.raises(InputError, match="it is no regular expression"):
        load(flat, labels="(?P<sex>")


def test_near_copies_frames_and_namesakes_are_told_and_kept_together(tmp_path, capsys):
    random, folder = np.random.default_rng(0), tmp_path / "folder"
    for number in range(40):
        for name in ("cat", "dog"):
            (folder / name).mkdir(parents=True, exist_ok=True)
            image = Image.fromarray(random.integers(0, 256, (5, 5, 3), dtype=np.uint8)).resize((80, 80))
            image.save(folder / name / f"{'cd'[name == 'dog']}{number}.png")
            if number < 15:  # another size, and a file of the same name in the other folder
                image.resize((60, 60)).save(folder / name / f"z{name}{number}.png")
                image.transpose(Image.Transpose.ROTATE_90).save(folder / name / f"both{number}.png")
                image.rotate(45).save(folder / name / f"{name}_{number % 3}_frame_{number}.png")
    (folder / "labels.csv").touch()
    info = load(folder, labels=None).info
    told = capsys.readouterr().out
    assert "30 images look like another image, such as cat/zcat0.png and cat/c0.png" in told
    assert "24 images are frames of a video by their names" in told
    assert "15 images have the name of an image in another class folder" in told
    assert "They are kept in one split." in told
    assert sum(info.counts.values()) == 170


def test_near_copies_that_are_given_to_two_splits_are_told(tmp_path, capsys):
    random, folder = np.random.default_rng(0), tmp_path / "folder"
    for number in range(24):
        place = folder / ("train" if number < 16 else "test") / ("cat" if number % 2 else "dog")
        place.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(random.integers(0, 256, (5, 5, 3), dtype=np.uint8)).resize((80, 80))
        image.save(place / f"{number}.png")
    first = Image.open(folder / "train" / "cat" / "3.png")
    first.resize((60, 60)).save(folder / "test" / "cat" / "again.png")
    load(folder, labels=None)
    told = capsys.readouterr().out
    assert "1 images look like an image of another split, such as" in told
    assert "test/cat/again.png (test)" in told
    assert "train/cat/3.png (train)" in told


def test_a_near_copy_in_no_split_is_told_as_such(tmp_path):
    random, lines = np.random.default_rng(0), ["file,split,a"]
    for number in range(12):
        image = Image.fromarray(random.integers(0, 256, (5, 5, 3), dtype=np.uint8)).resize((80, 80))
        image.save(tmp_path / f"{number}.png")
        lines.append(f"{number}.png,train,{number % 2}")
    image.resize((60, 60)).save(tmp_path / "again.png")
    (tmp_path / "labels.csv").write_text("\n".join([*lines, "again.png,nowhere,1"]))
    with pytest.raises(InputError, match=r"expected train, .* or test\. Received: 'nowhere'"):
        load(tmp_path)


def test_a_folder_without_two_class_folders_needs_labels(image_dir, tmp_path):
    flat = tmp_path / "flat"
    flat.mkdir()
    (flat / "a.png").write_bytes((image_dir / "a" / "001.jpg").read_bytes())
    with pytest.raises(InputError, match=r"flat has no two folders with images .*Give --labels=FILE.csv"):
        load(flat, labels=None)
    one = sort_into_classes(image_dir, tmp_path / "one")
    shutil.rmtree(one / "cold")
    with pytest.raises(InputError, match="one has no two folders with images"):
        load(one, labels=None)


def test_an_image_that_cannot_be_read_is_named(image_dir):
    (image_dir / "a" / "001.jpg").write_bytes(b"no picture")
    dataset = load(image_dir, attributes=["warm"], augment=())
    assert "001.jpg" in dataset.explain_failure()


def test_bad_images_are_left_out_and_listed(image_dir, capsys):
    names, options = sorted(members(image_dir)), {"group_column": "person"}
    (image_dir / names[0]).unlink()
    (image_dir / names[1]).write_bytes(b"no image")
    with pytest.raises(InputError, match="there is no file"):
        load(image_dir, **options)
    dataset = load(image_dir, **options, on_bad_example="skip")
    assert sum(dataset.info.counts.values()) == 38
    missing, unreadable = dataset.left_out
    # Whoever loads the data, a training too, says what it leaves out.
    assert capsys.readouterr().out == f"Left out 2 bad examples:\n{missing}\n{unreadable}\n"
    assert "there is no file" in missing
    assert "Cannot read image" in unreadable
    with pytest.raises(InputError, match="has 2 bad examples, more than --max_bad_examples=1"):
        load(image_dir, **options, on_bad_example="skip", max_bad_examples=1)


@pytest.mark.parametrize("name", ["../secret.png", "{root}/secret.png", "link.png"])
def test_a_name_does_not_lead_out_of_the_folder(image_dir, edit, name):
    (image_dir.parent / "secret.png").write_bytes(next(image_dir.rglob("*.png")).read_bytes())
    (image_dir / "link.png").symlink_to(image_dir.parent / "secret.png")
    line = (image_dir / "labels.csv").read_text().splitlines()[1]
    edit(
        image_dir / "labels.csv",
        2,
        ",".join([name.format(root=image_dir.parent), *line.split(",")[1:]]),
    )
    with pytest.raises(InputError, match="leads out of --data_dir"):
        load(image_dir, group_column="person", on_bad_example="skip")


def test_a_labels_file_without_a_header_and_with_an_index(image_dir):
    path = image_dir / "labels.csv"
    header, *lines = path.read_text().splitlines()
    path.write_text(
        "\n".join(f"{line.rpartition(',')[0]},{number}" for number, line in enumerate(lines)) + "\n"
    )
    with pytest.raises(
        InputError, match=r"line 1: expected the names .* 'yes' is a value of the same column in line 2"
    ):
        load(image_dir)
    unnamed = load(image_dir, header="no", attributes=["column_2", "column_3"])
    assert [label.name for label in unnamed.info.labels] == ["column_2", "column_3"]
    assert sum(unnamed.info.counts.values()) == 40
    path.write_text("\n".join([f",{header}", *(f"{i},{line}" for i, line in enumerate(lines))]) + "\n")
    with pytest.raises(InputError, match=r"'Unnamed: 0' counts the rows.*--ignore=\"Unnamed: 0\""):
        load(image_dir)
    assert sum(load(image_dir, ignore=["Unnamed: 0"], group_column="person").info.counts.values()) == 40


def test_a_label_whose_name_has_a_comma_is_refused(image_dir):
    path = image_dir / "labels.csv"
    path.write_text(path.read_text().replace("warm", '"warm, red"'))
    with pytest.raises(InputError, match=r"column 'warm, red': the name of a label has a comma"):
        load(image_dir, group_column="person")


@pytest.mark.parametrize(
    "spelling",
    ["./{name}", "a/../{name}", "{root}/{name}", "{root}/../pictures/{name}", "link.png", "hard.png"],
)
def test_a_second_spelling_of_an_image_is_an_error(image_dir, spelling):
    path, name = image_dir / "labels.csv", "b/c/000.png"
    (image_dir / "link.png").symlink_to(image_dir / name)
    (image_dir / "hard.png").hardlink_to(image_dir / name)
    spelled = spelling.format(name=name, root=image_dir)
    path.write_text(path.read_text() + f"{spelled},no,False,p0\n")
    with pytest.raises(
        InputError, match=rf"line 42, column file: {spelled} is the same image as in line 2, {name}"
    ):
        load(image_dir, attributes=["warm"])


def test_another_spelling_is_in_the_same_split(image_dir):
    path = image_dir / "labels.csv"
    before = load(image_dir, attributes=["warm"])
    lines = path.read_text().splitlines()
    rows = [f"{('./', 'b/../', f'{image_dir}/')[row % 3]}{line}" for row, line in enumerate(lines[1:])]
    path.write_text("\n".join([lines[0], *rows]) + "\n")
    (image_dir.parent / "link").symlink_to(image_dir)
    for folder in (image_dir, f"{image_dir}/", image_dir.parent / "link"):
        after = load(folder, attributes=["warm"])
        assert after.info == before.info
        for pair in zip(columns(before, "test"), columns(after, "test"), strict=True):
            np.testing.assert_array_equal(*pair)


def test_names_in_both_forms_of_unicode_are_found(image_dir, edit):
    written, on_disk = "b/c/n\u00e9.png", unicodedata.normalize("NFD", "n\u00e9.png")
    (image_dir / "b/c/000.png").rename(image_dir / "b/c" / on_disk)
    line = (image_dir / "labels.csv").read_text().splitlines()[1]
    edit(image_dir / "labels.csv", 2, line.replace("b/c/000.png", written))
    assert sum(load(image_dir, attributes=["warm"]).info.counts.values()) == 40
    path = image_dir / "labels.csv"
    path.write_text(
        path.read_text() + unicodedata.normalize("NFD", line.replace("b/c/000.png", written)) + "\n"
    )
    with pytest.raises(InputError, match=r"line 42, column file: .* is the same image as in line 2"):
        load(image_dir, attributes=["warm"])


def test_copies_stay_in_one_split_and_contradictions_are_told(image_dir, capsys):
    path = image_dir / "labels.csv"
    lines = path.read_text().splitlines()
    content = (image_dir / "b/c/000.png").read_bytes()
    extra = []
    for number in range(12):
        (image_dir / f"copy{number}.png").write_bytes(content)
        extra.append(f"copy{number}.png,{('no', 'yes')[number % 2]},False,p0")
    path.write_text("\n".join([*lines, *extra]) + "\n")
    dataset = load(image_dir, attributes=["warm"])
    told = capsys.readouterr().out
    assert re.search(
        r"labels\.csv: 12 images have the same bytes as another; 6 of them have other labels", told
    )
    assert re.search(r"such as copy\d\.png and b/c/000\.png\. Copies are kept in one split", told)
    before = members(image_dir)
    home = before["b/c/000.png"]
    others = [name for name in before if not name.startswith("copy")]
    expected = {split: sum(before[name] == split for name in others) for split in dataset.info.counts}
    expected[home] += 12
    assert dataset.info.counts == expected

    splits_ = ["train", "validation", "test"]
    named = [f"{line},{splits_[row % 3]}" for row, line in enumerate([*lines[1:], *extra])]
    path.write_text("\n".join([f"{lines[0]},split", *named]) + "\n")
    with pytest.raises(
        InputError,
        match=r"line 42: copy0\.png is in validation and has the same bytes as b/c/000\.png in line 2",
    ):
        load(image_dir, attributes=["warm"])


def test_copies_that_agree_and_share_a_split_are_not_mentioned(image_dir, capsys):
    path = image_dir / "labels.csv"
    line = path.read_text().splitlines()[1]
    home = members(image_dir)["b/c/000.png"]
    config = DataConfig(split=(0.5, 0.25, 0.25))
    names = (f"copy{number}.png" for number in range(100))
    table = table_files.Table("", {"file": [""]}, [1])
    name = next(
        name for name in names if len(splits.split_rows(table, [name], config, table_files.Problems())[home])
    )
    (image_dir / name).write_bytes((image_dir / "b/c/000.png").read_bytes())
    path.write_text(path.read_text() + line.replace("b/c/000.png", name) + "\n")
    load(image_dir, attributes=["warm"])
    assert capsys.readouterr().out == ""


def test_a_cache_is_not_used_for_images_that_were_replaced(image_dir):
    options = {"attributes": ["warm"], "cache": str(image_dir.parent / "cache"), "augment": ()}
    x, _ = columns(load(image_dir, **options), "test")
    for folder in (image_dir, f"{image_dir}/"):
        np.testing.assert_array_equal(x, columns(load(folder, **options), "test")[0])
    assert len(list((image_dir.parent / "cache").iterdir())) == 2 * 3  # images and checksums
    for path in image_dir.rglob("*.*"):  # of the same size and modification time
        if path.suffix == ".bmp":
            times = os.stat(path)
            content = path.read_bytes()
            path.write_bytes(content[:54] + bytes(len(content) - 56) + path.name[1:3].encode())
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    y, _ = columns(load(image_dir, **options), "test")
    assert len(y) == len(x)
    assert (y.mean((1, 2, 3)) < 0.02).sum() > (x.mean((1, 2, 3)) < 0.02).sum()


def test_a_box_beyond_an_image_names_it_or_leaves_it_out(image_dir):
    (image_dir / "b/c/000.png").write_bytes(tf.io.encode_png(np.zeros((12, 8, 3), np.uint8)).numpy())
    options = {"attributes": ["warm"], "crop": "4,2,6,10", "augment": ()}
    dataset = load(image_dir, **options)
    told = dataset.explain_failure()
    assert re.search(r"Cannot read image .*b/c/000\.png.*4, 2, 10, 12, in pixels.*this image: 8, 12", told)
    dataset = load(image_dir, **options, on_bad_example="skip")
    assert dataset.left_out == (told,)


@pytest.mark.parametrize("name", ["a\0b.png", "\0"])
def test_a_name_with_a_nul_is_a_sentence(image_dir, edit, name):
    edit(image_dir / "labels.csv", 2, f"{name},no,False,p0")
    with pytest.raises(InputError, match=r"line 2.*NUL"):
        load(image_dir, attributes=["warm"])
    with pytest.raises(InputError, match="data_dir must be a text in UTF-8, of one line and without NUL"):
        load(f"{image_dir}\0")


def test_the_column_of_file_names_is_found(image_dir):
    path = image_dir / "labels.csv"
    rows = [",".join(("person", *line.split(",")[:3])) for line in path.read_text().splitlines()]
    path.write_text("\n".join(["user.id,file,warm,light", *rows[1:]]) + "\n")
    with pytest.raises(
        InputError, match=r"no value of the column user\.id is a file .* give --file_column=file\."
    ):
        load(image_dir)
    dataset = load(image_dir, file_column="file", attributes=["warm", "light"])
    assert sum(dataset.info.counts.values()) == 40


def test_classes_that_differ_in_case_only_are_told(image_dir, capsys):
    path = image_dir / "labels.csv"
    header, *lines = path.read_text().splitlines()
    moods = [f"{line},{('HAPPY', 'happy', 'sad')[row % 3]}" for row, line in enumerate(lines)]
    path.write_text("\n".join([f"{header},mood", *moods]) + "\n")
    load(image_dir, attributes=["mood"], split=(0.5, 0.25, 0.25))
    assert "column mood: 'HAPPY', 'happy' differ in case or blanks only" in capsys.readouterr().out
