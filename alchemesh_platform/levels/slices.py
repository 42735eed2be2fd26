"""Slices of uptime in a span: from the minutes of each hour, and from the summaries of old days."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from typing import TYPE_CHECKING

from alchemesh_platform.levels.bounds import SLICE, Slices, of_protocols
from alchemesh_platform.measures.measure import UPTIME
from alchemesh_platform.registry.observations.history import GRAINS
from alchemesh_platform.registry.observations.probe_hours import ALL, MINUTES, ProbeHour, minutes_of, read_probes
from alchemesh_platform.registry.observations.roll_up import summaries

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

Span = tuple[datetime, datetime]
NOTHING = (0, 0)  # no minute was up, none was down


@dataclass(frozen=True, slots=True)
class Uptime:
    """The uptime series of a port.

    Args:
        port: Address of the port.
        protocols: The promised protocols. The port is up in a slice if all of them are.
    """

    environment: str
    port: str
    protocols: Collection[str] = ()

    @property
    def measures(self) -> tuple[str, ...]:
        """The names of the series. A port with several protocols may have had a single one before."""
        several = len(self.protocols) > 1
        return (UPTIME, *(f"{UPTIME}:{each}" for each in sorted(self.protocols))) if several else (UPTIME,)


@dataclass(frozen=True, slots=True)
class Probed:
    """The probes of a port in a window.

    Args:
        hours: Number of the hour since 1970: a bit for each minute that was up, and that was down.
        days: Start of a summarized day: its slices.
    """

    hours: Mapping[int, tuple[int, int]]
    days: Mapping[datetime, Slices]

    def slices(self, spans: Iterable[Span]) -> Slices:
        """The slices of spans of time, such as a window without its maintenance.

        Args:
            spans: Spans that do not overlap. Each starts and ends at a whole minute.
        """
        found = Slices()
        for since, until in spans:
            up = down = covered = 0
            for start, whole in self.days.items():
                counted = _number(max(start, since), min(start + GRAINS["day"], until))
                part = whole.part(counted)
                up, down, covered = up + part.up, down + part.down, covered + counted
            first, last = _minute(since), _minute(until)
            for hour in range(first // MINUTES, -(-last // MINUTES)):
                is_up, is_down = self.hours.get(hour, NOTHING)
                inside = minutes_of(first - hour * MINUTES, last - hour * MINUTES)
                up, down = up + (is_up & inside).bit_count(), down + (is_down & inside).bit_count()
            found += Slices(_number(since, until), up, down)
        return found

    def first(self, since: datetime, until: datetime) -> datetime | None:
        """The first probed slice of a span; None without one."""
        first, last = _minute(since), _minute(until)
        for hour in range(first // MINUTES, -(-last // MINUTES)):
            is_up, is_down = self.hours.get(hour, NOTHING)
            probed = (is_up | is_down) & minutes_of(first - hour * MINUTES, last - hour * MINUTES)
            if probed:
                minute = hour * MINUTES + (probed & -probed).bit_length() - 1
                return datetime.fromtimestamp(minute * SLICE.total_seconds(), UTC)
        return None


def read_uptime(registry: Registry, uptime: Uptime, since: datetime, until: datetime, at: datetime) -> Probed:
    """The probes of a port.

    Args:
        since: Start of the window, a whole minute.
        until: End of the window, a whole minute.
        at: The time of the verdict. Later probes do not count.
    """
    days = _days(registry, uptime, since, until)
    by_hour: dict[datetime, dict[str, ProbeHour]] = {}
    for each in read_probes(registry, uptime.environment, uptime.port, uptime.measures, since, until, at):
        if each.start.replace(hour=0) not in days:
            by_hour.setdefault(each.start, {})[each.measure] = each
    seen = _minute(at) + 1
    hours = {}
    for start, several in by_hour.items():
        up, down = _together(uptime, several)
        hour = _minute(start) // MINUTES
        until_now = minutes_of(0, seen - hour * MINUTES)
        hours[hour] = (up & until_now, down & until_now)
    return Probed(hours, days)


def floor(moment: datetime) -> datetime:
    """The start of the slice of a time."""
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def without(span: Span, removed: Iterable[Span]) -> list[Span]:
    """The parts of a span that are in none of the removed ones."""
    since, until = span
    parts = []
    for start, end in sorted(removed):
        if end <= since or start >= until:
            continue
        if start > since:
            parts.append((since, start))
        since = max(since, end)
    return [*parts, (since, until)] if since < until else parts


def _together(uptime: Uptime, several: Mapping[str, ProbeHour]) -> tuple[int, int]:
    """The minutes of an hour in which the port was up, and down: down if one probe failed, up if all answered."""
    down = reduce(lambda bits, each: bits | each.down, several.values(), 0)
    plain, *protocols = uptime.measures
    up = several[plain].up if plain in several else 0
    if protocols:
        each_up = (several[name].up if name in several else 0 for name in protocols)
        up |= reduce(lambda bits, more: bits & more, each_up, ALL)
    return up & ~down, down


def _days(registry: Registry, uptime: Uptime, since: datetime, until: datetime) -> dict[datetime, Slices]:
    """The slices of days that are summarized. Only the counts of each series are known of them."""
    counts: dict[datetime, dict[str, tuple[int, int]]] = {}
    for name in uptime.measures:
        for start, good, total in _summarized(registry, uptime, name, since, until):
            counts.setdefault(start, {})[name] = (good, total)
    return {start: _day(uptime, each) for start, each in counts.items()}


def _summarized(
    registry: Registry, uptime: Uptime, measure: str, since: datetime, until: datetime
) -> Iterator[tuple[datetime, int, int]]:
    earliest = since - GRAINS["day"]
    for each in summaries(registry, uptime.environment, uptime.port, measure, "day", earliest, until):
        if each.start > earliest and each.start < until:
            yield each.start, each.good or 0, each.total or 0


def _day(uptime: Uptime, counts: Mapping[str, tuple[int, int]]) -> Slices:
    """The slices of a day. The port may have had one series at first, and one of each protocol later."""
    slices = _number(datetime.min, datetime.min + GRAINS["day"])
    plain, *protocols = uptime.measures
    alone = of_protocols(slices, [counts.get(plain, (0, 0))], 1)
    if not protocols:
        return alone
    probed = [counts[name] for name in protocols if name in counts]
    together = of_protocols(slices, probed, len(protocols))
    down = max(alone.down, together.down)
    return Slices(slices, min(max(alone.up, together.up), slices - down), down)


def _minute(moment: datetime) -> int:
    """The number of the minute since 1970."""
    return int(moment.timestamp()) // 60


def _number(since: datetime, until: datetime) -> int:
    return max(round((until - since) / SLICE), 0)
