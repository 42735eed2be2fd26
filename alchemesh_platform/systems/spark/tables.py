"""The tables of a product's ports in a session of Spark: a schema for each port, a table for each model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alchemesh_platform.sdk.connections.files import FilesConnection
from alchemesh_platform.sdk.connections.tables import TablesConnection

if TYPE_CHECKING:
    from alchemesh_platform.data.rows import Rows
    from alchemesh_platform.sdk.connections.ports import Connections

FORMATS = ("delta", "parquet")


def register(session: Any, here: Connections) -> None:
    """Register the tables of all ports.

    The port `flights-table` with the model `flight` is ``flights_table.flight``. An input port of landed files is a
    view with the name of the port. An input port that reads another product is a view for each model, with the rows
    that its data API gives.
    """
    for name, port in {**here.inputs, **here.outputs}.items():
        schema = name.replace("-", "_")
        if isinstance(port.storage, TablesConnection) and port.storage.format in FORMATS:
            session.sql(f"CREATE DATABASE IF NOT EXISTS {_quoted(schema)}")
            for model, url in port.storage.tables.items():
                session.sql(
                    f"CREATE TABLE {_quoted(schema)}.{_quoted(model)} USING {port.storage.format} LOCATION {_text(url)}"
                )
        elif isinstance(port.storage, FilesConnection) and port.storage.format == "parquet":
            if _has_rows(port.storage):
                session.read.parquet(port.storage.url).createOrReplaceTempView(schema)
        elif name in here.inputs and port.proxy is not None:
            for model in here.schemas[name].models if name in here.schemas else {}:
                copy = copied(here.input(name).read(model), Path(os.environ["SPARK_LOCAL_DIRS"], name, model))
                session.read.parquet(copy.as_uri()).createOrReplaceTempView(f"{schema}_{model}")


def copied(rows: Rows, folder: Path) -> Path:
    """A folder with the rows as Parquet. They pass through this program in batches."""
    import pyarrow.parquet as pq

    folder.mkdir(mode=0o700, parents=True)
    with pq.ParquetWriter(folder / "rows.parquet", rows.schema) as writer:
        for batch in rows.batches():
            writer.write_batch(batch)
    return folder


def _has_rows(files: FilesConnection) -> bool:
    """Whether files have landed: Spark cannot read a folder without any."""
    if not files.url.startswith("file:"):
        return True
    return any(not path.name.startswith(".") for path in Path(files.path).glob("*.parquet"))


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
