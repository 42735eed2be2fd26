"""Tables of the registry: one for each kind of record, with columns for look-ups and the record as JSON.

There are no foreign keys: the engine writes and deletes records in its own order, and users should see a record with a
dangling reference. A new kind needs a record class, a table, a line in ``TABLES`` and a migration.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

from alchemesh_platform.registry.records import (
    AccessRequestRecord,
    AssetRecord,
    ContractRecord,
    ContractVersionRecord,
    CredentialRecord,
    DomainRecord,
    FoundationRecord,
    GrantRecord,
    HoldingRecord,
    LineageRecord,
    MaintenanceRecord,
    ManifestRecord,
    NoticeRecord,
    PolicyRecord,
    PortRecord,
    ProductRecord,
    Record,
    SourceSystemRecord,
    TeamRecord,
    UserRecord,
    ValueScoreRecord,
)

metadata = MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"},
)


class UtcTime(TypeDecorator[datetime]):
    """A time in UTC. SQLite has no time zones, so this stores the time without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _text(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, Text, nullable=null)


def _record_table(name: str, *columns: Column[Any]) -> Table:
    table = Table(
        name,
        metadata,
        Column("environment", Text, primary_key=True),
        Column("address", Text, primary_key=True),
        *columns,
        _text("document"),  # text keeps the order of properties; JSONB would sort them
    )
    for lookup in ("product", "domain", "name"):
        if lookup in table.c:
            Index(None, table.c.environment, table.c[lookup])
    return table


domains = _record_table("domains", _text("type"), _text("owner"))
teams = _record_table("teams", _text("domain"), _text("name"), _text("team_kind"))
source_systems = _record_table("source_systems", _text("domain"), _text("name"))
users = _record_table("users")
policies = _record_table("policies", _text("effect"))
foundations = _record_table("foundations")
products = _record_table("products", _text("team"), _text("owner"), _text("lifecycle"))
ports = _record_table("ports", _text("product"), _text("direction"), _text("origin", null=True))
assets = _record_table("assets", _text("product"), _text("port"), _text("model"))
contracts = _record_table("contracts", _text("product"), _text("version"), _text("lifecycle"), _text("access"))
holdings = _record_table("holdings", _text("product"))
lineage = _record_table("lineage", _text("product"), _text("source"), _text("source_kind"), _text("target"))
manifests = _record_table("manifests")
contract_versions = _record_table("contract_versions", _text("product"), _text("port"), _text("version"))
notices = _record_table("notices", _text("product"), _text("port"), _text("what"))
maintenances = _record_table("maintenances", _text("product"), _text("port"))
access_requests = _record_table(
    "access_requests",
    _text("product"),
    _text("port"),
    _text("requester_kind"),
    _text("requester"),
    _text("state"),
)
grants = _record_table("grants", _text("product"), _text("port"), _text("requester_kind"), _text("requester"))
credentials = _record_table("credentials", _text("product"), _text("port"), _text("request"), _text("holder"))
value_scores = _record_table("value_scores", _text("product"))
for granted in (access_requests, grants):
    Index(None, granted.c.environment, granted.c.requester)

TABLES: dict[type[Record], Table] = {
    DomainRecord: domains,
    TeamRecord: teams,
    SourceSystemRecord: source_systems,
    UserRecord: users,
    PolicyRecord: policies,
    FoundationRecord: foundations,
    ProductRecord: products,
    PortRecord: ports,
    AssetRecord: assets,
    ContractRecord: contracts,
    HoldingRecord: holdings,
    LineageRecord: lineage,
    ManifestRecord: manifests,
    ContractVersionRecord: contract_versions,
    NoticeRecord: notices,
    MaintenanceRecord: maintenances,
    AccessRequestRecord: access_requests,
    GrantRecord: grants,
    CredentialRecord: credentials,
    ValueScoreRecord: value_scores,
}

# Triggers of the migration keep these two append-only. Only a running deployment may change.
deployments = Table(
    "deployments",
    metadata,
    Column("id", Text, primary_key=True),
    _text("environment"),
    _text("product"),
    _text("operation"),
    Column("started_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime, nullable=True),
    _text("outcome"),
    _text("document"),
    Index(None, "environment", "product", "started_at"),
    Index(None, "environment", "outcome", "started_at"),
)

acts = Table(
    "acts",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    _text("environment"),
    _text("product"),
    _text("operation"),
    _text("actor"),
    _text("document"),
    _text("digest"),  # SHA-256 of the previous digest and this document: a chain that can be verified
    Index(None, "environment", "product"),
)

changes = Table(
    "changes",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),  # SQLite auto-increments only INTEGER
    Column("at", UtcTime, nullable=False),
    _text("environment"),
    _text("kind"),
    _text("address"),
    _text("product"),
    _text("change"),
    _text("document"),
    Index(None, "environment", "product"),
    Index(None, "environment", "address"),
)


def _observation_columns() -> list[Column[Any]]:
    return [
        _text("subject_kind"),
        _text("product"),
        Column("measured_at", UtcTime, nullable=False),
        Column("received_at", UtcTime, nullable=False),
        Column("window_seconds", Float, nullable=False),
        _text("outcome"),
        Column("value", Float, nullable=True),
        Column("good", BigInteger, nullable=True),
        Column("total", BigInteger, nullable=True),
        _text("state", null=True),
        _text("note"),
        _text("reported_by"),
    ]


