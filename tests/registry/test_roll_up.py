"""Old observations become summaries by hour, then by day; each is counted once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from alchemesh_platform.measures.report import Report, reports_of
from alchemesh_platform.registry.observations import roll_up as rolling
from alchemesh_platform.registry.observations.history import histories
from alchemesh_platform.registry.observations.roll_up import Keeping, RolledUp, Summary, roll_up, summaries
from alchemesh_platform.registry.observations.series import add_reports, latest, series
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.tables import summarized_observations
from tests.registry.recorded import asset, one_of_each

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PRODUCT = "aviation/flights"
ASSET = "aviation/flights/flights-table/flight"
KEEPING = Keeping(raw=timedelta(days=30), hourly=timedelta(days=60))
OLD = NOW - timedelta(days=40)
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def product(registry: Registry, environment: str) -> None:
    registry.write([*one_of_each(environment), asset(environment)])


def validity(good: int, total: int, at: datetime) -> Report:
    return reports_of(PRODUCT, ASSET, ratios={"validity": (good, total)}, measured_at=at, now=NOW)[0]


def of(registry: Registry, environment: str, grain: rolling.Grain, measure: str = "validity") -> list[Summary]:
    subject = ASSET if measure == "validity" else PRODUCT
    return summaries(registry, environment, subject, measure, grain, LONG_AGO, NOW)


def test_old_observations_are_summarized_by_hour_and_young_ones_stay(registry: Registry, environment: str) -> None:
    unknown = reports_of(
        PRODUCT, ASSET, unknown={"validity": "locked"}, measured_at=OLD + timedelta(minutes=59), now=NOW
    )
    old = [validity(9, 10, OLD), validity(60, 90, OLD + timedelta(minutes=30)), *unknown]
    next_hour = validity(1, 1, OLD + timedelta(hours=1))
    young = validity(1, 2, NOW - timedelta(days=1))
    add_reports(registry, environment, [*old, next_hour, young], "x", NOW)

    assert roll_up(registry, environment, NOW, KEEPING) == RolledUp(4, 0)

    first, second = of(registry, environment, "hour")
    assert (first.start, first.count, first.unknown, first.failed) == (OLD, 3, 1, 0)
    assert (first.good, first.total, first.value) == (69, 100, 0.69)
    assert (first.minimum, first.maximum) == (pytest.approx(2 / 3), 0.9)
    assert (second.start, second.value) == (OLD + timedelta(hours=1), 1.0)
    assert [each.value for each in series(registry, environment, ASSET, "validity", LONG_AGO, NOW)] == [0.5]
    assert roll_up(registry, environment, NOW, KEEPING) == RolledUp(0, 0)


def test_a_late_report_joins_the_summary_and_a_repeated_one_does_not(registry: Registry, environment: str) -> None:
    add_reports(registry, environment, [validity(9, 10, OLD)], "x", NOW)
    roll_up(registry, environment, NOW, KEEPING)
    late = validity(1, 10, OLD + timedelta(minutes=1))
    done = add_reports(registry, environment, [validity(9, 10, OLD), late, validity(8, 10, OLD)], "x", NOW)
    roll_up(registry, environment, NOW, KEEPING)

    assert (done.accepted, [each.good for each in done.repeated], len(done.refused)) == ((late,), [9], 1)
    assert [(each.count, each.good, each.total) for each in of(registry, environment, "hour")] == [(2, 10, 20)]


def test_counts_whose_sum_no_database_can_keep_keep_their_ratio(registry: Registry, environment: str) -> None:
    """Twenty of the largest accepted counts in an hour stopped the summaries of every product."""
    times = [OLD + timedelta(minutes=minute) for minute in range(20)]
    add_reports(registry, environment, [validity(10**18 // 2, 10**18, at) for at in times], "x", NOW)
    (seen,) = histories(registry, environment, [(ASSET, "validity")], OLD, OLD + timedelta(hours=1), 1).values()

    assert roll_up(registry, environment, NOW, KEEPING).observations == 20
    (hour,) = of(registry, environment, "hour")
    assert (hour.count, hour.value, seen.slots[0].value) == (20, 0.5, 0.5)


def test_hours_become_days_with_the_same_sums(registry: Registry, environment: str) -> None:
    day = datetime(2025, 12, 1, tzinfo=UTC)
    reports = [validity(at, 24, day + timedelta(hours=at)) for at in range(24)]
    down = reports_of(PRODUCT, state="down", measured_at=day + timedelta(hours=3), now=NOW)
    up = reports_of(PRODUCT, state="operational", measured_at=day + timedelta(hours=4), now=NOW)
    add_reports(registry, environment, [*reports, *down, *up], "x", NOW)

    assert roll_up(registry, environment, NOW, KEEPING) == RolledUp(26, 26)

    assert of(registry, environment, "hour") == []
    (whole,) = of(registry, environment, "day")
    assert (whole.start, whole.count, whole.good, whole.total) == (day, 24, sum(range(24)), 24 * 24)
    (states,) = of(registry, environment, "day", "state")
    assert (states.count, states.worst_state, states.value) == (2, "down", None)
    assert {each.measure for each in latest(registry, environment, [PRODUCT])} == {"validity", "state"}


def test_batches_of_any_size_give_the_same_summaries(
    registry: Registry, environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rolling, "BATCH", 7)
    add_reports(registry, environment, [validity(1, 2, OLD + timedelta(minutes=at)) for at in range(100)], "x", NOW)

    assert roll_up(registry, environment, NOW, KEEPING).observations == 100
    assert [(each.count, each.total) for each in of(registry, environment, "hour")] == [(60, 120), (40, 80)]


def test_the_hours_of_many_subjects_become_days_and_younger_hours_stay(
    registry: Registry, environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rolling, "DAY_SUBJECTS", 1)
    day = datetime(2025, 12, 1, tzinfo=UTC)
    reports = [validity(1, 2, day + timedelta(days=days, hours=hour)) for days in range(3) for hour in (0, 5, 23)]
    state = reports_of(PRODUCT, state="down", measured_at=day + timedelta(hours=3), now=NOW)
    add_reports(registry, environment, [*reports, *state], "x", NOW)
    hourly = NOW - (day + timedelta(days=2, hours=1))  # an hour of the third day is that old, and its day is not over
    keeping = Keeping(raw=timedelta(days=1), hourly=hourly)

    assert roll_up(registry, environment, NOW, keeping) == RolledUp(10, 7)
    assert [(each.start, each.count) for each in of(registry, environment, "day")] == [
        (day, 3),
        (day + timedelta(days=1), 3),
    ]
    assert [each.start for each in of(registry, environment, "hour")] == [
        day + timedelta(days=2, hours=hour) for hour in (0, 5, 23)
    ]
    assert [each.worst_state for each in of(registry, environment, "day", "state")] == ["down"]
    assert roll_up(registry, environment, NOW, keeping) == RolledUp(0, 0)


def test_ids_are_kept_until_a_report_of_that_age_is_refused(registry: Registry, environment: str) -> None:
    add_reports(registry, environment, [validity(1, 2, OLD)], "x", NOW)
    roll_up(registry, environment, NOW, KEEPING)

    def kept() -> int:
        query = select(func.count()).where(summarized_observations.c.environment == environment)
        with registry.reading() as connection:
            return connection.execute(query).scalar_one()

    roll_up(registry, environment, OLD + timedelta(days=365), KEEPING)
    assert kept() == 1
    roll_up(registry, environment, OLD + timedelta(days=367), KEEPING)
    assert kept() == 0
