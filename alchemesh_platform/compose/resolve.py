"""Finds the component that implements each component type in a manifest, and checks its arguments and settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from alchemesh_platform.base.packages.ranges import RANGE, is_in_range
from alchemesh_platform.base.problems import Location, Problem, Severity, closest, did_you_mean
from alchemesh_platform.base.remedy import command, joined, remedy
from alchemesh_platform.catalog.discover import BrokenComponent, Catalog, broken
from alchemesh_platform.compose.checks.missing_settings import missing_settings
from alchemesh_platform.compose.checks.transforms import transform_problems
from alchemesh_platform.compose.uses import Use, uses
from alchemesh_platform.documents.document import Node, Path, listed, quoted, written
from alchemesh_platform.documents.validate import accepted, validate
from alchemesh_platform.platform_file.builtin import LOCAL, LOCAL_COMPONENTS
from alchemesh_platform.registration.protocol import protocol_names
from alchemesh_platform.sdk.fault import ComponentFault, call
from alchemesh_platform.sdk.spec import ComponentSpec, Role

if TYPE_CHECKING:
    from pydantic import BaseModel

    from alchemesh_platform.compose.planned import PlannedComponent
    from alchemesh_platform.platform_file.models import Platform

_PLACES = {
    Role.INPUT_PORT: "an input port",
    Role.STORAGE: "a storage",
    Role.PROXY: "a proxy",
    Role.INFRASTRUCTURE: "an infrastructure need",
    Role.CODE: "code",
    Role.PLATFORM: "a platform",
    Role.DOMAIN: "a domain",
}
_SEE_ALL = remedy("{} shows all", command("components", "list"))


@dataclass(slots=True)
class Resolution:
    """The resolution of a manifest's uses: every problem and, with an environment, the planned components by place."""

    components: dict[Path, PlannedComponent] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


Chosen = Callable[[str], Sequence[str]]  # names of the components that a platform file chooses for a type


def resolve(
    tree: Node,
    catalog: Mapping[str, ComponentSpec],
    platform: Platform | None,
    *,
    require_extras: bool = False,
    chosen: Chosen | None = None,
) -> Resolution:
    """Resolve every component of a manifest.

    Args:
        tree: The manifest as a document. Invalid parts are skipped.
        catalog: The available components.
        platform: The environment. Without one, a component type is valid if a component of the catalogue implements it,
            and arguments are valid if one of those components accepts them.
        require_extras: Whether the libraries of each component must be installed.
        chosen: Without an environment: the components that the platform file chooses for a type. By default, and for a
            type without one, every component of the type counts.
    """
    return _Resolver(catalog, platform, require_extras=require_extras, chosen=chosen).resolve(tree)


