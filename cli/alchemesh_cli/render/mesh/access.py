"""Access requests, in plain text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from alchemesh_cli.context_options import with_context_options
from alchemesh_cli.render.text.table import table_lines, terminal_width
from alchemesh_platform.access.requests.states import TRANSITIONS, describe_state, moment, next_step
from alchemesh_platform.base.printable import one_line
from alchemesh_platform.registry.records import AccessRequestRecord, CredentialRecord, GrantRecord

if TYPE_CHECKING:
    from alchemesh_platform.deployment.report.outcome import Outcome

HEADINGS = ("request", "state", "port", "requester", "ends", "purpose")
# Operation of the engine on a grant: mark, and the word for its effect.
DONE = {"create": ("+", "granted"), "update": ("~", "changed"), "delete": ("-", "revoked")}
REACHED, POSSIBLE = "●", "○"


def request_document(
    request: AccessRequestRecord, grant: GrantRecord | None = None, held: Sequence[CredentialRecord] = ()
) -> dict[str, Any]:
    """A request as plain JSON, with the principals of its deployed grant, and the holders of its credentials."""
    document = request.model_dump(mode="json")
    document["request"] = document.pop("address")
    if grant is not None:
        document["principals"] = list(grant.principals)
    document["holders"] = [
        {
            "holder": each.holder,
            "user": each.user,
            "since": each.issued_at.isoformat(),
            "expires_at": each.expires_at.isoformat() if each.expires_at is not None else None,
        }
        for each in held
        if each.request == request.address
    ]
    return document


def request_line(request: AccessRequestRecord) -> str:
    """The state of a request, in a sentence."""
    return f"{describe_state(request)}: {request.requester} reads {request.port}, {_until(request)}"


def request_table(requests: Sequence[AccessRequestRecord], held: Sequence[CredentialRecord] = ()) -> str:
    """The requests as a table, one per line. If anybody holds a credential, a column names the holders."""
    if not held:
        return "\n".join(table_lines(HEADINGS, (_row(request) for request in requests), terminal_width()))
    rows = ((*_row(request), ", ".join(_holders(request, held))) for request in requests)
    return "\n".join(table_lines((*HEADINGS, "holders"), rows, terminal_width()))


def _holders(request: AccessRequestRecord, held: Sequence[CredentialRecord]) -> Iterator[str]:
    """``carl@acme.example since 2026-01-05``, for each credential of a request."""
    for each in held:
        if each.request == request.address:
            ends = f" until {each.expires_at:%Y-%m-%d}" if each.expires_at is not None else ""
            yield f"{each.holder} since {each.issued_at:%Y-%m-%d}{ends}"


def request_page(
    request: AccessRequestRecord, grant: GrantRecord | None, where: str, held: Sequence[CredentialRecord] = ()
) -> str:
    """All facts of a request, with its past states and the possible next ones."""
    kind = request.requester_kind.replace("_", " ")
    facts = [
        ("port", request.port),
        ("requester", f"{request.requester}, a {kind}"),
        ("purpose", request.purpose),
        ("ends", f"{moment(request.ends_at)}" if request.ends_at else "no end date"),
        ("renews", request.renews or ""),
        ("grants", ", ".join(grant.principals) if grant is not None else ""),
        ("holders", ", ".join(_holders(request, held))),
    ]
    head = [f"{request.address}  {request.state}  {where}"]
    head += [f"{name:<9}  {one_line(fact)}" for name, fact in facts if fact]
    return "\n".join([*head, "", *_states(request), "", f"next: {with_context_options(next_step(request))}"])


def applied_lines(product: str, outcome: Outcome | None) -> Iterator[str]:
    """The result of deploying the grants of a product, one line for each consumer."""
    if outcome is None:
        yield f"{product}: nothing to do, all decisions are deployed"
        return
    yield f"{product}  {outcome.environment}  {outcome.outcome}"
    for operation, grants in outcome.progress.grants().items():
        mark, word = DONE.get(operation, ("", ""))
        for grant in grants if mark else ():
            yield f"{mark} {word} access of {grant['requester']} to {grant['port']}  {grant['request']}"


def _states(request: AccessRequestRecord) -> Iterator[str]:
    width = max(len(step.state) for step in request.steps)
    people = max(len(step.by) for step in request.steps)
    for step in request.steps:
        reason = f"  {one_line(step.reason)}" if step.reason else ""
        yield f"{REACHED} {step.state:<{width}}  {moment(step.at)}  {step.by:<{people}}{reason}".rstrip()
    for (before, after), who in TRANSITIONS.items():
        if before == request.state != after:
            yield f"{POSSIBLE} {after:<{width}}  {who}"


def _row(request: AccessRequestRecord) -> tuple[str, ...]:
    ends = f"{request.ends_at:%Y-%m-%d}" if request.ends_at else ""
    return request.address, request.state, request.port, request.requester, ends, request.purpose


def _until(request: AccessRequestRecord) -> str:
    return f"until {moment(request.ends_at)}" if request.ends_at else "without an end date"
