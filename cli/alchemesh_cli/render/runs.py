"""Runs of code, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from alchemesh_cli.render.text.quantities import ago, at, counted, took
from alchemesh_cli.render.text.table import table_lines, terminal_width
from alchemesh_platform.app.runs.history import SHOWN_ID
from alchemesh_platform.base.printable import one_line

if TYPE_CHECKING:
    from alchemesh_platform.app.runs.history import Runs
    from alchemesh_platform.registry.records import Deployment, RunInput

HEADS = ("run", "product", "started", "outcome", "took", "rows", "engine", "trigger", "problem")
MARKS = {"running": "…", "succeeded": "✓", "failed": "✗", "cancelled": "–"}


def runs_lines(found: Runs, now: datetime, about: str) -> Iterator[str]:
    """A table of runs, newest first.

    Args:
        about: The product or the environment that was asked for.
    """
    if not found.runs:
        yield f"no runs of {about}"
        return
    yield from table_lines(HEADS, (_row(run, now) for run in found.runs), terminal_width())


def _row(run: Deployment, now: datetime) -> tuple[str, ...]:
    return (
        run.id[:SHOWN_ID],
        run.product,
        ago(run.started_at, now),
        f"{MARKS[run.outcome]} {run.outcome}",
        "" if run.seconds is None else took(run.seconds),
        rows_of(run),
        engine_of(run),
        trigger_of(run),
        one_line(run.problem or ""),
    )


def run_lines(run: Deployment, now: datetime, event_log: str | None = None) -> Iterator[str]:
    """Everything about one run, apart from its output.

    Args:
        event_log: Place of the event log that its engine keeps.
    """
    told = run.cancelled_by is not None and run.problem == f"cancelled by {run.cancelled_by}"
    facts = {
        "product": f"{run.product} {run.version}".strip(),
        "outcome": f"{MARKS[run.outcome]} {run.outcome}{f': {run.problem}' if run.problem and not told else ''}",
        "started": f"{at(run.started_at)}, {ago(run.started_at, now)}",
        "ended": "" if run.finished_at is None else f"{at(run.finished_at)}, after {took(run.seconds or 0)}",
        "exit status": "" if run.exit_status is None else str(run.exit_status),
        "engine": engine_of(run) + (f", its run {run.engine_run}" if run.engine_run else ""),
        "trigger": trigger_of(run),
        "interval": "" if run.interval is None else " to ".join(moment.isoformat() for moment in run.interval),
        "started by": run.actor,
        "cancelled by": run.cancelled_by or "",
        "request": run.request or "",
        "event log": event_log or "",
    }
    yield f"run {run.id}"
    for name, value in facts.items():
        if value:
            yield f"  {name:<13}{one_line(value)}"
    for name, read in sorted(run.inputs.items()):
        yield f"  {'read':<13}{one_line(_read(name, read))}"
    for place, rows in sorted(run.written.items()):
        yield f"  {'wrote':<13}{counted(rows, 'row')} to {place}"


def _read(name: str, read: RunInput) -> str:
    """An input port with its origin and the version of its data."""
    version = f" {read.product_version}" if read.product_version else ""
    facts = [f"{name} from {read.origin}{version}" if read.origin else name]
    facts += [f"{model} at version {text}" for model, text in read.versions.items()]
    facts += [f"changed by run {read.run[:SHOWN_ID]}"] if read.run else []
    return ", ".join(facts)


def engine_of(run: Deployment) -> str:
    """The engine of a run, in a table."""
    return run.engine or "alchemesh"


def trigger_of(run: Deployment) -> str:
    """The reason of a run, and its attempt if it is not the first."""
    again = f", attempt {run.attempt}" if run.attempt is not None and run.attempt > 1 else ""
    return f"{run.trigger or ''}{again}"


def rows_of(run: Deployment) -> str:
    """The rows that a run wrote to all ports; empty if it reports none."""
    return f"{sum(run.written.values()):,}" if run.written else ""
