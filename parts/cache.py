"""Caches the files of a part: one folder for each part and recipe, in the user's cache."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from alchemesh_platform.engine.install.cache import cache_folder

READY = ".ready"  # written last: a folder without it belongs to a process that was killed

Report = Callable[[str], None]


def part_folder(name: str, recipe: Iterable[str | bytes]) -> Path:
    """Folder of a part in the cache; it need not exist yet.

    Args:
        name: ``kafka``.
        recipe: Everything that determines the content of the folder; another recipe has another folder.
    """
    digest = hashlib.sha256()
    for line in recipe:
        digest.update((line.encode() if isinstance(line, str) else line) + b"\0")
    return cache_folder("parts") / f"{name}-{digest.hexdigest()[:12]}"


def prepared(
    name: str, recipe: Iterable[str | bytes], make: Callable[[Path], None], report: Report | None = None
) -> Path:
    """The folder of a part, created if it is missing: by one process at a time, and again after a kill.

    Args:
        make: Receives the empty folder, in its final place, and fills it.
        report: Receives a line before a long step; by default, stderr.
    """
    from filelock import FileLock, Timeout

    say = report or _say
    folder = part_folder(name, recipe)
    if (folder / READY).is_file():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_suffix(".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"another process is preparing {name}; waiting for it")
        lock.acquire()
    try:
        if not (folder / READY).is_file():
            say(f"preparing {name} in {folder}, once for this user")
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            (folder / READY).touch()
    finally:
        lock.release()
    return folder


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
