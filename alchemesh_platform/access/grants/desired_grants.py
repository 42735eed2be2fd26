"""The desired grants at the ports of a product, from its approved requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from alchemesh_platform.access.requester import Requester, resolve
from alchemesh_platform.access.requests.states import GRANTING_STATES, is_due
from alchemesh_platform.base.problems import Problem
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.compose.plan import Plan, PlannedGrant, PlannedOutput
from alchemesh_platform.registry.records import AccessRequestRecord
from alchemesh_platform.sdk.consumer import Consumer

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry


def with_grants(registry: Registry, plan: Plan, now: datetime) -> Plan:
    """The plan with the desired grants of each output port, by address of the request."""
    requests = registry.all(
        AccessRequestRecord, plan.environment, plan.product.address, where={"state": sorted(GRANTING_STATES)}
    )
    people: dict[Requester, Consumer] = {}
    grants: dict[str, list[PlannedGrant]] = {}
    granted: set[str] = set()
    for request in requests:
        if is_due(request, now):
            continue
        requester = Requester.of(request)
        if requester not in people:
            people[requester] = resolve(registry, plan.environment, requester)
        if requester.kind == "user" and not people[requester].users:
            continue  # the user left the mesh
        consumer = replace(people[requester], request=request.address, ends_at=request.ends_at)
        grants.setdefault(request.port, []).append(PlannedGrant(consumer, request.purpose))
        if request.state == "granted" and consumer.deployed:
            granted.add(request.address)
    outputs = (_with_port_grants(port, grants.get(plan.address(port.name), []), granted) for port in plan.outputs)
    return replace(plan, outputs=tuple(outputs))


def waiting_problems(plan: Plan) -> list[Problem]:
    """Approved consumers without access, each as a warning at the line of the port, with the next step."""
    return [
        Problem(port.location, "", waits_for(granted, plan), _remedy(granted, plan), severity="warning")
        for port in plan.outputs
        for granted in port.waiting
    ]


def waits_for(granted: PlannedGrant, plan: Plan) -> str:
    """The reason why an approved consumer does not have access yet, as a sentence."""
    consumer = granted.consumer
    why = "its code has no identity there" if consumer.deployed else "it is not deployed there, so it has no identity"
    return f"{consumer.address} is approved ({consumer.request}) and has no access yet in {plan.environment}: {why}"


def _remedy(granted: PlannedGrant, plan: Plan) -> str:
    consumer = granted.consumer
    if consumer.deployed:
        return f"{consumer.address} needs code that runs as an identity of its own, or asks as its team"
    up = command("up", environment=plan.environment, emulated=plan.emulated)
    return remedy("{} in the repo of {} creates its identity, and grants it access here", up, consumer.address)


def _with_port_grants(port: PlannedOutput, grants: list[PlannedGrant], granted: set[str]) -> PlannedOutput:
    waiting = tuple(_waiting(port, grants, granted))
    return replace(port, grants=tuple(each for each in grants if each not in waiting), waiting=waiting)


def _waiting(port: PlannedOutput, grants: list[PlannedGrant], granted: set[str]) -> Iterator[PlannedGrant]:
    """Products that lack an identity that the port requires. A product with a grant already had it."""
    for each in grants:
        identity = each.consumer.identity
        missing = port.required_identity - {identity.kind if identity is not None else ""}
        if each.consumer.product is not None and missing and each.consumer.request not in granted:
            yield each
