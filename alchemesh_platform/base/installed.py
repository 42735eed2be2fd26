"""Entry points of installed packages, read from their ``entry_points.txt``.

``importlib.metadata`` returns the same entry points. Its import takes as long as starting Python with click, because it
imports the email package. Every listing, check and completion would take that time (ADR 10).

Source: https://packaging.python.org/en/latest/specifications/entry-points/
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from alchemesh_platform.base.reference import load_reference

_FOLDER = re.compile(r"^(?P<package>[A-Za-z0-9._]+?)(?:-[^-]+)?(?:-py[\d.]+)?\.(?:dist|egg)-info$")


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """One entry point of a package. ``value`` is ``"module:Name"``."""

    name: str
    value: str
    package: str

    def load(self) -> object:
        """Import the object that the entry point names."""
        return load_reference(self.value)


def entry_points(group: str, path: Iterable[str] | None = None) -> list[EntryPoint]:
    """The entry points of a group, of all packages on the import path.

    If a package is found twice, the first one counts.

    Args:
        group: Name of the group.
        path: Folders to look in; ``sys.path`` by default.
    """
    found: list[EntryPoint] = []
    seen: set[str] = set()
    for folder in dict.fromkeys(sys.path if path is None else path):
        for package, text in _texts(folder or ".", _changed(folder or ".")):
            if package not in seen:
                seen.add(package)
                if group in text:
                    found += _of_group(text, group, package)
    return found


def _changed(folder: str) -> int:
    """The time at which a package was last added to or removed from a folder."""
    try:
        return os.stat(folder).st_mtime_ns  # noqa: PTH116 - pathlib is not imported here
    except OSError:
        return 0


@lru_cache(maxsize=64)
def _texts(folder: str, _changed_at: int) -> tuple[tuple[str, str], ...]:
    """Each package of a folder with its ``entry_points.txt``. The cache reads them once for several groups."""
    return tuple((package, _read(file)) for package, file in sorted(_files(folder)))


def _files(folder: str) -> Iterator[tuple[str, str]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if (match := _FOLDER.match(entry.name)) is not None:
                    yield re.sub(r"[-_.]+", "-", match["package"]).lower(), os.path.join(entry.path, "entry_points.txt")  # noqa: PTH118 - pathlib is not imported here
    except OSError:
        return  # a zip file, or a folder that does not exist


def _read(file: str) -> str:
    try:
        with open(file, encoding="utf-8") as stream:  # noqa: PTH123 - pathlib is not imported here
            return stream.read()
    except (OSError, UnicodeDecodeError):
        return ""


def _of_group(text: str, group: str, package: str) -> Iterator[EntryPoint]:
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1].strip()
        elif section == group and line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            yield EntryPoint(name.strip(), value.partition("[")[0].strip(), package)
