"""Add measurements, and open, close and reopen incidents by them. This is the one place where measurements come in.

Reports and the times that they concern are one transaction, and the evaluation of these times is another. So a kill
between the two loses nothing: the next measurement of the product evaluates what waits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, insert, select

from alchemesh_platform.incidents.calm import PROBED, is_calm, thinned
from alchemesh_platform.incidents.incident import Facts, Incident, IncidentEvent
from alchemesh_platform.incidents.reconcile import Changed, Measured, Named, ended, reconcile
from alchemesh_platform.incidents.store import open_incidents, recent, save, turn_of
from alchemesh_platform.incidents.timeline import AGAIN, BAD, CLOSE_AFTER, COUNTED, Change
from alchemesh_platform.levels.commitment import WINDOWED, commitment_of, key_of
from alchemesh_platform.levels.promised import promised_at
from alchemesh_platform.levels.read import read_commitments
from alchemesh_platform.registry.observations.series import Added, add_reports
from alchemesh_platform.registry.tables import incident_due, incident_events, incident_points, observations

if TYPE_CHECKING:
    from alchemesh_platform.levels.commitment import Commitment
    from alchemesh_platform.measures.report import Report
    from alchemesh_platform.registry.store import Registry

KEPT = timedelta(days=7)  # a report about an earlier time changes no incident
TIMES_MAX = 1_000  # times that one evaluation computes verdicts for: the newest
_NAMED_MAX = 500  # values in one query: SQLite accepts 32,766 variables, and older ones 999

_Due = Sequence[tuple[int, datetime]]
_Concerned = Mapping[datetime, Collection[str]]  # time: keys of commitments
_ByTime = Mapping[str, Mapping[datetime, Measured]]


def add_measurements(
    registry: Registry, environment: str, reports: Sequence[Report], reported_by: str, now: datetime
) -> Added:
    """Add reports to the time series, and evaluate the commitments of their products.

    Args:
        reported_by: Subject of an identity, or ``code of domain/product``.
        now: The time of the registry.
    """
    added = add_reports(registry, environment, reports, reported_by, now)
    evaluate(registry, environment, (each.product for each in (*added.accepted, *added.repeated)), now)
    return added


def evaluate(registry: Registry, environment: str, products: Iterable[str], now: datetime) -> None:
    """Open, close and reopen incidents by the measurements that were not evaluated yet.

    Two processes may evaluate at once. Measurements that arrive meanwhile are evaluated by the process that added them.

    Args:
        products: Addresses of products.
        now: The time of the registry.
    """
    for product in dict.fromkeys(products):
        while due := _due(registry, environment, product):
            if _evaluated(registry, environment, product, due, now):
                break


def end_unpromised(registry: Registry, environment: str, product: str, now: datetime) -> None:
    """Close the incidents of commitments that the product's contracts no longer have, as after its removal."""
    if not _unpromised(registry, environment, product, now):
        return
    with registry.transaction(turn_of(environment, product)) as joined, joined.writing() as connection:
        for incident in _unpromised(joined, environment, product, now):
            _record(connection, ended(incident, now), now)


def _unpromised(registry: Registry, environment: str, product: str, now: datetime) -> list[Incident]:
    found = {each.commitment: each for each in open_incidents(registry, environment, [product])}
    if not found:
        return []
    commitments = _severe(read_commitments(registry, environment, product, now, found))
    promised = {each.key for each in commitments}
    return [each for key, each in found.items() if key not in promised]


def _evaluated(registry: Registry, environment: str, product: str, due: _Due, now: datetime) -> bool:
    """Evaluate the times that wait; False if another process added some or evaluated them meanwhile."""
    concerned = _concerned(registry, environment, product, due, now)
    measured = _measured(registry, environment, product, concerned)
    with registry.transaction(turn_of(environment, product)) as joined, joined.writing() as connection:
        if _due(joined, environment, product) != due:
            return False
        _keep_points(connection, environment, product, concerned, measured)
        keys = {key for each in concerned.values() for key in each}
        if concerned:
            for changed in _changes(joined, connection, Named(environment, product, ""), keys, min(concerned), now):
                _record(connection, changed, now)
        points = incident_points.c
        old = (points.environment == environment, points.product == product, points.at < now - KEPT)
        connection.execute(delete(incident_points).where(*old))
        for some in _parts([number for number, _ in due]):
            connection.execute(delete(incident_due).where(incident_due.c.id.in_(some)))
    end_unpromised(registry, environment, product, now)
    return True


def _due(registry: Registry, environment: str, product: str) -> list[tuple[int, datetime]]:
    table = incident_due.c
    query = select(table.id, table.at).where(table.environment == environment, table.product == product)
    with registry.reading() as connection:
        return [(row.id, row.at) for row in connection.execute(query.order_by(table.id))]


