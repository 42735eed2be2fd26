"""Counts of BigQuery tables by BigQuery itself. The size of a query is known, shown and limited before it runs.

Sources:
    https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#jobconfigurationquery
    https://cloud.google.com/bigquery/docs/best-practices-costs#restrict-bytes-billed
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from alchemesh_platform.base.units import size_in_words
from alchemesh_platform.clouds.gcp.emulation.api.bigquery import BigQueryRest, Estimate
from alchemesh_platform.clouds.gcp.emulation.types.errors import Refused
from alchemesh_platform.clouds.gcp.objects.services import bigquery_of
from alchemesh_platform.manifest.models import LogicalType, Property
from alchemesh_platform.quality.dialect import Dialect
from alchemesh_platform.quality.rows import by_rows, one_value
from alchemesh_platform.quality.statement import Counts, Groups, Sum, counts_of, select_of
from alchemesh_platform.quality.tables import MeasuredPort, NotMeasurable, NotRun, Tables, TooSlow


class GoogleSql(Dialect):
    """The SQL of BigQuery: https://cloud.google.com/bigquery/docs/reference/standard-sql/query-syntax."""

    whole = "INT64"
    casts: Mapping[LogicalType, str] = {LogicalType.DATE: "DATE", LogicalType.TIMESTAMP: "TIMESTAMP"}

    def name(self, name: str) -> str:
        return f"`{name}`"

    def part(self, path: str, name: str) -> str:
        return f"{path}.`{name}`"

    def text(self, text: str) -> str:
        return json.dumps(text, ensure_ascii=False)  # the escapes of JSON are a part of those of GoogleSQL

    def matches(self, path: str, pattern: str) -> str:
        return f"REGEXP_CONTAINS({path}, {self.text(pattern)})"

    def number_of(self, condition: str) -> str:
        return f"COUNTIF({condition})"

    def micros(self, path: str, declared: Property) -> str:
        moment = f"TIMESTAMP({path})" if declared.type is LogicalType.DATE else path
        return f"UNIX_MICROS({moment})"

    def number_of_items(self, array: str, condition: str) -> str:
        return f"COALESCE(SUM((SELECT COUNTIF({condition}) FROM UNNEST({array}) AS item)), 0)"  # noqa: S608 - quoted

    def clock(self, value: Any, declared: Property) -> str:
        return f"TIME {self.text(value.isoformat())}"


GOOGLE_SQL = GoogleSql()


def measure(port: MeasuredPort) -> Tables:
    """Measure tables of BigQuery."""
    return BigQueryTables(port, bigquery_of(port.environ))


class BigQueryTables(Tables):
    """Tables of BigQuery."""

    dialect = GOOGLE_SQL

    def __init__(self, port: MeasuredPort, service: BigQueryRest, clock: Callable[[], float] = time.monotonic) -> None:
        self.port = port
        self.service = service
        self.clock = clock

    def counts(self, model: str, sums: Sequence[Sum], groups: Sequence[Groups], seconds: float) -> Counts:
        project, dataset, table = self._place(model)
        sql = select_of(sums, groups, f"`{project}.{dataset}.{table}`", self.dialect)
        (row,) = self._run(f"model {model}", project, sql, None, seconds)
        return counts_of(sums, groups, [None if each is None else int(each) for each in row])

    def value(self, query: str, seconds: float) -> Any:
        places = {model: self._place(model) for model in self.port.models}
        (project, dataset), *others = dict.fromkeys(place[:2] for place in places.values())
        if others or any(model != table for model, (_, _, table) in places.items()):
            raise NotMeasurable("the tables of the port do not have the names of their models in one dataset")
        return one_value(self._run("a test", project, query, (project, dataset), seconds, set(places.values())))

    def by_rows(self, model: str) -> Tables:
        """The rows of a model leave BigQuery to be compared here. Their size is known, shown and limited before."""
        project, dataset, table = self._place(model)
        with _refusals():
            estimate = self.service.estimate(project, f"SELECT * FROM `{project}.{dataset}.{table}`")  # noqa: S608
        self._announce(f"model {model}", "comparison with its reference", estimate)
        return by_rows(self.port)

    def _run(
        self,
        what: str,
        project: str,
        sql: str,
        dataset: tuple[str, str] | None,
        seconds: float,
        allowed: set[tuple[str, str, str]] | None = None,
    ) -> list[list[Any]]:
        """The first rows of a query that reads no more bytes than the limit."""
        end, limit = self.clock() + seconds, self.port.limits.bytes
        with _refusals():
            estimate = self.service.estimate(project, sql, dataset)
        if allowed is not None:
            _check_query(estimate, allowed)
        self._announce(what, "query", estimate)
        try:
            with _refusals():
                answer = self.service.bounded(
                    project, sql, dataset, max_bytes=limit, seconds=lambda: end - self.clock(), rows=2
                )
        except TimeoutError:
            raise TooSlow(seconds) from None
        kinds = [str(field["type"]) for field in answer.fields]
        return [[_value(value, kind) for value, kind in zip(row, kinds, strict=True)] for row in answer.rows]

    def _announce(self, what: str, work: str, estimate: Estimate) -> None:
        """Show the size of a query, or refuse it."""
        read, most = size_in_words(estimate.bytes), size_in_words(self.port.limits.bytes)
        if estimate.bytes > self.port.limits.bytes:
            raise NotMeasurable(f"the {work} would read {read}, and the limit is {most}: --max-bytes raises it")
        self.port.note(f"{what} of {self.port.name}: the {work} reads {read} of at most {most}")

    def _place(self, model: str) -> tuple[str, str, str]:
        project, dataset, table = self.port.connection.table_id(model).rsplit(".", 2)
        return project, dataset, table


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn a refusal of BigQuery into its own message."""
    try:
        yield
    except Refused as error:
        raise NotRun(error.text) from error


def _check_query(estimate: Estimate, allowed: set[tuple[str, str, str]]) -> None:
    """Check that a query is one SELECT that reads the tables of its port only."""
    if estimate.statement not in ("SELECT", ""):
        raise NotRun("expected one SELECT in the query")
    foreign = [".".join(table) for table in estimate.tables if table not in allowed]
    if foreign:
        raise NotRun(f"the query reads {foreign[0]}, expected the tables of its port only")


_VALUES: Mapping[str, Callable[[str], Any]] = {
    "INTEGER": int,
    "INT64": int,
    "FLOAT": float,
    "FLOAT64": float,
    "NUMERIC": Decimal,
    "BIGNUMERIC": Decimal,
    "STRING": str,
    "BOOLEAN": lambda text: text == "true",
    "BOOL": lambda text: text == "true",
}


def _value(value: Any, kind: str) -> Any:
    """A value of an answer, which has texts."""
    if value is None:
        return None
    if kind not in _VALUES:
        raise NotRun(f"the query gave a value of type {kind}, expected a number or a text")
    return _VALUES[kind](value)
