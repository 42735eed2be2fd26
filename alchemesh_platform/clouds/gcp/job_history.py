"""Usage of tables and views in BigQuery, from its own history of jobs.

A consumer's own project runs its queries, so only the history of the organization has all of them. The platform's own
queries have a label. A query whose answer BigQuery had in its cache names no table, so it is not counted.

Sources:
    https://cloud.google.com/bigquery/docs/information-schema-jobs
    https://cloud.google.com/bigquery/docs/information-schema-jobs-by-organization
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.clouds.gcp.emulation.api.bigquery import OWN_LABEL, Answer, BigQueryRest
from alchemesh_platform.clouds.gcp.emulation.servers.servers import VARIABLES
from alchemesh_platform.clouds.gcp.emulation.types.errors import Refused
from alchemesh_platform.clouds.gcp.emulation.world import BIGQUERY
from alchemesh_platform.clouds.gcp.objects.services import bigquery_of
from alchemesh_platform.sdk.connections.data_api import DataApiConnection
from alchemesh_platform.sdk.connections.tables import BIGQUERY_SCHEME, TablesConnection
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.system.usage import (
    MeteredPort,
    Metering,
    NotMetered,
    Slots,
    UsageCount,
    UsageReading,
    UsageSource,
)

PROTOCOL = "bigquery"
VIEWS = {"project": "JOBS_BY_PROJECT", "organization": "JOBS_BY_ORGANIZATION"}
SETTING = "settings.gcp.job_history of the platform file"
LATE = timedelta(minutes=5)  # the history shows a job a little after its end
PAUSE = timedelta(hours=1)  # between two readings: each one costs a query of at least 10 MB
SPAN = timedelta(days=31)  # of one reading
OLDEST = timedelta(days=180)  # the history is not longer
RUN_MAX = timedelta(days=1)  # from the start to the end of a query: at most 6 hours, and a while in a queue
BYTES_MAX = 10 * 1024**3
SECONDS = 300.0
_HOUR_MICROS = 3_600_000_000


class JobHistory(UsageSource):
    """The queries that read the tables of a port, by user and hour."""

    name = "job-history"

    def __init__(self, port: MeteredPort, tables: Sequence[str], service: BigQueryRest, view: str) -> None:
        self._port, self._tables, self._service, self._view = port, tuple(sorted(tables)), service, view
        self._late, self._pause = LATE, PAUSE

    def read(self, position: Mapping[str, Any] | None, slots: Slots, now: datetime) -> UsageReading:
        """The queries that ended since the position, until five minutes ago."""
        since, end = self._since(position, now), now - self._late
        if position is not None and end - since < self._pause:
            return UsageReading(position)
        until = min(end, since + SPAN)
        answer = self._answer(since, until, slots)
        counts = tuple(self._count(row, slots) for row in answer.rows)
        return UsageReading({"until": until.timestamp()}, counts, more=until < end)

    def keep(self) -> None:
        """Read up to now from here on: the port is removed next."""
        self._late = self._pause = timedelta(0)

    def _since(self, position: Mapping[str, Any] | None, now: datetime) -> datetime:
        oldest = now - OLDEST
        if position is None:
            return max(self._port.since or oldest, oldest)
        return max(datetime.fromtimestamp(position["until"], UTC), oldest)

    def _answer(self, since: datetime, until: datetime, slots: Slots) -> Answer:
        project = self._tables[0].split(".")[0]
        sql = statement(self._view, self._tables, since, until, slots.cuts)
        try:
            return self._service.bounded(project, sql, None, max_bytes=BYTES_MAX, seconds=lambda: SECONDS)
        except Refused as error:
            raise Failure(
                f"the history of jobs cannot be read: {error.text}",
                hint="grant roles/bigquery.resourceViewer on the project or organization, as " + SETTING + " says",
            ) from error

    def _count(self, row: Sequence[Any], slots: Slots) -> UsageCount:
        user, failed, labelled = str(row[0]), row[1] == "true", row[2] == "true"
        moment, queries, read, micros = (int(each or 0) for each in row[3:7])
        own = labelled or user in self._port.own
        consumer = consumer_of(user, self._port.consumers)
        return UsageCount(
            protocol=PROTOCOL,
            user=user,
            consumer=consumer.address if consumer is not None else "",
            request=consumer.request if consumer is not None else None,
            since=slots.start(moment / 1_000_000),
            requests=queries,
            billable_requests=0 if own or failed or consumer is None else queries,
            errors=queries if failed else 0,
            bytes_out=read,
            seconds=micros / 1_000_000,
            own=own,
        )


class JobHistoryMetering(Metering):
    """Metering of tables and views in BigQuery."""

    def sources_of(self, port: MeteredPort) -> Sequence[UsageSource]:
        """The history of jobs that the platform file names."""
        if port.environ.get(VARIABLES[BIGQUERY]):
            raise NotMetered("the emulator of BigQuery has no history of jobs")
        asked = port.settings.get("gcp", {}).get("job_history")
        if asked not in VIEWS:
            raise NotMetered(f"{SETTING} names no history of BigQuery's jobs")
        service = bigquery_of(port.environ)
        tables = tables_of(port)
        project, dataset, _ = tables[0].split(".")
        try:
            found = service.dataset(project, dataset)
        except Refused as error:
            raise Failure(f"the location of dataset {dataset} cannot be read: {error.text}") from error
        if found is None:
            raise NotMetered(f"there is no dataset {project}.{dataset}")
        region = str(found["location"]).lower()
        return (JobHistory(port, tables, service, f"`{project}`.`region-{region}`.INFORMATION_SCHEMA.{VIEWS[asked]}"),)


METERING = JobHistoryMetering()


def tables_of(port: MeteredPort) -> list[str]:
    """The tables and views of a port, as ``project.dataset.table``. A history may name a view, or the table behind it.

    Raises:
        NotMetered: when REST or GraphQL read the same tables, since nothing tells them apart.
    """
    api = port.connection
    found: list[str] = []
    if isinstance(api, DataApiConnection):
        if api.rest is not None or api.graphql is not None:
            raise NotMetered("nothing counts the requests to its REST and GraphQL")
        project, dataset = str(api.sql).removeprefix(BIGQUERY_SCHEME).split("/")
        found = [f"{project}.{dataset}.{table}" for table in api.tables]
    for connection in (api, port.storage):
        if isinstance(connection, TablesConnection) and connection.format == "bigquery":
            found += [connection.table_id(model) for model in connection.tables]
    if not found:
        raise NotMetered("it has no table")
    return list(dict.fromkeys(found))


def consumer_of(email: str, consumers: Sequence[Consumer]) -> Consumer | None:
    """The consumer that a user of BigQuery belongs to. A request of the user alone comes before those of teams."""
    fitting = [
        each for each in consumers if email in each.users or (each.identity is not None and each.identity.name == email)
    ]
    return min(fitting, key=lambda each: len(each.users), default=None)


def statement(view: str, tables: Sequence[str], since: datetime, until: datetime, cuts: Sequence[float]) -> str:
    """The queries that ended in a span of time and read one of the tables: by user, failure, label, hour and version.

    The bytes of a query that also reads other tables cannot be divided, so they are not counted.
    """
    names = ", ".join(json.dumps(each) for each in tables)
    first, last, oldest = (_micros(moment) for moment in (since, until, since - RUN_MAX))
    versions = ", ".join(str(round(cut * 1_000_000)) for cut in cuts)
    version = f", RANGE_BUCKET(at, [{versions}])" if versions else ""
    (label,) = OWN_LABEL
    return f"""
