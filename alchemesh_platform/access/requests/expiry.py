"""Open requests, and the expiry of requests whose end date has passed."""

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
    """Name of the lock of a port: operations on its requests run one after the other."""
    return f"access {environment} {port}"


def open_requests(
    registry: Registry, environment: str, port: str, requesters: Collection[Requester]
) -> list[AccessRequestRecord]:
    """The open requests of some requesters for a port."""
    found = registry.all(
        AccessRequestRecord,
        environment,
        where={"port": port, "requester": [each.address for each in requesters], "state": sorted(OPEN)},
    )
    return [request for request in found if Requester.of(request) in requesters]


def expire(registry: Registry, request: AccessRequestRecord, now: datetime) -> AccessRequestRecord:
    """Expire a request whose end date has passed. Call this within a transaction; the calendar is the actor."""
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
    """Expire every request, of a product or of all, whose end date has passed. Ended requests do not change."""
    found = registry.all(AccessRequestRecord, environment, product, where={"state": sorted(OPEN)})
    expired = []
    for request in found:
        if not is_due(request, now):
            continue
        with registry.transaction(turn(environment, request.port)) as registry_in_turn:
            current = registry_in_turn.get(AccessRequestRecord, environment, request.address)
            if current is not None and is_due(current, now):  # no other process has revoked or extended it meanwhile
                expired.append(expire(registry_in_turn, current, now))
    return expired
