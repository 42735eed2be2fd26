"""Rows of landed files on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import file_digest
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.data.backend import Source
from alchemesh_platform.data.conditions import mask
from alchemesh_platform.data.errors import NotReadable
from alchemesh_platform.data.rows import Rows
from alchemesh_platform.data.types import arrow_schema, plain_schema
from alchemesh_platform.data.writing.given import BATCH_ROWS


def landed_rows(source: Source) -> Rows:
    """The rows of a landing area. Its Parquet files all have one schema.

    Raises:
        NotReadable: when nothing landed yet and the port declares no schema, or the files do not fit.
    """
    folder = source.connection.path
    files = parquet_files(folder)
    declared = arrow_schema(source.declared) if source.declared is not None else None
    if not files and declared is None:
        raise NotReadable(
            f"input port {source.port!r}: no row has landed yet in {folder}",
            hint=remedy("{} lands the files that the port names", command("up", about_product=True)),
        )
    found = _schema_of(source, files) if files else pa.schema([])
    # A port that adds new columns has more than it declares.
    known = {field.name: field for field in (*found, *(declared or ()))}
    needed = (*(source.columns or known), *(each.column for each in source.where))
    for name in needed if files else ():
        if name not in found.names:
            raise NotReadable(
                f"input port {source.port!r}: the landed files have no column {name!r}; they have "
                f"{', '.join(found.names)}"
            )
    schema = pa.schema([known[name] for name in source.columns or known])
    if not files:
        return Rows(schema, lambda: iter(()))
    dataset = ds.dataset([str(path) for path in files], schema=found, format="parquet")

    def batches() -> Iterator[pa.RecordBatch]:
        wanted = list(dict.fromkeys(needed))
        for batch in dataset.scanner(columns=wanted, batch_size=BATCH_ROWS, batch_readahead=4).to_batches():
            yield batch.filter(mask(batch, source.where)) if source.where else batch

    def version() -> str:
        digests = []
        for path in files:
            with path.open("rb") as content:
                digests.append(file_digest(content, "sha256").hexdigest())
        return repr((digests, schema.names, source.where))

    return Rows(schema, batches, parquet=None if source.where else files, version=version)


def parquet_files(folder: Path) -> list[Path]:
    """The files of a landing area by name; hidden files are unfinished."""
    return sorted(path for path in folder.glob("*.parquet") if not path.name.startswith("."))


def _schema_of(source: Source, files: list[Path]) -> pa.Schema:
    schemas = []
    for path in files:
        try:
            schemas.append(plain_schema(pq.read_schema(path)))
        except (pa.ArrowException, OSError) as error:
            raise NotReadable(f"input port {source.port!r}: {path} cannot be read: {error}") from error
    try:
        return pa.unify_schemas(schemas)
    except pa.ArrowException as error:
        raise NotReadable(
            f"input port {source.port!r}: its landed files have different types: {error}",
            hint=remedy("{} lands them again with one schema", command("up", about_product=True)),
        ) from error
