"""Finds the files that an ingestion reads, and detects changes."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.machine.files import storage_errors


class SourceFailed(Failure):
    """Raised when source files are missing or unreadable. The message names the file and, if known, the line."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A found file. Its name is relative to the folder in which the search started."""

    name: str
    path: Path
    size_bytes: int
    mtime_ns: int


def find_sources(source: str, root: Path) -> list[SourceFile]:
    """The files of a path or glob, sorted by name.

    Args:
        source: Path or glob, relative to the root unless absolute; ``**`` stands for any folders.
        root: Folder that relative paths start from.

    Raises:
        SourceFailed: when there is no such file, nothing matches, or the path is a folder.
    """
    place = root / source
    with storage_errors(f"look for {place}"):
        if place.is_dir():
            raise SourceFailed(
                f"{place} is a folder, not a file", hint=f"name the files in it: {source.rstrip('/')}/*.csv"
            )
        if place.is_file():
            return [_found(place, place.parent)]
        if not glob.has_magic(source):
            raise SourceFailed(f"there is no file {place}", hint="check the path; relative ones start at the manifest")
        base = _fixed_part(place)
        paths = [Path(found) for found in glob.glob(str(place), recursive=True)]  # noqa: PTH207 - absolute globs too
        files = sorted(path for path in paths if path.is_file())
        if not files:
            raise SourceFailed(
                f"no file matches {place}",
                hint=f"{base} is there: check the pattern" if base.is_dir() else f"there is no folder {base}",
            )
        return [_found(path, base) for path in files]


def _fixed_part(pattern: Path) -> Path:
    """The folder before the first wildcard."""
    fixed = Path(pattern.anchor)
    for part in pattern.parts[1:] if pattern.anchor else pattern.parts:
        if glob.has_magic(part):
            break
        fixed /= part
    return fixed


def _found(path: Path, base: Path) -> SourceFile:
    info = path.stat()
    return SourceFile(path.relative_to(base).as_posix(), path, info.st_size, info.st_mtime_ns)
