"""The update frequency of an asset, from measurements of its last change and reports of nothing new."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from alchemesh_platform.levels.commitment import Commitment
from alchemesh_platform.levels.read import read_commitments
from alchemesh_platform.registry.observations.roll_up import Keeping, roll_up
from alchemesh_platform.registry.records import ContractRecord
from alchemesh_platform.registry.store import Registry
from tests.levels.promised import ENVIRONMENT, NOW, PORT, PRODUCT, add, measured, promise

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def levels(registry: Registry, **promised: Any) -> None:
    promise(registry, service_levels={"update_frequency": "1d", **promised})


def changed(hours_ago: float, seen_hours_ago: float, now: datetime = NOW) -> Any:
    return measured("change_age", now - seen_hours_ago * HOUR, value=(hours_ago - seen_hours_ago) * 3600)


def read(registry: Registry, now: datetime = NOW) -> Commitment:
    (found,) = read_commitments(registry, ENVIRONMENT, PRODUCT, now)
    return found


def test_updates_within_the_promise_are_kept_with_the_largest_gap(registry: Registry) -> None:
    levels(registry, window="3d")
    add(registry, changed(72, 71), changed(48, 47), changed(24, 23), changed(24, 1))
    found = read(registry)

    assert (found.verdict, found.value, found.number, found.promise) == ("kept", "24 h", 24 * 3600, "1d")
    assert found.measured_at == NOW - HOUR


def test_the_open_gap_counts_too(registry: Registry) -> None:
    levels(registry)
    add(registry, changed(30, 29), changed(30, 0))
    found = read(registry)

    assert (found.verdict, found.value) == ("broken", "30 h")
    assert found.reason == "no update from 2026-02-28 06:00 UTC to 2026-03-01 12:00 UTC"


def test_a_gap_stays_broken_until_it_leaves_the_window(registry: Registry) -> None:
    levels(registry, window="7d")
    add(registry, changed(30, 0), measured("change_age", NOW + HOUR, value=0))
    later = [measured("change_age", NOW + 20 * HOUR * step, value=0) for step in range(1, 11)]
    add(registry, *later)

    assert read(registry, NOW + 6 * DAY).verdict == "broken"
    assert read(registry, NOW + 8 * DAY).verdict == "kept"


def test_reports_of_nothing_new_count_as_updates(registry: Registry) -> None:
    levels(registry, window="2d")
    add(registry, changed(60, 0))
    assert read(registry).verdict == "broken"
    add(registry, measured("nothing_new", NOW - 40 * HOUR), measured("nothing_new", NOW - 20 * HOUR))
    assert (read(registry).verdict, read(registry).value) == ("kept", "20 h")


def test_changes_that_nobody_looked_for_leave_it_unknown(registry: Registry) -> None:
    levels(registry, update_frequency="1h", window="11h")
    add(registry, changed(10.5, 10), changed(0.5, 0))
    found = read(registry)

    assert (found.verdict, found.value) == ("unknown", "10 h")
    assert found.reason == (
        "nobody measured whether it was updated from 2026-03-01 01:30 UTC to 2026-03-01 11:30 UTC; "
        "measure at least every 1h"
    )


def test_an_asset_that_nobody_measures_any_more_is_stale(registry: Registry) -> None:
    levels(registry, window="2d")
    add(registry, changed(49, 46), changed(25, 24), changed(1, 0))
    assert read(registry, NOW + 22 * HOUR).verdict == "kept"
    assert read(registry, NOW + 40 * HOUR).verdict == "unknown"
    assert (read(registry, NOW + 49 * HOUR).verdict, read(registry, NOW + 49 * HOUR).reason) == (
        "stale",
        "measured more than 2 days ago",
    )


def test_a_removed_table_is_an_error_and_an_empty_one_is_unknown(registry: Registry) -> None:
    levels(registry)
    add(registry, measured("change_age", NOW - HOUR, outcome="unknown", note="nothing was ever written"))
    assert (read(registry).verdict, read(registry).reason) == ("unknown", "nothing was ever written")
    add(registry, measured("change_age", outcome="error", note="the table does not exist"))
    assert (read(registry).verdict, read(registry).reason) == ("error", "the table does not exist")


def test_a_daily_promise_follows_the_clock_of_its_time_zone(registry: Registry) -> None:
    def daily(zone: str | None) -> Commitment:
        levels(registry, window="60h", **({"time_zone": zone} if zone else {}))
        return read(registry, datetime(2026, 10, 26, 12, tzinfo=UTC))

    levels(registry)
    for at in (datetime(2026, 10, 24, 4, tzinfo=UTC), datetime(2026, 10, 25, 5, tzinfo=UTC)):  # six o'clock in Berlin
        add(registry, measured("change_age", at + timedelta(minutes=1), value=60))
    add(registry, measured("change_age", datetime(2026, 10, 25, 4, 30, tzinfo=UTC), value=24.5 * 3600))
    add(registry, measured("change_age", datetime(2026, 10, 26, 5, 1, tzinfo=UTC), value=60))

    assert (daily("Europe/Berlin").verdict, daily("Europe/Berlin").promise) == ("kept", "1d (Europe/Berlin)")
    assert (daily(None).verdict, daily(None).value) == ("broken", "24.5 h")


def test_a_zone_that_this_machine_does_not_know_is_an_error(registry: Registry) -> None:
    levels(registry, time_zone="Mars/Olympus")
    add(registry, changed(1, 0))

    assert (read(registry).verdict, read(registry).reason) == (
        "error",
        "this machine has no data of the time zone 'Mars/Olympus'",
    )


def test_summaries_keep_a_gap_and_widen_what_is_unknown(registry: Registry) -> None:
    levels(registry, window="30d")
    add(registry, changed(300, 240), *(changed(239 - step, 238.5 - step) for step in range(0, 238, 20)), changed(1, 0))
    assert (read(registry).verdict, read(registry).value) == ("broken", "2.5 days")
    roll_up(registry, ENVIRONMENT, NOW, Keeping(raw=2 * HOUR, hourly=1000 * HOUR))
    assert (read(registry).verdict, read(registry).value) == ("broken", "2.5 days")

    levels(registry, window="9d")
    assert (read(registry).verdict, read(registry).value) == ("kept", "21 h")


def test_a_promise_counts_from_its_first_record_and_keeps_it_over_versions(registry: Registry) -> None:
    levels(registry)
    now = registry.now()
    first = registry.history(ENVIRONMENT, address=PORT)[-1].at
    levels(registry, window="7d")
    add(registry, measured("change_age", now, value=50 * 3600), now=now)
    found = read(registry, first + HOUR)
    # The table is older than the promise, so only the time since then counts.
    assert (found.verdict, found.value) == ("kept", "60 min")

    contract = registry.get(ContractRecord, ENVIRONMENT, PORT)
    assert contract is not None
    registry.remove(ContractRecord, ENVIRONMENT, PORT)
    gone = registry.now()
    assert read_commitments(registry, ENVIRONMENT, PRODUCT, gone) == ()
    assert [each.promise for each in read_commitments(registry, ENVIRONMENT, PRODUCT, now)] == ["1d"]


def test_a_verdict_of_an_earlier_time_reads_the_contract_of_that_time(registry: Registry) -> None:
    levels(registry)
    before = registry.now()
    levels(registry, update_frequency="2d")

    assert [read(registry, at).promise for at in (before, registry.now())] == ["1d", "2d"]
