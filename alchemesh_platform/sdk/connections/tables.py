"""Tables: the connection of a storage that has one table for each model."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from alchemesh_platform.sdk.connections.base import Connection, WrongConnection, local_path

BIGQUERY_SCHEME = "bigquery://"


class TablesConnection(Connection):
    """One table for each model."""

    kind: Literal["tables"] = "tables"
    format: Literal["delta", "iceberg", "bigquery", "parquet"] = Field(
        description="Table format, or the service with the tables."
    )
    tables: dict[str, str] = Field(
        description="Model name: address of its table, as a URL: file:///…, bigquery://project/dataset/table, s3://…"
    )

    catalog: str | None = Field(
        default=None, description="For Iceberg: address of the catalog that knows the current version of each table."
    )
    catalog_name: str | None = Field(default=None, description="For Iceberg: name of the catalog in its database.")
    namespace: str | None = Field(default=None, description="For Iceberg: namespace of the tables in the catalog.")

    dataset: str | None = Field(
        default=None, description="Place for tables that code creates: bigquery://project/dataset"
    )

    def path(self, model: str) -> Path:
        """The folder of a model's table on this machine."""
        return local_path(self._url(model))

    def table_id(self, model: str) -> str:
        """A model's table as BigQuery's own libraries and SQL name it: ``project.dataset.table``.

        Raises:
            WrongConnection: when the tables are not BigQuery's.
        """
        url = self._url(model)
        if not url.startswith(BIGQUERY_SCHEME):
            raise WrongConnection(f"{url} is no table of BigQuery")
        return url.removeprefix(BIGQUERY_SCHEME).replace("/", ".")

    def _url(self, model: str) -> str:
        if model not in self.tables:
            raise WrongConnection(f"no table for model {model!r}: there are {', '.join(sorted(self.tables)) or 'none'}")
        return self.tables[model]
