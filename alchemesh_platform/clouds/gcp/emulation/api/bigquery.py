"""The part of BigQuery's JSON interface that the platform calls.

Source: https://cloud.google.com/bigquery/docs/reference/rest
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from alchemesh_platform.clouds.gcp.emulation.api.rest import Rest

QUERY_TIMEOUT_MS = 50_000


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
        configuration = {"query": {"query": sql, "useLegacySql": False}, "dryRun": True}
        job = self.json("POST", f"{_project(project)}/jobs", {"configuration": configuration})
        tables = job.get("statistics", {}).get("query", {}).get("referencedTables") or ()
        return [(table["projectId"], table["datasetId"], table["tableId"]) for table in tables]


def _project(project: str) -> str:
    return f"/bigquery/v2/projects/{project}"


def _path(project: str, dataset: str, table: str | None = None) -> str:
    return f"{_project(project)}/datasets/{dataset}{f'/tables/{table}' if table else ''}"
