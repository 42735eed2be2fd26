"""The inbox of each person: decisions for owners; decisions, notices, ends and broken commitments for consumers."""

from __future__ import annotations

from datetime import timedelta

from alchemesh_platform.contracts.notices.give import give_notice
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.observed.inbox import Item, inbox_of
from alchemesh_platform.registry.audit import OVERRIDE, Act, record_act
from alchemesh_platform.registry.records import AccessRequestRecord, ContractRecord, ProductRecord
from tests.access.airport import (
    AMELIA,
    BESSIE,
    FLIGHTS,
    KATHERINE,
    ORVILLE,
    PUNCTUALITY,
    RESTRICTED,
    WILBUR,
    Airport,
)
from tests.access.conftest import Clock, airport, clock, environment, fresh_url, registry, registry_url

__all__ = ["airport", "clock", "environment", "fresh_url", "registry", "registry_url"]


def inbox(airport: Airport, subject: str) -> list[Item]:
    return inbox_of(airport.registry, airport.environment, subject, airport.clock())


def granted(airport: Airport, request: AccessRequestRecord) -> AccessRequestRecord:
    """The request as a deployment leaves it."""
    approved = airport.by(AMELIA).approve(request.address, "statistics only")
    step = approved.steps[-1].model_copy(update={"state": "granted", "by": AMELIA, "at": airport.clock()})
    done = approved.model_copy(update={"state": "granted", "steps": (*approved.steps, step)})
    airport.registry.put(done)
    return done


def test_an_owner_sees_a_request_until_it_is_decided(airport: Airport) -> None:
    request = airport.ask()
    (item,) = inbox(airport, AMELIA)
    assert (item.kind, item.request, item.port) == ("decision wanted", request.address, RESTRICTED)
    assert item.sentence == (
        f"data_product:operations/punctuality requests access to {RESTRICTED}: how punctual carriers are"
    )
    assert item.remedy == f"`alchemesh access approve {request.address}` or `alchemesh access reject {request.address}`"
    assert inbox(airport, WILBUR) == []  # a member of the team cannot decide
    airport.by(AMELIA).reject(request.address, "use the aggregated port")
    assert inbox(airport, AMELIA) == []


def test_without_an_owner_the_platform_owners_see_the_request(airport: Airport) -> None:
    airport.ask()
    airport.registry.remove(ProductRecord, airport.environment, FLIGHTS)
    assert [item.kind for item in inbox(airport, KATHERINE)] == ["decision wanted"]


def test_the_people_of_a_consumer_see_a_decision_for_thirty_days(airport: Airport, clock: Clock) -> None:
    request = airport.ask()
    airport.by(AMELIA).reject(request.address, "use the aggregated port")
    (item,) = inbox(airport, BESSIE)
    assert item.kind == "decided"
    assert item.sentence == (
        f"access of operations/punctuality to {RESTRICTED} was rejected by {AMELIA}: use the aggregated port"
    )
    clock.pass_by(days=30)
    assert inbox(airport, BESSIE) == [item]
    clock.pass_by(seconds=1)
    assert inbox(airport, BESSIE) == []


def test_the_people_of_a_consumer_see_notices_with_their_date(airport: Airport, clock: Clock) -> None:
    contract = airport.registry.get(ContractRecord, airport.environment, RESTRICTED)
    assert contract is not None
    airport.registry.put(contract.model_copy(update={"document": {"terms": {"notice_period": "14d"}}}))
    granted(airport, airport.ask())
    owner = Identity(AMELIA, "local")
    give_notice(airport.registry, airport.environment, RESTRICTED, "removal", owner, clock(), message="use flights-v2")
    first = inbox(airport, BESSIE)[0]
    assert (first.kind, first.due) == ("notice", clock() + timedelta(days=14))
    assert first.sentence == (
        f"{RESTRICTED}: the removal of the port of version 1.0.0 may happen from 2026-01-19 12:00 UTC: use flights-v2"
    )
    assert not any(item.kind == "notice" for item in inbox(airport, AMELIA))


def test_an_end_of_access_comes_thirty_days_before_and_goes_with_the_renewal(airport: Airport, clock: Clock) -> None:
    ends_at = clock() + timedelta(days=40)
    asked = airport.by(BESSIE).ask(RESTRICTED, PUNCTUALITY, "how punctual carriers are", ends_at)
    request = granted(airport, asked)
    assert "end of access" not in {item.kind for item in inbox(airport, BESSIE)}
    clock.pass_by(days=10)
    (item,) = [item for item in inbox(airport, BESSIE) if item.kind == "end of access"]
    assert (item.due, item.remedy) == (ends_at, f"`alchemesh access renew {request.address}` requests it again")
    airport.by(BESSIE).renew(request.address, ends_at + timedelta(days=40), "")
    assert "end of access" not in {item.kind for item in inbox(airport, BESSIE)}


def test_a_change_before_its_notice_period_is_a_broken_commitment(airport: Airport, clock: Clock) -> None:
    granted(airport, airport.ask())
    record_act(
        airport.registry,
        Act(
            environment=airport.environment,
            product=FLIGHTS,
            operation=OVERRIDE,
            address=RESTRICTED,
            actor=AMELIA,
            issuer="local",
            reason="a legal order",
            at=airport.registry.now(),
        ),
    )
    assert "broken commitment" not in {item.kind for item in inbox(airport, BESSIE)}  # the run changed nothing yet
    run = airport.registry.start_deployment(airport.environment, FLIGHTS, "up", AMELIA)
    contract = airport.registry.get(ContractRecord, airport.environment, RESTRICTED)
    assert contract is not None
    airport.registry.put(contract.model_copy(update={"version": "2.0.0"}))
    airport.registry.finish_deployment(run.id, "succeeded")
    now = airport.registry.now()
    (item,) = [
        item
        for item in inbox_of(airport.registry, airport.environment, BESSIE, now)
        if item.kind == "broken commitment"
    ]
    assert item.sentence == f"{AMELIA} changed {RESTRICTED} before the end of its notice period: a legal order"


def test_somebody_outside_of_all_this_has_an_empty_inbox(airport: Airport) -> None:
    airport.ask()
    assert inbox(airport, ORVILLE) == []
