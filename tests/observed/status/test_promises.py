"""Promise and truth in a status: each commitment with its recent history, for the product and for its consumers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alchemesh_cli.render.promises import spark
from alchemesh_platform.incidents.incident import Facts, Incident, Transition
from alchemesh_platform.incidents.store import save
from alchemesh_platform.observed.product import product_status
from alchemesh_platform.observed.promises import SLOTS, commitment_statuses
from alchemesh_platform.registry.records import AccessRequestRecord, PortRecord, ProductRecord, RequestStep
from alchemesh_platform.registry.store import Registry
from tests.levels.promised import ASSET, ENVIRONMENT, PORT, PRODUCT, add, measured, promise
from tests.observed.status.commitments import trend

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONSUMER = "insight/punctuality"
LEVELS = {"freshness": "5m", "update_frequency": "1d", "uptime": "99.5%", "response_time": "300ms"}
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
PROBES = ("uptime:rest", "uptime:sql")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with Registry.open(f"sqlite:///{tmp_path / 'registry.db'}") as opened:
        yield opened


def observe(registry: Registry, now: datetime) -> None:
    """Probes of two protocols each hour of a day, of which SQL fails once; and a change of data each ten days."""
    hours = [now - timedelta(hours=each) for each in range(24)]
    probes = [
        measured(name, at, PORT, good=int(not (at == hours[0] and name == "uptime:sql")), total=1)
        for at in hours
        for name in PROBES
    ]
    changes = [measured("change_age", now - 10 * each * DAY, ASSET, value=3600.0) for each in range(3)]
    add(registry, *probes, *changes, now=now)


def test_each_commitment_has_the_history_of_its_measure(registry: Registry) -> None:
    promise(registry, service_levels=LEVELS)
    observe(registry, NOW)
    series = {(PORT, name) for name in PROBES} | {(ASSET, "change_age")}

    found = {each.name: each for each in commitment_statuses(registry, ENVIRONMENT, [PORT], series, NOW)[PORT]}

    uptime, updates = found["uptime"].trend, found["update_frequency"].trend
    assert uptime is not None
    assert (uptime.until - uptime.since, len(uptime.values)) == (DAY, SLOTS), "it was measured often"
    assert uptime.values[0] == 1.0
    assert uptime.values[-1] == 0.5, "of two protocols, the worse one"
    assert updates is not None
    assert (updates.until - updates.since, updates.values[-1]) == (30 * DAY, 3600.0)
    assert updates.outcomes == tuple("value" if each in (5, 10, 14) else "gap" for each in range(SLOTS))
    assert found["freshness"].trend is found["response_time"].trend is None, "nobody measured them"


def test_a_young_series_has_a_shorter_range(registry: Registry) -> None:
    promise(registry, service_levels=LEVELS)
    lags = [measured("lag", NOW - 10 * each * MINUTE, ASSET, value=9.0) for each in range(3)]
    ages = [measured("change_age", NOW - each * timedelta(hours=5), ASSET, value=9.0) for each in range(3)]
    add(registry, *lags, *ages, now=NOW)
    series = {(ASSET, "lag"), (ASSET, "change_age")}

    found = {each.name: each.trend for each in commitment_statuses(registry, ENVIRONMENT, [PORT], series, NOW)[PORT]}

    hour, day = found["freshness"], found["update_frequency"]
    assert hour is not None
    assert day is not None
    assert (hour.until - hour.since, hour.values.count(9.0)) == (timedelta(hours=1), 3)
    assert (day.until - day.since, day.values.count(9.0)) == (DAY, 3)


def test_a_product_shows_its_commitments(registry: Registry) -> None:
    promise(registry, service_levels=LEVELS)
    add(registry, measured("lag", datetime.now(UTC), ASSET, value=400.0))

    (port,) = product_status(registry, ENVIRONMENT, PRODUCT, {}).outputs

    assert [(each.name, each.promise, each.verdict) for each in port.commitments if each.number is not None] == [
        ("freshness", "5m", "broken")
    ]
    assert {each.name for each in port.commitments} == set(LEVELS)


def consume(registry: Registry, state: str | None) -> None:
    """A product that reads the port; with a request for access in this state."""
    shared = {"environment": ENVIRONMENT, "address": CONSUMER}
    product = ProductRecord(
        **shared, team="insight", owner="wilbur@airport.example", version="0.1.0", lifecycle="development"
    )
    port = PortRecord(
        environment=ENVIRONMENT,
        address=f"{CONSUMER}/flights",
        product=CONSUMER,
        direction="input",
        origin=PORT,
        from_product=True,
        storage="data-product-input",
        storage_type="data-product-input",
    )
    registry.write([product, port])
    if state is not None:
        step = RequestStep(state=state, at=NOW, by="amelia@airport.example", reason="")
        registry.put(
            AccessRequestRecord(
                environment=ENVIRONMENT,
                address="req-1",
                product=PRODUCT,
                port=PORT,
                requester_kind="data_product",
                requester=CONSUMER,
                purpose="punctuality",
                state=state,
                steps=(step,),
            )
        )


def test_a_consumer_sees_the_state_and_the_commitments_of_what_it_reads(registry: Registry) -> None:
    now = datetime.now(UTC)
    promise(registry, service_levels=LEVELS)
    add(
        registry,
        measured("lag", now, ASSET, value=400.0),
        measured("state", now, PRODUCT, state="down", note="no feed"),
    )
    consume(registry, "granted")

    (port,) = product_status(registry, ENVIRONMENT, CONSUMER, {}).inputs

    assert port.consumed is not None
    assert (port.consumed.state.state, port.consumed.state.note) == ("down", "no feed")
    assert {each.name: each.verdict for each in port.consumed.commitments}["freshness"] == "broken"
    assert {each.port for each in port.consumed.commitments} == {PORT}
    assert {each.reason for each in port.consumed.commitments} == {""}, "reasons may quote rows of the provider"


def test_an_open_incident_is_shown_at_its_port_and_to_consumers_without_its_reason(registry: Registry) -> None:
    promise(registry, service_levels=LEVELS)
    consume(registry, "granted")
    now = datetime.now(UTC)
    facts = Facts(port=PORT, asset=ASSET, name="update_frequency", promise="1d", value="2 days", reason="row 7 is bad")
    opened = Incident(
        id="inc-1",
        environment=ENVIRONMENT,
        product=PRODUCT,
        commitment=f"{ASSET}#update_frequency",
        facts=facts,
        began_at=now,
        changes=(Transition(kind="opened", at=now),),
    )
    with registry.writing() as connection:
        save(connection, opened)

    (output,) = product_status(registry, ENVIRONMENT, PRODUCT, {}).outputs
    (read,) = product_status(registry, ENVIRONMENT, CONSUMER, {}).inputs

    (own,) = output.incidents
    assert (own.id, own.name, own.state, own.since, own.reason) == (
        "inc-1",
        "update_frequency",
        "open",
        now,
        "row 7 is bad",
    )
    assert read.consumed is not None
    assert read.consumed.incidents == (own.model_copy(update={"reason": ""}),)


def test_without_granted_access_a_consumer_sees_nothing_of_it(registry: Registry) -> None:
    promise(registry, service_levels=LEVELS)
    for state in (None, "requested", "approved", "revoked", "rejected", "expired"):
        consume(registry, state)
        (port,) = product_status(registry, ENVIRONMENT, CONSUMER, {}).inputs
        assert port.consumed is None, state


@pytest.mark.parametrize(
    ("values", "unit", "drawn"),
    [
        ([0.0, 1.0, 0.5], "verdict", "▁▇▄"),
        ([1.0, 1.0], "ratio", "▇▇"),
        ([0.99, 1.0], "ratio", "▁▇"),
        ([0.0, 5.0, 10.0], "seconds", "▁▄▇"),
        ([0.0, 0.0], "seconds", "▇▇"),
        (["?", "!", ".", 1.0], "ratio", "?!·▇"),
    ],
)
def test_a_spark_line_shows_gaps_unknown_values_and_errors_apart(
    values: list[float | str], unit: str, drawn: str
) -> None:
    assert spark(trend(values), unit) == drawn
