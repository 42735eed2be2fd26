"""Lines of a bill: quantities, prices, rounding, adjustments, flat prices and credits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alchemesh_platform.base.money.currency import rounded
from alchemesh_platform.base.time_zone import zone_of
from alchemesh_platform.billing.bill import Bill
from alchemesh_platform.billing.charges import HOUR, Basis, bill_of
from alchemesh_platform.billing.period import Period
from tests.billing.ports import AMELIA, DESK, FLAT, PER_USE, PORT, access, at, used, version
from tests.lanes import examples

NOVEMBER = Period(2026, 11)
LATER = at(10, month=12)


def bill(period: Period = NOVEMBER, now: datetime = LATER, **basis: Any) -> Bill:
    return bill_of(Basis(environment="demo", port=PORT, **basis), period, now)


def amounts(found: Bill) -> list[tuple[str, str, str]]:
    return [(line.kind, line.consumer, str(line.amount)) for line in found.lines]


def test_use_is_one_line_for_each_consumer_and_version_and_rounded_once() -> None:
    usage = [used(at(1, hour), 1, consumer) for hour in range(20) for consumer in (DESK, AMELIA)]
    usage += [used(at(2), 37, contract_version="2.0.0")]
    dearer = {**PER_USE, "price": 0.5, "per": "1 request"}

    found = bill(versions=[version(dearer, "2.0.0"), version(PER_USE)], usage=usage)

    assert [(line.consumer, line.contract_version, line.meter, int(line.quantity)) for line in found.lines] == [
        (DESK, "1.0.0", "requests", 20),
        (DESK, "2.0.0", "requests", 37),
        (AMELIA, "1.0.0", "requests", 20),
    ]
    assert amounts(found) == [("usage", DESK, "0.01"), ("usage", DESK, "18.50"), ("usage", AMELIA, "0.01")]
    assert found.totals == {"EUR": Decimal("18.52")}
    assert all(isinstance(line.amount, Decimal) for line in found.lines)


@pytest.mark.parametrize(
    ("billing", "values", "quantity", "amount"),
    [
        ({"per": "GB", "price": 2}, {"bytes_out": 1_500_000_000}, 1_500_000_000, "3.00"),
        ({"per": "1 million rows", "price": 1}, {"rows": 2_345_000}, 2_345_000, "2.35"),
        ({"per": "3 requests", "price": 1}, {}, 1000, "333.33"),
        ({"currency": "JPY", "price": 1}, {"requests": 1500, "billable_requests": 1500}, 1500, "2"),
        ({"currency": "KWD", "price": 1}, {}, 1000, "1.000"),
    ],
)
def test_each_meter_has_its_formula(
    billing: dict[str, Any], values: dict[str, Any], quantity: int, amount: str
) -> None:
    (line,) = bill(versions=[version(PER_USE | billing)], usage=[used(at(3), **values)]).lines
    assert (int(line.quantity), str(line.amount)) == (quantity, amount)


def test_an_unknown_number_of_rows_is_not_billed_and_the_line_says_so() -> None:
    billing = {**PER_USE, "per": "1000 rows"}
    (line,) = bill(versions=[version(billing)], usage=[used(at(3), rows=5000), used(at(4), 7)]).lines
    assert (int(line.quantity), str(line.amount)) == (5000, "2.00")
    assert line.note == "7 requests have an unknown number of rows and are not billed"


def test_failures_and_own_probes_cost_nothing_and_are_counted_with_their_reasons() -> None:
    free = {"model": "free"}
    seats = {**PER_USE, "per": "seat"}
    usage = [
        used(at(1), 100, billable_requests=90),
        used(at(1), 60, own=True, consumer="probe:"),
        used(at(1), 3, consumer=""),
        used(at(1), 2, consumer="unknown:somebody"),
        used(at(1), 7, contract_version="2.0.0"),
        used(at(1), 8, contract_version="3.0.0"),
        used(at(1), 9, contract_version="4.0.0"),
        used(at(1), 11, billable_requests=0, bytes_out=10**9),
    ]
    draft = version(PER_USE, "4.0.0", (at(20), None))
    versions = [version(PER_USE), version(free, "2.0.0"), version(seats, "3.0.0"), draft]

    found = bill(versions=versions, usage=usage)

    assert [(line.kind, int(line.quantity)) for line in found.lines] == [("usage", 90)]
    assert {each.reason: each.requests for each in found.left_out} == {
        "failed": 21,
        "own use and probes of the platform": 60,
        "no known consumer": 5,
        "free": 7,
        "the platform cannot count the quantity of the price": 8,
        "under a draft": 9,
    }


def test_usage_without_a_recorded_version_has_the_price_in_force() -> None:
    versions = [version(PER_USE, "2.0.0", (at(15), None)), version({**PER_USE, "price": 4}, "1.0.0", (at(1), at(15)))]
    usage = [used(at(3), contract_version=""), used(at(20), contract_version="")]
    found = bill(versions=versions, usage=usage)
    assert [(line.contract_version, str(line.amount)) for line in found.lines] == [("1.0.0", "4.00"), ("2.0.0", "0.40")]
    outside = bill(versions=[version(PER_USE, "1.0.0", (at(15), None))], usage=[used(at(3), contract_version="")])
    assert [each.reason for each in outside.left_out] == ["no contract in force"]


def test_a_bill_is_a_draft_until_48_hours_after_its_month_in_its_time_zone() -> None:
    versions = [version({**PER_USE, "time_zone": "America/New_York"})]
    closes = datetime(2026, 12, 3, 5, tzinfo=UTC)
    assert bill(now=closes - timedelta(seconds=1), versions=versions).state == "draft"
    final = bill(now=closes, versions=versions)
    assert (final.state, final.closes_at, final.since) == ("final", closes, datetime(2026, 11, 1, 4, tzinfo=UTC))


def test_late_usage_is_an_adjustment_that_names_the_original_line() -> None:
    usage = [used(at(30, 23), 1000), used(at(30, 22), 1500, received_at=at(5, month=12))]
    versions = [version(PER_USE)]

    (original,) = bill(versions=versions, usage=usage).lines
    (adjustment,) = bill(Period(2026, 12), at(5, month=1) + timedelta(days=365), versions=versions, usage=usage).lines

    assert (original.kind, str(original.amount), original.adjusts) == ("usage", "0.40", "")
    assert (adjustment.kind, str(adjustment.amount), adjustment.adjusts) == ("adjustment", "0.60", original.id)
    assert adjustment.id != original.id
    assert (str(adjustment.usage_period), adjustment.note) == (
        "2026-11",
        "use of 2026-11, received after its bill was final",
    )


USES = st.lists(
    st.tuples(
        st.integers(0, 24 * 100),  # hour after the first of October
        st.integers(1, 5000),
        st.integers(0, 24 * 80),  # hours until it is received
        st.sampled_from([DESK, AMELIA]),
    ),
    max_size=30,
)


@settings(max_examples=examples(100), deadline=None, database=None)
@given(USES, st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati"]))
def test_each_usage_is_billed_once_and_adjustments_add_up_to_the_exact_price(
    uses: list[tuple[int, int, int, str]], zone: str
) -> None:
    start = datetime(2026, 10, 1, tzinfo=UTC)
    usage = [
        used(start + hour * HOUR, count, who, received_at=start + (hour + delay) * HOUR, id=str(number))
        for number, (hour, count, delay, who) in enumerate(uses)
    ]
    versions = [version({**PER_USE, "price": 0.0123, "time_zone": zone})]
    period, lines = Period(2026, 9), []
    while period < Period(2027, 6):
        lines += bill(period, datetime(2028, 1, 1, tzinfo=UTC), versions=versions, usage=usage).lines
        period = period.after

    assert sum(int(line.quantity) for line in lines) == sum(count for _, count, _, _ in uses)
    for who in (DESK, AMELIA):
        own = [line for line in usage if line.consumer == who]
        for month in {Period.of(line.hour, zone_of(zone)) for line in own}:
            total = sum(line.requests for line in own if Period.of(line.hour, zone_of(zone)) == month)
            charged = [line for line in lines if line.consumer == who and line.usage_period == month]
            assert sum(line.amount for line in charged) == rounded(Fraction("0.0123") * total / 1000, "EUR")
            assert len({line.adjusts or line.id for line in charged}) == 1
    assert len({line.id for line in lines}) == len(lines)


@pytest.mark.parametrize(
    ("billing", "amount", "quantity"),
    [
        ({}, "30.00", "1"),
        ({"per": "month"}, "30.00", "1"),
        ({"per": "quarter"}, "10.00", "0.333333"),
        ({"per": "year"}, "2.50", "0.083333"),
        ({"per": "day"}, "900.00", "30"),
        ({"per": "week"}, "128.57", "4.285714"),
        ({"per": "30d"}, "30.00", "1"),
    ],
)
def test_a_flat_price_has_the_share_of_its_period(billing: dict[str, Any], amount: str, quantity: str) -> None:
    granted = [access(DESK, (at(1, month=10), None))]
    (line,) = bill(versions=[version(FLAT | billing)], access=granted).lines
    assert (line.kind, str(line.amount), str(line.quantity), line.meter) == ("flat", amount, quantity, "period")


def test_a_flat_price_is_prorated_for_the_time_with_a_grant_and_paid_once_for_two_grants() -> None:
    half = (at(16), None)
    granted = [access(DESK, half, (at(20), at(25))), access(AMELIA, (at(1, month=10), at(1)))]
    (line,) = bill(versions=[version(FLAT)], access=granted).lines
    assert (line.consumer, str(line.amount), line.note) == (DESK, "15.00", "for the time with a grant")
    assert (line.since, line.until) == (at(16), at(1, month=12))


def test_a_consumer_whose_access_ends_in_a_month_pays_until_its_end() -> None:
    granted = [access(DESK, (at(1, month=10), at(16)))]
    (line,) = bill(versions=[version(FLAT)], access=granted, usage=[used(at(3))]).lines
    assert (str(line.amount), line.until) == ("15.00", at(16))
    (used_before,) = bill(versions=[version(PER_USE)], access=granted, usage=[used(at(3))]).lines
    assert str(used_before.amount) == "0.40"


def test_a_flat_price_that_changes_in_a_month_is_prorated_for_each_version() -> None:
    dearer = version({**FLAT, "price": 60}, "2.0.0", (at(16), None))
    versions = [dearer, version(FLAT, "1.0.0", (at(1, month=1), at(16)))]
    found = bill(versions=versions, access=[access(DESK, (at(1, month=10), None))])
    lines = [(line.contract_version, str(line.amount)) for line in found.lines]
    assert lines == [("1.0.0", "15.00"), ("2.0.0", "30.00")]


@pytest.mark.parametrize("month", [3, 10])
def test_a_whole_month_costs_a_whole_flat_price_under_daylight_saving(month: int) -> None:
    granted = [access(DESK, (at(1, month=1), None))]
    berlin = [version({**FLAT, "time_zone": "Europe/Berlin"})]
    (line,) = bill(Period(2026, month), versions=berlin, access=granted).lines
    assert (str(line.amount), line.note) == ("30.00", "")


def test_a_draft_has_the_flat_price_until_now() -> None:
    found = bill(now=at(16), versions=[version(FLAT)], access=[access(DESK, (at(1, month=1), None))])
    assert amounts(found) == [("flat", DESK, "15.00")]


def test_a_broken_service_level_gives_the_credit_of_the_terms() -> None:
    terms = {**PER_USE, "price": 1.11, "credits": {"uptime": "10%", "response_time": "5%"}}
    basis = {"versions": [version(terms)], "usage": [used(at(3)), used(at(3), consumer=AMELIA)]}

    found = bill(**basis, broken=frozenset({"uptime", "test:few-empty"}))

    assert amounts(found) == [
        ("usage", DESK, "1.11"),
        ("credit", DESK, "-0.11"),
        ("usage", AMELIA, "1.11"),
        ("credit", AMELIA, "-0.11"),
    ]
    credit = found.lines[1]
    assert (credit.meter, str(credit.quantity), credit.unit, str(credit.price)) == ("uptime", "10", "percent", "1.11")
    assert credit.note == "the service level uptime is broken"
    assert bill(**basis, broken=frozenset({"freshness"})).totals == {"EUR": Decimal("2.22")}


def test_credits_are_never_more_than_the_charges() -> None:
    terms = {**PER_USE, "price": 1, "credits": {"uptime": "80%", "response_time": "80%", "freshness": "80%"}}
    broken = frozenset({"uptime", "response_time", "freshness"})
    found = bill(versions=[version(terms)], usage=[used(at(3))], broken=broken)
    assert [str(line.amount) for line in found.lines] == ["1.00", "-0.20", "-0.80"]
    assert found.totals == {"EUR": Decimal("0.00")}
    halves = {**PER_USE, "price": 0.01, "credits": {"uptime": "50%", "response_time": "50%"}}
    found = bill(versions=[version(halves)], usage=[used(at(3))], broken=broken)
    assert [str(line.amount) for line in found.lines] == ["0.01", "0.00", "-0.01"]


def test_the_same_basis_gives_the_same_bill_and_a_document_keeps_it() -> None:
    basis = {
        "versions": [version({**PER_USE, "credits": {"uptime": "10%"}})],
        "access": [access(DESK, (at(1, month=10), None))],
        "usage": [used(at(3)), used(at(4), 17, received_at=at(9, month=12))],
        "broken": frozenset({"uptime"}),
    }
    found = bill(**basis)
    assert bill(**basis) == found
    assert Bill.from_json(found.as_json()) == found
    assert found.of(frozenset({AMELIA})).lines == ()


def test_a_line_counts_a_large_month_exactly() -> None:
    billing = {**PER_USE, "per": "1 byte", "price": 123456789.123456}
    (line,) = bill(versions=[version(billing)], usage=[used(at(3), bytes_out=9 * 10**18)]).lines
    assert str(line.amount) == "1111111102111104000000000000.00"
