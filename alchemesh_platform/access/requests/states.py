"""The states of an access request, and the transitions between them. No side effects."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import get_args

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import Remedy, command, remedy
from alchemesh_platform.registry.records import AccessRequestRecord, RequestState, RequestStep

# Actor by old and new state. A transition to the same state changes the end date.
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
CALENDAR = "calendar"  # the actor that expires requests
OPEN: frozenset[RequestState] = frozenset(before for before, _ in TRANSITIONS)
GRANTING_STATES: frozenset[RequestState] = frozenset({"approved", "granted"})  # states with grants in a stack
# The verb of each state, in a sentence about a request.
BECAME: Mapping[RequestState, str] = {
    "requested": "was requested",
    "approved": "was approved",
    "granted": "was granted",
    "rejected": "was rejected",
    "revoked": "was revoked",
    "expired": "expired",
}
_NEXT_STEPS: Mapping[RequestState, str] = {
    "requested": "{approve} or {reject} decides on it",
    "approved": "{apply} grants the consumer access; {revoke} withdraws it",
    "granted": "{revoke} ends it, {extend} changes its end date",
}
_AFTER_THE_END = "it has ended: {renew} requests access again"
_DECISIONS = ("approve", "reject", "revoke", "extend", "renew")


class InvalidTransition(Failure):
    """Raised when a request cannot change to another state; names the actor, time and reason of its current state."""

    def __init__(self, request: AccessRequestRecord, to: RequestState) -> None:
        self.request = request
        super().__init__(f"{describe_state(request)}: it cannot be {to} now", hint=next_step(request))


def allowed(before: RequestState, after: RequestState) -> bool:
    """Whether a request may change from one state to the other."""
    return (before, after) in TRANSITIONS


def advance(
    request: AccessRequestRecord, to: RequestState, *, at: datetime, by: str, reason: str = ""
) -> AccessRequestRecord:
    """The request in its next state.

    Raises:
        InvalidTransition: when its current state does not allow the transition.
    """
    if not allowed(request.state, to):
        raise InvalidTransition(request, to)
    step = RequestStep(state=to, at=at, by=by, reason=reason)
    return request.model_copy(update={"state": to, "steps": (*request.steps, step)})


def is_due(request: AccessRequestRecord, now: datetime) -> bool:
    """Whether the end date of an open request has passed."""
    return request.state in OPEN and request.ends_at is not None and request.ends_at <= now


def describe_state(request: AccessRequestRecord) -> str:
    """The request's last transition: ``req-0a1b2c3d was approved by amelia@… on 2026-01-05 14:03 UTC (reason)``."""
    step = request.steps[-1]
    reason = f" ({step.reason})" if step.reason else ""
    who = "" if step.by == CALENDAR else f" by {step.by}"
    return f"{request.address} {BECAME[request.state]}{who} on {moment(step.at)}{reason}"


def next_step(request: AccessRequestRecord) -> Remedy:
    """The commands that change a request in its state."""
    decisions = {verb: command("access", verb, request.address) for verb in _DECISIONS}
    sentence = _NEXT_STEPS.get(request.state, _AFTER_THE_END)
    return remedy(sentence, apply=command("access", "apply", request.product), **decisions)


def moment(at: datetime) -> str:
    """``2026-01-05 14:03 UTC``; the time zone is named since users are in several."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def as_mermaid() -> str:
    """The states as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {FIRST}: a consumer asks"]
    lines += [f"    {before} --> {after}: {who.replace(': ', ', ')}" for (before, after), who in TRANSITIONS.items()]
    lines += [f"    {state} --> [*]" for state in STATES if state not in OPEN]
    return "\n".join(lines)
