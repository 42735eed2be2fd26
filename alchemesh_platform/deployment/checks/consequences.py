"""The effect of a preview on other people: owners to ask, policies, commitments that are broken now, prices."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from alchemesh_platform.access.requester import Requester
from alchemesh_platform.deployment.checks.commitments import in_words
from alchemesh_platform.policies.models import Outcome as PolicyOutcome
from alchemesh_platform.registry.records import DomainRecord, ProductRecord, TeamRecord

if TYPE_CHECKING:
    from alchemesh_platform.compose.plan import Plan
    from alchemesh_platform.contracts.compatibility.step import PortStep
    from alchemesh_platform.deployment.checks.verdict import Verdict
    from alchemesh_platform.deployment.report.outcome import Outcome
    from alchemesh_platform.levels.commitment import Commitment as Broken
    from alchemesh_platform.policies.results import PolicyResult
    from alchemesh_platform.registry.store import Registry

_REPORTED = (PolicyOutcome.VIOLATED, PolicyOutcome.ERROR, PolicyOutcome.NOT_EVALUATED)


class Party(NamedTuple):
    """A consumer, or a product that is read, and the emails to ask."""

    address: str
    owners: tuple[str, ...]


class Price(NamedTuple):
    """A changed price of a port, in words."""

    port: str
    old: str
    new: str


class Commitment(NamedTuple):
    """A broken commitment of a port.

    Args:
        port: Address of the port.
        at: Time of the measurement, or of the change before the end of a notice period.
        by: The user that overrode a notice period; empty for a measured commitment.
        reason: The reason of that user, or promise and measured value in words.
        name: Name of a measured commitment, such as uptime; ``notice_period`` for an overridden one.
    """

    port: str
    at: str
    by: str
    reason: str
    name: str = "notice_period"


@dataclass(frozen=True, slots=True)
class Consequences:
    """The effect of a preview on other people.

    Args:
        owner: Email of the product's owner.
        team: Name of the product's team.
        policies: Results of the policies that are violated, or that could not be evaluated.
        owners: The owners of consumers that the changes touch.
        commitments: Commitments of the changed ports that are broken now.
        prices: The changed prices of ports.
    """

    owner: str = ""
    team: str = ""
    policies: tuple[PolicyResult, ...] = ()
    owners: tuple[Party, ...] = ()
    commitments: tuple[Commitment, ...] = ()
    prices: tuple[Price, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The effect as fields of the document of an operation."""
        return {
            "owner": self.owner,
            "team": self.team,
            "policies": [result.as_json() for result in self.policies],
            "owners": [{"address": party.address, "owners": list(party.owners)} for party in self.owners],
            "commitments": [commitment._asdict() for commitment in self.commitments],
            "prices": [price._asdict() for price in self.prices],
        }


def owners_of(registry: Registry, environment: str, addresses: Iterable[str]) -> tuple[Party, ...]:
    """The emails to ask for each consumer, such as ``data_product:marketing/campaigns``. A user owns itself."""
    return tuple(
        Party(address, tuple(_owners(registry, environment, Requester.parse(address))))
        for address in sorted(set(addresses))
    )


def _owners(registry: Registry, environment: str, requester: Requester) -> Iterable[str]:
    if requester.kind == "data_product":
        product = registry.get(ProductRecord, environment, requester.address)
        return (product.owner,) if product is not None else ()
    if requester.kind == "technical_team":
        team = registry.get(TeamRecord, environment, requester.address)
        return team.members if team is not None else ()
    if requester.kind == "data_domain":
        domain = registry.get(DomainRecord, environment, requester.address)
        return (domain.owner,) if domain is not None else ()
    return (requester.address,)


def broken_now(registry: Registry, environment: str, product: str, ports: Collection[str]) -> tuple[Commitment, ...]:
    """The commitments of ports that were broken: overrides of a notice period that took effect, the newest first."""
    from alchemesh_platform.observed.standing import broken_commitments

    found = [act for act in broken_commitments(registry, environment, product) if act.address in ports]
    return tuple(Commitment(act.address, act.at.isoformat(), act.actor, act.reason) for act in reversed(found))


def measured_now(broken: Iterable[Broken]) -> tuple[Commitment, ...]:
    """Commitments whose measured value breaks the promise now."""
    return tuple(
        Commitment(each.port, each.measured_at.isoformat() if each.measured_at else "", "", in_words(each), each.name)
        for each in broken
    )


def prices_of(steps: Iterable[PortStep]) -> tuple[Price, ...]:
    """The prices that change, of ports that stay."""
    from alchemesh_platform.contracts.compatibility.diff import cost

    found = []
    for step in steps:
        if step.before is None or step.after is None:
            continue
        contracts = [port.contract for port in (step.before, step.after)]
        was, now = (cost(contract.terms.billing if contract is not None else None) for contract in contracts)
        if was != now:
            found.append(Price(step.address, was, now))
    return tuple(found)


def consequences_of(registry: Registry, plan: Plan, verdict: Verdict, outcome: Outcome) -> Consequences:
    """The effect of a preview on other people.

    Args:
        registry: The open registry.
        plan: The plan of the product.
        verdict: The checks of the preview.
        outcome: The changes.
    """
    touched = [step for step in verdict.steps if step.diff.changes]
    consumers = {consumer for step in touched for consumer in step.consumers}
    consumers |= {
        f"{grant['requester_kind']}:{grant['requester']}"
        for grant in outcome.progress.grants().get("delete", ())
        if grant["requester"]
    }
    consumers |= {
        f"data_product:{each.port.origin.rpartition('/')[0]}"
        for each in verdict.inputs
        if each.status in ("undecided", "missing")
    }
    ports = {step.address for step in touched}
    product = plan.product
    return Consequences(
        product.owner,
        product.team,
        tuple(result for result in verdict.results if result.outcome in _REPORTED),
        owners_of(registry, plan.environment, consumers),
        (
            *measured_now(verdict.broken),
            *(broken_now(registry, plan.environment, product.address, ports) if ports else ()),
        ),
        prices_of(touched),
    )