class _Resolver:
    def __init__(
        self,
        catalog: Mapping[str, ComponentSpec],
        platform: Platform | None,
        *,
        require_extras: bool,
        chosen: Chosen | None,
    ) -> None:
        self.catalog = catalog
        self.platform = platform
        self.require_extras = require_extras
        self.chosen = chosen
        self.done = Resolution()
        self._implementations: dict[str, list[ComponentSpec]] = {}
        self._settings: dict[str, BaseModel | None] = {}
        self._specs: list[ComponentSpec] | None = None

    def resolve(self, tree: Node) -> Resolution:
        names: dict[str, Use] = {}
        for use in uses(tree):
            specs = self._in_range(use, self._fitting(use))
            if specs:
                self._plan(use, specs)
            before = names.setdefault(use.resource_name, use)
            if before is not use and before.port != use.port:
                self._clash(use, before)
        if self.platform is not None:
            self.done.problems += transform_problems(self.platform, self.catalog)
        return self.done

    def specs(self) -> list[ComponentSpec]:
        """Every component of the catalogue that can be loaded."""
        if self._specs is None:
            catalog = self.catalog
            self._specs = catalog.loaded()[0] if isinstance(catalog, Catalog) else list(catalog.values())
        return self._specs

    def _fitting(self, use: Use) -> list[ComponentSpec]:
        """The component that implements the type of a use, in its role."""
        if use.component_type not in self._implementations:
            self._implementations[use.component_type] = list(self._found(use))
        specs = self._implementations[use.component_type]
        fitting = [spec for spec in specs if use.role in spec.roles]
        if specs and not fitting:
            found = f"{quoted(use.component_type)}, which is made for {_roles(specs)}"
            self._problem(use, f"found {found}, expected a component type for {_PLACES[use.role]}", self._others(use))
        elif not specs and (self.platform is None or use.component_type not in self.platform.components):
            self._not_implemented(use)
        return fitting

    def _in_range(self, use: Use, specs: list[ComponentSpec]) -> list[ComponentSpec]:
        """The components whose version is in the range that a use requests. The problem if there is none.

        The other checks of the use continue with all of them.
        """
        if use.versions is None or not specs or not re.fullmatch(RANGE, use.versions):
            return specs  # the manifest's own model reports a text that is no range
        fitting = [spec for spec in specs if is_in_range(spec.version, use.versions)]
        if fitting:
            return fitting
        installed = listed([f"{spec.name} {spec.version}" for spec in specs], "and")
        environment = "" if self.platform is None else f" in {self.platform.environment}"
        verb = "implements" if len(specs) == 1 else "implement"
        packages = listed(dict.fromkeys(package for spec in specs if (package := self._package(spec))), "or")
        what = f"install a version of {packages} with a component in that range" if packages else "install another one"
        self._problem(
            use,
            f"found {quoted(f'{use.component_type}@{use.versions}')}, expected a range with {installed}, which {verb} "
            f"{use.component_type}{environment}",
            f"{what}, or change the range",
        )
        return specs

    def _package(self, spec: ComponentSpec) -> str:
        return self.catalog.package(spec.name) if isinstance(self.catalog, Catalog) else ""

    def _not_implemented(self, use: Use) -> None:
        if self.platform is not None and use.component_type in {spec.component_type for spec in self.specs()}:
            message = f"found {quoted(use.component_type)}, which nothing implements in {self.platform.environment}"
            hint = f"{self._offers(use.component_type)}: the platform file says which does in each environment"
        else:
            message = f"unknown component type {quoted(use.component_type)}, expected one for {_PLACES[use.role]}"
            hint = self._others(use)
        self._problem(use, message, hint)

    def _found(self, use: Use) -> Iterator[ComponentSpec]:
        """The component that implements a type in this environment. Problems of the platform file keep their place."""
        if self.platform is None:
            specs = {spec.name: spec for spec in self.specs() if spec.component_type == use.component_type}
            chosen = [name for name in self.chosen(use.component_type) if name in specs] if self.chosen else []
            # Components of the built-in environment come before all others: most manifests are written for it.
            yield from [specs[name] for name in chosen] or sorted(specs.values(), key=_is_elsewhere)
            return
        name = self.platform.components.get(use.component_type)
        if name is None:
            return
        if name not in self.catalog:
            known = [spec.name for spec in self.specs() if spec.component_type == use.component_type]
            hint = did_you_mean(name, known, otherwise=_SEE_ALL)
            package = self.catalog.recorded_package(name) if isinstance(self.catalog, Catalog) else ""
            if package:
                hint = joined(
                    "; ", (f"alchemesh.lock has it from package {package}: run `pip install {package}`", _SEE_ALL)
                )
            self._in_platform(use.component_type, f"found {quoted(name)}, expected a component of the catalogue", hint)
            return
        try:
            spec = self.catalog[name]
        except BrokenComponent as failure:
            self._in_platform(use.component_type, failure.message, failure.hint)
            return
        if name != spec.name:
            self._in_platform(
                use.component_type,
                f"{quoted(name)} is now called {quoted(spec.name)}",
                f"write `{use.component_type}: {spec.name}`",
                severity="warning",
            )
        if spec.component_type != use.component_type:
            self._in_platform(
                use.component_type,
                f"found {quoted(name)}, which implements {spec.component_type}, expected what implements "
                f"{use.component_type}",
                self._offers(use.component_type),
            )
            return
        yield spec

    def _plan(self, use: Use, specs: list[ComponentSpec]) -> None:
        """Check arguments, settings and protocols of a use, and plan it."""
        spec, args, problems = self._arguments(use, specs)
        self.done.problems += problems
        settings = self._settings_of(use, spec)
        protocols = {protocol for each in specs for protocol in each.protocols}
        self.done.problems += _protocols(use, spec, protocols)
        self.done.problems += _schema(use, specs, self.platform.environment if self.platform is not None else LOCAL)
        if self.require_extras:
            place = written((*use.path, "component"))
            self.done.problems += extras_problems(spec, use.location, place)
        if args is not None and settings is not None:
            from alchemesh_platform.compose.planned import PlannedComponent

            self.done.components[use.path] = PlannedComponent(
                resource_name=use.resource_name,
                role=use.role,
                port=use.port,
                component_type=use.component_type,
                spec=spec,
                args=args,
                settings=settings,
                path=written(use.path),
                location=use.location,
            )

    def _arguments(self, use: Use, specs: list[ComponentSpec]) -> tuple[ComponentSpec, BaseModel | None, list[Problem]]:
        """The first component that accepts the arguments, or the problems that the first component reports.

        The models of the components after it are not imported. A component whose model cannot be imported is left out.

        Raises:
            BrokenComponent: when no model can be imported.
        """
        node = use.args
        if node is None:
            return specs[0], None, []  # the manifest's own model reports it
        first, failure = None, None
        for spec in specs:
            try:
                model = _model(self.catalog, spec, spec.args_model)
            except BrokenComponent as found:
                failure = found
                continue
            first = first or (spec, model)
            args = _accepted(use, node, spec, model)
            if args is not None:
                return spec, args, []
        if first is None:
            assert failure is not None  # noqa: S101 - each component without a model has failed
            raise failure
        args, problems = _arguments_of(use, node, *first)
        return first[0], args, self._elsewhere(use, first[0], problems)

    def _elsewhere(self, use: Use, spec: ComponentSpec, problems: list[Problem]) -> list[Problem]:
        """The problems of arguments, with a remedy if the arguments fit the implementation in another environment."""
        if self.platform is None or self.platform.environment == LOCAL or use.args is None:
            return problems
        for other in self.specs():
            if other.component_type != spec.component_type or other is spec or use.role not in other.roles:
                continue
            try:
                model = _model(self.catalog, other, other.args_model)
            except BrokenComponent:
                continue
            if _accepted(use, use.args, other, model) is not None:
                return [_in_overlay(problem, self.platform.environment, other, spec) for problem in problems]
        return problems

    def _settings_of(self, use: Use, spec: ComponentSpec) -> BaseModel | None:
        """The platform's settings for a component, checked at its first use."""
        if self.platform is None:
            return None
        if spec.name not in self._settings:
            self._settings[spec.name], problems = read_settings(spec, self.platform, self.catalog)
            if problems:
                problems = missing_settings(use, spec, spec.settings_model(), self.platform, problems)
            self.done.problems += [problem for problem in problems if problem not in self.done.problems]
        return self._settings[spec.name]

    def _clash(self, use: Use, before: Use) -> None:
        self._problem(
            use,
            f"found the resource name {quoted(use.resource_name)} again, expected it once",
            f"it is made by {written(before.path)}, of {before.port!r}, too: rename one of the two",
        )

    def _others(self, use: Use) -> str:
        """A hint that names the closest component type of a role, or all of them."""
        known = sorted({spec.component_type for spec in self.specs() if use.role in spec.roles})
        named = next((spec for spec in self.specs() if spec.name == use.component_type), None)
        if named is not None and named.component_type in known:
            return f"{named.name} is a component; a manifest asks for what it implements: {named.component_type}"
        if closest(use.component_type, known):
            return did_you_mean(use.component_type, known, otherwise=_SEE_ALL) or ""
        if not known:
            return _SEE_ALL
        return remedy("there {} {}; {}", "is" if len(known) == 1 else "are", listed(known, "and"), _SEE_ALL)

    def _offers(self, component_type: str) -> str:
        known = [spec.name for spec in self.specs() if spec.component_type == component_type]
        if not known:
            return f"no component of the catalogue implements {component_type}"
        return f"{listed(known, 'and')} {'implements' if len(known) == 1 else 'implement'} {component_type}"

    def _problem(self, use: Use, message: str, hint: str | None) -> None:
        self.done.problems.append(Problem(use.location, written((*use.path, "component")), message, hint))

    def _in_platform(
        self, component_type: str, message: str, hint: str | None, *, severity: Severity = "error"
    ) -> None:
        assert self.platform is not None  # noqa: S101 - only called with one
        path = ("components", component_type)
        place = self.platform.tree.locate(path)
        shown = written(("environments", self.platform.environment, *path))
        self.done.problems.append(Problem(place, shown, message, hint, severity))