def _concerned(registry: Registry, environment: str, product: str, due: _Due, now: datetime) -> _Concerned:
    """The commitments to compute verdicts of, by time: those that a measurement of that time says something about.

    A late measurement changes the verdicts over a window at later times too. Of probes that cannot break anything, few
    are chosen.
    """
    probed: dict[str, dict[datetime, bool]] = {}
    found: dict[datetime, set[str]] = {}
    table, points = observations.c, incident_points.c
    columns = (table.measured_at, table.subject, table.measure, table.outcome, table.value, table.good, table.total)
    limits = {each.port: each.levels.response_time for each in promised_at(registry, environment, product, now)}
    opened = {each.commitment for each in open_incidents(registry, environment, [product])}
    with registry.reading() as connection:
        for some in _parts(sorted({at for _, at in due if at >= now - KEPT})):
            query = select(*columns).where(
                table.environment == environment, table.product == product, table.measured_at.in_(some)
            )
            for row in connection.execute(query):
                name = commitment_of(row.measure)
                if name in PROBED:
                    limit = limits.get(row.subject)
                    calm = is_calm(name, row.outcome, row.value, row.good, row.total, limit)
                    times = probed.setdefault(key_of(row.subject, name), {})
                    times[row.measured_at] = times.get(row.measured_at, True) and calm
                elif name is not None:
                    found.setdefault(row.measured_at, set()).add(key_of(row.subject, name))
        for key, times in probed.items():
            last, broken = _last_point(connection, environment, key, min(times))
            for at in thinned(sorted(times.items()), last, watched=broken or key in opened):
                found.setdefault(at, set()).add(key)
        since: dict[str, datetime] = {}
        for at, keys in found.items():
            for key in keys:
                if key.rpartition("#")[2] in WINDOWED:
                    since[key] = min(since.get(key, at), at)
        for key, earliest in since.items():
            later = (points.environment == environment, points.commitment == key, points.at > earliest)
            for at in connection.execute(select(points.at).where(*later)).scalars():
                found.setdefault(at, set()).add(key)
    return {at: found[at] for at in sorted(found)[-TIMES_MAX:]}


def _last_point(connection: Connection, environment: str, key: str, before: datetime) -> tuple[datetime | None, bool]:
    """The time of the last verdict before a time, and whether the last one that counts was broken."""
    points = incident_points.c
    own = (points.environment == environment, points.commitment == key, points.at < before)
    newest = select(points.at, points.verdict).where(*own).order_by(points.at.desc()).limit(1)
    last = connection.execute(newest).one_or_none()
    counted = connection.execute(newest.where(points.verdict.in_(sorted(COUNTED)))).one_or_none()
    return last.at if last is not None else None, counted is not None and counted.verdict in BAD


def _measured(registry: Registry, environment: str, product: str, concerned: _Concerned) -> _ByTime:
    """The verdicts on commitments that were measured at each time.

    A failed business test whose severity is not ``error`` opens no incident, as it does not fail a verification.
    """
    found: dict[str, dict[datetime, Measured]] = {}
    for at, keys in concerned.items():
        for each in _severe(read_commitments(registry, environment, product, at, keys)):
            if each.measured_at == at:
                found.setdefault(each.key, {})[at] = Measured(at, each.verdict, _facts(each))
    return found


def _severe(commitments: Iterable[Commitment]) -> list[Commitment]:
    return [each for each in commitments if each.severity == "error"]


def _facts(each: Commitment) -> Facts:
    return Facts(
        port=each.port, asset=each.asset, name=each.name, promise=each.promise, value=each.value, reason=each.reason
    )


def _keep_points(
    connection: Connection, environment: str, product: str, concerned: _Concerned, measured: _ByTime
) -> None:
    """Replace the verdicts on these commitments at these times."""
    points = incident_points.c
    times: dict[str, list[datetime]] = {}
    for at, keys in concerned.items():
        for key in keys:
            times.setdefault(key, []).append(at)
    for key, own in times.items():
        for some in _parts(own):
            there = (points.environment == environment, points.commitment == key, points.at.in_(some))
            connection.execute(delete(incident_points).where(*there))
    rows = [
        {
            "environment": environment,
            "commitment": key,
            "at": at,
            "product": product,
            "verdict": each.verdict,
            "document": each.facts.model_dump_json(),
        }
        for key, by_time in measured.items()
        for at, each in by_time.items()
    ]
    if rows:
        connection.execute(insert(incident_points), rows)


def _changes(
    registry: Registry, connection: Connection, named: Named, keys: Iterable[str], since: datetime, now: datetime
) -> list[Changed]:
    """The incidents of these commitments that change, those that end first."""
    recorded = recent(registry, named.environment, named.product, since - AGAIN - AGAIN)
    changed: list[Changed] = []
    for key in sorted(keys):
        own = [each for each in recorded if each.commitment == key]
        measured = _points(connection, named.environment, key, since)
        if measured:
            changed += reconcile(Named(named.environment, named.product, key), own, measured, since, now)
    return sorted(changed, key=lambda each: each.incident.closed_at is None)


def _points(connection: Connection, environment: str, key: str, since: datetime) -> list[Measured]:
    """The measurements of a commitment from a time on, and the last ones before it."""
    points = incident_points.c
    own = (points.environment == environment, points.commitment == key, points.verdict.in_(sorted(COUNTED)))
    query = select(incident_points).where(*own)
    before = connection.execute(query.where(points.at < since).order_by(points.at.desc()).limit(CLOSE_AFTER)).all()
    after = connection.execute(query.where(points.at >= since).order_by(points.at)).all()
    rows = [*reversed(before), *after]
    return [Measured(row.at, row.verdict, Facts.model_validate_json(row.document)) for row in rows]


def _record(connection: Connection, changed: Changed, now: datetime) -> None:
    """Record an incident, and an event for each of its transitions that people do not know yet."""
    save(connection, changed.incident)
    for change in changed.news:
        row: dict[str, Any] = {
            "environment": changed.incident.environment,
            "id": _event_id(changed.incident, change, now),
            "product": changed.incident.product,
            "incident": changed.incident.id,
            "recorded_at": now,
            "document": _event(changed.incident, change),
        }
        connection.execute(insert(incident_events).values(**row))


def _event(incident: Incident, change: Change) -> str:
    return IncidentEvent(transition=change.kind, at=change.at, incident=incident).model_dump_json()


def _event_id(incident: Incident, change: Change, now: datetime) -> str:
    named = f"{incident.id}\n{change.kind}\n{change.at.isoformat()}\n{now.isoformat()}"
    return hashlib.sha256(named.encode()).hexdigest()[:32]


def _parts(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (values[start : start + _NAMED_MAX] for start in range(0, len(values), _NAMED_MAX))
