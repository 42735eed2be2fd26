"""Measures how punctual departures from New York are, from the output port of aviation/flights.

`alchemesh run` calls ``main`` with the connections of the product's ports. The flights stay where they are: their data
API aggregates them and returns a few rows. The job writes nothing if the rows equal those of the last run.
"""

from __future__ import annotations

import hashlib
import json
import sys
import urllib.error
import urllib.request
from typing import Any

import duckdb
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError

from alchemesh_platform.connections import Connections, DataApiConnection, NotConnected, WrongConnection, connections

FINGERPRINT = "punctuality.fingerprint"  # key in the metadata of a Delta commit

# Commits that leave every row as it was: the platform's, when a model changes, and maintenance.
KEEPING_ROWS = {
    *("ADD COLUMN", "CHANGE COLUMN", "UPDATE FIELD METADATA", "UPDATE TABLE METADATA", "SET TBLPROPERTIES"),
    *("OPTIMIZE", "VACUUM START", "VACUUM END"),
}

TIMEOUT_SECONDS = 60

# "A flight is counted as on time if it operated less than 15 minutes later than the scheduled time": US Bureau of
# Transportation Statistics. The median of an even number of flights lies between two of them.
MEASURES = """
    count(*) AS flights,
    round(100.0 * sum(CASE WHEN f.departure_delay_minutes < 15 THEN 1 ELSE 0 END) / count(*), 2) AS on_time_percent,
    round(100.0 * sum(CASE WHEN f.cancelled THEN 1 ELSE 0 END) / count(*), 2) AS cancelled_percent,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY f.departure_delay_minutes) AS median_delay_minutes,
    round(avg(f.departure_delay_minutes), 2) AS mean_delay_minutes
"""

# Model: the query that gives its rows, in the SQL of the data API.
QUERIES = {
    "carrier_punctuality": f"""
        SELECT f.carrier, a.name, {MEASURES}
        FROM flight f JOIN airline a ON a.carrier = f.carrier
        GROUP BY f.carrier, a.name ORDER BY f.carrier
    """,
    "airport_punctuality": f"""
        SELECT f.origin AS airport, 'from' AS direction, a.name, {MEASURES}
        FROM flight f LEFT JOIN airport a ON a.airport = f.origin
        GROUP BY f.origin, a.name
        UNION ALL
        SELECT f.destination AS airport, 'to' AS direction, a.name, {MEASURES}
        FROM flight f LEFT JOIN airport a ON a.airport = f.destination
        GROUP BY f.destination, a.name
        ORDER BY direction, airport
    """,
    "hour_punctuality": f"""
        SELECT CAST(extract(hour FROM f.scheduled_departure AT TIME ZONE 'America/New_York') AS bigint) AS hour,
        {MEASURES}
        FROM flight f
        GROUP BY 1 ORDER BY 1
    """,
}

DUCKDB_TYPES = {"string": "VARCHAR", "long": "BIGINT", "double": "DOUBLE"}  # of the Delta types that the models have


class UnusableInput(Exception):
    """Raised when the input port gives no answer to work with; gives the query and the answer."""


def main() -> None:
    """Run the job; ends with a message and status 1 when it cannot."""
    try:
        publish(connections())
    except (UnusableInput, NotConnected, WrongConnection, duckdb.Error, DeltaError, OSError) as error:
        sys.exit(f"error: {error}")


def publish(here: Connections) -> None:
    """Measure, and write the result to the output port."""
    flights_api = here.input("flights").data_api
    if flights_api.rest is None:
        raise UnusableInput("input port 'flights': its data API does not offer REST")
    flights = ask(flights_api, "SELECT count(*) AS flights FROM flight")[0]["flights"]
    if flights == 0:
        raise UnusableInput(
            "input port 'flights': there are no flights yet\n\n"
            "hint: run the code of aviation/flights first: `alchemesh run -C examples/flights`"
        )
    print(f"reading    {flights:,} flights through {flights_api.rest}")
    measured = {model: ask(flights_api, query) for model, query in QUERIES.items()}
    tables = here.output("punctuality-table").tables
    for model, rows in measured.items():
        table = DeltaTable(tables.path(model))
        changed = overwrite(table, rows)
        print(f"{'written' if changed else 'unchanged':<10} {model:<20} {len(rows):>4} rows, version {table.version()}")


def ask(api: DataApiConnection, query: str) -> list[dict[str, Any]]:
    """The rows that a data API gives for a query: the query is the body, the answer a JSON list of objects.

    The headers hold the credential of this product's grant.
    """
    rest, headers = api.rest, {"Accept": "application/json", **api.headers()}
    request = urllib.request.Request(f"{rest}/sql", data=query.encode(), headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            rows: list[dict[str, Any]] = json.load(response)
    except urllib.error.HTTPError as error:
        raise UnusableInput(f"input port 'flights': {rest} refused a query: {error.read().decode()}") from error
    except (urllib.error.URLError, TimeoutError, json.JSONDecodeError) as error:
        raise UnusableInput(
            f"input port 'flights': {rest} does not answer: {error}\n\n"
            "hint: `alchemesh status -C examples/flights` shows the health of its data API"
        ) from error
    return rows


def overwrite(table: DeltaTable, rows: list[dict[str, Any]]) -> bool:
    """Replace all rows of a table in one commit, unless the table has them already; returns whether it was written."""
    fields = table.schema().fields
    parts = [*(f"{field.name} {field.type} {field.nullable}" for field in fields), json.dumps(rows, sort_keys=True)]
    mark = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    changes = (commit for commit in table.history() if commit["operation"] not in KEEPING_ROWS)
    if next(changes, {}).get(FINGERPRINT) == mark:
        return False
    with duckdb.connect() as work:
        columns = ", ".join(f'"{field.name}" {DUCKDB_TYPES[field.type.type]}' for field in fields)
        work.execute(f"CREATE TABLE measured ({columns})")
        places = ", ".join("?" * len(fields))
        values = [[row.get(field.name) for field in fields] for row in rows]
        work.executemany(f"INSERT INTO measured VALUES ({places})", values)
        properties = CommitProperties(custom_metadata={FINGERPRINT: mark})
        write_deltalake(table, work.table("measured"), mode="overwrite", commit_properties=properties)
    table.update_incremental()
    return True


if __name__ == "__main__":
    main()