def _arguments_of(
    use: Use, node: Node, spec: ComponentSpec, model: type[BaseModel]
) -> tuple[BaseModel | None, list[Problem]]:
    """The arguments of a use, or their problems. Validators of a component are its code, and may fail in any way."""
    path = (*use.path, "args")
    try:
        return call(spec, written(path), "its model of arguments", lambda: validate(node, model, path))
    except ComponentFault as failure:
        return None, [Problem(use.location, written((*use.path, "component")), failure.message, failure.hint)]


def _accepted(use: Use, node: Node, spec: ComponentSpec, model: type[BaseModel]) -> BaseModel | None:
    """The arguments of a use, if a component accepts them."""
    place = written((*use.path, "args"))
    try:
        return call(spec, place, "its model of arguments", lambda: accepted(node, model))
    except ComponentFault:
        return None


def _is_elsewhere(spec: ComponentSpec) -> bool:
    return spec.name not in LOCAL_COMPONENTS.values()


def _in_overlay(problem: Problem, environment: str, other: ComponentSpec, spec: ComponentSpec) -> Problem:
    file = PurePath(problem.location.file)
    if file.stem.endswith(f".{environment}"):
        return problem  # is in the overlay
    overlay = f"{file.stem}.{environment}{file.suffix}"
    fix = f"{other.name} takes it, {spec.name} does not: what differs in {environment} goes into {overlay}"
    return replace(problem, hint=joined("; ", filter(None, (problem.hint, fix))))


