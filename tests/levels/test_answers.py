"""Uptime and response time: from probes to verdicts, with unknown slices, protocols, maintenance and summaries."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from alchemesh_platform.levels.commitment import Commitment
from alchemesh_platform.levels.read import read_commitments
from alchemesh_platform.levels.verdicts.answers import NO_SLICE
from alchemesh_platform.measures.report import Report
from alchemesh_platform.registry.observations.roll_up import Keeping, roll_up
from alchemesh_platform.registry.records import ContractRecord
from alchemesh_platform.registry.store import Registry
from tests.levels.promised import ENVIRONMENT, NOW, PORT, PRODUCT, add, measured, promise

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def probe(minutes_ago: float, answered: bool | None = True, measure: str = "uptime") -> Report:
    at = NOW - timedelta(minutes=minutes_ago)
    if answered is None:
        return measured(measure, at, PORT, outcome="unknown", note="the credential was refused", window_seconds=60)
    return measured(measure, at, PORT, good=int(answered), total=1, window_seconds=60)


def probes(minutes: Iterable[int], answered: bool | None = True, measure: str = "uptime") -> list[Report]:
    return [probe(each, answered, measure) for each in minutes]


def levels(registry: Registry, *protocols: str, **promised: Any) -> None:
    promise(registry, service_levels={"window": "2h", **promised})
    record = registry.get(ContractRecord, ENVIRONMENT, PORT)
    assert record is not None
    registry.put(record.model_copy(update={"protocols": protocols or ("rest",)}))


def read(registry: Registry, name: str = "uptime", ago: timedelta = timedelta(0)) -> Commitment:
    return next(each for each in read_commitments(registry, ENVIRONMENT, PRODUCT, NOW - ago) if each.name == name)


def test_uptime_is_kept_at_its_lower_bound_and_broken_at_its_upper_one(registry: Registry) -> None:
    levels(registry, uptime="95%")
    add(registry, *probes(range(114)), *probes([114, 115, 116, 117, 118, 119], False))
    kept = read(registry)
    assert (kept.verdict, kept.value, kept.number, kept.measured_at) == ("at_risk", "95%", 0.95, NOW)
    assert (kept.promise, kept.reason) == ("95% over 2h", "0% of its error budget is left")

    add(registry, probe(112.5, False))  # a person probed the same slice, and it did not answer
    broken = read(registry)
    assert (broken.verdict, broken.value) == ("broken", "94.166%")
    assert broken.reason == "7 of 120 slices of 60 s were down"
    assert broken.budget is not None
    assert (broken.budget.allowed, broken.budget.spent) == (6.0, 7.0)


def test_unknown_slices_are_neither_up_nor_down(registry: Registry) -> None:
    levels(registry, uptime="95%")
    add(registry, *probes(range(100)), *probes(range(100, 110), None))  # ten more slices were not probed
    unknown = read(registry)

    assert (unknown.verdict, unknown.value) == ("unknown", "83.333–100%")
    assert unknown.reason == "20 of 120 slices of 60 s are unknown"
    add(registry, *probes(range(113, 120), False))
    assert read(registry).verdict == "broken"


def test_a_port_is_up_in_a_slice_if_every_protocol_answered(registry: Registry) -> None:
    levels(registry, "rest", "sql", uptime="99%")
    add(registry, *probes(range(120), measure="uptime:rest"), *probes(range(1, 120), measure="uptime:sql"))
    assert (read(registry).verdict, read(registry).value) == ("kept", "99.166–100%")

    add(registry, probe(0, False, "uptime:sql"), probe(60.2, False, "uptime:rest"))
    assert (read(registry).verdict, read(registry).value) == ("broken", "98.333%")
    # A protocol that the contract does not promise does not count.
    add(registry, *probes(range(50, 100), False, "uptime:graphql"))
    assert read(registry).value == "98.333%"


def test_probes_of_a_single_protocol_still_count_after_another_one_was_added(registry: Registry) -> None:
    levels(registry, "rest", "sql", uptime="99%")
    add(registry, *probes(range(60, 120)), *probes(range(60), measure="uptime:rest"))
    assert read(registry).verdict == "unknown"
    add(registry, *probes(range(60), measure="uptime:sql"))
    assert (read(registry).verdict, read(registry).value) == ("kept", "100%")


def test_the_newest_slices_may_still_be_on_their_way_and_older_ones_are_unknown(registry: Registry) -> None:
    levels(registry, uptime="100%")
    add(registry, *probes(range(2, 130)))
    assert read(registry).verdict == "kept"
    assert (read(registry, ago=-MINUTE).verdict, read(registry, ago=-2 * MINUTE).verdict) == ("kept", "unknown")


def test_uptime_without_a_recent_probe_is_stale_and_a_broken_one_stays_broken(registry: Registry) -> None:
    levels(registry, uptime="50%")
    add(registry, *probes(range(120)))
    stale = read(registry, ago=-HOUR - 30 * timedelta(seconds=1))
    assert (stale.verdict, stale.reason) == ("stale", "measured more than 1h ago")

    levels(registry, uptime="100%")
    add(registry, probe(0.5, False))
    assert read(registry, ago=-HOUR - MINUTE).verdict == "broken"


def test_a_window_without_a_probe_is_unknown_with_the_reason(registry: Registry) -> None:
    levels(registry, uptime="99%", response_time="1s")
    assert (read(registry).verdict, read(registry).reason) == ("unknown", "nobody measured it")
    add(registry, probe(0, None), measured("response_time", NOW, PORT, outcome="unknown", note="no credential"))
    assert (read(registry).verdict, read(registry).reason) == ("unknown", "the credential was refused")
    found = read(registry, "response_time")
    assert (found.verdict, found.reason, found.value) == ("unknown", "no credential", "")
    late = read(registry, ago=timedelta(hours=-4))
    assert (late.verdict, late.value) == ("stale", "")
    assert NO_SLICE.startswith("no slice")


def test_a_verdict_of_an_earlier_time_ignores_later_probes(registry: Registry) -> None:
    levels(registry, uptime="95%", response_time="1s")
    add(registry, *probes(range(121)), probe(0.2, False))
    slow = [measured("response_time", NOW - each * MINUTE, PORT, value=9 if each < 30 else 0.1) for each in range(120)]
    add(registry, *slow)

    assert (read(registry, ago=MINUTE).value, read(registry).value) == ("100%", "99.166%")
    assert read(registry, "response_time").verdict == "broken"
    earlier = read(registry, "response_time", ago=30 * MINUTE)
    assert (earlier.verdict, earlier.value, earlier.measured_at) == ("kept", "100 ms", NOW - 30 * MINUTE)


def times(values: Iterable[float], measure: str = "response_time") -> list[Report]:
    return [measured(measure, NOW - MINUTE * at, PORT, value=value) for at, value in enumerate(values)]


def test_the_response_time_is_the_percentile_by_the_nearest_rank(registry: Registry) -> None:
    levels(registry, response_time="300ms")
    add(registry, *times([0.3] * 95 + [2] * 5))
    kept = read(registry, "response_time")
    assert (kept.verdict, kept.value, kept.promise) == ("at_risk", "300 ms", "p95 300ms over 2h")
    assert kept.budget is not None
    assert (kept.budget.unit, kept.budget.allowed, kept.budget.spent) == ("probes", 5.0, 5.0)

    levels(registry, response_time="300ms", percentile="p96")
    broken = read(registry, "response_time")
    assert (broken.verdict, broken.value, broken.reason) == (
        "broken",
        "2 s",
        "5 of 100 probes took longer or had no answer",
    )
    levels(registry, response_time="300ms", percentile="p50")
    assert (read(registry, "response_time").verdict, read(registry, "response_time").number) == ("kept", 0.3)


def test_a_probe_without_an_answer_is_slower_than_any_promise(registry: Registry) -> None:
    levels(registry, response_time="300ms")
    hung = [measured("response_time", NOW - MINUTE * at, PORT, outcome="error", note="no answer") for at in (50, 51)]
    add(registry, *times([0.1] * 20), *hung)
    found = read(registry, "response_time")

    assert (found.verdict, found.value, found.number) == ("broken", "p95 without an answer", None)
    assert found.reason == "2 of 22 probes took longer or had no answer"


def test_the_slowest_protocol_decides_and_a_missing_one_leaves_it_unknown(registry: Registry) -> None:
    levels(registry, "rest", "sql", response_time="300ms")
    add(registry, *times([0.1] * 30, "response_time:rest"))
    assert (read(registry, "response_time").verdict, read(registry, "response_time").reason) == (
        "unknown",
        "nobody probed sql",
    )
    add(registry, *times([0.5] * 30, "response_time:sql"))
    assert (read(registry, "response_time").verdict, read(registry, "response_time").value) == (
        "broken",
        "500 ms (sql)",
    )


def test_of_protocols_that_all_keep_the_promise_the_slowest_one_is_shown(registry: Registry) -> None:
    """A person saw the time of graphql, the first by its name, while sql took three times as long."""
    levels(registry, "graphql", "rest", "sql", response_time="300ms")
    for protocol, seconds in (("graphql", 0.02), ("rest", 0.05), ("sql", 0.08)):
        add(registry, *times([seconds], f"response_time:{protocol}"))
    assert (read(registry, "response_time").verdict, read(registry, "response_time").value) == ("kept", "80 ms (sql)")


def test_hours_stay_exact_when_their_observations_are_summarized(registry: Registry) -> None:
    levels(registry, "rest", "sql", uptime="97%", response_time="1s", window="6h")
    for measure in ("uptime:rest", "uptime:sql"):
        add(registry, *probes([at for at in range(400) if at not in (300, 301)], measure=measure))
        add(registry, *probes([300, 301], False, measure))
    add(
        registry,
        *[timed(at, 0.2 + at / 1000, f"response_time:{each}") for at in range(340) for each in ("rest", "sql")],
    )
    before = read(registry), read(registry, "response_time")
    assert roll_up(registry, ENVIRONMENT, NOW, Keeping(raw=2 * HOUR, hourly=100 * HOUR)).observations > 500

    assert (read(registry), read(registry, "response_time")) == before
    assert (before[0].value, before[1].value) == ("99.444%", "522 ms (rest)")
    add(registry, probe(302.5, False, "uptime:rest"))  # it came late, after its hour was summarized
    assert read(registry).value == "99.166%"


def timed(minutes_ago: float, value: float, measure: str = "response_time") -> Report:
    return measured(measure, NOW - minutes_ago * MINUTE, PORT, value=value)


YESTERDAY = range(26 * 60, 27 * 60)  # minutes ago: an hour of the day before


def test_summaries_of_a_day_keep_the_counts_of_uptime(registry: Registry) -> None:
    levels(registry, uptime="97%", window="60h")
    add(registry, *probes([*YESTERDAY, *range(60)]), probe(YESTERDAY[7] + 0.2, False), probe(YESTERDAY[9] + 0.2, False))
    assert read(registry).value == "3.277–99.944%"
    assert roll_up(registry, ENVIRONMENT, NOW, Keeping(raw=2 * HOUR, hourly=2 * HOUR)).hours == 2

    assert (read(registry).value, read(registry).verdict) == ("3.277–99.944%", "unknown")


def test_summaries_of_a_day_with_several_protocols_give_wider_bounds(registry: Registry) -> None:
    levels(registry, "rest", "sql", uptime="97%", window="60h")
    for measure in ("uptime:rest", "uptime:sql"):
        add(registry, *probes(YESTERDAY, measure=measure), probe(YESTERDAY[7] + 0.2, False, measure))
        add(registry, *probes(range(60), measure=measure))
    assert read(registry).value == "3.305–99.972%"
    roll_up(registry, ENVIRONMENT, NOW, Keeping(raw=2 * HOUR, hourly=2 * HOUR))

    # Nobody knows any more whether both protocols were probed in the same slices of that day.
    assert read(registry).value == "1.666–99.972%"


def test_summaries_of_a_day_keep_a_histogram_that_a_percentile_needs(registry: Registry) -> None:
    levels(registry, response_time="1s", window="60h")
    hung = measured("response_time", NOW - MINUTE * YESTERDAY[3], PORT, outcome="error", note="no answer")
    add(registry, *[timed(at, 0.2 + number / 100) for number, at in enumerate(YESTERDAY[10:])], hung, timed(0, 0.1))
    assert read(registry, "response_time").value == "680 ms"
    roll_up(registry, ENVIRONMENT, NOW, Keeping(raw=2 * HOUR, hourly=2 * HOUR))
    kept = read(registry, "response_time")
    assert (kept.verdict, kept.value) == ("kept", "at most 707 ms")

    levels(registry, response_time="675ms", window="60h")
    close = read(registry, "response_time")
    assert close.verdict == "unknown"
    assert close.reason == "the probes of the first days of the window are summarized, and too close to the promise"
    levels(registry, response_time="500ms", window="60h")
    assert read(registry, "response_time").verdict == "broken"
