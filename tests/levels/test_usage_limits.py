"""Usage limits: the largest usage of one consumer in the current period, beside the limit of the contract."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alchemesh_platform.base.usage_limit import UsageLimit, format_limit, parse_count_limit, parse_size_limit
from alchemesh_platform.levels.commitment import Commitment
from alchemesh_platform.levels.read import read_commitments
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.usage.lines import UsageLine, add_lines, hour_of, line_id
from tests.levels.promised import ENVIRONMENT, NOW, PORT, PRODUCT, add, measured, promise

A, B = "data_product:operations/punctuality", "user:amelia@airport.example"


def use(registry: Registry, *, consumer: str = A, at: datetime = NOW, **changed: Any) -> None:
    """Add a line, received at the time of its requests."""
    line: dict[str, Any] = {
        "id": line_id("test", consumer, at, changed),
        "product": PRODUCT,
        "port": PORT,
        "protocol": "rest",
        "consumer": consumer,
        "contract_version": "1.0.0",
        "hour": hour_of(at),
        "requests": 1,
        "billable_requests": 1,
        "received_at": at,
        "source": "test",
    }
    add_lines(registry, ENVIRONMENT, [UsageLine(**{**line, **changed})])


def limited(registry: Registry, at: datetime = NOW, **limits: str) -> None:
    """A contract with limits, whose usage was metered."""
    promise(registry, terms={"limits": limits})
    add(registry, measured("usage", at, subject=PORT, value=1))


def verdict(registry: Registry, meter: str = "requests", now: datetime = NOW) -> Commitment:
    (found,) = read_commitments(registry, ENVIRONMENT, PRODUCT, now)
    assert found.name == f"usage:{meter}"
    return found


@pytest.mark.parametrize(
    ("requests", "expected"), [(0, "kept"), (80, "kept"), (81, "at_risk"), (100, "at_risk"), (101, "broken")]
)
def test_a_limit_is_kept_at_its_number_and_broken_above_it(registry: Registry, requests: int, expected: str) -> None:
    limited(registry, requests="100/day")
    use(registry, requests=requests)

    found = verdict(registry)
    assert (found.verdict, found.number, found.promise) == (expected, requests, "100 a day for each consumer")
    assert found.measured_at == NOW


def test_the_limit_is_for_each_consumer_and_without_own_use(registry: Registry) -> None:
    limited(registry, requests="100/day")
    use(registry, requests=90)
    use(registry, consumer=B, requests=95)
    use(registry, consumer="", requests=500)
    use(registry, consumer="", requests=500, own=True)

    found = verdict(registry)
    assert (found.verdict, found.value) == ("at_risk", f"95 by {B}")
    use(registry, consumer=B, requests=6)
    use(registry, consumer=A, requests=11)
    assert (verdict(registry).verdict, verdict(registry).reason) == ("broken", "2 consumers are over the limit")


@pytest.mark.parametrize(
    ("period", "earlier", "counted"),
    [
        ("hour", timedelta(hours=1), 1),
        ("day", timedelta(hours=12), 2),
        ("day", timedelta(hours=13), 1),
        ("month", timedelta(hours=13), 1),
    ],
)
def test_a_period_begins_in_utc(registry: Registry, period: str, earlier: timedelta, counted: int) -> None:
    limited(registry, requests=f"100/{period}")
    use(registry)
    use(registry, at=NOW - earlier)

    assert verdict(registry).number == counted


def test_a_month_counts_all_of_its_days(registry: Registry) -> None:
    now = datetime(2026, 3, 31, 23, 59, tzinfo=UTC)
    limited(registry, now, bytes="1GB/month")
    use(registry, at=datetime(2026, 3, 1, tzinfo=UTC), bytes_out=600_000_000)
    use(registry, at=datetime(2026, 3, 31, 23, tzinfo=UTC), bytes_out=600_000_000)
    use(registry, at=datetime(2026, 2, 28, 23, 59, tzinfo=UTC), bytes_out=600_000_000)

    found = verdict(registry, "bytes", now)
    assert (found.verdict, found.value, found.promise) == (
        "broken",
        f"1.2 GB by {A}",
        "1.0 GB a month for each consumer",
    )


def test_rows_that_are_not_known_leave_the_verdict_unknown_unless_the_known_ones_break_it(registry: Registry) -> None:
    limited(registry, rows="100/day")
    use(registry, rows=50)
    use(registry, rows=None, requests=1)
    assert verdict(registry, "rows").reason == "the gateway does not know the rows of 1 request"
    use(registry, rows=None, requests=2)
    found = verdict(registry, "rows")
    assert (found.verdict, found.number, found.reason) == (
        "unknown",
        50,
        "the gateway does not know the rows of 3 requests",
    )
    use(registry, rows=51)
    assert verdict(registry, "rows").verdict == "broken"


def test_bytes_of_messages_are_not_known_so_their_limit_is_unknown(registry: Registry) -> None:
    limited(registry, bytes="1GB/day")
    use(registry, rows=50, bytes_out=0)
    found = verdict(registry, "bytes")
    assert (found.verdict, found.reason) == ("unknown", "nothing counts the bytes of its messages")


def test_usage_that_is_not_metered_is_unknown_with_its_reason_and_an_old_one_is_stale(registry: Registry) -> None:
    promise(registry, terms={"limits": {"requests": "100/day"}})
    assert (verdict(registry).verdict, verdict(registry).reason) == ("unknown", "nobody measured it")
    add(registry, measured("usage", subject=PORT, outcome="unknown", note="its gateway is on another machine"))
    assert (verdict(registry).verdict, verdict(registry).reason) == ("unknown", "its gateway is on another machine")
    add(registry, measured("usage", NOW + timedelta(hours=1), subject=PORT, value=0))
    old = verdict(registry, now=NOW + timedelta(days=30))
    assert (old.verdict, old.reason) == ("stale", "measured more than 7 days ago")


def test_usage_that_was_received_later_does_not_count_for_an_earlier_time(registry: Registry) -> None:
    limited(registry, requests="100/day")
    use(registry, requests=60)
    use(registry, requests=60, received_at=NOW + timedelta(hours=1))
    add(registry, measured("usage", NOW + timedelta(hours=2), subject=PORT, value=60))

    assert verdict(registry).number == 60
    assert verdict(registry, now=NOW + timedelta(hours=2)).number == 120


@pytest.mark.parametrize("text", ["1/hour", "10000/day", "999999999999999/month"])
def test_a_count_limit_is_written_as_it_is_read(text: str) -> None:
    assert format_limit(parse_count_limit(text)) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [("5GB/day", "5GB/day"), ("5000 MB/day", "5GB/day"), ("1.5kB/hour", "1500B/hour"), ("1KiB/month", "1024B/month")],
)
def test_a_size_limit_is_written_in_its_largest_whole_unit(text: str, written: str) -> None:
    assert format_limit(parse_size_limit(text)) == written
    assert parse_size_limit(written) == parse_size_limit(text)


@pytest.mark.parametrize("value", ["", "10000", "0/day", "-1/day", "1.5/day", "1/week", "1e3/day", "١/day", 5, None])
def test_a_wrong_count_limit_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="expected a whole number for each hour, day or month, such as 10000/day"):
        parse_count_limit(value)


@pytest.mark.parametrize("value", ["", "5GB", "0GB/day", "5/day", "5GB/week", "-5GB/day", "5 gb/day", 5, None])
def test_a_wrong_size_limit_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="expected a size for each hour, day or month, such as 500MB/day"):
        parse_size_limit(value)


def test_a_limit_is_described_for_a_person() -> None:
    assert UsageLimit(10_000, "hour").in_words() == "10,000 an hour"
    assert UsageLimit(5_000_000_000, "month", bytes=True).in_words() == "5.0 GB a month"
