"""Names of the files that apply and the client write, and what they never write over."""

import os

import pytest

from export import outputs
from export.configs import SteeringConfig
from tf_csvae import InputError


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["a.jpg", "b.png"], ["a", "b"]),
        (["a.jpg", "a.png", "b.png"], ["a.jpg", "a.png", "b"]),
        (["a.jpg", "A.png"], ["a.jpg", "A.png"]),
        (["a.jpg", "a.png", "a.jpg.gif"], ["a.jpg", "a.png", "a.jpg.gif"]),
        (["a.jpg", "A.jpg"], ["a.jpg", "A.jpg_2"]),
        (["a.jpg", "A.jpg", "a.jpg_2.gif"], ["a.jpg", "A.jpg_3", "a.jpg_2"]),
        (["a.jpg", "a.png/b.jpg"], ["a.jpg", "a.png/b"]),
        (["x/a.jpg", "y/a.jpg"], ["x/a", "y/a"]),
        (["e\u0301.jpg", "\u00e9.jpg"], ["e\u0301.jpg", "\u00e9.jpg_2"]),
        (["-a.jpg", "b c.png", "grüße.png", "😀.webp"], ["-a", "b c", "grüße", "😀"]),
    ],
)
def test_no_two_answers_share_a_file(paths, names):
    assert outputs.names_of(paths) == names


def test_nothing_is_written_over_unasked_and_never_the_input(tmp_path):
    out, mine = str(tmp_path / "out"), tmp_path / "a.png"
    mine.write_bytes(b"mine")
    outputs.check_free(out, ["a.png"], False, [str(mine)])
    assert os.path.isdir(out)
    (tmp_path / "out" / "b.png").write_bytes(b"older")
    (tmp_path / "out" / "c.png").write_bytes(b"older")
    with pytest.raises(InputError, match=r"out/b\.png is there already, as are 1 others.*--overwrite"):
        outputs.check_free(out, ["a.png", "b.png", "c.png"], False, [str(mine)])
    outputs.check_free(out, ["a.png", "b.png", "c.png"], True, [str(mine)])
    (tmp_path / "out" / "d.png").hardlink_to(mine)
    (tmp_path / "out" / "e.png").symlink_to(mine)
    for name in ("d.png", "e.png"):
        with pytest.raises(InputError, match=rf"written over .*{name}, a file of the input"):
            outputs.check_free(out, [name], True, [str(mine)])
    with pytest.raises(InputError, match="a file of the input"):
        outputs.check_free(f"{tmp_path}/out/..", ["a.png"], True, [str(mine)])
    (tmp_path / "out" / "f.png").mkdir()
    with pytest.raises(InputError, match=r"f\.png, which is a folder"):
        outputs.check_free(out, ["f.png"], True, [])
    with pytest.raises(InputError, match=r"--out=.*a\.png is a file. Give a folder"):
        outputs.check_free(str(mine), ["a.png"], True, [])


def test_labels_are_values_or_a_file(tmp_path):
    (tmp_path / "k=1").write_text("file,a\n")
    files = ("/data/k=1/labels.csv", "k=1.csv", "labels.csv", "K=2.PARQUET", "labels", f"{tmp_path}/k=1")
    for text in files:
        config = SteeringConfig(labels=text)
        assert (config.labels_are_a_file, config.known) == (True, []), text
    for text, values in {"a=1": ["a=1"], "a=1,b=x/y": ["a=1", "b=x/y"], None: [], "": []}.items():
        config = SteeringConfig(labels=text)
        assert (config.labels_are_a_file, config.known) == (False, values), text
