"""Promise and truth side by side: the commitments of a port, each with its verdict and a spark line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from rich.text import Text

from alchemesh_cli.render.text.quantities import ago
from alchemesh_platform.base.printable import one_line
from alchemesh_platform.contracts.notices.period import moment_in_words
from alchemesh_platform.levels.commitment import Verdict
from alchemesh_platform.observed.models import BudgetStatus, CommitmentStatus, IncidentStatus, TrendStatus

VERDICTS: Mapping[Verdict, tuple[str, str]] = {
    "kept": ("✓", "green"),
    "at_risk": ("~", "yellow"),
    "broken": ("✗", "red"),
    "unknown": ("?", "yellow"),
    "stale": ("…", "yellow"),
    "error": ("!", "magenta"),
}
INCIDENTS = {"open": ("✗", "red"), "acknowledged": ("✗", "yellow")}
HEAD = ("promise", "promised", "measured", "verdict", "history")
INDENT = 6  # of the tree around the table
BETWEEN = "  "
PROMISE_MAX = 24  # a longer promise has a line of its own
HOURS = 24  # of a day
_HEIGHTS = "▁▂▃▄▅▆▇"
_MARKS = {"gap": "·", "unknown": "?", "error": "!"}


def commitment_block(commitments: Sequence[CommitmentStatus], now: datetime, width: int) -> Iterator[Text]:
    """The commitments of a port as one block of lines; nothing without commitments.

    Args:
        width: Width of the terminal. If the spark lines do not fit, each one gets a line of its own.
    """
    if not commitments:
        return
    models = {each.asset for each in commitments if each.asset}
    rows = [HEAD, *(_cells(each, named=len(models) > 1) for each in commitments)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    beside = INDENT + sum(widths) + len(BETWEEN) * (len(widths) - 1) <= width
    shown = HEAD if beside else HEAD[:-1]
    lines = [Text(BETWEEN.join(f"{word:<{size}}" for word, size in zip(shown, widths, strict=False)).rstrip(), "dim")]
    for each, row in zip(commitments, rows[1:], strict=True):
        _, style = VERDICTS[each.verdict]
        styles = ("", "", "", style, "")
        line = Text()
        for word, size, own in list(zip(row, widths, styles, strict=True))[: len(shown)]:
            line.append(f"{word:<{size}}{BETWEEN}", style=own)
        line.rstrip()
        lines.append(line)
        lines += [Text(f"  {one_line(fact)}", "dim") for fact in _facts(each, now)]
        lines += [Text(f"  {row[-1]}")] if row[-1] and not beside else []
    yield Text("\n").join(lines)


def incident_line(each: IncidentStatus, now: datetime) -> Text:
    """``incident  ✗ open  uptime · since 3 h ago``, then its id and the person that acknowledged it."""
    mark, style = INCIDENTS[each.state]
    of_model = f" of {each.asset.rpartition('/')[2]}" if each.asset else ""
    words = each.name.replace(":", " ", 1) if ":" in each.name else each.name.replace("_", " ")
    snoozed = each.snoozed_until if each.snoozed_until is not None and each.snoozed_until > now else None
    facts = [
        f"{each.id} · acknowledged by {each.acknowledged_by}" if each.acknowledged_by else each.id,
        f"snoozed until {moment_in_words(snoozed)}" if snoozed is not None else "",
    ]
    line = Text.assemble(("incident  ", "dim"), (f"{mark} {each.state}", style))
    line.append(f"  {one_line(words + of_model)} · since {ago(each.since, now)}")
    return line.append("".join(f"\n  {one_line(fact)}" for fact in facts if fact), style="dim")


def spark(trend: TrendStatus, unit: str) -> str:
    """``▇▇▇▅··?▇``: a character for each slot. A gap is ``·``, an unknown value ``?``, a failed measurement ``!``."""
    values = [value for value in trend.values if value is not None]
    low, high = _scale(values, unit)
    return "".join(
        _MARKS.get(outcome, "·") if value is None else _height(value, low, high)
        for outcome, value in zip(trend.outcomes, trend.values, strict=True)
    )


def name_of(each: CommitmentStatus, *, named: bool = False) -> str:
    """``uptime``, ``update frequency``, ``test unique-sales``; with the model if the port has several.

    Args:
        named: Whether the model is part of the name.
    """
    words = each.name.replace(":", " ", 1) if ":" in each.name else each.name.replace("_", " ")
    return one_line(f"{words} {each.asset.rpartition('/')[2]}" if each.asset and named else words)


def verdict_of(each: CommitmentStatus) -> str:
    """``✓ kept``, ``~ at risk``."""
    return f"{VERDICTS[each.verdict][0]} {each.verdict.replace('_', ' ')}"


def _cells(each: CommitmentStatus, *, named: bool) -> tuple[str, ...]:
    promise = one_line(each.promise)
    return (
        name_of(each, named=named),
        promise if len(promise) <= PROMISE_MAX else "see below",
        one_line(each.value) or "–",
        verdict_of(each),
        f"{spark(each.trend, each.unit)} {_range(each.trend)}" if each.trend is not None else "",
    )


def _facts(each: CommitmentStatus, now: datetime) -> Iterator[str]:
    """The long promise, and the reason of a verdict with the age of the measurement."""
    if len(one_line(each.promise)) > PROMISE_MAX:
        yield f"promised: {each.promise}"
    if each.verdict != "kept":
        budget = each.budget
        at = each.measured_at if each.verdict != "stale" else None  # the reason of a stale one gives its age
        measured = f"measured {ago(at, now)}" if at is not None else ""
        facts = [fact for fact in (each.reason, measured) if fact]
        yield from [" · ".join(facts)] if facts else []
        if budget is not None:
            yield " · ".join(fact for fact in (_spent(budget), budget.alarm) if fact)


def _spent(budget: BudgetStatus) -> str:
    if budget.remaining <= 0:
        return "the error budget is spent"
    return f"{1 - budget.remaining:.0%} of the error budget spent"


def _range(trend: TrendStatus) -> str:
    hours = round((trend.until - trend.since) / timedelta(hours=1))
    days = round(hours / HOURS)
    return f"{days} days" if days > 1 else f"{hours} h"


def _scale(values: Sequence[float], unit: str) -> tuple[float, float]:
    if unit == "verdict":
        return 0.0, 1.0
    if unit == "seconds":
        return 0.0, max(values, default=0.0)
    return min(values, default=0.0), 1.0


def _height(value: float, low: float, high: float) -> str:
    share = (value - low) / (high - low) if high > low else 1.0
    return _HEIGHTS[round(min(max(share, 0.0), 1.0) * (len(_HEIGHTS) - 1))]
