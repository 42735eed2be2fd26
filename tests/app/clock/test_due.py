"""The next run of a schedule, by the history, the rule of missed times, and the clock of the machine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alchemesh_platform.app.clock.due import CatchUp, Due, applies_since, last_run, next_due
from alchemesh_platform.registry.records import Change, Deployment
from alchemesh_platform.sdk.code.timetable import Timetable

HOURLY = Timetable("0 * * * *")
DAILY = Timetable("30 2 * * *", "Europe/Berlin")


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 11, 30, hour, minute, second, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rule", "now", "expected"),
    [
        ("latest", at(8, 59), None),
        ("latest", at(9), Due(at(9), at(8))),
        ("latest", at(12, 30), Due(at(12), at(11))),
        ("all", at(12, 30), Due(at(9), at(8))),
        ("none", at(12, 30), None),
        ("none", at(12, 0, 59), Due(at(12), at(11))),
    ],
)
def test_missed_times_run_by_their_rule(rule: CatchUp, now: datetime, expected: Due | None) -> None:
    """The time of 08:00 has run. The clock of this machine was down since then."""
    assert next_due(HOURLY, at(8), now, rule) == expected


def test_all_missed_times_run_in_order_and_once() -> None:
    last, ran = at(8), []
    while (due := next_due(HOURLY, last, at(12, 30), "all")) is not None:
        ran.append(due.at.hour)
        last = due.at
    assert ran == [9, 10, 11, 12]


def test_a_clock_that_is_set_back_repeats_no_time() -> None:
    """At 10:00 the clock of the machine is set back by two hours: 09:00 and 10:00 come again."""
    assert next_due(HOURLY, at(10), at(9, 0, 1), "all") is None
    assert next_due(HOURLY, at(10), at(10, 0, 1), "all") is None
    assert next_due(HOURLY, at(10), at(11), "all") == Due(at(11), at(10))


def test_a_time_that_a_wrong_clock_recorded_in_the_far_future_does_not_count() -> None:
    """A machine that begins with a wrong date would otherwise run nothing for years."""
    runs = [run(at(9)), run(at(10) + timedelta(days=3650))]
    assert last_run(runs, at(11)) == at(9)
    assert last_run([run(at(12))], at(11)) == at(12)


@pytest.mark.parametrize("rule", ["latest", "all", "none"])
def test_a_day_on_which_clocks_change_has_one_daily_run(rule: CatchUp) -> None:
    for day in (datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)):
        minutes = [day - timedelta(hours=2) + timedelta(minutes=each) for each in range(60 * 24)]
        last, ran = minutes[0], []
        for now in minutes:
            due = next_due(DAILY, last, now, rule)
            if due is not None:
                last = due.at
                ran.append(due.at)
        assert len(ran) == 1, day


@given(st.lists(st.integers(0, 600), min_size=1, max_size=40), st.sampled_from(["latest", "all", "none"]))
def test_no_time_runs_twice_however_often_the_clock_looks(minutes: list[int], rule: CatchUp) -> None:
    last, ran = at(0), []
    for now in (at(0) + timedelta(minutes=each) for each in minutes):
        while (due := next_due(HOURLY, last, now, rule)) is not None:
            ran.append(due.at)
            last = due.at
    assert len(ran) == len(set(ran))
    assert ran == sorted(ran)
    if rule == "all":
        assert len(ran) == max(minutes) // 60


def test_only_runs_of_the_schedule_count() -> None:
    runs = [run(at(9)), run(at(10), trigger="backfill"), run(None, trigger="manual")]
    assert last_run(runs, at(11)) == at(9)
    assert last_run(runs[1:], at(11)) is None


def test_a_changed_schedule_applies_from_its_deployment() -> None:
    """Times of the new schedule that passed before its deployment were not missed."""
    changes = [
        changed(at(12), HOURLY),
        changed(at(10), HOURLY),
        changed(at(9), Timetable("0 0 * * *")),
        changed(at(1), HOURLY),
    ]
    assert applies_since(changes, HOURLY) == at(10)
    assert applies_since(changes, Timetable("0 * * * *", "Asia/Tokyo")) is None


def test_a_destroyed_product_misses_nothing() -> None:
    changes = [changed(at(12), HOURLY), changed(at(10), HOURLY, "removed"), changed(at(1), HOURLY)]
    assert applies_since(changes, HOURLY) == at(12)


def run(at: datetime | None, trigger: str = "schedule") -> Deployment:
    interval = None if at is None else (at - timedelta(hours=1), at)
    return Deployment.model_validate(
        {
            "id": f"{trigger} {at}",
            "environment": "local",
            "product": "shop/orders",
            "operation": "run",
            "started_at": datetime(2026, 1, 1, tzinfo=UTC),
            "actor": "product:shop/orders",
            "trigger": trigger,
            "interval": interval,
        }
    )


def changed(at: datetime, timetable: Timetable, change: str = "updated") -> Change:
    connection = {"kind": "job", "schedule": timetable.schedule, "time_zone": timetable.time_zone}
    return Change.model_validate(
        {
            "at": at,
            "environment": "local",
            "kind": "product",
            "address": "shop/orders",
            "change": change,
            "document": {"code": {"connection": connection}},
        }
    )
