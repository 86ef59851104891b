"""Names of files that come from data, and folders that cannot be written."""

import os
import re

import pytest

from tf_csvae import InputError
from tf_csvae.files import MAX_NAME, check_folder, file_name, file_names

HOSTILE = ("x/../../../../NAME", "/etc/passwd", "..", ".", "", "a\0b", "CON", "com1", "y" * 300, "a b", "-rf")


def test_a_plain_name_stays_as_it_is():
    plain = ("Smiling", "5_o_Clock_Shadow", "x1_at_least_10", "Größe", "身長", "a-b")
    assert file_names(plain) == {name: name for name in plain}


@pytest.mark.parametrize("text", [*HOSTILE, "\ud800", "C:\\x", "a\nb", "ﬁne", "a-0123456789"])
def test_any_text_makes_a_name_that_leads_nowhere(text):
    name = file_name(text)
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]*-[0-9a-f]{10}", name)
    assert len(name) <= MAX_NAME
    assert name != text


def test_no_two_texts_share_a_name():
    texts = (*HOSTILE, "Sick", "sick", "SICK", "x/y", "x:y", "x-y", "y" * 301, "é", "e\u0301")
    names = file_names(texts)
    assert len({name.casefold() for name in names.values()}) == len(texts)
    assert names["x-y"] == "x-y"
    # What a text is called never is the plain name of another.
    assert file_name(file_name("x/y")) != file_name("x/y")


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("runs/\udcff", r"--out='runs/\\udcff' is not valid UTF-8"),
        ("runs/a\0b", "has a NUL in it"),
        ("runs/" + 300 * "a", "is too long for a path: 305 characters"),
        (2000 * "a/", "is too long for a path"),
    ],
)
def test_a_path_that_cannot_be_is_told_before_anything_is_written(path, complaint):
    with pytest.raises(InputError, match=complaint) as told:
        check_folder(path, "--out")
    assert "\n" not in str(told.value)
    str(told.value).encode()


def test_a_folder_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    check_folder(str(tmp_path / "new" / "deep"), "--out")
    assert not os.listdir(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"--out=.*deep cannot be a folder: .*file is a file"):
        check_folder(str(tmp_path / "file" / "deep"), "--out")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(InputError, match="there is no permission to write to"):
        check_folder(str(tmp_path / "new"), "--out")
