"""Loads the ingested events into the table, each departure once, however many events it has.

The code is the same wherever the product runs: the ports know where events and departures are.
"""

from __future__ import annotations

import duckdb

from alchemesh_platform.connections import connections

# A landing area on a laptop also has the position of each message in the topic.
COLUMNS = ("departure_id", "carrier", "origin", "destination", "scheduled_departure", "delay_minutes", "cancelled")

# An event can arrive twice, also in a later run. Departures that the table has stay as they are.
NEW = """
SELECT DISTINCT ON (departure_id) * FROM events
WHERE departure_id NOT IN (SELECT departure_id FROM known)
ORDER BY departure_id, scheduled_departure
"""


def main() -> None:
    """Load the ingested events, and print the counts."""
    here = connections()
    departures = here.output("departures-table")
    with duckdb.connect() as work:
        work.execute("SET TimeZone = 'UTC'")
        events = here.input("events").read(columns=COLUMNS).duckdb(work)
        events.create_view("events")
        departures.read("departure", columns=["departure_id"]).duckdb(work).create_view("known")
        written = departures.write("departure", work.sql(NEW))
        print(f"{len(events):,} events: {written.rows:,} departures are new")
