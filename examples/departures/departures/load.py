"""Loads the events that were landed in the bucket into BigQuery, each departure once, however often it was told of."""

from __future__ import annotations

import os
from collections.abc import Sequence
from urllib.parse import urlsplit

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery, storage

from alchemesh_platform.connections import connections

MODEL = "departure"
KEY = "departure_id"
FOLDER = "ops.departures/"  # beside it is dead-letter/, for what is no event


def main() -> None:
    """Load what is landed, and say how much."""
    here = connections()
    landed = files_in(here.input("told").files.url)
    if not landed:
        print("nothing is landed yet")
        return
    table = here.output("departures-table").tables.table_id(MODEL)
    between = (here.need("between").tables.dataset or "").removeprefix("bigquery://").replace("/", ".")
    client = warehouse(table.partition(".")[0])
    events = load(client, landed, f"{between}.{MODEL}_event", client.get_table(table).schema)
    written = merge(client, f"{between}.{MODEL}_event", table)
    print(f"{len(landed)} files, {events:,} events: {written:,} departures are new")


def files_in(url: str) -> list[str]:
    """Addresses of the files of events in a bucket."""
    place = urlsplit(url)
    client = storage.Client(project=place.netloc)  # finds an emulator by STORAGE_EMULATOR_HOST
    return [f"gs://{place.netloc}/{found.name}" for found in client.list_blobs(place.netloc, prefix=FOLDER)]


def warehouse(project: str) -> bigquery.Client:
    """A client of BigQuery; it finds an emulator by itself, and brings it no credentials."""
    anonymous = AnonymousCredentials() if os.environ.get("BIGQUERY_EMULATOR_HOST") else None
    return bigquery.Client(project=project, credentials=anonymous)


def load(client: bigquery.Client, files: Sequence[str], table: str, schema: Sequence[bigquery.SchemaField]) -> int:
    """Load files of JSON lines into a table of their own, anew; returns its rows."""
    config = bigquery.LoadJobConfig(
        source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
        schema=[bigquery.SchemaField(field.name, field.field_type) for field in schema],
        write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
    )
    client.load_table_from_uri(list(files), table, job_config=config).result()
    return rows(client, table)


def merge(client: bigquery.Client, events: str, table: str) -> int:
    """Write departures that the table does not have, each once; returns how many. Done again, it writes none."""
    names = ", ".join(field.name for field in client.get_table(table).schema)
    before = rows(client, table)
    client.query(
        f"""
        MERGE `{table}` AS known
        USING (
          SELECT {names} FROM (
            SELECT {names}, ROW_NUMBER() OVER (PARTITION BY {KEY} ORDER BY scheduled_departure) AS told
            FROM `{events}`
          ) WHERE told = 1
        ) AS told
        ON known.{KEY} = told.{KEY}
        WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({names})
        """
    ).result()
    return rows(client, table) - before


def rows(client: bigquery.Client, table: str) -> int:
    """How many rows a table has."""
    return int(next(iter(client.query(f"SELECT COUNT(*) AS n FROM `{table}`").result())).n)