SELECT user, failed, labelled, MIN(at), COUNT(*), SUM(bytes), SUM(micros)
FROM (
  SELECT
    user_email AS user,
    error_result IS NOT NULL AS failed,
    EXISTS(SELECT 1 FROM UNNEST(labels) AS label WHERE label.key = {json.dumps(label)}) AS labelled,
    UNIX_MICROS(end_time) AS at,
    IF(
      EXISTS(
        SELECT 1 FROM UNNEST(referenced_tables) AS t
        WHERE CONCAT(t.project_id, '.', t.dataset_id, '.', t.table_id) NOT IN ({names})
      ),
      0, total_bytes_processed
    ) AS bytes,
    UNIX_MICROS(end_time) - UNIX_MICROS(creation_time) AS micros
  FROM {view}
  WHERE creation_time >= TIMESTAMP_MICROS({oldest})
    AND end_time >= TIMESTAMP_MICROS({first})
    AND end_time < TIMESTAMP_MICROS({last})
    AND job_type = 'QUERY'
    AND state = 'DONE'
    AND IFNULL(statement_type, '') != 'SCRIPT'
    AND EXISTS(
      SELECT 1 FROM UNNEST(referenced_tables) AS t
      WHERE CONCAT(t.project_id, '.', t.dataset_id, '.', t.table_id) IN ({names})
    )
    AND IFNULL(
      CONCAT(destination_table.project_id, '.', destination_table.dataset_id, '.', destination_table.table_id), ''
    ) NOT IN ({names})
)
GROUP BY user, failed, labelled, DIV(at, {_HOUR_MICROS}){version}
ORDER BY user, failed, labelled, MIN(at)
"""  # noqa: S608 - the recorded names of tables, quoted


def _micros(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)
