"""Finds the components that installed packages offer, through the entry points of the group ``alchemesh.components``.

Listing names loads no package. The catalogue loads a component's spec on first use. It finds built-in components in
the same way as components of other packages, and imports their specs itself. Specs of other packages are imported in a
process of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.packages.conduct import described
from alchemesh_platform.base.packages.installed import EntryPoint, by_name, entry_points, load_offer, offered_twice
from alchemesh_platform.base.secrecy.recognise import without_secrets
from alchemesh_platform.catalog.strangers import Strangers
from alchemesh_platform.sdk.spec import ComponentSpec

GROUP = "alchemesh.components"
OWN_PACKAGE = "alchemesh-platform"

# Components that had another name. Platform files and records with the former name still work.
FORMER_NAMES = {"roapi": "postgresql-serving"}

Loader = Callable[[], ComponentSpec]


class BrokenComponent(Failure):
    """Raised when a component that a package offers cannot be used; names the package and its entry point.

    The catalogue sets ``component``, its name, and ``packages``, those that offer it.
    """

    component: str = ""
    packages: tuple[str, ...] = ()


class Remark(NamedTuple):
    """A fault of a component that still works: the component, its package, the check, the fault and the fix."""

    component: str
    package: str
    check: str
    message: str
    hint: str


class Catalog(Mapping[str, ComponentSpec]):
    """The spec of each component, by name, loaded on first use.

    Args:
        offers: The function that loads the spec of each component, by name.
        packages: The package of each component.
        prepare: Called before all specs are loaded. Its argument says whether to import specs that are remembered.
        printed: Returns the output of the import of a spec.
    """

    def __init__(
        self,
        offers: Mapping[str, Loader],
        packages: Mapping[str, str] | None = None,
        prepare: Callable[[bool], None] = lambda again: None,
        printed: Callable[[str], str] = lambda name: "",
    ) -> None:
        self._offers = dict(sorted(offers.items()))
        self._specs: dict[str, ComponentSpec] = {}
        self._packages = packages or {}
        self._prepare = prepare
        self._printed = printed
        self._recorded: Mapping[str, str] = {}

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

    def knowing(self, recorded: Mapping[str, str]) -> Catalog:
        """The catalogue, which also knows the packages of components that are not installed.

        Args:
            recorded: Component: its package, as the lock of a product records it.
        """
        self._recorded = recorded
        return self

    def recorded_package(self, name: str) -> str:
        """The package of a component that a lock records; empty if it is not known."""
        return self._recorded.get(name, "")

    def package(self, name: str) -> str:
        """The package of a component; empty if it is not known."""
        return self._packages.get(self._current(name), "")

    def remarks(self) -> list[Remark]:
        """The faults of components that work in spite of them: a missing summary, an import that prints."""
        found = []
        for spec in self.loaded()[0]:
            package = self.package(spec.name)
            offered, author = f"component {spec.name!r} of package {package}", f"report this to the author of {package}"
            if not spec.summary.strip():
                found.append(
                    Remark(spec.name, package, "descriptions", f"{offered} has no summary in its spec", author)
                )
            if printed := self._printed(spec.name):
                message = f"{offered} prints when its spec is imported: {without_secrets(printed)!r}"
                found.append(Remark(spec.name, package, "printing", message, author))
        return found

    def loaded(self, *, again: bool = False) -> tuple[list[ComponentSpec], list[BrokenComponent]]:
        """Every spec that can be loaded, and the failures of the others.

        Args:
            again: Whether to import specs of other packages that are remembered from an earlier command.
        """
        self._prepare(again)
        if again:
            self._specs.clear()
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
    offered = by_name(found)
    strangers = Strangers(BrokenComponent)
    single = {name: entries[0] for name, entries in offered.items() if len(entries) == 1}
    others = {name: entry for name, entry in single.items() if entry.package != OWN_PACKAGE}
    return Catalog(
        {name: _loader(entries, strangers) for name, entries in offered.items()},
        {name: entry.package for name, entry in single.items()},
        lambda again: strangers.prepare(others.values(), again=again),
        lambda name: strangers.load(others[name]).printed if name in others else "",
    )


def readable(catalog: Catalog, specs: Iterable[ComponentSpec]) -> tuple[list[ComponentSpec], list[BrokenComponent]]:
    """The specs whose model of arguments can be imported, and the failures of the others."""
    found, failures = [], []
    for spec in specs:
        try:
            spec.args_model()
            found.append(spec)
        except Exception as error:  # noqa: BLE001 - a third-party module may fail in any way
            failures.append(broken(catalog, spec, error))
    return found, failures


def broken(catalog: Mapping[str, ComponentSpec], spec: ComponentSpec, error: BaseException) -> BrokenComponent:
    """The failure of a component whose spec can be loaded, and another module of its package cannot."""
    package = catalog.package(spec.name) if isinstance(catalog, Catalog) else ""
    offered = f"component {spec.name!r}" + (f" of package {package}" if package else "")
    failure = BrokenComponent(
        f"{offered} cannot be used: {described(error)}",
        hint=f"reinstall or uninstall {package}, or report this to its author"
        if package
        else f"report this to the author of {spec.name}, or name another component",
    )
    failure.component, failure.packages = spec.name, (package,) if package else ()
    return failure


def _loader(entries: list[EntryPoint], strangers: Strangers) -> Loader:
    def load() -> ComponentSpec:
        try:
            return loaded()
        except BrokenComponent as failure:
            failure.component, failure.packages = entries[0].name, tuple(entry.package for entry in entries)
            raise

    def loaded() -> ComponentSpec:
        entry = entries[0]
        if len(entries) > 1:
            raise offered_twice("component", entry.name, [each.package for each in entries], BrokenComponent)
        if entry.package == OWN_PACKAGE:
            return load_offer("component", entries, ComponentSpec, lambda spec: spec.name, BrokenComponent)
        found = strangers.load(entry)
        if found.failure is not None:
            raise found.failure
        assert found.spec is not None  # noqa: S101 - there is a spec or a failure
        return found.spec

    return load
