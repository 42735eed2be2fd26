"""Policies of the mesh that approve requests in the owner's place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alchemesh_platform.access.requests.acts import utc_now
from alchemesh_platform.policies.evaluate import evaluate_request
from alchemesh_platform.policies.models import Effect, GivenRequest, Outcome, Policy
from alchemesh_platform.registry.records import PolicyRecord

if TYPE_CHECKING:
    from alchemesh_platform.access.approval.rules import RequestFacts
    from alchemesh_platform.registry.store import Registry


@dataclass(frozen=True, slots=True)
class PolicyApproval:
    """Asks the mesh's policies that approve, by name; the first one that does has the word.

    Args:
        policies: Those that approve.
        report: Receives a line for each that failed: it approves nothing, and that is never silent.
        clock: Tells the moment it is.
    """

    policies: tuple[Policy, ...]
    report: Callable[[str], None]
    clock: Callable[[], datetime] = utc_now

    def __call__(self, facts: RequestFacts) -> str | None:
        """Name of the policy that approves the request; None when none does."""
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
    """The policies of a mesh that approve, ready to be asked."""
    records = registry.all(PolicyRecord, environment, where={"effect": Effect.APPROVE.value})
    return PolicyApproval(tuple(Policy.model_validate(record.document) for record in records), report)
