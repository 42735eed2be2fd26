"""The geometry of plots: a history as lines, bands, marks and ticks of an SVG drawing. No side effects.

A gap stays a gap: no line crosses it, and it is never drawn as zero. Unknown slots and failed measurements have shapes
of their own, so that a reader without colour can tell them apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Literal

from alchemesh_platform.base.quantities import brief
from alchemesh_platform.measures.measure import Unit
from alchemesh_platform.registry.observations.history import History, Slot

WIDTH, HEIGHT, STRIP_HEIGHT = 420.0, 170.0, 62.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 12.0, 12.0, 24.0
LETTER = 6.2  # width of a character, for labels at the edge
SIGN_MIN = 12.0  # the narrowest area that has room for a sign
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_SPANS = tuple(
    timedelta(seconds=seconds)
    for seconds in (
        1,
        5,
        15,
        60,
        300,
        900,
        3600,
        10_800,
        21_600,
        43_200,
        86_400,
        172_800,
        604_800,
        1_209_600,
        2_592_000,
    )
)
_LONG_SPANS = tuple(timedelta(days=days) for days in (61, 91, 183, 365, 730, 1825, 3650, 36_500))
X_TICKS, Y_TICKS = 5, 4
DAY = timedelta(days=1)
Scale = Literal["ratio", "seconds"]


@dataclass(frozen=True, slots=True)
class Tick:
    """A label at a place of an axis."""

    place: float
    label: str


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the range, with its kind: ``unknown``, ``error``, or the state of a strip."""

    x: float
    width: float
    kind: str
    sign: str = ""

    @property
    def middle(self) -> float:
        """The middle of the area."""
        return round(self.x + self.width / 2, 1)


@dataclass(frozen=True, slots=True)
class Dot:
    """One slot with a value; ``broken`` if the value is worse than promised."""

    x: float
    y: float
    broken: bool