# The time series of measures. A trigger keeps its rows unchanged; the roll-up moves old ones into the summaries.
observations = Table(
    "observations",
    metadata,
    Column("environment", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    _text("digest"),
    _text("subject"),
    _text("measure"),
    *_observation_columns(),
    Index(None, "environment", "subject", "measure", "measured_at"),
    Index(None, "environment", "measured_at"),
)

# The newest observation of each measure, so that a long history does not slow a status down.
latest_observations = Table(
    "latest_observations",
    metadata,
    Column("environment", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("measure", Text, primary_key=True),
    *_observation_columns(),
    Index(None, "environment", "product"),
)

# Observations by hour, then by day.
observation_summaries = Table(
    "observation_summaries",
    metadata,
    Column("environment", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("measure", Text, primary_key=True),
    Column("grain", Text, primary_key=True),
    Column("start", UtcTime, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("unknown", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("sum", Float, nullable=True),
    Column("minimum", Float, nullable=True),
    Column("maximum", Float, nullable=True),
    Column("good", BigInteger, nullable=True),
    Column("total", BigInteger, nullable=True),
    _text("worst_state", null=True),
    _text("buckets", null=True),
    Index(None, "environment", "grain", "start", "subject"),
)

# The probes of each hour: a bit for each minute, and all response times.
probe_hours = Table(
    "probe_hours",
    metadata,
    Column("environment", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("measure", Text, primary_key=True),
    Column("start", UtcTime, primary_key=True),
    Column("up", BigInteger, nullable=False),
    Column("down", BigInteger, nullable=False),
    Column("minutes", LargeBinary, nullable=False),
    Column("seconds", LargeBinary, nullable=False),
)

# The ids of observations that the roll-up summarized, so that a report sent again is recognized.
summarized_observations = Table(
    "summarized_observations",
    metadata,
    Column("environment", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    _text("digest"),
    Column("measured_at", UtcTime, nullable=False),
    Index(None, "environment", "measured_at"),
)

# Usage of output ports, by reading of a source, consumer and hour. A trigger keeps its rows unchanged.
usage_lines = Table(
    "usage_lines",
    metadata,
    Column("environment", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    _text("product"),
    _text("port"),
    _text("protocol"),
    _text("consumer"),
    _text("contract_version"),
    Column("hour", UtcTime, nullable=False),
    Column("requests", BigInteger, nullable=False),
    Column("billable_requests", BigInteger, nullable=False),
    Column("errors", BigInteger, nullable=True),
    Column("bytes_out", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=True),
    Column("seconds", Float, nullable=False),
    Column("own", Boolean, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    _text("source"),
    Index(None, "environment", "product", "hour"),
    Index(None, "environment", "port", "hour"),
)

# The final bills of ports. A trigger keeps them unchanged: usage that comes later is an adjustment on a later bill.
bills = Table(
    "bills",
    metadata,
    Column("environment", Text, primary_key=True),
    Column("port", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("kept_at", UtcTime, nullable=False),
    _text("document"),
)

# The position up to which each source of usage is read.
usage_positions = Table(
    "usage_positions",
    metadata,
    Column("environment", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    _text("product"),
    _text("port"),
    Column("read_at", UtcTime, nullable=False),
    _text("document"),
)

# Parts of a source that disappeared before they were read: usage of that time is incomplete.
usage_gaps = Table(
    "usage_gaps",
    metadata,
    Column("environment", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    _text("product"),
    _text("port"),
    _text("source"),
    Column("since", UtcTime, nullable=True),
    Column("until", UtcTime, nullable=False),
    _text("reason"),
    Index(None, "environment", "product"),
)

# Times of measurements whose commitments are not evaluated yet. Reports add them in their own transaction, so that an
# evaluation that was killed is made up for.
incident_due = Table(
    "incident_due",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    _text("environment"),
    _text("product"),
    Column("at", UtcTime, nullable=False),
    Index(None, "environment", "product"),
    sqlite_autoincrement=True,  # a number is never used again
)

# The verdict of each measurement of a commitment, for as long as late reports may change it.
incident_points = Table(
    "incident_points",
    metadata,
    Column("environment", Text, primary_key=True),
    Column("commitment", Text, primary_key=True),
    Column("at", UtcTime, primary_key=True),
    _text("product"),
    _text("verdict"),
    _text("document"),
    Index(None, "environment", "product", "at"),
)

incidents = Table(
    "incidents",
    metadata,
    Column("environment", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    _text("product"),
    _text("port"),
    _text("commitment"),
    Column("opened_at", UtcTime, nullable=False),
    Column("closed_at", UtcTime, nullable=True),
    _text("document"),
    Index(None, "environment", "product", "opened_at"),
)
# One open incident for each commitment.
Index(
    "ix_incidents_open",
    incidents.c.environment,
    incidents.c.commitment,
    unique=True,
    sqlite_where=incidents.c.closed_at.is_(None),
    postgresql_where=incidents.c.closed_at.is_(None),
)

# Transitions of incidents that notifications are made from, in order.
incident_events = Table(
    "incident_events",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    _text("environment"),
    _text("id"),
    _text("product"),
    _text("incident"),
    Column("recorded_at", UtcTime, nullable=False),
    Column("planned_at", UtcTime, nullable=True),
    _text("document"),
    Index(None, "environment", "planned_at"),
    sqlite_autoincrement=True,  # a number is never used again
)

# The outbox: one row for each notification and receiver. It stays until it is delivered, or given up.
incident_deliveries = Table(
    "incident_deliveries",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    _text("environment"),
    _text("id"),
    _text("product"),
    _text("channel"),
    _text("recipient"),
    Column("created_at", UtcTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", UtcTime, nullable=False),
    Column("claimed_until", UtcTime, nullable=True),
    Column("ended_at", UtcTime, nullable=True),
    _text("failure"),
    _text("document"),
    Index(None, "environment", "ended_at"),
    sqlite_autoincrement=True,  # a number is never used again
)
