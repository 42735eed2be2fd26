"""Tables of the registry: one for each kind of record, with columns for look-ups and the record as JSON.

There are no foreign keys: the engine writes and deletes records in its own order, and users should see a record with a
dangling reference. A new kind needs a record class, a table, a line in ``TABLES`` and a migration.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Dialect, Index, Integer, MetaData, Table, Text, TypeDecorator

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
