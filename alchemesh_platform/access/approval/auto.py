"""The mesh's policies that approve requests automatically."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alchemesh_platform.policies.evaluate import evaluate_request
from alchemesh_platform.policies.given import GivenRequest
from alchemesh_platform.policies.models import Effect, Outcome, Policy
from alchemesh_platform.registry.records import PolicyRecord
from alchemesh_platform.registry.store import utc_now

if TYPE_CHECKING:
    from alchemesh_platform.access.approval.rules import RequestFacts
    from alchemesh_platform.registry.store import Registry


@dataclass(frozen=True, slots=True)
class PolicyApproval:
    """Evaluates the approving policies of the mesh in alphabetical order; the first match approves.

    Args:
        policies: The approving policies.
        report: Receives a line for each policy that failed; a failed policy approves nothing.
        clock: Returns the current time.
    """

    policies: tuple[Policy, ...]
    report: Callable[[str], None]
    clock: Callable[[], datetime] = utc_now

    def __call__(self, facts: RequestFacts) -> str | None:
        """Name of the policy that approves the request; None if no policy does."""
        request = GivenRequest(
            requester_kind=facts.requester_kind,
            requester=facts.requester,
            requester_domains=tuple(sorted(facts.requester_domains)),
            purpose=facts.purpose,
            days=None if facts.ends_at is None else (facts.ends_at - self.clock()) / timedelta(days=1),
            port=facts.port,
            access=facts.access,
            classifications=tuple(sorted(facts.classifications)),
        )
        for policy in self.policies:
            result = evaluate_request(policy, request, facts.environment)
            if result.outcome is Outcome.PASSED:
                return policy.name
            if result.outcome is Outcome.ERROR:
                self.report(f"policy {policy.name} failed and approves nothing: {result.message} ({result.hint})")
        return None


def auto_approval(registry: Registry, environment: str, report: Callable[[str], None]) -> PolicyApproval:
    """The approving policies of a mesh, ready to evaluate."""
    records = registry.all(PolicyRecord, environment, where={"effect": Effect.APPROVE.value})
    return PolicyApproval(tuple(Policy.model_validate(record.document) for record in records), report)
