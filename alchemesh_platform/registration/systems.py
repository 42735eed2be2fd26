"""Finds the systems of installed packages, through the entry points of the group ``alchemesh.systems``.

Finding systems imports their light ``system.py`` and nothing else. A part of a system is imported when it is used. A
package that fails is reported with a fix, and all other systems keep working.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Generic, NamedTuple, TypeVar, cast

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.packages.installed import EntryPoint, by_name, entry_points, load_offer, offered_twice
from alchemesh_platform.base.packages.reference import load_reference
from alchemesh_platform.registration.system import System

GROUP = "alchemesh.systems"

T = TypeVar("T")


class BrokenSystem(Failure):
    """Raised when a system, or a part of one, cannot be used; names its package and the fix."""


class Registered(NamedTuple):
    """A system and the package that brings it."""

    system: System
    package: str


class Offer(NamedTuple):
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
                packages = [offer.by.package, *(other.by.package for other in others)]
                raise offered_twice(offer.kind, name, packages, BrokenSystem)
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
    registered, broken = [], []
    for entries in by_name(found).values():
        try:
            system = load_offer("system", entries, System, lambda system: system.name, BrokenSystem)
            registered.append(Registered(system, entries[0].package))
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


def _shared_protocols(registered: Iterable[Registered]) -> Iterator[BrokenSystem]:
    packages: dict[str, list[str]] = {}
    for each in registered:
        for protocol in each.system.protocols:
            packages.setdefault(protocol.name, []).append(each.package)
    for name, found in packages.items():
        if len(found) > 1:
            yield offered_twice("protocol", name, found, BrokenSystem)
