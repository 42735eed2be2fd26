"""The acts of people on incidents: acknowledge, note, snooze. Each one is a line of the audit log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.time_zone import moment_in_utc
from alchemesh_platform.incidents.incident import Entry, EntryKind, Incident
from alchemesh_platform.incidents.store import incident_of, save, turn_of
from alchemesh_platform.registry.audit import Act, record_act

if TYPE_CHECKING:
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.registry.store import Registry

TEXT_MAX = 2_000
SNOOZE_MAX = timedelta(days=30)
ENTRIES_MAX = 500


class IncidentRefused(Failure):
    """Raised when an act on an incident makes no sense; gives the reason."""

    exit_code = ExitCode.USAGE


def acknowledge(
    registry: Registry, environment: str, name: str, identity: Identity, now: datetime, text: str = ""
) -> Incident:
    """Record that a person works on an open incident. The same person again changes nothing.

    Raises:
        NoSuchIncident: when there is no incident with that id.
        IncidentRefused: when it is closed, or the text is too long.
    """

    def acknowledged(incident: Incident) -> Incident:
        _check_open(incident, "acknowledge")
        if incident.acknowledged_by == identity.subject and not text:
            return incident
        entry = _entry("acknowledged", identity, now, text)
        return _with(incident, entry, acknowledged_by=identity.subject)

    return _change(registry, environment, name, identity, now, "acknowledge", acknowledged)


def note(registry: Registry, environment: str, name: str, identity: Identity, now: datetime, text: str) -> Incident:
    """Add a note to an incident, also to a closed one.

    Raises:
        NoSuchIncident: when there is no incident with that id.
        IncidentRefused: when the note is empty or too long.
    """
    if not text.strip():
        raise IncidentRefused("a note needs a text")
    entry = _entry("note", identity, now, text)
    return _change(registry, environment, name, identity, now, "note", lambda incident: _with(incident, entry))


def snooze(
    registry: Registry, environment: str, name: str, identity: Identity, now: datetime, until: datetime, text: str = ""
) -> Incident:
    """Send no notifications of an open incident until a time. Those that come up meanwhile are sent then.

    Raises:
        NoSuchIncident: when there is no incident with that id.
        IncidentRefused: when it is closed, or the time is in the past or too late.
    """
    if until <= now:
        raise IncidentRefused(f"{moment_in_utc(until)} is in the past", hint="give a later time")
    if until - now > SNOOZE_MAX:
        raise IncidentRefused(f"an incident can be snoozed for at most {SNOOZE_MAX.days} days")

    def snoozed(incident: Incident) -> Incident:
        _check_open(incident, "snooze")
        if incident.snoozed_until == until and not text:
            return incident
        entry = _entry("snoozed", identity, now, text).model_copy(update={"until": until})
        return _with(incident, entry, snoozed_until=until)

    return _change(registry, environment, name, identity, now, "snooze", snoozed)


def _change(
    registry: Registry,
    environment: str,
    name: str,
    identity: Identity,
    now: datetime,
    operation: str,
    changed_by: Callable[[Incident], Incident],
) -> Incident:
    product = incident_of(registry, environment, name).product
    with registry.transaction(turn_of(environment, product)) as joined, joined.writing() as connection:
        incident = incident_of(joined, environment, name)
        changed = changed_by(incident)
        if changed == incident:
            return incident
        save(connection, changed)
        entry = changed.entries[-1]
        record_act(
            joined,
            Act(
                environment=environment,
                product=product,
                operation=f"incident {operation}",
                address=name,
                actor=identity.subject,
                issuer=identity.issuer,
                reason=entry.text,
                detail={"until": entry.until.isoformat()} if entry.until is not None else {},
                at=now,
            ),
        )
    return changed


def _entry(kind: EntryKind, identity: Identity, now: datetime, text: str) -> Entry:
    if len(text) > TEXT_MAX:
        raise IncidentRefused(f"a text has at most {TEXT_MAX:,} characters, and this one has {len(text):,}")
    if "\0" in text:
        raise IncidentRefused("a text has a NUL character, which databases cannot keep")
    return Entry(kind=kind, at=now, by=identity.subject, text=text)


def _with(incident: Incident, entry: Entry, **update: Any) -> Incident:
    if len(incident.entries) >= ENTRIES_MAX:
        raise IncidentRefused(f"{incident.id} has {ENTRIES_MAX} entries, and takes no more")
    return incident.model_copy(update={"entries": (*incident.entries, entry), **update})


def _check_open(incident: Incident, operation: str) -> None:
    ended = incident.closed_at
    if ended is not None:
        raise IncidentRefused(
            f"{incident.id} is {incident.state} since {moment_in_utc(ended)}, so nobody can {operation} it",
            hint="a note can be added to a closed incident too",
        )
