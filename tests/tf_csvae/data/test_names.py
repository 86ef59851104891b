"""Names of image files in whatever spelling."""

import os

import pytest

from tf_csvae.data.names import Folder, shown

NFC, NFD = "\u00e9", "e\u0301"


@pytest.mark.parametrize("written", [NFC, NFD])
@pytest.mark.parametrize("on_disk", [NFC, NFD])
def test_a_file_is_found_in_either_form_of_unicode(tmp_path, written, on_disk):
    path = tmp_path / f"x{on_disk}" / f"no 1{on_disk}.png"
    path.parent.mkdir()
    path.write_bytes(b"")
    folder = Folder(str(tmp_path))
    found = folder.locate(f"x{written}/no 1{written}.png")
    assert found == str(path)
    assert folder.name(found) == f"x{NFC}/no 1{NFC}.png"


def test_a_file_has_one_name(tmp_path, monkeypatch):
    home = tmp_path / "home"
    (home / "sub" / "deep").mkdir(parents=True)
    (home / "a.jpg").write_bytes(b"")
    (home / "sub" / "a.jpg").write_bytes(b"")
    (tmp_path / "link").symlink_to(home)
    (home / "inner").symlink_to(home / "sub" / "deep")
    monkeypatch.chdir(tmp_path)
    for path in (str(home), f"{home}/", "home", "link", "link/", f"{tmp_path}/link"):
        folder = Folder(path)
        names = (
            "a.jpg",
            "./a.jpg",
            "sub/../a.jpg",
            "sub//..//a.jpg",
            f"{home}/a.jpg",
            f"{tmp_path}/link/a.jpg",
        )
        for name in names:
            assert folder.name(folder.locate(name)) == "a.jpg", (path, name)
        assert folder.name(folder.locate("inner/../a.jpg")) == "sub/a.jpg"
    assert Folder("home").name(Folder("home").locate("gone/./b.jpg")) == "gone/b.jpg"


def test_a_name_of_any_bytes_is_shown():
    assert shown(os.fsdecode(b"a\xff\n\x1b.png")) == "a\\udcff\\n\\x1b.png"
    assert shown("grüße 😀.png") == "grüße 😀.png"
