"""Rows of BigQuery's tables, and of the views that a data API has for consumers."""

from __future__ import annotations

from alchemesh_platform.data.backend import MODES, Backend, Source, Target, Written
from alchemesh_platform.data.errors import NotReadable
from alchemesh_platform.data.rows import Rows
from alchemesh_platform.data.writing.checked import CheckedRows
from alchemesh_platform.systems.bigquery.data.client import table_name
from alchemesh_platform.systems.bigquery.data.reading import read_table
from alchemesh_platform.systems.bigquery.data.writing import write_table


class BigQueryData(Backend):
    """Tables of BigQuery. A write is one statement; BigQuery runs statements on a table one after the other."""

    name = "a BigQuery table"
    modes = MODES

    def read(self, source: Source) -> Rows:
        return read_table(source, table_name(source.connection.tables[source.model]))

    def write(self, target: Target, rows: CheckedRows) -> Written:
        return write_table(target, rows, table_name(target.connection.tables[target.model]))


class BigQueryViews(Backend):
    """Views of another product's tables, which its data API offers by SQL."""

    name = "a view of BigQuery"

    def read(self, source: Source) -> Rows:
        if source.model is None:
            raise NotReadable(f"port {source.port!r}: name the model to read")
        return read_table(source, table_name(f"{source.connection.sql.rstrip('/')}/{source.model}"))


DATA = BigQueryData()
VIEWS = BigQueryViews()
