"""Months in every time zone: they have no gap and no overlap, and each usage is on exactly one bill."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alchemesh_platform.base.time_zone import is_zone, zone_of
from alchemesh_platform.billing.period import FINAL_AFTER, NoPeriod, Period, period_billed
from tests.lanes import examples

ZONES = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)
PERIODS = st.builds(Period, st.integers(2000, 2090), st.integers(1, 12))
MOMENTS = st.datetimes(datetime(2000, 2, 1), datetime(2090, 1, 1), timezones=st.just(UTC))

many = settings(max_examples=examples(300), deadline=None, database=None)


@many
@given(PERIODS, ZONES)
def test_a_month_ends_when_the_next_one_begins(period: Period, zone: ZoneInfo) -> None:
    assert period.end(zone) == period.after.start(zone)
    assert period.after.before == period
    assert timedelta(days=27) < period.end(zone) - period.start(zone) < timedelta(days=32)


@many
@given(MOMENTS, ZONES)
def test_every_moment_is_in_exactly_one_month(moment: datetime, zone: ZoneInfo) -> None:
    period = Period.of(moment, zone)
    assert period.start(zone) <= moment < period.end(zone)


@many
@given(PERIODS, ZONES, st.sampled_from([-1, 0, 1]))
def test_the_end_of_a_month_belongs_to_the_next_one_in_every_time_zone(
    period: Period, zone: ZoneInfo, seconds: int
) -> None:
    moment = period.end(zone) + timedelta(seconds=seconds)
    assert Period.of(moment, zone) == (period if seconds < 0 else period.after)


@many
@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=200)), ZONES)
def test_usage_is_on_the_first_bill_that_was_not_final_when_it_was_received(
    used: datetime, delay: timedelta, zone: ZoneInfo
) -> None:
    month, received = Period.of(used, zone), used + delay
    billed = period_billed(month, received, zone)
    assert billed >= month
    assert received <= billed.closes(zone)
    assert billed == month or received > billed.before.closes(zone)


@many
@given(PERIODS, ZONES)
def test_usage_that_is_received_at_the_last_moment_is_still_on_its_own_bill(period: Period, zone: ZoneInfo) -> None:
    closes = period.closes(zone)
    assert closes - period.end(zone) == FINAL_AFTER
    assert period_billed(period, closes, zone) == period
    assert period_billed(period, closes + timedelta(microseconds=1), zone) == period.after


def test_daylight_saving_makes_months_longer_and_shorter() -> None:
    berlin = zone_of("Europe/Berlin")
    march, october = Period(2026, 3), Period(2026, 10)
    assert march.end(berlin) - march.start(berlin) == timedelta(days=31, hours=-1)
    assert october.end(berlin) - october.start(berlin) == timedelta(days=31, hours=1)
    assert march.start(berlin) == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert march.end(berlin) == datetime(2026, 3, 31, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-13", "2026-00", "2026-1", "1999-12", "2026-11-01", "²026-11", "9999-12"]
)
def test_a_text_that_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(NoPeriod, match="expected a month"):
        Period.parse(text)
    assert str(Period.parse("2026-11")) == "2026-11"


def test_time_zones_are_known_by_name() -> None:
    assert is_zone("Europe/Berlin")
    assert is_zone("UTC")
    assert not is_zone("Europe/Berlim")
    assert zone_of(None) is UTC
