"""Atomic writes: a reader sees the old file or the new file, never a part of one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write a file that only its user can read, in one step; raises as :func:`write_text`."""
    write_text(path, text, mode=0o600)


def write_text(path: Path, text: str, *, mode: int) -> None:
    """Write a file in one step. A device or pipe, which cannot be replaced, gets the text directly.

    Args:
        mode: The rights of the file.

    Raises:
        OSError: when the folder is not writable or the disk is full. An existing file stays unchanged.
    """
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8") as special:
            special.write(text)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
