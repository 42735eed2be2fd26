"""Measures how punctual departures from New York are, from the output port of aviation/flights.

`alchemesh run` calls ``main`` with the connections of the product's ports. It reads the columns that it needs by the
fastest protocol of the other product's port. The job writes nothing if the rows equal those of the last run.
"""

from __future__ import annotations

import sys

import duckdb

from alchemesh_platform.connections import Connections, DataError, NotConnected, WrongConnection, connections

# Model of the port that is read: the columns that are needed.
COLUMNS = {
    "flight": ("carrier", "origin", "destination", "scheduled_departure", "departure_delay_minutes", "cancelled"),
    "airline": ("carrier", "name"),
    "airport": ("airport", "name"),
}

# "A flight is counted as on time if it operated less than 15 minutes later than the scheduled time": US Bureau of
# Transportation Statistics. The median of an even number of flights lies between two of them.
MEASURES = """
    count(*) AS flights,
    round(100.0 * count(*) FILTER (f.departure_delay_minutes < 15) / count(*), 2) AS on_time_percent,
    round(100.0 * count(*) FILTER (f.cancelled) / count(*), 2) AS cancelled_percent,
    median(f.departure_delay_minutes) AS median_delay_minutes,
    round(avg(f.departure_delay_minutes), 2) AS mean_delay_minutes
"""

# Model: the query that gives its rows.
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
        SELECT extract(hour FROM f.scheduled_departure AT TIME ZONE 'America/New_York') AS hour, {MEASURES}
        FROM flight f
        GROUP BY 1 ORDER BY 1
    """,
}


class UnusableInput(Exception):
    """Raised when the input port gives no rows to work with; says what to do."""


def main() -> None:
    """Run the job; ends with a message and status 1 when it cannot."""
    try:
        publish(connections())
    except (UnusableInput, NotConnected, WrongConnection, DataError, duckdb.Error, OSError) as error:
        sys.exit(f"error: {error}")


def publish(here: Connections) -> None:
    """Measure, and write the result to the output port."""
    port = here.input("flights")
    with duckdb.connect() as work:
        work.execute("SET TimeZone = 'UTC'")
        for model, columns in COLUMNS.items():
            port.read(model, columns=columns).duckdb(work).create_view(model)
        ((flights,),) = work.sql("SELECT count(*) FROM flight").fetchall()
        if flights == 0:
            raise UnusableInput(
                "input port 'flights': there are no flights yet\n\n"
                "hint: run the code of aviation/flights first: `alchemesh run -C examples/flights`"
            )
        print(f"reading    {flights:,} flights through {port.data_api.rest or port.data_api.sql}")
        for model, query in QUERIES.items():
            rows = work.sql(query).to_arrow_table()
            written = here.output("punctuality-table").write(
                model, rows, "overwrite", fingerprint=str(rows.to_pylist())
            )
            done = "unchanged" if written.repeated else "written"
            version = f", version {written.version}" if written.version is not None else ""
            print(f"{done:<10} {model:<20} {rows.num_rows:>4} rows{version}")


if __name__ == "__main__":
    main()
