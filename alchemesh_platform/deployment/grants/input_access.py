"""Whether a product has access to the ports that it reads, and what a run does about missing access."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from alchemesh_platform.access.approval.facts import facts_of
from alchemesh_platform.access.approval.rules import ApprovedAtOnce, AutoApproval, approved_at_once
from alchemesh_platform.access.grants.consuming import counting_requesters, request_for
from alchemesh_platform.access.requester import Requester
from alchemesh_platform.access.requests.states import describe_state, is_due, next_step
from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.problems import Problem, Severity
from alchemesh_platform.base.remedy import PLACEHOLDER, command, joined, remedy
from alchemesh_platform.registry.records import AccessRequestRecord, PortRecord

if TYPE_CHECKING:
    from alchemesh_platform.compose.plan import Plan, PlannedInput
    from alchemesh_platform.registry.store import Registry

InputAccessStatus = Literal["granted", "approved", "undecided", "at_once", "missing"]
_STATUS: Mapping[str, InputAccessStatus] = {"granted": "granted", "approved": "approved", "requested": "undecided"}


class AccessMissing(Failure):
    """Raised when a product lacks access to inputs; reports each port at its line."""

    exit_code = ExitCode.FORBIDDEN

    def __init__(self, problems: Collection[Problem]) -> None:
        self.problems = tuple(problems)
        texts = joined("\n\n", (problem.as_text() for problem in self.problems))
        super().__init__(
            remedy("access is missing\n\n{}", texts),
            hint=remedy("{} shows your requests", command("access", "list", "--mine")),
        )


@dataclass(frozen=True, slots=True)
class InputAccess:
    """The access of a product to the output port that one of its input ports reads.

    Args:
        port: The input port.
        status: ``granted``; ``approved``: a run deploys the grant; ``undecided``; ``at_once``: a run may request
            access and a rule approves it; ``missing``.
        request: The request for the access; if access is missing, the last request, which has ended.
        rule: The rule that approves automatically, if any.
    """

    port: PlannedInput
    status: InputAccessStatus
    request: AccessRequestRecord | None = None
    rule: ApprovedAtOnce | None = None


def input_access(
    registry: Registry, plan: Plan, now: datetime, *, targets: Collection[str] = (), auto: AutoApproval | None = None
) -> list[InputAccess]:
    """The product's access to each port of another product that it reads. Ports that are not deployed are skipped.

    Requests of the product, of its team and of its domain count.
    """
    found = []
    for port in plan.inputs:
        if not port.from_product or (targets and port.name not in targets):
            continue
        product = port.origin.rpartition("/")[0]
        if product == plan.product.address or registry.get(PortRecord, plan.environment, port.origin) is None:
            continue
        found.append(_access_of(registry, plan, port, now, auto))
    return found


def access_problems(access: Collection[InputAccess], plan: Plan, severity: Severity) -> list[Problem]:
    """Missing access of a product, each with the line of its port and the command that requests access."""
    return [problem for each in access for problem in _problems(each, plan, severity)]


def announcements(access: Collection[InputAccess]) -> tuple[str, ...]:
    """One line for each access that `up` will request or deploy for the product."""
    lines = []
    for each in access:
        if each.status == "at_once" and each.rule is not None:
            rule = f"{each.rule.by}, {each.rule.reason}"
            lines.append(
                f"`up` requests access to {each.port.origin}, which a rule approves ({rule}), and deploys the grant"
            )
        elif each.status == "approved" and each.request is not None:
            lines.append(f"`up` deploys the approved request {each.request.address}: access to {each.port.origin}")
    return tuple(lines)


def purpose_of(port: PlannedInput, plan: Plan) -> str:
    """The purpose of the request that a run makes for an input port."""
    return port.description or f"input port {port.name} of {plan.product.address}"


def consumer_of(plan: Plan) -> Requester:
    """The product as a requester."""
    return Requester("data_product", plan.product.address)


def _access_of(
    registry: Registry, plan: Plan, port: PlannedInput, now: datetime, auto: AutoApproval | None
) -> InputAccess:
    requesters = counting_requesters(plan.product.address, plan.product.team)
    request = request_for(registry, plan.environment, port.origin, requesters, now)
    if request is not None and request.state in _STATUS and not is_due(request, now):
        return InputAccess(port, _STATUS[request.state], request)
    facts = facts_of(registry, plan.environment, port.origin, consumer_of(plan), purpose_of(port, plan))
    rule = approved_at_once(facts, auto)
    return InputAccess(port, "at_once" if rule is not None else "missing", request, rule)


def _problems(access: InputAccess, plan: Plan, severity: Severity) -> Iterator[Problem]:
    planned, origin = access.port.component, access.port.origin
    path = f"{planned.path}.from"
    if access.status == "undecided" and access.request is not None:
        message = f"{plan.product.address} may not read {origin} yet: {describe_state(access.request)}"
        yield Problem(planned.location, path, message, next_step(access.request), severity)
    elif access.status == "missing":
        environment = plan.environment if plan.environment != "local" else None
        words = ("access", "request", origin, "--as", str(consumer_of(plan)), "--purpose", PLACEHOLDER)
        request = remedy("{}", command(*words, environment=environment))
        why = describe_state(access.request) if access.request is not None else "no one requested access"
        message = f"{plan.product.address} may not read {origin}: {why}"
        yield Problem(planned.location, path, message, request, severity)
