"""Requests that are not over yet, and the end of those whose end date has come."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from alchemesh_platform.access.requester import Requester
from alchemesh_platform.access.requests.states import CALENDAR, OPEN, advance, is_due, moment
from alchemesh_platform.registry.audit import Act, record_act
from alchemesh_platform.registry.records import AccessRequestRecord

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry


def turn(environment: str, port: str) -> str:
    """The lock of a port: those who act on requests for one port take turns."""
    return f"access {environment} {port}"


def open_requests(
    registry: Registry, environment: str, port: str, requesters: Collection[Requester]
) -> list[AccessRequestRecord]:
    """Requests of some requesters for a port that are not over."""
    found = registry.all(
        AccessRequestRecord,
        environment,
        where={"port": port, "requester": [each.address for each in requesters], "state": sorted(OPEN)},
    )
    return [request for request in found if Requester.of(request) in requesters]


def expire(registry: Registry, request: AccessRequestRecord, now: datetime) -> AccessRequestRecord:
    """End a request whose end date has come; within a transaction of its port. The act is the calendar's."""
    reason = f"its end was {moment(request.ends_at or now)}"
    expired = advance(request, "expired", at=now, by=CALENDAR, reason=reason)
    registry.put(expired)
    record_act(
        registry,
        Act(
            environment=request.environment,
            product=request.product,
            operation="access expire",
            address=request.address,
            actor=CALENDAR,
            issuer="local",
            reason=reason,
            at=now,
        ),
    )
    return expired


def expire_due(registry: Registry, environment: str, product: str | None, now: datetime) -> list[AccessRequestRecord]:
    """End every request, of a product or of all, whose end date has come; what is over already stays as it is."""
    found = registry.all(AccessRequestRecord, environment, product, where={"state": sorted(OPEN)})
    expired = []
    for request in found:
        if not is_due(request, now):
            continue
        with registry.transaction(turn(environment, request.port)) as registry_in_turn:
            current = registry_in_turn.get(AccessRequestRecord, environment, request.address)
            if current is not None and is_due(current, now):  # nobody has revoked or extended it meanwhile
                expired.append(expire(registry_in_turn, current, now))
    return expired
