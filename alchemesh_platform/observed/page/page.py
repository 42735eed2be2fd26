"""One page of HTML about a product: state, promise and truth, and plots of the history. It loads nothing else.

All texts are escaped by the template engine, after control and bidirectional characters became visible.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.printable import clean
from alchemesh_platform.base.quantities import brief
from alchemesh_platform.base.units import duration_in_words, parse_duration, parse_percent
from alchemesh_platform.incidents.store import newest
from alchemesh_platform.measures.measure import STATE, Measure, Unit, measure_of
from alchemesh_platform.observed.page.plot import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    STRIP_HEIGHT,
    TOP,
    WIDTH,
    Plot,
    Strip,
    Target,
    draw,
    draw_states,
    draw_verdicts,
    percent,
    words_of,
)
from alchemesh_platform.observed.promises import series_of

if TYPE_CHECKING:
    from alchemesh_platform.incidents.incident import Incident
    from alchemesh_platform.observed.models import CommitmentStatus, OutputStatus, ProductStatus
    from alchemesh_platform.registry.observations.history import History, Name, Slot

HERE = Path(__file__).parent
EXTRA = "ci"  # the smallest extra with the template engine
MARKS = {
    "kept": "✓",
    "at_risk": "~",
    "broken": "✗",
    "unknown": "?",
    "stale": "…",
    "error": "!",
    "operational": "✓",
    "in_incident": "!",
    "maintenance": "–",
    "down": "✗",
    "healthy": "✓",
    "unhealthy": "✗",
    "empty": "○",
    "open": "✗",
    "acknowledged": "✗",
    "closed": "✓",
}
_SIZE = {"width": WIDTH, "height": HEIGHT, "strip": STRIP_HEIGHT, "left": LEFT, "right": RIGHT, "top": TOP}
_COLUMNS = {
    "ratio": ("From", "Value", "Lowest", "Highest", "Measurements", "Unknown", "Failed"),
    "verdict": ("From", "Passed", "Measurements", "Unknown", "Failed"),
    "state": ("From", "Worst state", "Reports"),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One plot with its text and its table.

    Args:
        current: The newest value beside the promise.
        text: The plot in a sentence.
        rows: The slots with measurements, oldest first.
    """

    title: str
    current: str
    text: str
    plot: Plot | None
    strip: Strip | None
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """The plots of one port, or of the whole product."""

    title: str
    note: str
    figures: tuple[Figure, ...]


def product_page(
    status: ProductStatus,
    found: Mapping[Name, History],
    now: datetime,
    since: timedelta,
    incidents: Sequence[Incident] = (),
) -> str:
    """The page as text.

    Args:
        status: The status of the product.
        found: The history of each measure.
        now: The time of the page.
        since: Length of the history.
        incidents: The incidents of the product in that time.

    Raises:
        TemplatesMissing: when the template engine is not installed; gives the command that installs it.
    """
    from alchemesh_platform.scaffold.templates import sandbox

    environment = sandbox(EXTRA, autoescape=True, finalize=_clean, trim_blocks=True)
    style = (HERE / "style.css").read_text("utf-8")
    template = environment.from_string((HERE / "product.html.jinja").read_text("utf-8"))
    measures = [measure_of(measure) for _, measure in found]
    formulas: dict[str, Measure] = {measure.name: measure for measure in measures if measure is not None}
    return template.render(
        title=f"{status.address} in {status.environment}",
        style=style,
        style_hash=f"sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}",
        status=status,
        state=status.state or _Unknown,
        marks=MARKS,
        size={**_SIZE, "bottom": BOTTOM},
        when=f"Made at {now:%Y-%m-%d %H:%M}, with the history of {duration_in_words(since)}",
        commitments=[_row(port, each) for port in status.outputs for each in port.commitments],
        incidents=[_incident(each) for each in newest(incidents) if each.state != "withdrawn"],
        figures=list(_sections(status, found)),
        formulas=list(formulas.values()),
    )


class _Unknown:
    """The state of a product that is not deployed."""

    state, note, reported_by = "unknown", "", ""


def _clean(value: Any) -> Any:
    return clean(value) if type(value) is str else value


def _row(port: OutputStatus, each: CommitmentStatus) -> dict[str, str]:
    budget = each.budget
    return {
        "port": port.name,
        "name": _named(each.name, each.asset),
        "promise": each.promise,
        "value": each.value,
        "verdict": each.verdict,
        "budget": "" if budget is None else f"{budget.remaining:.0%} left" if budget.remaining > 0 else "spent",
        "reason": each.reason,
    }


