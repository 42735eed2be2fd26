"""Finds the components that installed packages offer, through the entry points of the group ``alchemesh.components``.

Listing names loads no package. The catalogue imports a component's spec on first use. It finds built-in components in
the same way as components of other packages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.installed import EntryPoint, by_name, entry_points, load_offer
from alchemesh_platform.sdk.spec import ComponentSpec

GROUP = "alchemesh.components"

# Components that had another name. Platform files and records with the former name still work.
FORMER_NAMES = {"roapi": "postgresql-serving"}

Loader = Callable[[], ComponentSpec]


class BrokenComponent(Failure):
    """Raised when a component that a package offers cannot be used; names the package and its entry point."""


class Catalog(Mapping[str, ComponentSpec]):
    """The spec of each component, by name, loaded on first use.

    Args:
        offers: The function that loads the spec of each component, by name.
    """

    def __init__(self, offers: Mapping[str, Loader]) -> None:
        self._offers = dict(sorted(offers.items()))
        self._specs: dict[str, ComponentSpec] = {}

    def __getitem__(self, name: str) -> ComponentSpec:
        """The spec of a component.

        Raises:
            KeyError: when there is no such component.
            BrokenComponent: when the component exists but cannot be used.
        """
        name = self._current(name)
        if name not in self._specs:
            self._specs[name] = self._offers[name]()
        return self._specs[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._current(name) in self._offers

    def _current(self, name: str) -> str:
        return name if name in self._offers else FORMER_NAMES.get(name, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._offers)

    def __len__(self) -> int:
        return len(self._offers)

    def loaded(self) -> tuple[list[ComponentSpec], list[BrokenComponent]]:
        """Every spec that can be loaded, and the failures of the others."""
        specs, broken = [], []
        for name in self:
            try:
                specs.append(self[name])
            except BrokenComponent as failure:
                broken.append(failure)
        return specs, broken


def discover() -> Catalog:
    """The components of all installed packages."""
    return catalog_of(entry_points(GROUP))


def catalog_of(found: Iterable[EntryPoint]) -> Catalog:
    """The catalogue of the given entry points. If two have the same name, using that component is an error."""
    return Catalog({name: _loader(entries) for name, entries in by_name(found).items()})


def _loader(entries: list[EntryPoint]) -> Loader:
    return lambda: load_offer("component", entries, ComponentSpec, lambda spec: spec.name, BrokenComponent)
