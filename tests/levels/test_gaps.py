"""The largest gap between updates: proven and possible, with clock changes, and for every way to observe it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from alchemesh_platform.levels.gaps import Gap, Seen, due, exceeds, gaps_of, longest

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def seen(hours: float, changed: float) -> Seen:
    return Seen(at(hours), timedelta(hours=hours - changed))


def hours(gap: Gap | None) -> float | None:
    return None if gap is None else gap.length / HOUR


def test_a_gap_lasts_from_one_seen_change_to_the_next_and_the_open_one_to_now() -> None:
    found = gaps_of([seen(1, 0), seen(7, 6), seen(9, 6)], [], at(0), at(10))

    assert [(gap.start, gap.end) for gap in found.possible] == [(at(0), at(6)), (at(6), at(10))]
    assert [(gap.start, gap.end) for gap in found.proven] == [(at(0), at(1)), (at(6), at(9))]


def test_a_report_of_nothing_new_ends_a_gap() -> None:
    found = gaps_of([seen(10, 0)], [(at(4), timedelta(0)), (at(8), timedelta(0))], at(0), at(10))

    assert (hours(longest(found.proven)), hours(longest(found.possible))) == (4, 4)


def test_a_change_before_the_window_starts_its_first_gap() -> None:
    found = gaps_of([seen(1, -30), seen(5, 4)], [], at(0), at(5))

    assert (hours(longest(found.possible)), hours(longest(found.proven))) == (34, 31)


def test_without_an_observation_the_whole_window_is_a_possible_gap_and_nothing_is_proven() -> None:
    found = gaps_of([], [], at(0), at(48))

    assert (hours(longest(found.possible)), found.proven) == (48, ())


def test_observations_of_one_change_that_differ_by_a_millisecond_are_one_change() -> None:
    jitter = [Seen(at(hour), timedelta(hours=hour, milliseconds=hour % 3)) for hour in range(1, 200)]
    found = gaps_of(jitter, [], at(0), at(199))

    assert (len(found.possible), len(found.proven)) == (1, 1)


def test_a_day_of_a_time_zone_has_23_or_25_hours_at_a_clock_change() -> None:
    before_summer = datetime(2026, 3, 28, 6, tzinfo=BERLIN)
    before_winter = datetime(2026, 10, 24, 6, tzinfo=BERLIN)

    assert due(before_summer, DAY, BERLIN) - before_summer.astimezone(UTC) == timedelta(hours=23)
    assert due(before_winter, DAY, BERLIN) - before_winter.astimezone(UTC) == timedelta(hours=25)
    assert due(before_winter, DAY, UTC) - before_winter == DAY
    assert due(before_winter, timedelta(hours=36), BERLIN) - before_winter == timedelta(hours=36)
    day_of_25_hours = Gap(before_winter.astimezone(UTC), before_winter.astimezone(UTC) + timedelta(hours=25))
    assert not exceeds(day_of_25_hours, DAY, BERLIN)
    assert exceeds(day_of_25_hours, DAY, UTC)


def test_a_time_that_the_clock_skips_is_due_an_hour_later() -> None:
    skipped = datetime(2026, 3, 28, 2, 30, tzinfo=BERLIN)  # there is no half past two on the next day

    assert due(skipped, DAY, BERLIN) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_a_gap_may_exceed_the_promise_by_the_skew_of_two_clocks() -> None:
    assert not exceeds(Gap(at(0), at(24) + timedelta(minutes=5)), DAY, UTC)
    assert exceeds(Gap(at(0), at(24) + timedelta(minutes=5, seconds=1)), DAY, UTC)
    assert not exceeds(Gap(at(0), at(1) + timedelta(minutes=3)), HOUR, UTC)
    assert exceeds(Gap(at(0), at(1) + timedelta(minutes=3, seconds=1)), HOUR, UTC)


minutes = st.integers(0, 10_000).map(lambda number: timedelta(minutes=number))


@given(
    changes=st.lists(minutes, max_size=8),
    observed=st.lists(minutes, max_size=8),
    idle=st.lists(minutes, max_size=4),
    now=minutes,
)
def test_the_true_gap_lies_between_the_proven_and_the_possible_one(
    changes: list[timedelta], observed: list[timedelta], idle: list[timedelta], now: timedelta
) -> None:
    moments = [START - DAY, *(START + each for each in changes if each <= now)]
    looks = [START + each for each in observed if each <= now]
    reads = [START + each for each in idle if each <= now]
    events = sorted({*moments, *reads})
    end = START + now
    true = max(later - earlier for earlier, later in zip(events, [*events[1:], end], strict=True))

    found = gaps_of(
        [Seen(look, look - max(each for each in moments if each <= look)) for look in looks],
        [(read, timedelta(0)) for read in reads],
        START,
        end,
    )

    proven, possible = longest(found.proven), longest(found.possible)
    assert possible is not None
    assert proven is None or proven.length <= true
    # Before the window, only a change that was seen counts.
    inside = max((later - max(earlier, START) for earlier, later in zip(events, [*events[1:], end], strict=True)))
    assert possible.length >= inside


@given(changes=st.lists(minutes, max_size=8), observed=st.lists(minutes, min_size=1, max_size=8))
def test_observations_that_are_summarized_by_hour_only_widen_the_bounds(
    changes: list[timedelta], observed: list[timedelta]
) -> None:
    moments = [START - DAY, *(START + each for each in changes)]
    looks = [START + each for each in observed]
    end = max(looks)
    exact = [Seen(look, look - max(each for each in moments if each <= look)) for look in looks]
    coarse = [Seen(each.at.replace(minute=0), each.age, HOUR) for each in exact]

    sharp, wide = gaps_of(exact, [], START, end), gaps_of(coarse, [], START, end)

    assert longest(wide.possible).length >= longest(sharp.possible).length  # type: ignore[union-attr]
    assert longest(wide.proven).length <= longest(sharp.proven).length  # type: ignore[union-attr]
