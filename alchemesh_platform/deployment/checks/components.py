"""Compares the components of a plan with those that the product's lock records."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.problems import Problem
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.catalog.discover import FORMER_NAMES, discover
from alchemesh_platform.documents.document import written
from alchemesh_platform.manifest.lock import Lock, LockedComponent, as_json

if TYPE_CHECKING:
    from alchemesh_platform.compose.plan import Plan


@dataclass(frozen=True, slots=True)
class ComponentChange:
    """A component type whose component differs from the recorded one.

    Args:
        component_type: The component type.
        recorded: The component in the lock; None if it is not recorded.
        found: The installed component that the environment selects; None if the manifest no longer uses the type.
        ports: Names of the ports and needs that use it.
    """

    component_type: str
    recorded: LockedComponent | None
    found: LockedComponent | None
    ports: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The change as one JSON object."""
        return {
            "component_type": self.component_type,
            "recorded": as_json(self.recorded),
            "found": as_json(self.found),
            "ports": list(self.ports),
        }


def resolved_components(plan: Plan) -> dict[str, LockedComponent]:
    """The component of each component type that a plan uses."""
    catalog = discover()
    return {
        planned.component_type: LockedComponent(
            component=planned.spec.name,
            version=planned.spec.version or "0",
            package=catalog.package(planned.spec.name),
        )
        for planned in plan.components()
    }


def component_changes(lock: Lock, plan: Plan) -> list[ComponentChange]:
    """Every difference between a lock and a plan, sorted by component type."""
    recorded, found = lock.of(plan.environment), resolved_components(plan)
    ports: dict[str, dict[str, None]] = {}
    for planned in plan.components():
        ports.setdefault(planned.component_type, {})[planned.port] = None
    return [
        ComponentChange(name, recorded.get(name), found.get(name), tuple(ports.get(name, ())))
        for name in sorted({*recorded, *found})
        if not _is_same(recorded.get(name), found.get(name))
    ]


def component_problems(lock: Lock, environment: str, changes: Iterable[ComponentChange]) -> dict[str, list[Problem]]:
    """The problems of components that differ from the recorded ones, by the name of the port.

    A type that is not recorded, or that the manifest no longer uses, is no problem.
    """
    problems: dict[str, list[Problem]] = {}
    for change in changes:
        if change.recorded is None or change.found is None:
            continue
        upgrade = command("components", "upgrade", change.component_type, about_product=True)
        where = f" of package {change.found.package}" if change.found.package else ""
        problem = Problem(
            lock.locate(environment, change.component_type),
            written(("environments", environment, change.component_type)),
            f"found {change.found}{where}, expected the recorded {_recorded(change)}",
            remedy("{} shows the changed resources, and records it; or install the recorded version", upgrade),
        )
        for port in change.ports[:1]:  # one problem, at the first port that uses it
            problems.setdefault(port, []).append(problem)
    return problems


def recorded_after(
    lock: Lock, plan: Plan, *, targets: Collection[str] = (), types: Collection[str] | None = None
) -> Mapping[str, LockedComponent]:
    """The components to record for a plan.

    Args:
        targets: Names of the ports that the run is limited to; none for all.
        types: Component types to record; all by default.
    """
    found = resolved_components(plan)
    if targets or types is not None:
        chosen = {planned.component_type for planned in plan.components() if not targets or planned.port in targets}
        chosen = chosen if types is None else {*types}
        kept = {name: each for name, each in lock.of(plan.environment).items() if name not in chosen}
        return {**kept, **{name: each for name, each in found.items() if name in chosen}}
    return found


def _is_same(recorded: LockedComponent | None, found: LockedComponent | None) -> bool:
    if recorded is None or found is None:
        return recorded is found
    same_package = recorded.package == found.package or not (recorded.package and found.package)
    name = FORMER_NAMES.get(recorded.component, recorded.component)
    return (name, recorded.version) == (found.component, found.version) and same_package


def _recorded(change: ComponentChange) -> str:
    """The recorded component, with its package if only that differs."""
    recorded, found = change.recorded, change.found
    if recorded is not None and found is not None and str(recorded) == str(found):
        return f"{recorded} of package {recorded.package}"
    return str(recorded)