def _incident(each: Incident) -> dict[str, str]:
    return {
        "id": each.id,
        "port": each.facts.port.rpartition("/")[2],
        "name": _named(each.facts.name, each.facts.asset),
        "promise": each.facts.promise,
        "value": each.facts.value,
        "state": each.state,
        "since": f"{each.began_at:%Y-%m-%d %H:%M}",
        "until": f"{each.closed_at:%Y-%m-%d %H:%M}" if each.closed_at is not None else "",
        "by": each.acknowledged_by,
    }


def _sections(status: ProductStatus, found: Mapping[Name, History]) -> Iterator[Section]:
    """The product itself, then each port with the plots of its commitments first."""
    state = found.get((status.address, STATE))
    if state is not None:
        yield Section("State", "", (_figure(Shown("state of the product", "state"), state),))
    for port in status.outputs:
        own = {name: history for name, history in found.items() if _belongs(name[0], port.address)}
        promised = {name: each for each in port.commitments for name in series_of(each, own)}
        order = [*promised, *(name for name in own if name not in promised)]
        shown = [(_shown(name, promised.get(name)), own[name]) for name in order]
        figures = tuple(_figure(one, history) for one, history in shown if one.unit != "event")
        if figures:
            yield Section(f"Port {port.name}", port.description, figures)


@dataclass(frozen=True, slots=True)
class Shown:
    """The words about one series, and its promise."""

    title: str
    unit: Unit
    current: str = ""
    target: Target | None = None


def _belongs(subject: str, port: str) -> bool:
    return subject == port or subject.startswith(f"{port}/")


def _shown(name: Name, promised: CommitmentStatus | None) -> Shown:
    subject, measure = name
    known = measure_of(measure)
    unit: Unit = known.unit if known is not None else "event"
    title = _named(measure, subject if known is not None and known.subject == "asset" else "")
    if promised is None:
        return Shown(title, unit)
    verdict = promised.verdict.replace("_", " ")
    measured = f"measured {promised.value}" if promised.value else "not measured"
    current = f"{MARKS[promised.verdict]} {verdict}: promised {promised.promise}, {measured}"
    protocol = measure.partition(":")[2] if measure != promised.name else ""
    title = _named(f"{promised.name}:{protocol}" if protocol else promised.name, promised.asset)
    return Shown(title, unit, current, _target(promised, unit))


def _named(measure: str, asset: str) -> str:
    """``uptime rest``, ``test unique-sales``, ``change age of flight``."""
    kind, colon, rest = measure.partition(":")
    words = f"{kind.replace('_', ' ')}{' ' if colon else ''}{rest}"
    return f"{words} of {asset.rpartition('/')[2]}" if asset else words


def _target(promised: CommitmentStatus, unit: Unit) -> Target | None:
    """The promised number, if the promise has one in this unit."""
    for word in promised.promise.split():
        try:
            if unit == "ratio":
                return Target(parse_percent(word) / 100, at_least=True, label=word)
            if unit == "seconds":
                return Target(parse_duration(word).total_seconds(), at_least=False, label=word)
        except ValueError:
            continue
    return None


def _figure(shown: Shown, history: History) -> Figure:
    plot, strip = None, None
    if shown.unit in ("ratio", "seconds"):
        plot = draw(history, shown.unit, shown.target)
    elif shown.unit == "verdict":
        strip = draw_verdicts(history)
    else:
        strip = draw_states(history)
    words = words_of(history, shown.unit)
    measured = [slot for slot in history.slots if slot.count]
    columns = _COLUMNS.get(shown.unit, _COLUMNS["ratio"])
    rows = tuple(_cells(slot, shown.unit) for slot in measured)
    return Figure(shown.title, shown.current, words, plot, strip, columns, rows)


def _cells(slot: Slot, unit: Unit) -> tuple[str, ...]:
    start = f"{slot.start:%Y-%m-%d %H:%M}"
    counts = (f"{slot.count:,}", f"{slot.unknown:,}", f"{slot.failed:,}")
    if unit == "state":
        return start, (slot.worst_state or slot.outcome).replace("_", " "), counts[0]
    say = brief if unit == "seconds" else percent
    values = tuple("" if each is None else say(each) for each in (slot.value, slot.minimum, slot.maximum))
    return (start, values[0], *counts) if unit == "verdict" else (start, *values, *counts)
