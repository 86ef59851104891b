"""Paths that somebody else wrote."""

import os


def is_within(path, *folders):
    """Whether a path lies in one of the folders, wherever ``..`` and links lead it.

    Args:
        path: str; need not exist.
        *folders: str; each may be a link itself.
    """
    target = os.path.realpath(path)
    homes = [os.path.realpath(folder) for folder in folders]
    return any(os.path.commonpath([home, target]) == home for home in homes)
