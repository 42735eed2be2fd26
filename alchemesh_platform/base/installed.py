"""Entry points of installed packages, as their ``entry_points.txt`` gives them.

``importlib.metadata`` gives the same, and its import alone costs as much as starting Python with click: it brings the
email package along. Every listing, check and completion pays for that (ADR 10).

Source: https://packaging.python.org/en/latest/specifications/entry-points/
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from alchemesh_platform.base.reference import load_reference

_FOLDER = re.compile(r"^(?P<package>[A-Za-z0-9._]+?)(?:-[^-]+)?(?:-py[\d.]+)?\.(?:dist|egg)-info$")


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """A name under which a package offers something. ``value`` is ``"module:Name"``."""

    name: str
    value: str
    package: str

    def load(self) -> object:
        """Import what is offered."""
        return load_reference(self.value)


def entry_points(group: str, path: Iterable[str] | None = None) -> list[EntryPoint]:
    """The entry points of a group, of all packages on the import path; of a package found twice, the first counts.

    Args:
        group: Name of the group.
        path: Folders to look in; ``sys.path`` by default.
    """
    found: list[EntryPoint] = []
    seen: set[str] = set()
    for folder in dict.fromkeys(sys.path if path is None else path):
        for package, file in sorted(_files(folder or ".")):
            if package not in seen:
                seen.add(package)
                found += _of_group(file, group, package)
    return found


def _files(folder: str) -> Iterator[tuple[str, str]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if (match := _FOLDER.match(entry.name)) is not None:
                    yield re.sub(r"[-_.]+", "-", match["package"]).lower(), os.path.join(entry.path, "entry_points.txt")  # noqa: PTH118 - pathlib is not imported here
    except OSError:
        return  # a zip file, or a folder that is not there


def _of_group(file: str, group: str, package: str) -> Iterator[EntryPoint]:
    try:
        with open(file, encoding="utf-8") as lines:  # noqa: PTH123 - pathlib is not imported here
            section = ""
            for line in lines:
                text = line.strip()
                if text.startswith("[") and text.endswith("]"):
                    section = text[1:-1].strip()
                elif section == group and text and not text.startswith(("#", ";")):
                    name, _, value = text.partition("=")
                    yield EntryPoint(name.strip(), value.partition("[")[0].strip(), package)
    except (OSError, UnicodeDecodeError):
        return
