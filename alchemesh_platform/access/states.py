"""The states of an access request, and the only ways from one to the next. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import get_args

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.registry.records import AccessRequestRecord, RequestState, RequestStep

# From, to: who takes a request that way. A step that stays in its state moves the end date.
TRANSITIONS: Mapping[tuple[RequestState, RequestState], str] = {
    ("requested", "approved"): "the owner, or a rule that approves at once",
    ("requested", "rejected"): "the owner",
    ("requested", "revoked"): "the requester withdraws it",
    ("requested", "expired"): "its end date",
    ("approved", "granted"): "up, apply: a deployment creates the grant",
    ("approved", "approved"): "the owner moves the end date",
    ("approved", "revoked"): "the owner or the requester",
    ("approved", "expired"): "its end date",
    ("granted", "granted"): "the owner moves the end date",
    ("granted", "approved"): "destroy: the grant is removed, the approval stays",
    ("granted", "revoked"): "the owner or the requester",
    ("granted", "expired"): "its end date",
}
STATES: tuple[RequestState, ...] = get_args(RequestState)
FIRST: RequestState = "requested"
CALENDAR = "calendar"  # who ends what an end date ends
OPEN: frozenset[RequestState] = frozenset(before for before, _ in TRANSITIONS)
GRANTING_STATES: frozenset[RequestState] = frozenset({"approved", "granted"})  # what a port's stack has grants for
# How a state is come into, as a sentence about a request says it.
BECAME: Mapping[RequestState, str] = {
    "requested": "was requested",
    "approved": "was approved",
    "granted": "was granted",
    "rejected": "was rejected",
    "revoked": "was revoked",
    "expired": "expired",
}
_WAYS_OUT: Mapping[RequestState, str] = {
    "requested": "`alchemesh access approve {0}` or `alchemesh access reject {0}` decides on it",
    "approved": "`alchemesh access apply {1}` lets the consumer in; `alchemesh access revoke {0}` takes it back",
    "granted": "`alchemesh access revoke {0}` takes it back, `alchemesh access extend {0}` moves its end",
}
_ENDED_WAY_OUT = "it is over: `alchemesh access renew {0}` asks again"


class InvalidTransition(Failure):
    """Raised when a request cannot go from its state to another; says who brought it there, when and why."""

    def __init__(self, request: AccessRequestRecord, to: RequestState) -> None:
        self.request = request
        super().__init__(f"{reported(request)}: it cannot be {to} now", hint=remedy(request))


def allowed(before: RequestState, after: RequestState) -> bool:
    """Whether a request may go that way."""
    return (before, after) in TRANSITIONS


def advance(
    request: AccessRequestRecord, to: RequestState, *, at: datetime, by: str, reason: str = ""
) -> AccessRequestRecord:
    """The request in its next state.

    Raises:
        InvalidTransition: when there is no way from the state that it is in.
    """
    if not allowed(request.state, to):
        raise InvalidTransition(request, to)
    step = RequestStep(state=to, at=at, by=by, reason=reason)
    return request.model_copy(update={"state": to, "steps": (*request.steps, step)})


def is_due(request: AccessRequestRecord, now: datetime) -> bool:
    """Whether the end date of an open request has come."""
    return request.state in OPEN and request.ends_at is not None and request.ends_at <= now


def reported(request: AccessRequestRecord) -> str:
    """``req-0a1b2c3d was approved by amelia@… on 2026-01-05 14:03 UTC (they asked nicely)``."""
    step = request.steps[-1]
    reason = f" ({step.reason})" if step.reason else ""
    who = "" if step.by == CALENDAR else f" by {step.by}"
    return f"{request.address} {BECAME[request.state]}{who} on {moment(step.at)}{reason}"


def remedy(request: AccessRequestRecord) -> str:
    """What can be done with a request in its state."""
    return _WAYS_OUT.get(request.state, _ENDED_WAY_OUT).format(request.address, request.product)


def moment(at: datetime) -> str:
    """``2026-01-05 14:03 UTC``; requests are decided on from many places."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def as_mermaid() -> str:
    """The states as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {FIRST}: a consumer asks"]
    lines += [f"    {before} --> {after}: {who.replace(': ', ', ')}" for (before, after), who in TRANSITIONS.items()]
    lines += [f"    {state} --> [*]" for state in STATES if state not in OPEN]
    return "\n".join(lines)
