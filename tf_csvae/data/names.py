"""Names of image files: one file has one name, however a list or a file system spells it."""

import os
import unicodedata


def plain(name: str) -> str:
    """Returns a relative name in one spelling: without "." and "..", in Unicode's form NFC."""
    return unicodedata.normalize("NFC", os.path.normpath(name))


def shown(text: str) -> str:
    """Returns a text with names as one line that can be printed, whatever bytes the names have."""
    text = text.encode(errors="backslashreplace").decode()
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


class Folder:
    """Finds files in a folder by the names that a list gives them.

    Args:
        path: of the folder; need not exist.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._names = {}

    def locate(self, name: str) -> str:
        """Returns the path of a file, as its folder spells it: "é" may be one character or two.

        A file that does not exist has the path that the name says.
        """
        path = os.path.join(self.path, name)
        if os.path.lexists(path):
            return path
        found = os.sep if os.path.isabs(path) else ""
        for part in filter(None, path.split(os.sep)):
            spelled = part
            if not os.path.lexists(os.path.join(found, part)):
                spelled = self._spellings(found or ".").get(unicodedata.normalize("NFC", part))
            if spelled is None:
                return path
            found = os.path.join(found, spelled)
        return found

    def _spellings(self, parent: str) -> dict[str, str]:
        """Returns {name in NFC: name} of the files in a folder."""
        if parent not in self._names:
            names = os.listdir(parent) if os.path.isdir(parent) else []
            self._names[parent] = {unicodedata.normalize("NFC", name): name for name in names}
        return self._names[parent]

    def name(self, path: str) -> str:
        """Returns the ``plain`` name, relative to the folder, of the path of a file in it."""
        given = os.path.relpath(path, self.path)
        outside = given.split(os.sep)[0] == os.pardir
        # A path through links may not be what it looks like: in "link/../a", or from elsewhere.
        if outside or (os.path.exists(path) and not _is_same(os.path.join(self.path, given), path)):
            given = os.path.relpath(os.path.realpath(path), os.path.realpath(self.path))
        return plain(given).replace(os.sep, "/")


def _is_same(first: str, second: str) -> bool:
    return os.path.exists(first) and os.path.samefile(first, second)
