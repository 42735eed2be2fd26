"""The user's cache of downloads and builds. One process at a time writes an item, completely or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

CACHE_VARIABLE = "ALCHEMESH_CACHE"  # folder of files that can be downloaded or built again
PARTIAL_PREFIX = ".partial-"

Report = Callable[[str], None]


def cache_folder(kind: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Folder of one kind of cached files: ``engine``, ``plugins``. It need not exist yet."""
    chosen = environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute() / kind
    from platformdirs import user_cache_path

    return user_cache_path("alchemesh", appauthor=False) / kind


@contextmanager
def one_at_a_time(cache: Path, what: str, report: Report) -> Iterator[None]:
    """Lock a folder of the cache, and remove the unfinished files of a killed process from it.

    Args:
        what: Name of the item, for users who wait: ``the engine``.

    Raises:
        OSError: when the cache cannot be written.
    """
    from filelock import FileLock, Timeout

    cache.mkdir(parents=True, exist_ok=True)
    lock = FileLock(cache / "install.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        report(f"another process is installing {what}; waiting for it")
        lock.acquire()
    try:
        for left in cache.glob(f"{PARTIAL_PREFIX}*"):
            shutil.rmtree(left, ignore_errors=True)  # no other process uses it: this process holds the lock
        yield
    finally:
        lock.release()
