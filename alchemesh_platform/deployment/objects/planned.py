"""The objects in a cloud that a plan declares for data, with the ids that they will have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.packages.reference import load_reference
from alchemesh_platform.compose.wiring import planned_wiring
from alchemesh_platform.registration.systems import BrokenSystem, Parts, function_part, installed_systems, part_of
from alchemesh_platform.sdk.fault import call
from alchemesh_platform.sdk.system.cloud_object import CloudObject, HeldObject

if TYPE_CHECKING:
    from alchemesh_platform.compose.plan import Plan, PlannedComponent


@dataclass(frozen=True, slots=True)
class PlannedObject:
    """An object that a component of a plan declares.

    Args:
        component: The component.
        type: Pulumi type of its resource.
        name: Name of its resource.
        id: Its id.
        inputs: The inputs of the resource whose change replaces the object.
    """

    component: PlannedComponent
    type: str
    name: str
    id: str
    inputs: Mapping[str, Any]


@cache
def cloud_objects() -> Mapping[str, CloudObject]:
    """The types of objects that installed systems know, by the Pulumi type of their resource."""
    offers = installed_systems().offers("cloud object", lambda system: system.objects)
    return Parts(offers, part_of(CloudObject)).loaded()[0]


def planned_objects(plan: Plan) -> Iterator[PlannedObject]:
    """Every object of a plan whose id follows from the manifest and the platform file."""
    identities = Parts(installed_systems().offers("import id", lambda system: system.import_ids), function_part)
    for component in plan.components():
        for held in _held_by(plan, component):
            inputs = {**held.inputs, **_transformed(plan, component, held)}
            package = held.type.partition(":")[0]
            with suppress(BrokenSystem, KeyError):
                identity = identities[package](held.type, inputs)
                if isinstance(identity, str):
                    name = f"{component.resource_name}-{held.name}"
                    yield PlannedObject(component, held.type, name, identity, inputs)


def component_named(plan: Plan, name: str) -> PlannedComponent | None:
    """The component of a resource, whose name starts with that of the component."""
    found = [each for each in plan.components() if name.startswith(f"{each.resource_name}-")]
    return max(found, key=lambda each: len(each.resource_name), default=None)


def _held_by(plan: Plan, component: PlannedComponent) -> Iterator[HeldObject]:
    reference = component.spec.holds
    if reference is not None:
        wiring = planned_wiring(plan, component)

        def held() -> list[HeldObject]:
            function: Any = load_reference(reference)
            return list(function(component.args, component.settings, wiring))

        yield from call(component.spec, wiring.address, "its list of held objects", held)


def _transformed(plan: Plan, component: PlannedComponent, held: HeldObject) -> dict[str, Any]:
    """The inputs that transforms of the platform file set otherwise."""
    changed: dict[str, Any] = {}
    for rule in plan.transforms:
        if rule.component == component.spec.name and rule.resource == held.type:
            changed |= {name: value for name, value in rule.set.items() if name in held.inputs}
    return changed
