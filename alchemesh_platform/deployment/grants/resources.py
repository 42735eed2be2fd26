"""The resources of a grant: its record, known by its type, and the resources that give its consumer access.

A name that looks like a request does not identify one: a port may be called ``req-deadbeef``. The record of a grant has
its own resource type, names its request, and depends on the resources that give access. If a run was stopped before it
created the record, the resource's name identifies the request. It contains the component's name and then a request that
the registry knows, as :meth:`alchemesh_platform.sdk.component.Component.grant` requires.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from alchemesh_platform.engine.urn import name_of, type_of

if TYPE_CHECKING:
    from alchemesh_platform.compose.plan import Plan, PlannedOutput
    from alchemesh_platform.registry.store import Registry

COMPONENT_PREFIX = "alchemesh:components:"
GRANT = "alchemesh:mesh:Grant"
PORT = "alchemesh:mesh:Port"


def known_requests(registry: Registry, environment: str, product: str) -> frozenset[str]:
    """Addresses of every request for access to a product, in any status."""
    from alchemesh_platform.registry.records import AccessRequestRecord

    return frozenset(request.address for request in registry.all(AccessRequestRecord, environment, product))


def deployed_grants(deployment: Mapping[str, Any], requests: Collection[str]) -> dict[str, set[str]]:
    """The grants in a stack's state.

    Args:
        deployment: The state.
        requests: Addresses of the requests that the registry knows.

    Returns:
        URNs of the deployed resources of each request.
    """
    resources = {resource["urn"]: resource for resource in deployment.get("resources") or ()}
    of_ports = {
        resource.get("parent"): set(resource.get("dependencies") or ())
        for resource in resources.values()
        if resource["type"] == PORT
    }
    found: defaultdict[str, set[str]] = defaultdict(set)
    for urn, resource in resources.items():
        if resource["type"] == GRANT:
            granting = set(resource.get("dependencies") or ()) - of_ports.get(resource.get("parent"), set())
            found[(resource.get("inputs") or {}).get("address", "")] |= {urn, *granting}
    wanted = {*requests, *found}

    def parent_of(urn: str) -> str:
        return (resources.get(urn) or {}).get("parent") or ""

    for urn in resources:
        request = request_of(urn, parent_of, wanted)
        if request is not None:
            found[request].add(urn)
    return dict(found)


def request_of(urn: str, parent_of: Callable[[str], str], requests: Collection[str]) -> str | None:
    """The request of a resource: the one of ``requests`` that follows the component's name in the resource's name.

    Args:
        parent_of: Returns the URN of a resource's parent; empty for a resource without one.
        requests: Addresses of requests.
    """
    name, component = name_of(urn), parent_of(urn)
    while component and not (type_of(component).startswith(COMPONENT_PREFIX) and _is_below(name, component)):
        component = parent_of(component)
    if not component:
        return None
    own = name.removeprefix(name_of(component))
    return next((request for request in requests if request and request in own), None)


def target_globs(plan: Plan, request: str, deployed: Collection[str]) -> list[str]:
    """The targets of a run that deploys or removes one grant.

    Args:
        deployed: URNs of the request's deployed resources. The names of new ones start with their component's name and
            contain the request.
    """
    return [*sorted(deployed), *(glob for port in plan.outputs for glob in _to_come(plan, port, request))]


def _to_come(plan: Plan, port: PlannedOutput, request: str) -> Iterator[str]:
    if request not in {granted.consumer.request for granted in port.grants}:
        return
    stack = f"urn:pulumi:{plan.environment}::{plan.project}::**::"
    yield f"{stack}{port.name}-{request}-grant"
    for part in (port.storage, port.proxy):
        if part is not None and part.spec.guards:
            yield f"{stack}{part.resource_name}-*{request}*"


def _is_below(name: str, component: str) -> bool:
    return name.startswith(f"{name_of(component)}-")
