"""Record that the engine granted or removed access. The provider calls this module.

One transaction changes the grant's record and its request. Repeating it changes nothing: an engine that was killed in
between repeats it.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from alchemesh_platform.access.requests.expiry import expire, turn
from alchemesh_platform.access.requests.states import GRANTING_STATES, advance, describe_state, is_due, next_step
from alchemesh_platform.base.failure import Failure
from alchemesh_platform.registry.audit import Act, record_act
from alchemesh_platform.registry.records import AccessRequestRecord, GrantRecord

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

GRANTED = "the infrastructure grants access"
WITHDRAWN = "the port grants no access for now; the approval stays"
_BY_HAND = "somebody at work"  # plain Pulumi passes no identity to record


class NotGranted(Failure):
    """Raised when the request of a consumer no longer allows the access that is being granted."""


def record_granted(registry: Registry, grant: GrantRecord, now: datetime, *, actor: str | None = None) -> None:
    """Record that a consumer has access: the approved request becomes granted.

    Args:
        registry: The registry.
        grant: The grant.
        now: The time, with its time zone.
        actor: The identity that deploys; None under plain Pulumi, which passes none.

    Raises:
        NotGranted: when the request was revoked or has ended since the plan was made.
    """
    with registry.transaction(turn(grant.environment, grant.port)) as current:
        request = current.get(AccessRequestRecord, grant.environment, grant.address)
        if request is None:
            raise NotGranted(f"there is no access request {grant.address}: nothing is granted")
        if request.state not in GRANTING_STATES or is_due(request, now):
            raise NotGranted(f"{describe_state(request)}: nothing is granted", hint=next_step(request))
        current.put(grant)
        if request.state == "approved":
            _move(current, advance(request, "granted", at=now, by=actor or _BY_HAND, reason=GRANTED), "grant")


def record_withdrawn(
    registry: Registry, environment: str, port: str, address: str, now: datetime, *, actor: str | None = None
) -> None:
    """Record that a consumer no longer has access. A request that has not ended may be granted again."""
    with registry.transaction(turn(environment, port)) as current:
        current.remove(GrantRecord, environment, address)
        request = current.get(AccessRequestRecord, environment, address)
        if request is None or request.state != "granted":
            return
        if is_due(request, now):
            expire(current, request, now)
        else:
            step = advance(request, "approved", at=now, by=actor or _BY_HAND, reason=WITHDRAWN)
            _move(current, step, "take out")


def _move(registry: Registry, request: AccessRequestRecord, what: str) -> None:
    registry.put(request)
    step = request.steps[-1]
    record_act(
        registry,
        Act(
            environment=request.environment,
            product=request.product,
            operation=f"access {what}",
            address=request.address,
            actor=step.by,
            issuer="deployment",
            reason=step.reason,
            detail={"port": request.port, "state": request.state},
            at=step.at,
        ),
    )
