"""The part of BigQuery's JSON interface that the platform calls.

Source: https://cloud.google.com/bigquery/docs/reference/rest
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alchemesh_platform.clouds.gcp.emulation.api.rest import Rest

QUERY_TIMEOUT_MS = 50_000
PAGE_ROWS = 10_000
OWN_LABEL = {"alchemesh": "own"}  # of the platform's own queries: the usage of consumers leaves them out


@dataclass(frozen=True, slots=True)
class Estimate:
    """The cost of a query that was not run.

    Args:
        bytes: Bytes that it would read.
        statement: Its kind: ``SELECT``; empty if the service does not say.
        tables: Project, dataset and name of each table that it would read.
    """

    bytes: int
    statement: str
    tables: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The first rows of a query. Values are texts, as in BigQuery's interface.

    Args:
        fields: The columns.
        rows: The rows.
    """

    fields: Sequence[Mapping[str, Any]]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class BigQueryRest(Rest):
    """BigQuery."""

    def dataset(self, project: str, dataset: str) -> dict[str, Any] | None:
        """A dataset; None if it does not exist."""
        return self.found(_path(project, dataset))

    def make_dataset(self, project: str, body: Mapping[str, Any]) -> None:
        """Create a dataset. Raises Refused with 409 if it exists."""
        self.json("POST", f"{_project(project)}/datasets", body)

    def change_dataset(self, project: str, dataset: str, body: Mapping[str, Any]) -> None:
        """Update the given properties of a dataset. None removes a property."""
        self.json("PATCH", _path(project, dataset), body)

    def remove_dataset(self, project: str, dataset: str, *, with_tables: bool) -> None:
        """Delete a dataset. Raises Refused if it has tables, unless ``with_tables`` is set."""
        self.removed(_path(project, dataset), query={"deleteContents": "true" if with_tables else "false"})

    def tables(self, project: str, dataset: str) -> Iterator[str]:
        """Names of the tables and views of a dataset. A missing dataset has none."""
        token = ""
        while True:
            page = self.found(f"{_path(project, dataset)}/tables{f'?pageToken={token}' if token else ''}") or {}
            for item in page.get("tables") or ():
                yield str(item["tableReference"]["tableId"])
            token = page.get("nextPageToken") or ""
            if not token:
                return

    def table(self, project: str, dataset: str, table: str) -> dict[str, Any] | None:
        """A table or view; None if it does not exist."""
        return self.found(_path(project, dataset, table))

    def make_table(self, project: str, dataset: str, body: Mapping[str, Any]) -> None:
        """Create a table or view. Raises Refused with 409 if it exists."""
        self.json("POST", f"{_path(project, dataset)}/tables", body)

    def change_table(self, project: str, dataset: str, table: str, body: Mapping[str, Any]) -> None:
        """Update the given properties of a table. None removes a property."""
        self.json("PATCH", _path(project, dataset, table), body)

    def remove_table(self, project: str, dataset: str, table: str) -> None:
        """Delete a table or view."""
        self.removed(_path(project, dataset, table))

    def query(self, project: str, sql: str) -> list[list[Any]]:
        """The rows of a statement's result. Values are texts, as in BigQuery's interface.

        Raises:
            Refused: with BigQuery's message.
        """
        body = {"query": sql, "useLegacySql": False, "timeoutMs": QUERY_TIMEOUT_MS}
        answer = self.json("POST", f"{_project(project)}/queries", body)
        while answer.get("jobComplete") is False:  # a long statement continues as a job
            job = answer["jobReference"]
            query = {"timeoutMs": str(QUERY_TIMEOUT_MS), "location": str(job.get("location", ""))}
            answer = self.json("GET", f"{_project(project)}/queries/{job['jobId']}", query=query)
        return [[cell["v"] for cell in row["f"]] for row in answer.get("rows") or ()]

    def referenced(self, project: str, sql: str) -> list[tuple[str, str, str]]:
        """Project, dataset and name of each table or view that a query reads, without running it."""
        return list(self.estimate(project, sql).tables)

    def estimate(self, project: str, sql: str, dataset: tuple[str, str] | None = None) -> Estimate:
        """The bytes and tables that a query would read, without running it.

        Args:
            dataset: Project and name of the dataset of tables that the query names alone.

        Raises:
            Refused: with BigQuery's message, such as an error in the query.
        """
        query = {"query": sql, "useLegacySql": False, **_default(dataset)}
        job = self.json("POST", f"{_project(project)}/jobs", {"configuration": {"query": query, "dryRun": True}})
        statistics = job.get("statistics", {})
        found = statistics.get("query", {})
        read = found.get("totalBytesProcessed") or statistics.get("totalBytesProcessed") or 0
        tables = (
            (each["projectId"], each["datasetId"], each["tableId"]) for each in found.get("referencedTables") or ()
        )
        return Estimate(int(read), str(found.get("statementType") or ""), tuple(tables))

    def bounded(
        self,
        project: str,
        sql: str,
        dataset: tuple[str, str] | None,
        *,
        max_bytes: int,
        seconds: Callable[[], float],
        rows: int | None = None,
    ) -> Answer:
        """Run a query that may read a number of bytes, and wait for a time. It is cancelled when the time ends.

        Args:
            dataset: Project and name of the dataset of tables that the query names alone.
            max_bytes: The most bytes that may be billed. BigQuery refuses a query that needs more, at no cost.
            seconds: The time that is left.
            rows: The most rows to return; all of them by default.

        Raises:
            Refused: with BigQuery's message.
            TimeoutError: when the query does not end in time.
        """

        def wait() -> int:
            return max(min(int(seconds() * 1000), QUERY_TIMEOUT_MS), 1)

        body = {
            "query": sql,
            "useLegacySql": False,
            "maxResults": rows or PAGE_ROWS,
            "maximumBytesBilled": str(max_bytes),
            "timeoutMs": wait(),
            "labels": OWN_LABEL,
            **_default(dataset),
        }
        answer = self.json("POST", f"{_project(project)}/queries", body)
        while answer.get("jobComplete") is False:
            job = answer["jobReference"]
            place = {"location": str(job["location"])} if job.get("location") else {}
            path = f"{_project(project)}/queries/{job['jobId']}"
            if seconds() <= 0:
                self.json("POST", f"{_project(project)}/jobs/{job['jobId']}/cancel", query=place)
                raise TimeoutError
            more = {"timeoutMs": str(wait()), "maxResults": str(rows or PAGE_ROWS)}
            answer = self.json("GET", path, query={**place, **more})
        fields, found = answer.get("schema", {}).get("fields") or (), list(_rows(answer))
        while rows is None and (token := answer.get("pageToken")):
            job = answer["jobReference"]
            place = {"location": str(job["location"])} if job.get("location") else {}
            path = f"{_project(project)}/queries/{job['jobId']}"
            answer = self.json("GET", path, query={**place, "pageToken": str(token), "maxResults": str(PAGE_ROWS)})
            found += _rows(answer)
        return Answer(fields, found)


def _rows(answer: Mapping[str, Any]) -> Iterator[list[Any]]:
    for row in answer.get("rows") or ():
        yield [cell["v"] for cell in row["f"]]


def _default(dataset: tuple[str, str] | None) -> dict[str, Any]:
    if dataset is None:
        return {}
    return {"defaultDataset": {"projectId": dataset[0], "datasetId": dataset[1]}}


def _project(project: str) -> str:
    return f"/bigquery/v2/projects/{project}"


def _path(project: str, dataset: str, table: str | None = None) -> str:
    return f"{_project(project)}/datasets/{dataset}{f'/tables/{table}' if table else ''}"
