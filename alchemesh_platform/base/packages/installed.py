"""Entry points of installed packages, read from their ``entry_points.txt``.

``importlib.metadata`` returns the same entry points. Its import takes as long as starting Python with click, because it
imports the email package. Every listing, check and completion would take that time (ADR 10).

Source: https://packaging.python.org/en/latest/specifications/entry-points/
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple, TypeVar

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.packages.reference import load_reference

T = TypeVar("T")
Failed = TypeVar("Failed", bound=Failure)

_FOLDER = re.compile(r"^(?P<package>[A-Za-z0-9._]+?)(?:-[^-]+)?(?:-py[\d.]+)?\.(?:dist|egg)-info$")


class EntryPoint(NamedTuple):
    """One entry point of a package.

    ``value`` is ``"module:Name"``. ``folder`` holds the package's metadata; it is empty for an entry point that no
    installed package declares.
    """

    name: str
    value: str
    package: str
    folder: str = ""

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
        for package, place, text in _texts(folder or ".", _changed(folder or ".")):
            if package not in seen:
                seen.add(package)
                if group in text:
                    found += _of_group(text, group, package, place)
    return found


def damaged_packages(group: str, path: Iterable[str] | None = None) -> list[tuple[str, str]]:
    """The packages whose ``entry_points.txt`` cannot be read as one, if it has the name of a group.

    Args:
        group: Name of the group.
        path: Folders to look in; ``sys.path`` by default.

    Returns:
        Each package, and its fault in a sentence.
    """
    found: dict[str, str] = {}
    for folder in dict.fromkeys(sys.path if path is None else path):
        for package, place in sorted(_places(folder or ".")):
            found.setdefault(package, _damage(place, group))
    return [(package, sentence) for package, sentence in found.items() if sentence]


def _damage(place: str, group: str) -> str:
    """The fault of an ``entry_points.txt``; empty if there is none."""
    try:
        with open(os.path.join(place, "entry_points.txt"), "rb") as stream:  # noqa: PTH118, PTH123 - as in read_text
            content = stream.read()
    except OSError:
        return ""
    if group.encode() not in content:
        return ""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"its entry_points.txt is no text: {error.reason} at byte {error.start}"
    for line in map(str.strip, text.splitlines()):
        if line.strip("[] ") == group and not (line.startswith("[") and line.endswith("]")):
            return f"its entry_points.txt has the line {line!r}, expected '[{group}]'"
    return ""


def by_name(found: Iterable[EntryPoint]) -> dict[str, list[EntryPoint]]:
    """Entry points by their names, in the order of the names. A name has more than one if several packages use it."""
    grouped: dict[str, list[EntryPoint]] = {}
    for entry in sorted(found, key=lambda entry: entry.name):
        grouped.setdefault(entry.name, []).append(entry)
    return grouped


def load_offer(
    kind: str, entries: list[EntryPoint], expected: type[T], name_of: Callable[[T], str], failure: type[Failure]
) -> T:
    """The object that packages offer under one name.

    Args:
        kind: Its kind, for messages: ``component``.
        entries: The entry points of the name.
        expected: The type that it must have.
        name_of: Its own name, which must be the name of its entry point.
        failure: The failure to raise.

    Raises:
        Failure: ``failure``, when several packages offer the name, or the object cannot be used. It names the packages.
    """
    entry = entries[0]
    if len(entries) > 1:
        raise offered_twice(kind, entry.name, [each.package for each in entries], failure)
    offered = f"{kind} {entry.name!r} of package {entry.package} ({entry.value})"
    author = f"report this to the author of {entry.package}"
    try:
        loaded = entry.load()
    # A third-party module may fail in any way, or exit; all other packages must still work.
    except (Exception, SystemExit) as error:
        message = f"{offered} cannot be loaded: {type(error).__name__}: {error}"
        raise failure(message, hint=f"reinstall or uninstall {entry.package}, or report this to its author") from error
    if not isinstance(loaded, expected):
        raise failure(f"{offered} is a {type(loaded).__name__}, expected a {expected.__name__}", hint=author)
    if name_of(loaded) != entry.name:
        message = f"{offered} has the name {name_of(loaded)!r}, expected the name of its entry point"
        raise failure(message, hint=author)
    return loaded


def offered_twice(kind: str, name: str, packages: Iterable[str], failure: type[Failed]) -> Failed:
    """The failure for a name that several packages offer."""
    return failure(
        f"{kind} {name!r} is offered more than once, by {' and '.join(sorted(packages))}",
        hint="a name belongs to one package: uninstall one of them, or have its author rename it",
    )


def _changed(folder: str) -> int:
    """The time at which a package was last added to or removed from a folder."""
    try:
        return os.stat(folder).st_mtime_ns  # noqa: PTH116 - pathlib is not imported here
    except OSError:
        return 0


@lru_cache(maxsize=64)
def _texts(folder: str, _changed_at: int) -> tuple[tuple[str, str, str], ...]:
    """Each package of a folder: its metadata, and its ``entry_points.txt``. They are read once for several groups."""
    return tuple((package, place, read_text(place, "entry_points.txt")) for package, place in sorted(_places(folder)))


def _places(folder: str) -> Iterator[tuple[str, str]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if (match := _FOLDER.match(entry.name)) is not None:
                    yield re.sub(r"[-_.]+", "-", match["package"]).lower(), entry.path
    except OSError:
        return  # a zip file, or a folder that does not exist


def read_text(folder: str, name: str) -> str:
    """A file of a package's metadata; empty if it is missing, or not text."""
    try:
        with open(os.path.join(folder, name), encoding="utf-8") as stream:  # noqa: PTH118, PTH123 - pathlib is not imported here
            return stream.read()
    except (OSError, UnicodeDecodeError):
        return ""


def _of_group(text: str, group: str, package: str, place: str) -> Iterator[EntryPoint]:
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1].strip()
        elif section == group and line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            yield EntryPoint(name.strip(), value.partition("[")[0].strip(), package, place)
