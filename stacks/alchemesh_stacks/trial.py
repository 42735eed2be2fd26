"""A trial of a product's program before the engine runs it: twice, without the engine.

Two runs of the same plan must declare the same resources. A name that differs would replace the resource in each
deployment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from alchemesh_platform.base.packages.conduct import muted
from alchemesh_platform.compose.plan import Plan, PlannedComponent
from alchemesh_platform.engine.run.events import ResourcePre
from alchemesh_platform.engine.urn import name_of
from alchemesh_platform.sdk.fault import fault
from alchemesh_stacks.declared import registered

_COMPONENT = "alchemesh:components:"
_DYNAMIC = "pulumi-python:dynamic"
_ATTACHED = {"alchemesh", "pulumi"}  # packages whose resources need no plugin


def try_program(plan: Plan) -> None:
    """Run the program of a product twice without the engine, and check what it declares.

    Raises:
        ComponentFault: when a component's code fails, declares other resources in each run, or needs a provider that
            its spec does not name.
    """
    first = registered(plan)
    with muted():
        second = registered(plan)
    components = {planned.resource_name: planned for planned in plan.components()}
    parents = {found.urn: found for found in (*first, *second)}
    for found in first:
        component = _component_of(found, parents, components)
        if component is not None:
            _check_provider(plan, component, found)
    _check_names(plan, first, second, parents, components)


def _check_provider(plan: Plan, component: PlannedComponent, found: ResourcePre) -> None:
    """Report a resource whose provider a run would not have."""
    if found.type.startswith(_DYNAMIC):
        raise fault(
            component.spec,
            plan.address(component.port),
            f"resource {found.name!r} is of a dynamic provider of Pulumi, which a run of the platform does not start",
            hint="its author can register a handler for the resource (docs/architecture/where-things-go.md), or use a "
            "provider package and name it in `plugins` of the spec",
        )
    package = found.type.partition(":")[0]
    if package == "pulumi" and found.type.startswith("pulumi:providers:"):
        package = found.type.rpartition(":")[2]
    if package not in {*_ATTACHED, *component.spec.plugins}:
        raise fault(
            component.spec,
            plan.address(component.port),
            f"resource {found.name!r} is of Pulumi package {package!r}, which its spec does not name",
            hint=f'its author adds plugins=("{package}",) to the spec, so that a run installs the plugin first',
        )


def _check_names(
    plan: Plan,
    first: Iterable[ResourcePre],
    second: Iterable[ResourcePre],
    parents: Mapping[str, ResourcePre],
    components: Mapping[str, PlannedComponent],
) -> None:
    """Report resources that only one of two runs declares."""
    before, after = {found.urn for found in first}, {found.urn for found in second}
    for urn in sorted(before - after) + sorted(after - before):
        component = _component_of(parents[urn], parents, components)
        if component is None:
            continue
        other = next((name_of(each) for each in sorted(after - before) if each != urn), "")
        than = f", and {other!r} in the next" if other else ""
        raise fault(
            component.spec,
            plan.address(component.port),
            f"it declares resource {name_of(urn)!r} in one run of the program{than}: every deployment would replace it",
            hint="names must follow from the component's name, arguments and wiring; report it to its author",
        )


def _component_of(
    found: ResourcePre, parents: Mapping[str, ResourcePre], components: Mapping[str, PlannedComponent]
) -> PlannedComponent | None:
    """The planned component that a resource belongs to; None for the records of the product."""
    at: ResourcePre | None = found
    while at is not None:
        if at.type.startswith(_COMPONENT):
            return components.get(at.name)
        at = parents.get(at.parent or "")
    return None
