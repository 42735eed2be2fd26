"""Finds the systems of installed packages, through the entry points of the group ``alchemesh.systems``.

Finding systems imports their light ``system.py`` and nothing else. A part of a system is imported when it is used. A
package that fails is reported with a fix, and all other systems keep working.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Generic, TypeVar, cast

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.installed import EntryPoint, entry_points
from alchemesh_platform.base.reference import load_reference
from alchemesh_platform.registration.system import System

GROUP = "alchemesh.systems"

T = TypeVar("T")


class BrokenSystem(Failure):
    """Raised when a system, or a part of one, cannot be used; names its package and the fix."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A system and the package that brings it."""

    system: System
    package: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A part that a system provides: its kind (``handler``), its name, and its reference."""

    kind: str
    name: str
    reference: str
    by: Registered

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r} of system {self.by.system.name!r}, package {self.by.package}"

    def load(self) -> object:
        """Import the part.

        Raises:
            BrokenSystem: when its import fails.
        """
        try:
            return load_reference(self.reference)
        # A stranger's module may fail in any way, or exit, and the other systems keep working.
        except (Exception, SystemExit) as error:
            raise BrokenSystem(
                f"{self} cannot be loaded from {self.reference}: {type(error).__name__}: {error}",
                hint=f"reinstall or uninstall {self.by.package}, or report this to its author",
            ) from error


class Parts(Mapping[str, T], Generic[T]):
    """The parts of one kind that all systems provide, by name. A part is imported on first use.

    Args:
        offers: The parts.
        convert: Function that turns a loaded object into the value of the part, or raises BrokenSystem.
    """

    def __init__(self, offers: Iterable[Offer], convert: Callable[[Offer, object], T]) -> None:
        self._offers: dict[str, list[Offer]] = {}
        for offer in offers:
            self._offers.setdefault(offer.name, []).append(offer)
        self._convert = convert
        self._loaded: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        """A part.

        Raises:
            KeyError: when no system has a part of this name.
            BrokenSystem: when a system has it and it cannot be used, or two systems have it.
        """
        if name not in self._loaded:
            offer, *others = self._offers[name]
            if others:
                raise _offered_twice(offer.kind, name, [offer.by.package, *(other.by.package for other in others)])
            self._loaded.setdefault(name, self._convert(offer, offer.load()))  # threads share one value
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._offers

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._offers))

    def __len__(self) -> int:
        return len(self._offers)

    def loaded(self) -> tuple[dict[str, T], list[BrokenSystem]]:
        """Every part that can be imported, and one failure for each of the others."""
        parts, broken = {}, []
        for name in self:
            try:
                parts[name] = self[name]
            except BrokenSystem as failure:
                broken.append(failure)
        return parts, broken


@dataclass(frozen=True, eq=False)
class Systems:
    """The usable systems, sorted by name, and one failure for each of the others."""

    registered: tuple[Registered, ...]
    broken: tuple[BrokenSystem, ...] = ()

    def __iter__(self) -> Iterator[System]:
        return (each.system for each in self.registered)

    def offers(self, kind: str, references: Callable[[System], Mapping[str, str]]) -> Iterator[Offer]:
        """The parts of one kind.

        Args:
            kind: Name of the kind, for messages: ``handler``.
            references: Function that returns the references of a system's parts of this kind, by name.
        """
        for each in self.registered:
            for name, reference in references(each.system).items():
                yield Offer(kind, name, reference, each)

    def single(self, kind: str, reference: Callable[[System], str | None]) -> Iterator[Offer]:
        """The parts of a kind that a system has at most once. Each part has the name of its system."""
        return self.offers(kind, lambda system: {system.name: found} if (found := reference(system)) else {})


def installed_systems() -> Systems:
    """The systems of all installed packages."""
    return _systems_on(tuple(sys.path))


@cache
def _systems_on(path: tuple[str, ...]) -> Systems:
    return systems_of(entry_points(GROUP, path))


def systems_of(found: Iterable[EntryPoint]) -> Systems:
    """The systems that entry points name. Systems with the same name are all left out, with a failure."""
    by_name: dict[str, list[EntryPoint]] = {}
    for entry in found:
        by_name.setdefault(entry.name, []).append(entry)
    registered, broken = [], []
    for _name, entries in sorted(by_name.items()):
        try:
            registered.append(_load(entries))
        except BrokenSystem as failure:
            broken.append(failure)
    return Systems(tuple(registered), (*broken, *_shared_protocols(registered)))


def part_of(type_: type[T]) -> Callable[[Offer, object], T]:
    """For :class:`Parts`: a converter that accepts instances of a type."""

    def convert(offer: Offer, found: object) -> T:
        if not isinstance(found, type_):
            raise wrong_part(offer, f"is a {type(found).__name__}, expected a {type_.__name__}")
        return found

    return convert


def function_part(offer: Offer, found: object) -> Callable[..., object]:
    """For :class:`Parts`: a converter that accepts callables."""
    if not callable(found):
        raise wrong_part(offer, f"is a {type(found).__name__}, expected a function")
    return cast("Callable[..., object]", found)


def wrong_part(offer: Offer, found: str) -> BrokenSystem:
    """The failure for a part of the wrong type.

    Args:
        found: A sentence with the found and the expected type.
    """
    return BrokenSystem(f"{offer} ({offer.reference}) {found}", hint=f"report this to the author of {offer.by.package}")


def _load(entries: list[EntryPoint]) -> Registered:
    entry = entries[0]
    if len(entries) > 1:
        raise _offered_twice("system", entry.name, [each.package for each in entries])
    offered = f"system {entry.name!r} of package {entry.package} ({entry.value})"
    try:
        system = entry.load()
    # A stranger's module may fail in any way, or exit, and the other systems keep working.
    except (Exception, SystemExit) as error:
        raise BrokenSystem(
            f"{offered} cannot be loaded: {type(error).__name__}: {error}",
            hint=f"reinstall or uninstall {entry.package}, or report this to its author",
        ) from error
    if not isinstance(system, System):
        raise BrokenSystem(
            f"{offered} is a {type(system).__name__}, expected a System",
            hint=f"report this to the author of {entry.package}",
        )
    if system.name != entry.name:
        raise BrokenSystem(
            f"{offered} has the name {system.name!r}, expected the name of its entry point",
            hint=f"report this to the author of {entry.package}",
        )
    return Registered(system, entry.package)


def _shared_protocols(registered: Iterable[Registered]) -> Iterator[BrokenSystem]:
    packages: dict[str, list[str]] = {}
    for each in registered:
        for protocol in each.system.protocols:
            packages.setdefault(protocol.name, []).append(each.package)
    for name, found in packages.items():
        if len(found) > 1:
            yield _offered_twice("protocol", name, found)


def _offered_twice(kind: str, name: str, packages: Iterable[str]) -> BrokenSystem:
    return BrokenSystem(
        f"{kind} {name!r} is offered more than once, by {' and '.join(sorted(packages))}",
        hint="a name belongs to one package: uninstall one of them, or have its author rename it",
    )