def extras_problems(spec: ComponentSpec, location: Location, path: str) -> list[Problem]:
    """Report a component whose libraries are not installed, at the place that uses it."""
    from alchemesh_platform.base.packages.extras import install_command, missing_extras

    missing = missing_extras(spec.extras)
    if not missing:
        return []
    what = f"{listed(missing, 'and')}, which {'is' if len(missing) == 1 else 'are'} not installed"
    return [Problem(location, path, f"component {spec.name} needs {what}", f"run `{install_command(*missing)}`")]


def read_settings(
    spec: ComponentSpec, platform: Platform, catalog: Mapping[str, ComponentSpec]
) -> tuple[BaseModel | None, list[Problem]]:
    """The platform's settings for a component, or their problems."""
    model = _model(catalog, spec, spec.settings_model)
    environment = platform.tree
    groups = environment.get("settings") or environment._replace(value={})
    own = {name: node for name, node in groups.keys.items() if name in model.model_fields}
    # Report a missing group at the environment, even if the other groups come from another one.
    place = environment._replace(value=own, broken=False)
    path = ("environments", platform.environment, "settings")
    try:
        settings, problems = call(spec, written(path), "its model of settings", lambda: validate(place, model, path))
    except ComponentFault as failure:
        return None, [Problem(environment.location, written(path), failure.message, failure.hint)]
    others = [name for name in groups.keys if name not in model.model_fields]
    meant = {written((*path, name)): closest(name, others) for name in model.model_fields if name not in own}
    return settings, [_misspelt(problem, groups, meant.get(problem.path)) for problem in problems]


def _misspelt(problem: Problem, groups: Node, instead: str | None) -> Problem:
    """The problem of a missing group of settings, at a group with a similar name if there is one."""
    if instead is None:
        return problem
    place = groups.keys[instead].key_location
    return replace(problem, location=place, hint=f"{quoted(instead)} is here: did you mean this group?")


def _protocols(use: Use, spec: ComponentSpec, offered: set[str]) -> Iterator[Problem]:
    """Report requested protocols that a proxy does not support."""
    node = use.node.keys.get("protocols")
    for index, protocol in enumerate(node.items if node is not None and use.role is Role.PROXY else ()):
        if protocol.text in set(protocol_names()) - offered:
            yield Problem(
                protocol.location,
                written((*use.path, "protocols", index)),
                f"found {quoted(str(protocol.text))}, expected a protocol that {spec.name} speaks",
                f"it speaks {listed(spec.protocols, 'and')}" if spec.protocols else f"{spec.name} speaks none",
            )


def _schema(use: Use, specs: list[ComponentSpec], environment: str) -> Iterator[Problem]:
    """Report a declared schema that the component of an input port does not enforce."""
    node = use.node.keys.get("schema") if use.role is Role.INPUT_PORT else None
    if node is not None and node.value is not None and not any(spec.enforces_schema for spec in specs):
        yield Problem(
            node.key_location,
            written((*use.path, "schema")),
            f"found a schema, which {specs[0].name} does not enforce",
            "check the types in the code, since this component keeps every value as the source sends it; `schema: "
            f"null` in the overlay of {environment} leaves the schema to other environments",
        )


def _roles(specs: Iterable[ComponentSpec]) -> str:
    return listed(dict.fromkeys(_PLACES[role] for spec in specs for role in spec.roles), "and")


def _model(
    catalog: Mapping[str, ComponentSpec], spec: ComponentSpec, load: Callable[[], type[BaseModel]]
) -> type[BaseModel]:
    """A model of a component. A module of another package may fail in any way."""
    try:
        return load()
    except Exception as error:
        raise broken(catalog, spec, error) from error
