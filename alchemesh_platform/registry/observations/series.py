"""Observations: the append-only time series of measures, and the newest value of each measure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Insert, Table, and_, insert, or_, select

from alchemesh_platform.base.problems import did_you_mean
from alchemesh_platform.measures.measure import BY_PLATFORM, STATE, SubjectKind, measure_of
from alchemesh_platform.measures.report import Outcome, Report, ReportRefused, check_time
from alchemesh_platform.measures.spool import Refused, refuse_conflict
from alchemesh_platform.measures.state import ReportedState
from alchemesh_platform.registry.observations.probe_hours import keep_probes
from alchemesh_platform.registry.records import AssetRecord, PortRecord, ProductRecord
from alchemesh_platform.registry.tables import incident_due, latest_observations, observations, summarized_observations

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

LOCK = "observations"
PLATFORM = "platform"  # reporter of everything that the platform measures itself
_NAMED_MAX = 500  # ids in one query: SQLite accepts 32,766 variables, and older ones 999


@dataclass(frozen=True, slots=True)
class Observation:
    """One value of one measure, or the reason why there is none.

    Args:
        measured_at: Time of the measurement, in UTC.
        received_at: Time at which the registry accepted it.
        window: Length of the window that ends at the time of the measurement.
        value: The value in the unit of the measure; of a ratio, good / total.
        note: A note on a state, or the reason of an unknown or failed measurement.
        reported_by: Subject of an identity, or ``code of domain/product``.
    """

    subject: str
    kind: SubjectKind
    measure: str
    product: str
    measured_at: datetime
    received_at: datetime
    window: timedelta
    outcome: Outcome
    value: float | None
    good: int | None
    total: int | None
    state: ReportedState | None
    note: str
    reported_by: str


@dataclass(frozen=True, slots=True)
class Added:
    """The result of adding reports.

    Args:
        accepted: Reports that are new.
        repeated: Reports that were accepted before.
        refused: Reports that were refused, with the reasons.
    """

    accepted: tuple[Report, ...] = ()
    repeated: tuple[Report, ...] = ()
    refused: tuple[Refused, ...] = ()


def add_reports(
    registry: Registry, environment: str, reports: Sequence[Report], reported_by: str, now: datetime
) -> Added:
    """Add reports to the time series. Each one is accepted, known already, or refused with its reason.

    Args:
        reported_by: Subject of an identity, or ``code of domain/product``.
        now: The time of the registry.
    """
    accepted: dict[str, Report] = {}
    repeated: list[Report] = []
    refused: list[Refused] = []
    with registry.transaction(f"{LOCK} {environment}") as joined, joined.writing() as connection:
        subjects = _Subjects(joined, environment)
        known = _digests(connection, environment, [report.key for report in reports])
        for report in reports:
            try:
                check_time(report, now)
                _check_reporter(report, reported_by)
                subjects.check(report)
                digest = known.get(report.key)
                if digest is not None:
                    refuse_conflict(report, digest)
                    repeated.append(report)
                    continue
            except ReportRefused as error:
                refused.append(Refused(report, str(error.message) + (f" ({error.hint})" if error.hint else "")))
                continue
            known[report.key] = report.digest
            accepted[report.key] = report
        if accepted:
            rows = [_row(environment, report, reported_by, now) for report in accepted.values()]
            connection.execute(insert(observations), rows)
            keep_probes(connection, rows)
            _keep_latest(connection, rows)
            times = {(report.product, report.measured_at) for report in accepted.values()}
            due = [{"environment": environment, "product": product, "at": at} for product, at in sorted(times)]
            connection.execute(insert(incident_due), due)
    return Added(tuple(accepted.values()), tuple(repeated), tuple(refused))


def latest(
    registry: Registry, environment: str, products: Iterable[str], at: datetime | None = None
) -> list[Observation]:
    """The newest observation of each measure of products and of everything in them, by subject and measure.

    Args:
        at: A time; later measurements are left out. By default none is.
    """
    table = latest_observations
    query = select(table).where(table.c.environment == environment, table.c.product.in_(list(products)))
    with registry.reading() as connection:
        rows = connection.execute(query.order_by(table.c.subject, table.c.measure)).all()
        if at is not None:
            before = (row if row.measured_at <= at else _newest_until(connection, row, at) for row in rows)
            rows = [row for row in before if row is not None]
    return [_observation(row) for row in rows]


def _newest_until(connection: Connection, latest_one: Any, at: datetime) -> Any:
    """The newest observation of a measure that is not later than a time, among those that are not summarized yet."""
    table = observations
    query = select(table).where(
        table.c.environment == latest_one.environment,
        table.c.subject == latest_one.subject,
        table.c.measure == latest_one.measure,
        table.c.measured_at <= at,
    )
    order = (table.c.measured_at.desc(), table.c.received_at.desc(), table.c.id)
    return connection.execute(query.order_by(*order).limit(1)).one_or_none()


def series(
    registry: Registry, environment: str, subject: str, measure: str, since: datetime, until: datetime
) -> list[Observation]:
    """The observations of one measure that are not summarized yet, oldest first.

    Args:
        since: The earliest time of measurement.
        until: The latest time of measurement.
    """
    table = observations
    query = select(table).where(
        table.c.environment == environment,
        table.c.subject == subject,
        table.c.measure == measure,
        table.c.measured_at.between(since, until),
    )
    with registry.reading() as connection:
        return [_observation(row) for row in connection.execute(query.order_by(table.c.measured_at, table.c.id))]


def _check_reporter(report: Report, reported_by: str) -> None:
    """Refuse a report of a measure that only the platform takes: a product does not report its own uptime."""
    measure = measure_of(report.measure)
    if measure is not None and measure.source == BY_PLATFORM and reported_by != PLATFORM:
        raise ReportRefused(f"{report.measure} is measured by the platform, and not reported by others")


def values(
    registry: Registry, environment: str, subject: str, measure: str, since: datetime, until: datetime
) -> list[tuple[datetime, float | None]]:
    """Time and value of the observations of one measure that have an outcome and are not summarized, oldest first.

    Args:
        since: The earliest time of measurement.
        until: The latest time of measurement.
    """
    table = observations
    query = select(table.c.measured_at, table.c.value).where(
        table.c.environment == environment,
        table.c.subject == subject,
        table.c.measure == measure,
        table.c.outcome == "value",
        table.c.measured_at.between(since, until),
    )
    with registry.reading() as connection:
        return [(row[0], row[1]) for row in connection.execute(query.order_by(table.c.measured_at, table.c.id))]


def last_until(registry: Registry, environment: str, subject: str, measure: str, until: datetime) -> Observation | None:
    """The newest observation of a measure until a time; None if there is none, or it is summarized already."""
    table = observations
    query = (
        select(table)
        .where(
            table.c.environment == environment,
            table.c.subject == subject,
            table.c.measure == measure,
            table.c.measured_at <= until,
        )
        .order_by(table.c.measured_at.desc(), table.c.received_at.desc())
        .limit(1)
    )
    with registry.reading() as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else _observation(row)


class _Subjects:
    """The recorded subjects of reports; each product is read once."""

    def __init__(self, registry: Registry, environment: str) -> None:
        self._registry, self._environment = registry, environment
        self._found: dict[str, frozenset[str]] = {}

    def check(self, report: Report) -> None:
        """Refuse a report about a subject that is not recorded."""
        known = self._found.get(report.product)
        if known is None:
            known = self._found[report.product] = self._of(report.product)
        if not known:
            raise ReportRefused(f"{report.product} is not deployed in {self._environment}")
        if report.subject not in known:
            what = {"asset": "asset", "contract": "output port", "product": "product"}[report.kind]
            hint = did_you_mean(report.subject, sorted(name for name in known if name.count("/") > 1))
            raise ReportRefused(f"there is no {what} {report.subject} in {self._environment}", hint=hint)

    def _of(self, product: str) -> frozenset[str]:
        registry, environment = self._registry, self._environment
        if registry.get(ProductRecord, environment, product) is None:
            return frozenset()
        ports = [port.address for port in registry.all(PortRecord, environment, product) if port.direction == "output"]
        assets = [asset.address for asset in registry.all(AssetRecord, environment, product)]
        return frozenset((product, *ports, *assets))


def _digests(connection: Connection, environment: str, ids: Sequence[str]) -> dict[str, str]:
    """The digests of the observations that have these ids, summarized ones too."""
    found: dict[str, str] = {}
    for start in range(0, len(ids), _NAMED_MAX):
        some = ids[start : start + _NAMED_MAX]
        for table in (summarized_observations, observations):
            query = select(table.c.id, table.c.digest).where(table.c.environment == environment, table.c.id.in_(some))
            found |= {row.id: row.digest for row in connection.execute(query)}
    return found


def _row(environment: str, report: Report, reported_by: str, now: datetime) -> dict[str, Any]:
    return {
        "environment": environment,
        "id": report.key,
        "digest": report.digest,
        "subject": report.subject,
        "measure": report.measure,
        "subject_kind": report.kind,
        "product": report.product,
        "measured_at": report.measured_at,
        "received_at": now,
        "window_seconds": report.window_seconds,
        "outcome": report.outcome,
        "value": report.number,
        "good": report.good,
        "total": report.total,
        "state": report.state,
        "note": report.note,
        "reported_by": reported_by,
    }


def _keep_latest(connection: Connection, rows: Iterable[dict[str, Any]]) -> None:
    """Keep the newest observation of each measure. Of two with the same time, the one that was received later."""
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        name = (row["subject"], row["measure"])
        if name not in newest or row["measured_at"] >= newest[name]["measured_at"]:
            newest[name] = row
    table = latest_observations
    kept = [{name: row[name] for name in table.c.keys()} for row in newest.values()]  # noqa: SIM118 - columns
    statement: Any = _inserted(connection, table)
    changed = {
        column.name: statement.excluded[column.name]
        for column in table.c
        if column.name not in ("environment", "subject", "measure")
    }
    later = or_(
        statement.excluded.measured_at > table.c.measured_at,
        and_(
            statement.excluded.measured_at == table.c.measured_at,
            statement.excluded.received_at >= table.c.received_at,
        ),
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[table.c.environment, table.c.subject, table.c.measure], set_=changed, where=later
        ),
        kept,
    )


def _inserted(connection: Connection, table: Table) -> Insert:
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def _observation(row: Any) -> Observation:
    return Observation(
        subject=row.subject,
        kind=row.subject_kind,
        measure=row.measure,
        product=row.product,
        measured_at=row.measured_at,
        received_at=row.received_at,
        window=timedelta(seconds=row.window_seconds),
        outcome=row.outcome,
        value=row.value,
        good=row.good,
        total=row.total,
        state=row.state,
        note=row.note,
        reported_by=row.reported_by,
    )


def state_of(found: Iterable[Observation], product: str) -> Observation | None:
    """The reported state of a product among observations; None if nobody reported one."""
    return next((each for each in found if each.measure == STATE and each.subject == product), None)
