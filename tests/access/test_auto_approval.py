"""Requests that a policy of the mesh approves instead of the owner."""

from __future__ import annotations

from datetime import timedelta

from alchemesh_platform.access.approval.auto import PolicyApproval, auto_approval
from alchemesh_platform.access.approval.facts import facts_of
from alchemesh_platform.policies.models import Policy
from alchemesh_platform.registry.records import AssetRecord, PolicyRecord
from tests.access.airport import BESSIE, DESK, PUBLIC, RESTRICTED, Airport
from tests.access.conftest import Clock


def rule(require: str, name: str = "desk-reads", effect: str = "approve", scope: str = "request") -> Policy:
    return Policy.model_validate(
        {
            "kind": "Policy",
            "name": name,
            "owner": "mesh-governance",
            "description": "The desk reads.",
            "applies_to": scope,
            "require": require,
            "effect": effect,
            "message": "the desk reads",
            "hint": "ask the owner",
        }
    )


def record(airport: Airport, policy: Policy) -> None:
    airport.registry.put(
        PolicyRecord(
            environment=airport.environment,
            address=policy.name,
            owner=policy.owner,
            effect=policy.effect.value,
            document=policy.model_dump(mode="json", exclude={"cases"}, exclude_none=True),
        )
    )


def recorded(airport: Airport, clock: Clock, reported: list[str]) -> PolicyApproval:
    found = auto_approval(airport.registry, airport.environment, reported.append)
    return PolicyApproval(found.policies, found.report, clock)


def test_a_policy_approves_by_requester_purpose_and_days(airport: Airport, clock: Clock) -> None:
    record(
        airport,
        rule("request.requester == 'operations/desk' && request.purpose.startsWith('Incident') && request.days <= 7.0"),
    )
    record(airport, rule("true", "another", "warn", "product"))
    reported: list[str] = []
    requests = airport.by(BESSIE, recorded(airport, clock, reported))

    approved = requests.ask(RESTRICTED, DESK, "Incident 204", clock.now + timedelta(days=3))
    assert (approved.state, approved.steps[-1].by) == ("approved", "policy desk-reads")
    assert requests.ask(PUBLIC, DESK, "anything").steps[-1].by == "contract"
    assert reported == []


def test_a_request_without_an_approving_policy_waits_for_the_owner(airport: Airport, clock: Clock) -> None:
    record(airport, rule("request.classifications.all(each, each == 'internal')"))
    reported: list[str] = []
    asked = airport.by(BESSIE, recorded(airport, clock, reported)).ask(RESTRICTED, DESK, "Incident 204")
    assert (asked.state, reported) == ("requested", [])


def test_a_failing_policy_approves_nothing_and_is_reported(airport: Airport, clock: Clock) -> None:
    record(airport, rule("request.classifications[9] == 'x'", "a-broken-one"))
    record(airport, rule("request.days < 3", "of-an-end"))
    reported: list[str] = []
    asked = airport.by(BESSIE, recorded(airport, clock, reported)).ask(RESTRICTED, DESK, "Incident 204")
    assert asked.state == "requested"
    assert len(reported) == 1
    assert reported[0].startswith("policy a-broken-one failed and approves nothing: require: ")


def test_a_classification_inside_an_object_counts(airport: Airport, clock: Clock) -> None:
    inside = {"crew": {"type": "array", "items": {"properties": {"passport": {"classification": "secret"}}}}}
    flight = airport.registry.get(AssetRecord, airport.environment, f"{RESTRICTED}/flight")
    assert flight is not None
    airport.registry.put(flight.model_copy(update={"definition": {"properties": inside}}))
    facts = facts_of(airport.registry, airport.environment, RESTRICTED, DESK, "Incident 204")
    assert facts.classifications == {"secret"}
