"""The verdicts of freshness and of the update frequency, for each asset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alchemesh_platform.base.time_zone import UnknownTimeZone, zone_of
from alchemesh_platform.base.units import format_duration
from alchemesh_platform.levels.commitment import FRESHNESS, UPDATE_FREQUENCY, Commitment
from alchemesh_platform.levels.gaps import Gap, Gaps, Seen, exceeds, gaps_of, longest
from alchemesh_platform.levels.promised import Promised
from alchemesh_platform.levels.stale import freshness_stale_after, stale_after
from alchemesh_platform.levels.verdicts.reading import Reading, aged, seconds_in_words, without_value
from alchemesh_platform.measures.measure import CHANGE_AGE, LAG, NOTHING_NEW
from alchemesh_platform.registry.observations.history import GRAINS
from alchemesh_platform.registry.observations.roll_up import summaries
from alchemesh_platform.registry.observations.series import values

if TYPE_CHECKING:
    from alchemesh_platform.registry.observations.roll_up import Grain, Summary


def freshness(reading: Reading, promised: Promised, asset: str) -> Commitment:
    """Freshness of an asset: the newest lag, compared with the promise."""
    longest_lag = promised.levels.freshness
    assert longest_lag is not None  # noqa: S101 - asked before
    found = reading.newest.get((asset, LAG))
    empty = Commitment(promised.port, asset, FRESHNESS, format_duration(longest_lag), "unknown", unit="seconds")
    if found is None or found.outcome != "value" or found.value is None:
        return without_value(empty, found)
    done = replace(
        empty,
        verdict="kept" if found.value <= longest_lag.total_seconds() else "broken",
        value=seconds_in_words(found.value),
        number=found.value,
        measured_at=found.measured_at,
    )
    return aged(done, freshness_stale_after(promised.levels), reading.now)


def update_frequency(reading: Reading, promised: Promised, asset: str) -> Commitment:
    """The largest gap between updates of an asset in the window, the open one included.

    It is broken if a proven gap is longer than promised, kept if no possible gap is, and otherwise unknown.
    """
    levels = promised.levels
    allowed = levels.update_frequency
    assert allowed is not None  # noqa: S101 - asked before
    promise = format_duration(allowed)
    if levels.time_zone is not None:
        promise = f"{promise} ({levels.time_zone})"
    empty = Commitment(promised.port, asset, UPDATE_FREQUENCY, promise, "unknown", unit="seconds")
    now = reading.now
    found = [each for name in (CHANGE_AGE, NOTHING_NEW) if (each := reading.newest.get((asset, name))) is not None]
    newest = max(found, key=lambda each: each.measured_at, default=None)
    if newest is None:
        return without_value(empty, None)
    try:
        zone = zone_of(levels.time_zone)
    except UnknownTimeZone as error:
        return replace(empty, verdict="error", reason=str(error.message), measured_at=newest.measured_at)
    gaps = _gaps(reading, promised, asset)
    shown = longest(gaps.possible)
    done = replace(
        empty,
        value="" if shown is None else seconds_in_words(shown.length.total_seconds()),
        number=None if shown is None else shown.length.total_seconds(),
        measured_at=newest.measured_at,
    )
    broken = [gap for gap in gaps.proven if exceeds(gap, allowed, zone)]
    if broken:
        worst = longest(broken)
        assert worst is not None  # noqa: S101 - there is one
        return replace(
            done,
            verdict="broken",
            value=seconds_in_words(worst.length.total_seconds()),
            number=worst.length.total_seconds(),
            reason=f"no update from {_moment(worst.start)} to {_moment(worst.end)}",
        )
    if newest.outcome != "value":
        return without_value(done, newest)
    possible = [gap for gap in gaps.possible if exceeds(gap, allowed, zone)]
    if not possible:
        return replace(done, verdict="kept")
    if now - newest.measured_at > stale_after(levels):
        return aged(done, stale_after(levels), now)
    return replace(done, reason=_unseen(possible, allowed))


def _unseen(possible: list[Gap], allowed: timedelta) -> str:
    gap = longest(possible)
    assert gap is not None  # noqa: S101 - there is one
    return (
        f"nobody measured whether it was updated from {_moment(gap.start)} to {_moment(gap.end)}; "
        f"measure at least every {format_duration(allowed)}"
    )


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _gaps(reading: Reading, promised: Promised, asset: str) -> Gaps:
    """The gaps of an asset in the window. A gap that began before the promise counts from the promise on."""
    now = reading.now
    since = promised.began(UPDATE_FREQUENCY, now - promised.levels.window_in_force)
    ages = values(reading.registry, reading.environment, asset, CHANGE_AGE, since, now)
    idle = values(reading.registry, reading.environment, asset, NOTHING_NEW, since, now)
    found = gaps_of(
        [
            *(Seen(at, timedelta(seconds=age)) for at, age in ages if age is not None),
            *_summarized(reading, asset, since),
        ],
        [
            *((at, timedelta(0)) for at, _ in idle),
            *((each, length) for each, length, _ in _summaries(reading, asset, NOTHING_NEW, since)),
        ],
        since,
        now,
    )
    start = promised.since.get(UPDATE_FREQUENCY)
    return Gaps(_after(found.proven, start), _after(found.possible, start))


def _after(gaps: Iterable[Gap], start: datetime | None) -> tuple[Gap, ...]:
    if start is None:
        return tuple(gaps)
    return tuple(Gap(max(gap.start, start), gap.end) for gap in gaps if gap.end > start)


def _summarized(reading: Reading, asset: str, since: datetime) -> Iterator[Seen]:
    """The observations that a summary still gives: the one with the highest age, and the one with the lowest."""
    for start, length, summary in _summaries(reading, asset, CHANGE_AGE, since):
        for age in {summary.minimum, summary.maximum} - {None}:
            yield Seen(start, timedelta(seconds=age or 0.0), length)


def _summaries(
    reading: Reading, asset: str, measure: str, since: datetime
) -> Iterator[tuple[datetime, timedelta, Summary]]:
    """The summaries of a measure with a value in the window: start, length and content."""
    grains: tuple[Grain, ...] = ("hour", "day")
    for grain in grains:
        for each in summaries(reading.registry, reading.environment, asset, measure, grain, since, reading.now):
            if each.count > each.unknown + each.failed:
                yield each.start, GRAINS[grain], each
