"""Keeps the platform's folder private: other users of the machine read, list and change nothing in it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

OTHERS = 0o077  # the rights of the file's group, and of everybody
NEW_FILES = OTHERS  # the mask of a process that writes in the folder


def open_paths(folder: Path) -> Iterator[Path]:
    """Folders and files, from a folder down, to which other users have a right. Links are not followed."""
    with suppress(FileNotFoundError):
        if _is_open(folder.lstat()):
            yield folder
    waiting = [str(folder)]
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:
            continue  # removed meanwhile, or a folder of another user, which is reported by its own rights
        for entry in entries:
            with suppress(FileNotFoundError):
                if _is_open(entry.stat(follow_symlinks=False)):
                    yield Path(entry.path)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)


def make_private(folder: Path) -> list[Path]:
    """Take the rights to a folder, and to everything in it, from other users. Create the folder if it is missing.

    Returns:
        The paths whose rights this user cannot change.

    Raises:
        OSError: when the folder cannot be created.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    refused = []
    for path in open_paths(folder):
        try:
            path.chmod(stat.S_IMODE(path.lstat().st_mode) & ~OTHERS)
        except FileNotFoundError:
            continue
        except OSError:
            refused.append(path)
    return refused


def _is_open(status: os.stat_result) -> bool:
    # Nobody connects to a socket in a folder without rights, and a link has no rights of its own.
    return bool(status.st_mode & OTHERS) and (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode))
