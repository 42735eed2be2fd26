"""The verdicts of uptime and response time, from the probes of a port."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from alchemesh_platform.base.units import format_duration, format_percent, share_of_percentile
from alchemesh_platform.levels.bounds import SLICE, Slices
from alchemesh_platform.levels.budget import budget_of, risk
from alchemesh_platform.levels.commitment import RESPONSE_TIME, UPTIME, Commitment
from alchemesh_platform.levels.maintenance import spared
from alchemesh_platform.levels.response import Responses, read_times, responses_of, slow_and_all
from alchemesh_platform.levels.slices import Probed, Span, Uptime, floor, read_uptime, without
from alchemesh_platform.levels.verdicts.reading import Reading, aged, seconds_in_words, without_value

if TYPE_CHECKING:
    from alchemesh_platform.levels.promised import Promised
    from alchemesh_platform.registry.observations.series import Observation

STALE_AFTER = timedelta(hours=1)  # without a probe
STARTING = timedelta(hours=1)  # of a new promise, in which the first probe may come
LATE = 3 * SLICE  # the newest slices are not unknown yet: their probes may be on their way
NO_SLICE = "no slice of 60 s in the window was probed"


def uptime(reading: Reading, promised: Promised) -> Commitment:
    """Uptime over the window: kept at its lower bound, or broken at its upper one.

    Announced maintenance is left out. The value has both figures if there was some.
    """
    levels = promised.levels
    assert levels.uptime is not None  # noqa: S101 - asked before
    window = levels.window_in_force
    promise = f"{format_percent(levels.uptime)} over {format_duration(window)}"
    empty = Commitment(promised.port, "", UPTIME, promise, "unknown", unit="ratio")
    series = Uptime(reading.environment, promised.port, promised.protocols)
    newest = _newest(reading, promised.port, series.measures)
    if newest is None:
        return without_value(empty, None)
    until = _end(newest.measured_at, reading.now)
    probed = read_uptime(reading.registry, series, until - window, until, reading.now)
    since = _start(probed, promised, until - window)
    removed = _spared(reading, promised, since, until)
    counted = probed.slices(without((since, until), removed))
    whole = probed.slices([(since, until)])
    share = Fraction(repr(levels.uptime)) / 100

    def recent(span: timedelta) -> tuple[int, int]:
        slices = probed.slices(without((max(until - span, since), until), removed))
        return slices.down, slices.known

    budget = budget_of("minutes", 1 - share, counted.total, counted.down, window, recent)
    done = replace(
        empty,
        value=_share_in_words(counted) + (f" ({_share_in_words(whole)} with maintenance)" if removed else ""),
        number=counted.lower if counted.known else None,
        measured_at=newest.measured_at,
        budget=budget,
    )
    if not counted.known:
        found = replace(done, reason=newest.note if newest.outcome != "value" and newest.note else NO_SLICE, value="")
    elif counted.total - counted.down < share * counted.total:
        return replace(done, verdict="broken", number=counted.upper, reason=_down_in_words(counted))
    elif counted.up >= share * counted.total:
        reason = risk(budget)
        found = replace(done, verdict="at_risk" if reason else "kept", reason=reason)
    else:
        unknown = counted.total - counted.known
        found = replace(done, reason=f"{unknown:,} of {counted.total:,} slices of 60 s are unknown")
    return aged(found, STALE_AFTER, reading.now)


def response_time(reading: Reading, promised: Promised) -> Commitment:
    """The percentile of the response time over the window. The slowest protocol decides."""
    levels = promised.levels
    assert levels.response_time is not None  # noqa: S101 - asked before
    window, percentile = levels.window_in_force, levels.percentile_in_force
    limit, share = levels.response_time.total_seconds(), share_of_percentile(percentile)
    promise = f"{percentile} {format_duration(levels.response_time)} over {format_duration(window)}"
    empty = Commitment(promised.port, "", RESPONSE_TIME, promise, "unknown", unit="seconds")
    several = promised.protocols if len(promised.protocols) > 1 else ()
    names = [*(f"{RESPONSE_TIME}:{each}" for each in sorted(several)), *([] if several else [RESPONSE_TIME])]
    newest = _newest(reading, promised.port, names)
    if newest is None:
        return without_value(empty, None)
    now = reading.now
    since = promised.began(RESPONSE_TIME, now - window)

    place = (reading.registry, reading.environment, promised.port)
    timed = {name: read_times(*place, name, since, now) for name in names}
    found = {name: responses_of(each, limit, share, since) for name, each in timed.items()}
    found = {name: each for name, each in found.items() if each.count}
    if not found:
        return aged(without_value(empty, newest), STALE_AFTER, now)
    name, worst = min(found.items(), key=lambda item: _rank(item[1]))

    def recent(span: timedelta) -> tuple[int, int]:
        return slow_and_all(timed[name], limit, max(now - span, since))

    budget = budget_of("probes", 1 - share, worst.count, worst.slow, window, recent)
    value = _shown(worst, percentile, name)
    done = replace(empty, value=value, number=worst.value, measured_at=newest.measured_at, budget=budget)
    needed = share * worst.count
    if worst.kept[1] < needed:
        return replace(
            done, verdict="broken", reason=f"{worst.slow:,} of {worst.count:,} probes took longer or had no answer"
        )
    if worst.kept[0] < needed:
        reason = "the probes of the first days of the window are summarized, and too close to the promise"
        return aged(replace(done, reason=reason), STALE_AFTER, now)
    missing = sorted(name.partition(":")[2] for name in names if name not in found)
    if missing:
        return aged(replace(done, reason=f"nobody probed {', '.join(missing)}"), STALE_AFTER, now)
    at_risk = risk(budget)
    return aged(replace(done, verdict="at_risk" if at_risk else "kept", reason=at_risk), STALE_AFTER, now)


def _newest(reading: Reading, port: str, measures: Iterable[str]) -> Observation | None:
    found = [each for name in measures if (each := reading.newest.get((port, name))) is not None]
    return max(found, key=lambda each: each.measured_at, default=None)


def _start(probed: Probed, promised: Promised, window_start: datetime) -> datetime:
    """The start of the window, or of a younger promise: then the first probe, if it came within an hour."""
    began = promised.since.get(UPTIME)
    if began is None or began <= window_start:
        return floor(window_start)
    return probed.first(floor(began), floor(began + STARTING)) or floor(began)


def _end(newest: datetime, now: datetime) -> datetime:
    """The end of the window: of the newest probed slice if it is young, otherwise the last complete slice."""
    probed, complete = floor(newest) + SLICE, floor(now)
    return probed if complete + SLICE - probed <= LATE else complete


def _spared(reading: Reading, promised: Promised, since: datetime, until: datetime) -> list[Span]:
    """Announced maintenance of the port in the window, in whole slices, as far as the contract allows it."""
    cap = promised.levels.maintenance
    if cap is None:
        return []
    own = [each for each in reading.maintenance if each.port == promised.port]
    return [(floor(start), floor(end)) for start, end in spared(own, cap, since, until)]


def _share_in_words(slices: Slices) -> str:
    """``99.95%``, or both bounds: ``99.1–99.95%``. Rounded down, so that it looks no better than it is."""
    low, high = _percent(slices.up, slices.total), _percent(slices.total - slices.down, slices.total)
    return f"{low}%" if low == high else f"{low}–{high}%"


def _percent(part: int, whole: int) -> str:
    thousandths = 100_000 * part // whole if whole else 0
    return f"{thousandths // 1000}.{thousandths % 1000:03}".rstrip("0").rstrip(".")


def _down_in_words(slices: Slices) -> str:
    return f"{slices.down:,} of {slices.total:,} slices of 60 s were down"


def _rank(responses: Responses) -> tuple[Fraction, float]:
    """The worst series has the lowest rank: fewer probes keep the promise; if as many do, it is slower."""
    return Fraction(responses.kept[0], responses.count), -math.inf if responses.value is None else -responses.value


def _shown(worst: Responses, percentile: str, name: str) -> str:
    """The response time at the percentile, for people."""
    protocol = name.partition(":")[2]
    of = f" ({protocol})" if protocol else ""
    if worst.value is None:
        return f"{percentile} without an answer{of}"
    about = "" if worst.exact else "at most "
    return f"{about}{seconds_in_words(worst.value)}{of}"