@dataclass(frozen=True, slots=True)
class Promise:
    """The promised value: a line across the plot."""

    y: float
    label: str
    below: bool


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot of values over time.

    Args:
        lines: Path data of the lines; a gap is between two of them.
        bands: Path data of the areas between the lowest and the highest value.
        dots: Slots between two gaps, and slots that broke the promise.
        areas: Slots without a value: unknown ones and failed ones.
    """

    lines: tuple[str, ...]
    bands: tuple[str, ...]
    dots: tuple[Dot, ...]
    areas: tuple[Area, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    promise: Promise | None = None


@dataclass(frozen=True, slots=True)
class Strip:
    """States or verdicts over time: areas of one kind each, and nothing where nobody measured."""

    areas: tuple[Area, ...]
    x_ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """A promised number.

    Args:
        number: In the unit of the measure.
        at_least: Whether larger values keep the promise.
        label: The promise in words.
    """

    number: float
    at_least: bool
    label: str

    def is_broken_by(self, value: float) -> bool:
        """Whether a value is worse than promised."""
        return value < self.number if self.at_least else value > self.number


def draw(history: History, scale: Scale, target: Target | None = None) -> Plot:
    """A plot of a history.

    Args:
        scale: ``ratio`` for values from 0 to 1, ``seconds`` for spans of time.
        target: The promise, which gets a line.
    """
    low, high, ticks = _axis(history.slots, scale, target)

    def y_of(value: float) -> float:
        share = (value - low) / (high - low)
        return round(HEIGHT - BOTTOM - min(max(share, 0.0), 1.0) * (HEIGHT - TOP - BOTTOM), 1)

    x_of = _places(history)
    runs = [list(run) for has, run in groupby(enumerate(history.slots), _has_value) if has]
    return Plot(
        lines=tuple(_line(run, x_of, y_of) for run in runs if len(run) > 1),
        bands=tuple(_band(run, x_of, y_of) for run in runs if len(run) > 1 and _is_wide(run, scale)),
        dots=tuple(_dots(runs, x_of, y_of, target)),
        areas=tuple(_areas(history, lambda slot: slot.outcome if slot.outcome in _SIGNS else "")),
        x_ticks=_time_ticks(history),
        y_ticks=tuple(Tick(y_of(value), label) for value, label in ticks),
        promise=None
        if target is None
        else Promise(y_of(target.number), target.label, below=y_of(target.number) < HEIGHT / 3),
    )


def draw_verdicts(history: History) -> Strip:
    """The verdicts of a business test over time: passed, failed, or both in one slot."""
    return Strip(tuple(_areas(history, _verdict)), _time_ticks(history))


def draw_states(history: History) -> Strip:
    """The states of a product over time: the worst one of each slot. The last one holds until the next report."""
    held, kinds = "", []
    for slot in history.slots:
        unknown = "unknown" if slot.outcome == "unknown" else ""
        kinds.append(slot.worst_state or unknown or held)
        held = slot.state or unknown or held
    found = iter(kinds)
    return Strip(tuple(_areas(history, lambda _slot: next(found))), _time_ticks(history))


_SIGNS = {"unknown": "?", "error": "!"}
_STRIP_SIGNS = {
    **_SIGNS,
    "passed": "✓",
    "failed": "✗",
    "mixed": "±",
    "operational": "✓",
    "in_incident": "!",
    "maintenance": "–",
    "down": "✗",
}


def _verdict(slot: Slot) -> str:
    if slot.outcome != "value":
        return slot.outcome if slot.outcome in _SIGNS else ""
    return "passed" if slot.minimum == 1 else "failed" if slot.maximum == 0 else "mixed"


def _has_value(numbered: tuple[int, Slot]) -> bool:
    return numbered[1].value is not None


def _places(history: History) -> Callable[[float], float]:
    """The horizontal place of a number of slots from the start."""
    each = (WIDTH - LEFT - RIGHT) / len(history.slots)
    return lambda number: round(LEFT + number * each, 1)


def _areas(history: History, kind_of: Callable[[Slot], str]) -> Iterator[Area]:
    x_of, start = _places(history), 0
    for kind, run in groupby([kind_of(slot) for slot in history.slots]):
        end = start + len(list(run))
        if kind:
            width = round(x_of(end) - x_of(start), 1)
            yield Area(x_of(start), width, kind, _STRIP_SIGNS.get(kind, "") if width >= SIGN_MIN else "")
        start = end


def _line(run: Sequence[tuple[int, Slot]], x_of: Callable[[float], float], y_of: Callable[[float], float]) -> str:
    points = [f"{x_of(number + 0.5):g} {y_of(slot.value or 0.0):g}" for number, slot in run]
    return f"M{' L'.join(points)}"


def _band(run: Sequence[tuple[int, Slot]], x_of: Callable[[float], float], y_of: Callable[[float], float]) -> str:
    top = [f"{x_of(number + 0.5):g} {y_of(_or(slot.maximum, slot)):g}" for number, slot in run]
    bottom = [f"{x_of(number + 0.5):g} {y_of(_or(slot.minimum, slot)):g}" for number, slot in reversed(run)]
    return f"M{' L'.join([*top, *bottom])}Z"


def _or(number: float | None, slot: Slot) -> float:
    return number if number is not None else slot.value or 0.0


def _is_wide(run: Sequence[tuple[int, Slot]], scale: Scale) -> bool:
    return scale == "seconds" and any(slot.minimum != slot.maximum for _, slot in run)


def _dots(
    runs: Sequence[Sequence[tuple[int, Slot]]],
    x_of: Callable[[float], float],
    y_of: Callable[[float], float],
    target: Target | None,
) -> Iterator[Dot]:
    for run in runs:
        for number, slot in run:
            value = slot.value or 0.0
            broken = target is not None and target.is_broken_by(value)
            if broken or len(run) == 1:
                yield Dot(x_of(number + 0.5), y_of(value), broken)


def _axis(slots: Sequence[Slot], scale: Scale, target: Target | None) -> tuple[float, float, list[tuple[float, str]]]:
    """The lowest and the highest value of the vertical axis, and its ticks with labels."""
    values = [slot.value for slot in slots if slot.value is not None]
    if scale == "seconds":
        values += [slot.maximum for slot in slots if slot.maximum is not None]
    values += [target.number] if target is not None else []
    if scale == "ratio":
        lowest = min(values, default=0.0)
        step = _step((1.0 - lowest) or 0.01)
        low = max(math.floor(lowest / step - 1e-9) * step, 0.0)
        low = low if lowest < 1.0 else 1.0 - step * 2
        return low, 1.0, [(value, f"{value * 100:.6g} %") for value in _ticks(low, 1.0, step)]
    top = max(values, default=1.0) * 1.05 or 1.0
    unit = next((size for size in (86_400.0, 3_600.0, 60.0, 1.0) if top >= 2 * size), 0.001)
    step = _step(top / unit) * unit
    high = math.ceil(top / step) * step
    return 0.0, high, [(value, _seconds(value)) for value in _ticks(0.0, high, step)]


def _step(width: float) -> float:
    """A round step that makes a few ticks."""
    raw = width / Y_TICKS
    size = 10.0 ** math.floor(math.log10(raw))
    return next(step * size for step in _STEPS if step * size >= raw * (1 - 1e-9))


def _ticks(low: float, high: float, step: float) -> Iterator[float]:
    for number in range(round((high - low) / step) + 1):
        yield low + number * step


def percent(value: float) -> str:
    """A share: ``99.71 %``. It is rounded down, so that only all of them are ``100 %``."""
    return f"{math.floor(value * 10_000 + 1e-9) / 100:g} %"


def _seconds(value: float) -> str:
    for size, unit in ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s")):
        if value >= size:
            return f"{value / size:.4g} {unit}"
    return f"{value * 1000:.4g} ms" if value else "0"


def _time_ticks(history: History) -> tuple[Tick, ...]:
    """Round times of the range, in UTC."""
    whole = history.until - history.since
    every = next(each for each in (*_SPANS, *_LONG_SPANS) if whole / each <= X_TICKS or each is _LONG_SPANS[-1])
    first = datetime.fromtimestamp(
        math.ceil(history.since.timestamp() / every.total_seconds()) * every.total_seconds(), UTC
    )
    spread = (WIDTH - LEFT - RIGHT) / whole.total_seconds()
    found = []
    moment = first
    while moment <= history.until:
        place = LEFT + (moment - history.since).total_seconds() * spread
        label = f"{moment:%Y-%m-%d}" if whole > 300 * DAY else f"{moment:%m-%d}" if every >= DAY else f"{moment:%H:%M}"
        half = len(label) * LETTER / 2
        found.append(Tick(round(min(max(place, half), WIDTH - half), 1), label))
        moment += every
    return tuple(found)


def words_of(history: History, unit: Unit) -> str:
    """A history in a sentence, as the text of a plot."""
    count = sum(slot.count for slot in history.slots)
    gaps = sum(slot.outcome == "gap" for slot in history.slots)
    if not count:
        return "No measurement."
    noun = "report" if unit == "state" else "measurement"
    facts = [f"{count:,} {noun}{'s' if count > 1 else ''}"]
    if unit in ("ratio", "seconds"):
        lows = [slot.minimum for slot in history.slots if slot.minimum is not None]
        highs = [slot.maximum for slot in history.slots if slot.maximum is not None]
        say = percent if unit == "ratio" else brief
        facts += [f"lowest {say(min(lows))}, highest {say(max(highs))}"] if lows and highs else []
    unknown, failed = (sum(getattr(slot, name) for slot in history.slots) for name in ("unknown", "failed"))
    facts += [f"{unknown:,} unknown"] if unknown else []
    facts += [f"{failed:,} failed"] if failed else []
    facts += [f"no measurement in {gaps} of {len(history.slots)} slots"] if gaps and unit != "state" else []
    return f"{', '.join(facts)}."
