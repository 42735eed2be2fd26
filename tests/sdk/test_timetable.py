"""The times of a schedule: cron's meaning of days, and the two days of a year on which the clock changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alchemesh_platform.sdk.code.timetable import Timetable, WrongSchedule

MONDAY = datetime(2026, 11, 30, 13, tzinfo=UTC)
FAR = datetime(2100, 1, 1, tzinfo=UTC)


def times(schedule: str, after: datetime, number: int, zone: str = "UTC") -> list[str]:
    found = islice(Timetable(schedule, zone).between(after, FAR), number)
    return [each.strftime("%a %Y-%m-%d %H:%M") for each in found]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("0 5 * * 1-5", ["Tue 2026-12-01 05:00", "Wed 2026-12-02 05:00"]),
        ("0 5 * * 0", ["Sun 2026-12-06 05:00", "Sun 2026-12-13 05:00"]),
        ("0 5 * * 7", ["Sun 2026-12-06 05:00", "Sun 2026-12-13 05:00"]),
        ("0 5 * * SUN", ["Sun 2026-12-06 05:00", "Sun 2026-12-13 05:00"]),
        ("0 5 * * 6-7", ["Sat 2026-12-05 05:00", "Sun 2026-12-06 05:00"]),
        ("0 5 * * */2", ["Tue 2026-12-01 05:00", "Thu 2026-12-03 05:00"]),
        ("0 5 13 * 5", ["Fri 2026-12-04 05:00", "Fri 2026-12-11 05:00"]),
        ("0 5 13 * *", ["Sun 2026-12-13 05:00", "Wed 2027-01-13 05:00"]),
        ("0 0 * jan mon", ["Mon 2027-01-04 00:00", "Mon 2027-01-11 00:00"]),
        ("0 0 29 2 *", ["Tue 2028-02-29 00:00", "Sun 2032-02-29 00:00"]),
    ],
)
def test_fields_have_the_meaning_of_cron(schedule: str, expected: list[str]) -> None:
    """APScheduler alone counts weekdays from Monday, and joins both kinds of days by *and*."""
    assert times(schedule, MONDAY, 2) == expected


def test_a_day_of_the_month_or_of_the_week_is_enough() -> None:
    found = times("0 5 13 * 5", datetime(2026, 12, 11, 6, tzinfo=UTC), 2)
    assert found == ["Sun 2026-12-13 05:00", "Fri 2026-12-18 05:00"]


def test_a_time_zone_moves_the_times() -> None:
    assert times("0 5 * * *", MONDAY, 1, "Asia/Tokyo") == ["Mon 2026-11-30 20:00"]


def test_a_local_time_that_does_not_exist_is_due_an_hour_later_by_the_wall_clock() -> None:
    """On 29 March 2026 the clocks of Berlin go from 02:00 to 03:00, so 02:30 is the instant of 03:30."""
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert times("30 2 * * *", before, 2, "Europe/Berlin") == ["Sun 2026-03-29 01:30", "Mon 2026-03-30 00:30"]
    hours = times("0 * * * *", datetime(2026, 3, 28, 23, 30, tzinfo=UTC), 3, "Europe/Berlin")
    assert hours == ["Sun 2026-03-29 00:00", "Sun 2026-03-29 01:00", "Sun 2026-03-29 02:00"]


def test_a_local_time_that_exists_twice_is_due_once_and_each_hour_stays_an_hour() -> None:
    """On 25 October 2026 the clocks of Berlin go from 03:00 to 02:00, so 02:30 exists twice."""
    before = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert times("30 2 * * *", before, 2, "Europe/Berlin") == ["Sun 2026-10-25 00:30", "Mon 2026-10-26 01:30"]
    hours = times("30 * * * *", datetime(2026, 10, 25, 0, tzinfo=UTC), 3, "Europe/Berlin")
    assert hours == ["Sun 2026-10-25 00:30", "Sun 2026-10-25 01:30", "Sun 2026-10-25 02:30"]


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ("61 * * * *", "minute '61' is wrong: the last value (61) is higher than the maximum value (59)"),
        ("x * * * *", "minute 'x' is wrong: expected numbers, ranges (1-5), steps (*/15) and lists (1,3)"),
        ("0 0 last * *", "day 'last' is wrong: expected numbers, ranges (1-5), steps (*/15) and lists (1,3)"),
        ("0 0 * foo *", "month 'foo' is wrong: invalid month name \"foo\""),
        ("0 0 * * 8", "day of week '8' is wrong: expected 0 to 7, or sun to sat"),
        ("0 0 * * 5-3", "day of week '5-3' is wrong: 5-3 has no day"),
        ("* * * *", "expected five fields (minute hour day month weekday), found 4 in '* * * *'"),
        ("0 0 31 2 *", "'0 0 31 2 *' is never due: no month has such a day"),
    ],
)
def test_a_wrong_expression_names_its_field(schedule: str, message: str) -> None:
    with pytest.raises(WrongSchedule) as found:
        Timetable(schedule).check()
    assert str(found.value) == message


@given(
    st.tuples(st.sampled_from(["", "*/"]), st.integers(0, 62)).map(lambda parts: f"{parts[0]}{parts[1]}"),
    st.sampled_from(["*", *map(str, range(27))]),
    st.sampled_from(["*", *map(str, range(10))]),
)
def test_the_usual_schedules_are_right_if_apscheduler_takes_them(minute: str, hour: str, day: str) -> None:
    """They are checked without importing it."""
    timetable = Timetable(f"{minute} {hour} * * {day}")

    def is_right(check: Callable[[], object]) -> bool:
        try:
            check()
        except WrongSchedule:
            return False
        return True

    assert is_right(timetable.check) == is_right(lambda: timetable.next_after(MONDAY))


@given(
    st.sampled_from(["*/7 * * * *", "30 2 * * *", "0 5 13 * 5", "15 */6 * * 1-5", "0 0 1 1 *", "0 2 29 2 *"]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
)
def test_times_increase_and_each_time_lies_before_the_next(schedule: str, zone: str, instant: datetime) -> None:
    timetable = Timetable(schedule, zone)
    first = timetable.next_after(instant)
    assert first is not None
    second = timetable.next_after(first)
    assert second is not None
    assert instant < first < second
    assert timetable.last_before(second) == first
    assert list(timetable.between(instant, second)) == [first, second]
