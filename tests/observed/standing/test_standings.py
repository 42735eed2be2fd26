"""Maturity and value from the registry, for one product and for all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from alchemesh_platform.deployment.checks.consequences import broken_now
from alchemesh_platform.incidents.incident import Facts, Incident, Transition
from alchemesh_platform.incidents.store import save
from alchemesh_platform.observed.standing import Standing, standings
from alchemesh_platform.registry.audit import OVERRIDE, Act, record_act
from alchemesh_platform.registry.records import (
    ContractRecord,
    GrantRecord,
    ProductRecord,
    ScoreDeduction,
    ValueScoreRecord,
)
from alchemesh_platform.registry.store import Registry


@pytest.fixture(scope="module")
def registry(registry_url: str) -> Iterator[Registry]:
    with Registry.open(registry_url) as opened:
        yield opened


def product(environment: str, lifecycle: str, address: str = "aviation/flights", **more: str) -> ProductRecord:
    fields = {"team": "t", "owner": "o@a.example", "version": "1.0.0", "lifecycle": lifecycle, **more}
    return ProductRecord(environment=environment, address=address, **fields)


def grant(environment: str, address: str) -> GrantRecord:
    return GrantRecord(
        environment=environment,
        address=address,
        product="aviation/flights",
        port="aviation/flights/table",
        requester_kind="user",
        requester="bo@a.example",
    )


def whys(standing: Standing) -> list[str]:
    assert standing.maturity is not None
    return [reason.why for reason in standing.maturity.reasons]


def test_history_is_read_from_records(registry: Registry, environment: str) -> None:
    registry.put(product(environment, "stable"))
    registry.put(product(environment, "development", description='he said "lifecycle":"stable"'))
    registry.put(product(environment, "stable"))
    registry.put(product(environment, "stable", version="1.1.0"))
    registry.put(grant(environment, "req-1"))
    registry.remove(GrantRecord, environment, "req-1")
    registry.put(grant(environment, "req-1"))
    registry.put(grant(environment, "req-2"))
    later = datetime.now(UTC) + timedelta(days=10, minutes=5)

    (standing,) = standings(registry, environment, later).values()
    assert whys(standing) == [
        "stable for 10 days",
        "3 consumers, 2 now, 20 days in total",
        "every commitment kept for 10 days",
    ]
    assert standing.value is None
    assert standing.words.startswith("value unknown, maturity ")


def test_a_product_that_left_its_stable_state_is_not_stable(registry: Registry, environment: str) -> None:
    registry.put(product(environment, "stable"))
    registry.put(product(environment, "decommissioned"))
    assert whys(standings(registry, environment, datetime.now(UTC))["aviation/flights"])[0] == "not stable"
    registry.put(product(environment, "stable"))
    registry.remove(ProductRecord, environment, "aviation/flights")
    assert whys(standings(registry, environment, datetime.now(UTC))["aviation/flights"])[0] == "not stable"


def contract(environment: str, version: str) -> ContractRecord:
    return ContractRecord(
        environment=environment,
        address="aviation/flights/table",
        product="aviation/flights",
        version=version,
        lifecycle="active",
        access="restricted",
        document={},
    )


def overridden(registry: Registry, environment: str) -> None:
    act = Act(
        environment=environment,
        product="aviation/flights",
        operation=OVERRIDE,
        address="aviation/flights/table",
        actor="k@a.example",
        issuer="local",
        reason="a leak",
    )
    record_act(registry, act)


def commitments(registry: Registry, environment: str) -> str:
    return whys(standings(registry, environment, datetime.now(UTC))["aviation/flights"])[2]


def test_an_override_that_took_effect_is_a_broken_commitment(registry: Registry, environment: str) -> None:
    registry.put(product(environment, "stable"))
    registry.put(contract(environment, "1.0.0"))
    overridden(registry, environment)
    run = registry.start_deployment(environment, "aviation/flights", "up", "k@a.example")
    registry.put(contract(environment, "2.0.0"))
    registry.finish_deployment(run.id, "succeeded")
    assert commitments(registry, environment) == "1 commitment not kept within a year"
    ports = [each.port for each in broken_now(registry, environment, "aviation/flights", {"aviation/flights/table"})]
    assert ports == ["aviation/flights/table"], "a preview of a change to that contract shows it"
    assert broken_now(registry, environment, "aviation/flights", {"aviation/flights/other"}) == ()


def test_a_failed_or_refused_override_is_no_broken_commitment(registry: Registry, environment: str) -> None:
    """The record of an override counted, although nothing had changed for any consumer."""
    registry.put(product(environment, "stable"))
    registry.put(contract(environment, "1.0.0"))
    overridden(registry, environment)
    kept = "every commitment kept for 0 days"
    assert commitments(registry, environment) == kept
    failed = registry.start_deployment(environment, "aviation/flights", "up", "k@a.example")
    registry.finish_deployment(failed.id, "failed")
    assert commitments(registry, environment) == kept
    ordinary = registry.start_deployment(environment, "aviation/flights", "up", "k@a.example")
    registry.put(contract(environment, "1.1.0"))
    registry.finish_deployment(ordinary.id, "succeeded")
    assert commitments(registry, environment) == kept


def test_one_product_is_read_as_all_are(registry: Registry, environment: str) -> None:
    for name in ("flights", "noise"):
        registry.put(product(environment, "stable", f"aviation/{name}"))
    registry.put(
        ValueScoreRecord(
            environment=environment,
            address="aviation/flights",
            product="aviation/flights",
            value=70,
            deductions=(ScoreDeduction(policy="p", points=30, message="m"),),
            policies="0",
        )
    )
    now = datetime.now(UTC)
    every = standings(registry, environment, now)
    assert set(every) == {"aviation/flights", "aviation/noise"}
    assert standings(registry, environment, now, "aviation/flights") == {"aviation/flights": every["aviation/flights"]}
    assert every["aviation/flights"].words.startswith("value 70, maturity ")
    assert standings(registry, environment, now, "aviation/none") == {}


def test_incidents_are_read_and_withdrawn_ones_are_not(registry: Registry, environment: str) -> None:
    now = datetime.now(UTC)

    def incident(name: str, ended_days_ago: int | None, *, withdrawn: bool = False) -> Incident:
        opened = now - timedelta(days=400)
        ended = None if ended_days_ago is None else now - timedelta(days=ended_days_ago)
        changes = [Transition(kind="opened", at=opened)]
        if ended is not None and not withdrawn:
            changes.append(Transition(kind="closed", at=ended))
        return Incident(
            id=name,
            environment=environment,
            product="aviation/flights",
            commitment=f"aviation/flights/table#{name}",
            facts=Facts(port="aviation/flights/table", name="uptime", reason='"withdrawn_at":"x"'),
            began_at=opened,
            changes=tuple(changes),
            withdrawn_at=ended if withdrawn else None,
        )

    registry.put(product(environment, "stable"))
    recorded = [incident("open", None), incident("ended", 3), incident("old", 366), incident("w", 2, withdrawn=True)]
    with registry.writing() as connection:
        for each in recorded:
            save(connection, each)

    for found in (standings(registry, environment, now), standings(registry, environment, now, "aviation/flights")):
        assert whys(found["aviation/flights"])[2] == "1 commitment broken now, 1 incident within a year"
    assert standings(registry, environment, now, "aviation/other") == {}
