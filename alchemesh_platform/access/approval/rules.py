"""The rules that approve a request automatically; all other requests wait for the owner. No side effects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from alchemesh_platform.registry.records import RequesterKind

Access = Literal["restricted", "internal", "public"]

WITHOUT_CONTRACT: Access = "restricted"  # without a contract, the owner decides about each request


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """The facts for a rule.

    Args:
        environment: Environment of the port.
        port: Address of the output port.
        product: Address of its product.
        access: Access type of the port's contract; restricted if the port has no contract.
        requester_kind: Kind of the requester.
        requester: Address of the requester.
        requester_domains: Data domains of the requester.
        purpose: Purpose of the request.
        ends_at: The end of access; None for no end.
        classifications: Classifications of the properties that the port exposes.
    """

    environment: str
    port: str
    product: str
    access: Access
    requester_kind: RequesterKind
    requester: str
    requester_domains: frozenset[str]
    purpose: str
    ends_at: datetime | None = None
    classifications: frozenset[str] = frozenset()

    @property
    def domain(self) -> str:
        """Data domain of the port."""
        return self.port.partition("/")[0]


class AutoApproval(Protocol):
    """The mesh's rules that approve a request automatically."""

    def __call__(self, facts: RequestFacts) -> str | None:
        """Name of the policy that approves the request; None if no policy does."""
        ...


@dataclass(frozen=True, slots=True)
class ApprovedAtOnce:
    """A request that needs no review, with the rule that approved it and the reason."""

    by: str
    reason: str


def approved_at_once(facts: RequestFacts, auto: AutoApproval | None = None) -> ApprovedAtOnce | None:
    """The rule that approves a request automatically: the access type of the contract, or else a policy.

    Public ports are open to all requesters, internal ports to their own domain. The owner reviews all other requests.
    """
    if facts.access == "public":
        return ApprovedAtOnce("contract", "public: every request is approved at once")
    if facts.access == "internal" and facts.domain in facts.requester_domains:
        return ApprovedAtOnce("contract", f"internal: the requester is of {facts.domain} too")
    policy = auto(facts) if auto is not None else None
    return ApprovedAtOnce(f"policy {policy}", "approved at once by a policy of the mesh") if policy else None
