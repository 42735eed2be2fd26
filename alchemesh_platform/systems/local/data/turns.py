"""Turns of the writers of one machine at a table or a folder of files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from alchemesh_platform.data.errors import NotWritable

LOCK_FILE = ".alchemesh-write.lock"
_LOCK_POLL_SECONDS = 0.05


@contextmanager
def turn_at(folder: Path) -> Iterator[None]:
    """Wait for other writers, and keep them waiting. A killed writer leaves no lock.

    Raises:
        NotWritable: when the writer waits for itself.
    """
    lock = FileLock(folder / LOCK_FILE)
    try:
        lock.acquire(poll_interval=_LOCK_POLL_SECONDS)
    except RuntimeError as error:  # the lock is held by this thread
        raise NotWritable(
            f"the code writes to {folder} while another write to it takes its rows from the code",
            hint="end one write before the next one starts",
        ) from error
    try:
        yield
    finally:
        lock.release()
