"""Who is to be let in at the ports of a product, from the requests that were approved: part of what is desired."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from alchemesh_platform.access.requester import Requester, resolve
from alchemesh_platform.access.states import LETS_IN, is_due
from alchemesh_platform.catalog.consumer import Consumer
from alchemesh_platform.compose.plan import Plan, PlannedGrant
from alchemesh_platform.registry.records import AccessRequestRecord

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry


def with_grants(registry: Registry, plan: Plan, now: datetime) -> Plan:
    """The plan, with everybody who is to be let in at each output port at this moment, by address of the request."""
    requests = registry.all(
        AccessRequestRecord, plan.environment, plan.product.address, where={"state": sorted(LETS_IN)}
    )
    people: dict[Requester, Consumer] = {}
    grants: dict[str, list[PlannedGrant]] = {}
    for request in requests:
        if is_due(request, now):
            continue
        requester = Requester.of(request)
        if requester not in people:
            people[requester] = resolve(registry, plan.environment, requester)
        consumer = replace(people[requester], request=request.address, ends_at=request.ends_at)
        grants.setdefault(request.port, []).append(PlannedGrant(consumer, request.purpose))
    outputs = (replace(port, grants=tuple(grants.get(plan.address(port.name), ()))) for port in plan.outputs)
    return replace(plan, outputs=tuple(outputs))
