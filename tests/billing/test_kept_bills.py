"""Final bills are kept, and the usage of a month is read with the late usage of earlier ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert, update
from sqlalchemy.exc import DBAPIError

from alchemesh_platform.billing.bill import Bill
from alchemesh_platform.billing.period import NoPeriod, Period
from alchemesh_platform.billing.read import SETTLED, keep_last_bill, read_bill
from alchemesh_platform.contracts.versions import keep_version, kept_versions
from alchemesh_platform.registry.records import ContractRecord
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.tables import bills, changes
from alchemesh_platform.registry.usage.bills import keep_bill, kept_bill
from alchemesh_platform.registry.usage.lines import add_lines
from alchemesh_platform.registry.usage.positions import Gap, move
from tests.billing.ports import AMELIA, DESK, PER_USE, PORT, at, used

PRODUCT = "aviation/flights"
NOVEMBER = Period(2026, 11)


def contract(environment: str, version: str, billing: Mapping[str, Any]) -> ContractRecord:
    return ContractRecord(
        environment=environment,
        address=PORT,
        product=PRODUCT,
        version=version,
        lifecycle="active",
        access="restricted",
        document={"version": version, "lifecycle": "active", "terms": {"billing": dict(billing)}},
    )


def deploy(registry: Registry, environment: str, moment: datetime, version: str, billing: Mapping[str, Any]) -> None:
    """Record a version of the contract, as a deployment at that time does."""
    record = contract(environment, version, billing)
    keep_version(registry, record)
    remember(registry, environment, moment, "contract", PORT, "updated", record.model_dump(mode="json"))


def remember(
    registry: Registry, environment: str, moment: datetime, kind: str, address: str, change: str, document: Any
) -> None:
    row = {"environment": environment, "product": PRODUCT, "at": moment, "kind": kind, "address": address}
    with registry.writing() as connection:
        connection.execute(insert(changes), row | {"change": change, "document": json.dumps(document)})


def grant(registry: Registry, environment: str, moment: datetime, consumer: str, change: str = "created") -> None:
    kind, _, requester = consumer.partition(":")
    document = {"port": PORT, "requester_kind": kind, "requester": requester, "ends_at": None}
    remember(registry, environment, moment, "grant", f"req-{requester}", change, document)


def read(
    registry: Registry, environment: str, period: Period | None, now: datetime, broken: frozenset[str] = frozenset()
) -> Bill:
    kept = kept_versions(registry, environment, PRODUCT).get(PORT, [])
    return read_bill(registry, environment, PORT, kept, period, now, lambda port, moment: broken)


def charged(bill: Bill) -> list[tuple[str, str, str, Decimal]]:
    return [(line.kind, line.consumer, line.contract_version, line.amount) for line in bill.lines]


@pytest.fixture(autouse=True)
def deployed(registry: Registry, environment: str) -> None:
    deploy(registry, environment, at(1, month=10), "1.0.0", PER_USE)


def test_usage_is_billed_by_the_version_of_its_line(registry: Registry, environment: str) -> None:
    deploy(registry, environment, at(15), "2.0.0", {**PER_USE, "price": 4})
    lines = [
        used(at(3)),
        used(at(20), contract_version="2.0.0"),
        used(at(20), consumer=AMELIA, contract_version="2.0.0"),
    ]
    add_lines(registry, environment, [*lines, used(at(30, month=10)), used(at(1, month=12))])

    bill = read(registry, environment, NOVEMBER, at(30))

    assert bill.state == "draft"
    assert charged(bill) == [
        ("usage", DESK, "1.0.0", Decimal("0.40")),
        ("usage", DESK, "2.0.0", Decimal("4.00")),
        ("usage", AMELIA, "2.0.0", Decimal("4.00")),
    ]
    assert read(registry, environment, None, at(30)) == bill


def test_a_final_bill_is_kept_and_later_usage_is_an_adjustment_that_names_it(
    registry: Registry, environment: str
) -> None:
    add_lines(registry, environment, [used(at(3)), used(at(4), received_at=at(3, month=12))])
    closes = at(3, month=12)
    final = read(registry, environment, NOVEMBER, closes)
    assert (final.state, final.closes_at, charged(final)) == (
        "final",
        closes,
        [("usage", DESK, "1.0.0", Decimal("0.80"))],
    )
    assert kept_bill(registry, environment, PORT, "2026-11") is None  # a reader may still write what it received

    kept = read(registry, environment, NOVEMBER, closes + SETTLED)
    assert kept == final
    stored = kept_bill(registry, environment, PORT, "2026-11")
    assert stored is not None
    assert Bill.from_json(json.loads(stored)) == final

    add_lines(registry, environment, [used(at(29), 2500, received_at=at(20, month=12))])
    assert read(registry, environment, NOVEMBER, at(21, month=12)) == final
    december = read(registry, environment, Period(2026, 12), at(21, month=12))
    (adjustment,) = december.lines
    assert (adjustment.kind, adjustment.amount, adjustment.adjusts) == (
        "adjustment",
        Decimal("1.00"),
        final.lines[0].id,
    )


def test_a_kept_bill_is_what_its_contract_versions_and_usage_give_again(registry: Registry, environment: str) -> None:
    flat = {
        "model": "flat",
        "price": 30,
        "currency": "EUR",
        "credits": {"uptime": "10%"},
        "time_zone": "Asia/Kathmandu",
    }
    deploy(registry, environment, at(10), "2.0.0", flat)
    grant(registry, environment, at(16), DESK)
    grant(registry, environment, at(2), AMELIA)
    grant(registry, environment, at(12), AMELIA, "removed")
    add_lines(registry, environment, [used(at(3)), used(at(5), 7, AMELIA)])
    broken = frozenset({"uptime"})

    kept = read(registry, environment, NOVEMBER, at(10, month=12), broken)
    assert {line.kind for line in kept.lines} == {"usage", "flat", "credit"}
    add_lines(registry, environment, [used(at(6), 999, received_at=at(25, month=12))])
    other = f"{environment}-again"
    for change in reversed(registry.history(environment, product=PRODUCT)):
        if change.kind != "contract_version":
            remember(registry, other, change.at, change.kind, change.address, change.change, change.document)
    for version, billing in (("1.0.0", PER_USE), ("2.0.0", flat)):
        keep_version(registry, contract(other, version, billing))
    add_lines(registry, other, [used(at(3)), used(at(5), 7, AMELIA), used(at(6), 999, received_at=at(25, month=12))])

    again = read(registry, other, NOVEMBER, at(30, month=12), broken)
    assert charged(again) == charged(kept)
    assert read(registry, environment, NOVEMBER, at(30, month=12)) == kept


def test_a_month_before_the_first_contract_has_an_empty_bill_that_is_not_kept(
    registry: Registry, environment: str
) -> None:
    bill = read(registry, environment, Period(2026, 8), at(10))
    assert (bill.state, bill.lines) == ("final", ())
    assert kept_bill(registry, environment, PORT, "2026-08") is None


def test_a_final_bill_never_changes(registry: Registry, environment: str) -> None:
    first = keep_bill(registry, environment, PORT, "2026-11", '{"a": 1}', at(4, month=12))
    assert keep_bill(registry, environment, PORT, "2026-11", '{"a": 2}', at(5, month=12)) == first
    with pytest.raises(DBAPIError, match="a final bill does not change"), registry.writing() as connection:
        connection.execute(update(bills).values(document="{}"))


def test_the_last_bill_is_kept_once_it_is_final_without_a_reader(registry: Registry, environment: str) -> None:
    """A credit needs measurements that are summarized later."""
    add_lines(registry, environment, [used(at(3), contract_version="2.0.0")])
    deploy(registry, environment, at(2), "2.0.0", {**PER_USE, "credits": {"uptime": "50%"}})
    kept = kept_versions(registry, environment, PRODUCT)[PORT]
    asked: list[datetime] = []

    def broken(port: str, moment: datetime) -> frozenset[str]:
        asked.append(moment)
        return frozenset({"uptime"})

    closes = at(3, month=12)
    moments = (closes, closes + SETTLED - timedelta(seconds=1), closes + SETTLED, closes + SETTLED, at(31, month=12))
    found = [keep_last_bill(registry, environment, PORT, kept, moment, broken) for moment in moments]

    assert found[-3:] == [True, False, False]
    assert read(registry, environment, NOVEMBER, at(31, month=12)).totals == {"EUR": Decimal("0.20")}
    assert asked[-1] == at(1, month=12)


def test_lost_usage_is_shown_on_the_bill(registry: Registry, environment: str) -> None:
    gap = Gap(PRODUCT, PORT, "a", at(5), at(6), "somebody removed the log")
    assert move(registry, environment, "a", PORT, None, {}, [], [gap])
    sentence = "usage from 2026-11-05 00:00 UTC to 2026-11-06 00:00 UTC is incomplete: somebody removed the log"
    assert read(registry, environment, NOVEMBER, at(20)).gaps == (sentence,)
    assert read(registry, environment, Period(2026, 10), at(20)).gaps == ()


def test_a_month_that_has_not_begun_has_no_bill(registry: Registry, environment: str) -> None:
    with pytest.raises(NoPeriod, match="the month 2026-12 has not begun"):
        read(registry, environment, Period(2026, 12), datetime(2026, 11, 30, tzinfo=UTC) + timedelta(hours=23))


def test_a_removed_contract_is_billed_until_its_end(registry: Registry, environment: str) -> None:
    """The bill of the last month must not vanish with the port."""
    flat = {"model": "flat", "price": 30, "currency": "EUR"}
    deploy(registry, environment, at(1, month=10), "2.0.0", flat)
    grant(registry, environment, at(1, month=10), DESK)
    remember(registry, environment, at(16), "contract", PORT, "removed", {"version": "2.0.0", "lifecycle": "active"})
    (line,) = read(registry, environment, NOVEMBER, at(30)).lines
    assert (line.amount, line.until) == (Decimal("15.00"), at(16))
