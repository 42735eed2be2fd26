"""Objects in a cloud that another environment or product owns: a deployment neither uses nor imports them.

Each object has a mark, its labels. A deployment reads the marks of the objects that it would create or import.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.problems import Problem, in_file_order
from alchemesh_platform.deployment.objects.planned import cloud_objects, component_named, planned_objects
from alchemesh_platform.deployment.recovery.interrupted import NAME_TAKEN
from alchemesh_platform.deployment.report.outcome import Outcome, merged
from alchemesh_platform.engine.state.deployed import deployed_ids
from alchemesh_platform.sdk.system.cloud_object import ObjectOwner

if TYPE_CHECKING:
    from alchemesh_platform.compose.plan import Kept, Plan, PlannedComponent
    from alchemesh_platform.platform_file.models import Platform

LOOKS = 8  # requests at the same time


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An object that a run would create or import."""

    type: str
    id: str
    component: PlannedComponent


@dataclass(frozen=True, slots=True)
class ForeignObjects:
    """Objects that another owner has: their ids, and their problems by the name of their port."""

    ids: frozenset[str] = frozenset()
    places: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)


def foreign_objects(
    platform: Platform, plan: Plan, state: Mapping[str, Any], targets: Collection[str] = ()
) -> ForeignObjects:
    """The objects that another owner has, of those that a run would create or import.

    Args:
        platform: The environment.
        plan: The product, with its retained objects to import.
        state: The state of its stack. Its objects are the product's own.
        targets: Names of the ports that the run is limited to; none for all.

    Returns:
        The objects, and the problem of each at the line of its component. A cloud that does not answer has none: it
        also refuses to create an object that exists.
    """
    wanted = [
        each for each in _wanted(plan, state) if not targets or each.component is None or each.component.port in targets
    ]
    ids, places = set[str](), dict[str, tuple[Problem, ...]]()
    for each, owner in zip(wanted, _owners(platform, wanted), strict=True):
        if owner is not None and not is_own(owner, plan, each.component):
            ids.add(each.id)
            places[each.component.port] = (*places.get(each.component.port, ()), _problem(plan, each, owner))
    return ForeignObjects(frozenset(ids), places)


def without_foreign(plan: Plan, foreign: ForeignObjects) -> Plan:
    """The plan without the imports of objects that another owner has, and of objects inside them."""

    def is_own_import(kept: Kept) -> bool:
        return not any(f"{kept.id}/".startswith(f"{identity}/") for identity in foreign.ids)

    return replace(plan, kept=tuple(kept for kept in plan.kept if is_own_import(kept)))


def with_owners(outcome: Outcome, foreign: ForeignObjects) -> Outcome:
    """The outcome with the problems of objects that another owner has.

    They replace the problems of services that refused to create such an object, since its name is taken.
    """
    if not foreign.places:
        return outcome
    refused = {
        problem
        for port in foreign.places
        for problem in outcome.places.get(port, ())
        if NAME_TAKEN.search(problem.message)
    }
    places = {
        port: tuple(problem for problem in problems if problem not in refused)
        for port, problems in outcome.places.items()
    }
    own = [problem for problem in outcome.problems if problem not in refused]
    found = [problem for problems in foreign.places.values() for problem in problems]
    return replace(outcome, problems=tuple(in_file_order([*own, *found])), places=merged(places, foreign.places))


def is_own(owner: ObjectOwner, plan: Plan, component: PlannedComponent | None = None) -> bool:
    """Whether an owner is the product in its environment.

    Args:
        component: The component that the object is for; by default, the object may be of any port of the product.
    """
    if owner.environment != plan.environment or owner.address is None:
        return False
    if component is not None:
        return owner.address == plan.address(component.port)
    return owner.address.startswith(f"{plan.product.address}/")


def is_imported(platform: Platform, plan: Plan, kept: Kept) -> bool:
    """Whether a run may import an object that a killed run may have created: its mark names the product.

    Objects of a type without marks have the address of the product in their name.
    """
    part = cloud_objects().get(kept.type)
    if part is None:
        return True
    try:
        owner = part.owner(platform, kept.id)
    except Failure:
        return False
    return owner is None or is_own(owner, plan, component_named(plan, kept.name))


def _wanted(plan: Plan, state: Mapping[str, Any]) -> Iterator[_Wanted]:
    deployed = deployed_ids(state)
    seen = set[tuple[str, str]]()
    for planned in planned_objects(plan):
        if planned.id not in deployed.get(planned.type, ()):
            seen.add((planned.type, planned.id))
            yield _Wanted(planned.type, planned.id, planned.component)
    for kept in plan.kept:
        component = component_named(plan, kept.name)
        if component is not None and (kept.type, kept.id) not in seen and kept.type in cloud_objects():
            yield _Wanted(kept.type, kept.id, component)


def _owners(platform: Platform, wanted: Sequence[_Wanted]) -> list[ObjectOwner | None]:
    parts = cloud_objects()

    def look(each: _Wanted) -> ObjectOwner | None:
        return parts[each.type].owner(platform, each.id) if each.type in parts else None

    try:
        first = [look(each) for each in wanted[:1]]  # a cloud that does not answer is asked once
        with ThreadPoolExecutor(LOOKS) as pool:
            return [*first, *pool.map(look, wanted[1:])]
    except Failure:
        return [None for _ in wanted]


def _problem(plan: Plan, wanted: _Wanted, owner: ObjectOwner) -> Problem:
    component, part = wanted.component, cloud_objects()[wanted.type]
    words = f"{component.port}, {component.spec.name}: {part.kind} {wanted.id} exists and {owner}"
    if owner.address is not None:
        words += f", not to {plan.address(component.port)} in environment {plan.environment}"
    hint, address = part.other_name, plan.address(component.port)
    if owner.address is None and not owner.is_hidden and (claim := part.claim(address, plan.environment)):
        hint = f"if it is the product's own, {claim}; otherwise {hint}"
    return Problem(component.location, component.path, words, hint)
