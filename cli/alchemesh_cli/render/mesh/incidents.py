"""Incidents, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from alchemesh_cli.terminal.printing import styled
from alchemesh_platform.base.printable import one_line
from alchemesh_platform.base.time_zone import moment_in_utc
from alchemesh_platform.contracts.notices.period import moment_in_words

if TYPE_CHECKING:
    from alchemesh_platform.app.mesh.incidents import Incidents
    from alchemesh_platform.incidents.incident import Entry, Incident
    from alchemesh_platform.incidents.notifying.outbox import Waiting

MARKS = {"open": "✗", "acknowledged": "◐", "closed": "✓", "withdrawn": "–"}
_COLOURS = {"open": "red", "acknowledged": "yellow", "closed": "green"}


def incidents_lines(found: Incidents, now: datetime, about: str, *, closed: bool) -> Iterator[str]:
    """Two lines for each incident, then the notifications that wait.

    Args:
        about: The product or the environment that was asked for.
        closed: Whether closed incidents were asked for too.
    """
    if not found.incidents:
        yield f"no {'' if closed else 'open '}incidents of {about}"
    for each in found.incidents:
        yield heading(each, now)
        yield f"  {commitment(each)}"
    for waits in found.waiting:
        yield waiting_line(waits)


def heading(incident: Incident, now: datetime) -> str:
    """Id, state and time of an incident."""
    state = styled(f"{MARKS[incident.state]} {incident.state}", fg=_COLOURS.get(incident.state))
    by = f" by {one_line(incident.acknowledged_by)}" if incident.state == "acknowledged" else ""
    ended = incident.closed_at
    when = f"broken since {moment_in_utc(incident.began_at)}"
    if ended is not None:
        when = f"{moment_in_utc(incident.began_at)} to {moment_in_utc(ended)}"
    until = incident.snoozed_until
    snoozed = f"  snoozed until {moment_in_words(until)}" if until is not None and incident.is_snoozed(now) else ""
    return f"{styled(incident.id, bold=True)}  {state}{by}  {when}{snoozed}"


def commitment(incident: Incident) -> str:
    """The broken commitment: its promise and the measured value."""
    facts = incident.facts
    measured = f", measured {one_line(facts.value)}" if facts.value else ""
    return one_line(f"{facts.name} of {facts.asset or facts.port}: promised {facts.promise}{measured}")


def incident_lines(incident: Incident, now: datetime) -> Iterator[str]:
    """Everything about one incident."""
    yield heading(incident, now)
    yield f"  {commitment(incident)}"
    if incident.facts.reason:
        yield f"  {one_line(incident.facts.reason)}"
    yield ""
    events: list[tuple[datetime, str, str]] = [(change.at, change.kind, "") for change in incident.changes]
    if incident.withdrawn_at is not None:
        events.append((incident.withdrawn_at, "withdrawn", "later reports show that it was not broken twice in a row"))
    events += [(entry.at, entry.kind, _entry(entry)) for entry in incident.entries]
    for at, kind, text in sorted(events, key=lambda event: event[0]):
        yield f"  {moment_in_utc(at)}  {kind}{f'  {text}' if text else ''}"


def waiting_line(waits: Waiting) -> str:
    """The notifications that one receiver did not accept."""
    number = f"{waits.number} notification{'s' * (waits.number != 1)} of incidents"
    to = f"{waits.channel} to {one_line(waits.recipient)}" if waits.recipient else waits.channel
    verb = "waits" if waits.number == 1 else "wait"
    attempts = f"{waits.attempts} attempt{'s' * (waits.attempts != 1)}"
    return (
        f"! {number} {verb} for {to} after {attempts}: {one_line(waits.failure)}; next attempt at "
        f"{moment_in_words(waits.next_at)}"
    )


def _entry(entry: Entry) -> str:
    until = f"until {moment_in_words(entry.until)} " if entry.until is not None else ""
    text = f": {one_line(entry.text)}" if entry.text else ""
    return f"{until}by {one_line(entry.by)}{text}"
