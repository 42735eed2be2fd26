"""Finds the components that installed packages offer, through the entry points of the group ``alchemesh.components``.

Listing names loads no package. The catalogue imports a component's spec on first use. It finds built-in components in
the same way as components of other packages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.installed import EntryPoint, entry_points
from alchemesh_platform.sdk.spec import ComponentSpec

GROUP = "alchemesh.components"

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
        if name not in self._specs:
            self._specs[name] = self._offers[name]()
        return self._specs[name]

    def __contains__(self, name: object) -> bool:
        return name in self._offers

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
    by_name: dict[str, list[EntryPoint]] = {}
    for entry in found:
        by_name.setdefault(entry.name, []).append(entry)
    return Catalog({name: _loader(entries) for name, entries in by_name.items()})


def _loader(entries: list[EntryPoint]) -> Loader:
    return lambda: _load(entries)


def _load(entries: list[EntryPoint]) -> ComponentSpec:
    entry = entries[0]
    if len(entries) > 1:
        packages = " and ".join(sorted(each.package for each in entries))
        raise BrokenComponent(
            f"component {entry.name!r} is offered more than once, by {packages}",
            hint="a name belongs to one package: uninstall one of them, or have its author rename the component",
        )
    offered = f"component {entry.name!r} of package {entry.package} ({entry.value})"
    try:
        spec = entry.load()
    # A third-party module may fail in any way, or exit; the rest of the catalogue must still work.
    except (Exception, SystemExit) as error:
        raise BrokenComponent(
            f"{offered} cannot be loaded: {type(error).__name__}: {error}",
            hint=f"reinstall or uninstall {entry.package}, or tell its author",
        ) from error
    if not isinstance(spec, ComponentSpec):
        raise BrokenComponent(
            f"{offered} is a {type(spec).__name__}, expected a ComponentSpec",
            hint=f"tell the author of {entry.package}",
        )
    if spec.name != entry.name:
        raise BrokenComponent(
            f"{offered} calls itself {spec.name!r}, expected the name of its entry point",
            hint=f"tell the author of {entry.package}",
        )
    return spec
