"""Atomic writes of files, and clear messages for files that cannot be written."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.files.home import ANOTHER_FOLDER
from alchemesh_platform.base.files.writing import write_private


class StorageFailed(Failure):
    """Raised when the file system refuses: full, read-only, not permitted. It leaves no incomplete file."""


_HINTS = {
    errno.ENOSPC: "the disk is full: free some space, then run again",
    errno.EDQUOT: "the disk quota is used up: free some space, then run again",
    errno.EACCES: ANOTHER_FOLDER,
    errno.EPERM: ANOTHER_FOLDER,
    errno.EROFS: ANOTHER_FOLDER,
    errno.ENAMETOOLONG: "a name has at most 255 bytes: choose a shorter one",
    errno.EFBIG: "the file would exceed the limit on file size",
}


def storage_failure(doing: str, error: OSError) -> StorageFailed:
    """The message for a failed system call."""
    reason = error.strerror or str(error)
    return StorageFailed(f"cannot {doing}: {reason}", hint=_HINTS.get(error.errno or 0))


@contextmanager
def storage_errors(doing: str) -> Iterator[None]:
    """Turn errors of the operating system into :class:`StorageFailed`."""
    try:
        yield
    except OSError as error:
        raise storage_failure(doing, error) from error


def write_if_changed(path: Path, text: str) -> bool:
    """Write a text file in one step, if its content differs.

    Returns:
        Whether the file changed.

    Raises:
        StorageFailed: when the file cannot be written. It stays unchanged.
    """
    with storage_errors(f"write {path}"):
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            return False
        write_private(path, text)
    return True


def count(number: int, noun: str) -> str:
    """``1 file``, ``12 files``."""
    return f"{number:,} {noun if number == 1 else noun + 's'}"
