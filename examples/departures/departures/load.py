"""Loads the ingested events from the bucket into BigQuery, each departure once, however many events it has."""

from __future__ import annotations

import os
from collections.abc import Sequence
from urllib.parse import urlsplit

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery, storage

from alchemesh_platform.connections import connections

MODEL = "departure"
KEY = "departure_id"
FOLDER = "ops.departures/"  # invalid messages are in dead-letter/ next to it


def main() -> None:
    """Load the ingested files, and print the counts."""
    here = connections()
    landed = files_in(here.input("events").files.url)
    if not landed:
        print("no file has arrived yet")
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
    client = storage.Client(project=place.netloc)  # uses an emulator if STORAGE_EMULATOR_HOST is set
    return [f"gs://{place.netloc}/{found.name}" for found in client.list_blobs(place.netloc, prefix=FOLDER)]


def warehouse(project: str) -> bigquery.Client:
    """A client of BigQuery; it finds an emulator by itself, and needs no credentials for it."""
    anonymous = AnonymousCredentials() if os.environ.get("BIGQUERY_EMULATOR_HOST") else None
    return bigquery.Client(project=project, credentials=anonymous)


def load(client: bigquery.Client, files: Sequence[str], table: str, schema: Sequence[bigquery.SchemaField]) -> int:
    """Load files of JSON lines into a staging table, which is truncated first; returns its number of rows."""
    config = bigquery.LoadJobConfig(
        source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
        schema=[bigquery.SchemaField(field.name, field.field_type) for field in schema],
        write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
    )
    client.load_table_from_uri(list(files), table, job_config=config).result()
    return rows(client, table)


def merge(client: bigquery.Client, events: str, table: str) -> int:
    """Insert departures that the table does not have, each once; returns their number. Repeating it inserts none."""
    names = ", ".join(field.name for field in client.get_table(table).schema)
    before = rows(client, table)
    client.query(
        f"""
        MERGE `{table}` AS known
        USING (
          SELECT {names} FROM (
            SELECT {names}, ROW_NUMBER() OVER (PARTITION BY {KEY} ORDER BY scheduled_departure) AS nth
            FROM `{events}`
          ) WHERE nth = 1
        ) AS loaded
        ON known.{KEY} = loaded.{KEY}
        WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({names})
        """
    ).result()
    return rows(client, table) - before


def rows(client: bigquery.Client, table: str) -> int:
    """The number of rows of a table."""
    return int(next(iter(client.query(f"SELECT COUNT(*) AS n FROM `{table}`").result())).n)
