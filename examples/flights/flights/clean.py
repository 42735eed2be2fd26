"""Cleans New York's departures: times in UTC, the weather at departure, and no row that cannot be trusted.

`alchemesh run` calls ``main`` with the connections of the product's ports. The steps are those of ``publish``: read
the landed rows, join and check them with DuckDB, and write the result to the output ports. Running it again on the
same inputs writes nothing.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from pathlib import Path

import duckdb

from alchemesh_platform.connections import Connections, DataError, NotConnected, Rows, WrongConnection, connections

INPUTS = ("departures", "weather", "airports", "airlines")
RAW_FILES = {"departure": "departures", "weather_observation": "weather"}  # model of the port raw-files: input port
MODELS = ("airline", "airport", "flight")  # of the port flights-table

MEMORY = "256MB"  # of DuckDB; it spills the rest into the workspace
ORIGIN_CLOCK = "America/New_York"

# Four destinations are not in the register of airports, so their clocks are not either. All keep Atlantic time.
UNREGISTERED_CLOCKS = dict.fromkeys(("BQN", "PSE", "SJU", "STT"), "America/Puerto_Rico")

# One reading of 1,048 mph is in the data. The strongest wind ever measured on the ground was a gust of 253 mph
# (World Meteorological Organization, Barrow Island, 1996), and no hour has kept that up.
WIND_MAX_MPH = 200

# The scheduled departure is a clock time of the origin, so daylight saving follows from the time zone. Delays are
# minutes, so the actual departure is counted from the schedule, which gets those right that leave after midnight.
CLOCKED = f"""
CREATE VIEW clocked AS
SELECT departures.*, airline.name AS airline, clock.time_zone,
    timezone('{ORIGIN_CLOCK}', TRY(make_timestamp(
        year, month, day, sched_dep_time // 100, sched_dep_time % 100, 0
    ))) AS scheduled_departure,
    scheduled_departure + to_minutes(dep_delay) AS actual_departure
FROM departures
LEFT JOIN clock ON clock.airport = departures.dest
LEFT JOIN airline ON airline.carrier = departures.carrier
"""

FAULTS = """
CREATE VIEW examined AS
SELECT *,
    strftime(scheduled_departure AT TIME ZONE 'UTC', '%Y%m%dT%H%MZ') AS stamp,
    concat_ws('-', carrier, flight, origin, stamp) AS flight_id,
    CASE
        WHEN flight IS NULL THEN 'no flight number'
        WHEN scheduled_departure IS NULL THEN 'no scheduled departure'
        WHEN origin IS NULL OR origin NOT IN ('EWR', 'JFK', 'LGA') THEN 'origin is not EWR, JFK or LGA'
        WHEN dest IS NULL OR NOT regexp_full_match(dest, '[A-Z0-9]{3}') THEN 'destination is no airport code'
        WHEN airline IS NULL THEN 'carrier is not in the register of airlines'
    END AS fault
FROM clocked
"""

# Twins are looked for among the rows without a fault, so that a bad row never takes the place of its good twin.
REASONS = """
CREATE TABLE judged AS
SELECT * EXCLUDE (stamp, fault),
    CASE
        WHEN fault IS NOT NULL THEN fault
        WHEN row_number() OVER (PARTITION BY flight_id, fault IS NULL ORDER BY actual_departure, dest, tailnum) > 1
        THEN 'departure appears twice'
    END AS reason
FROM examined
"""

# The schedule gives the arrival as a clock time of the destination, with no date: it is the first one after departure.
FLIGHT = """
CREATE VIEW flight AS
WITH arrival AS (
    SELECT *,
        CASE
            WHEN sched_arr_time BETWEEN 0 AND 2400 AND sched_arr_time % 100 < 60
            THEN date_trunc('day', scheduled_departure AT TIME ZONE time_zone)
                + to_minutes(sched_arr_time // 100 * 60 + sched_arr_time % 100)
        END AS same_day,
        timezone(
            time_zone,
            CASE
                WHEN same_day < scheduled_departure AT TIME ZONE time_zone THEN same_day + INTERVAL 1 DAY ELSE same_day
            END
        ) AS scheduled_arrival
    FROM judged
    WHERE reason IS NULL
)
SELECT
    flight_id,
    carrier,
    flight AS flight_number,
    arrival.origin,
    dest AS destination,
    scheduled_departure,
    actual_departure,
    dep_delay AS departure_delay_minutes,
    scheduled_arrival,
    scheduled_arrival + to_minutes(arr_delay) AS actual_arrival,
    arr_delay AS arrival_delay_minutes,
    air_time AS air_time_minutes,
    distance AS distance_miles,
    tailnum AS tail_number,
    dep_time IS NULL AND dep_delay IS NULL AS cancelled,
    NOT cancelled AND air_time IS NULL AS diverted,
    observed.temperature_fahrenheit,
    observed.wind_speed_mph,
    observed.visibility_miles,
    observed.precipitation_inches
FROM arrival
LEFT JOIN observed
    ON observed.origin = arrival.origin AND observed.hour = date_trunc('hour', arrival.scheduled_departure)
"""

# A station that reports an hour twice must not double the flights of that hour, hence DISTINCT ON.
OBSERVED = f"""
CREATE TABLE observed AS
SELECT DISTINCT ON (origin, hour)
    origin,
    date_trunc('hour', time_hour) AS hour,
    temp AS temperature_fahrenheit,
    CASE WHEN wind_speed BETWEEN 0 AND {WIND_MAX_MPH} THEN wind_speed END AS wind_speed_mph,
    visib AS visibility_miles,
    precip AS precipitation_inches
FROM weather
WHERE origin IS NOT NULL AND time_hour IS NOT NULL
ORDER BY origin, hour, time_hour
"""

AIRPORT = """
CREATE TABLE airport AS
SELECT DISTINCT ON (airport)
    airport, name, latitude::DOUBLE AS latitude, longitude::DOUBLE AS longitude, altitude_feet, time_zone
FROM airports
WHERE regexp_full_match(airport, '[A-Z0-9]{3}') AND name IS NOT NULL
ORDER BY airport, name
"""

AIRLINE = """
CREATE TABLE airline AS
SELECT DISTINCT ON (carrier) carrier, name
FROM airlines
WHERE regexp_full_match(carrier, '[A-Z0-9]{2}') AND name IS NOT NULL
ORDER BY carrier, name
"""


class UnusableInput(Exception):
    """Raised when landed rows cannot be used; says where, what was found and what to do."""


def main() -> None:
    """Run the job; ends with a message and status 1 when it cannot."""
    try:
        publish(connections())
    except (UnusableInput, NotConnected, WrongConnection, DataError, duckdb.Error, OSError) as error:
        sys.exit(f"error: {error}")


def publish(here: Connections) -> None:
    """Clean the landed rows and write the result to the output ports."""
    inputs = {port: here.input(port).read() for port in INPUTS}
    marks = {port: rows.fingerprint() for port, rows in inputs.items()}
    for model, port in RAW_FILES.items():
        raw = here.output("raw-files").write(model, inputs[port], "overwrite", fingerprint=marks[port])
        print(f"{'unchanged' if raw.repeated else 'copied':<10} raw-files: {model}")

    output = here.output("flights-table")
    mark = hashlib.sha256("\n".join([*marks.values(), Path(__file__).read_text()]).encode()).hexdigest()
    stale = [model for model in MODELS if not output.is_current(model, mark)]
    if not stale:
        print("unchanged  flights-table: inputs and code are those of the last run")
        return

    with tempfile.TemporaryDirectory() as folder:
        workspace = scratch(here, Path(folder))
        with duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(workspace / "spill")}) as work:
            work.execute("SET TimeZone = 'UTC'")
            work.execute("SET preserve_insertion_order = false")  # spares memory; a table has no order anyway
            work.execute("SET enable_progress_bar = false")
            read(work, inputs)
            keep_dropped_rows(work, workspace / "dropped-departures.parquet")
            for model in stale:
                written = output.write(model, work.sql(f"FROM {model}"), "overwrite", fingerprint=mark)
                version = f", version {written.version}" if written.version is not None else ""
                print(f"written    {model:<10} {written.rows:>9,} rows{version}")


def scratch(here: Connections, otherwise: Path) -> Path:
    """The workspace, if it is a folder of this machine; otherwise a folder that goes with the job."""
    try:
        return here.need("workspace").files.path
    except WrongConnection:
        return otherwise


def read(work: duckdb.DuckDBPyConnection, inputs: dict[str, Rows]) -> None:
    """Create views and tables from the landed rows, up to the view ``flight``, and print the row counts."""
    for port, landed in inputs.items():
        landed.duckdb(work).create_view(port)
        rows = one(work, f"SELECT count(*) FROM {port}")
        print(f"landed     {port:<10} {rows:>9,} rows")
        if rows == 0:
            raise UnusableInput(
                f"input port {port!r}: no row has landed\n\n"
                "hint: `alchemesh up` lands the files that the port's `path` names; `python examples/data.py` unpacks "
                "those of the examples"
            )
    for step in (AIRPORT, AIRLINE, OBSERVED):
        work.execute(step)
    work.execute("""
        CREATE TABLE clock AS
        SELECT airport, time_zone FROM airport WHERE time_zone IN (SELECT name FROM pg_timezone_names())
    """)
    for airport, time_zone in UNREGISTERED_CLOCKS.items():
        work.execute(
            "INSERT INTO clock SELECT $airport, $zone WHERE NOT EXISTS (FROM clock WHERE airport = $airport)",
            {"airport": airport, "zone": time_zone},
        )
    for step in (CLOCKED, FAULTS, REASONS, FLIGHT):
        work.execute(step)


def keep_dropped_rows(work: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Print the dropped or emptied values with their reasons, and keep the dropped rows for inspection."""
    reasons = work.execute("""
        SELECT reason, count(*) FROM judged WHERE reason IS NOT NULL GROUP BY reason ORDER BY count(*) DESC, reason
    """).fetchall()
    print(f"dropped    departures {sum(rows for _, rows in reasons):>9,} rows")
    for reason, rows in reasons:
        print(f"             {rows:>9,} {reason}")
    file.unlink(missing_ok=True)
    if reasons:
        work.sql("FROM judged WHERE reason IS NOT NULL").write_parquet(str(file))
        print(f"             kept in {file}")
    if one(work, "SELECT count(*) FROM judged WHERE reason IS NULL") == 0:
        raise UnusableInput("input port 'departures': every row was dropped, so nothing is written")
    impossible = one(work, f"SELECT count(*) FROM weather WHERE NOT wind_speed BETWEEN 0 AND {WIND_MAX_MPH}")
    print(f"emptied    wind speed {impossible:>9,} readings below 0 or above {WIND_MAX_MPH} mph")
    unclocked = one(work, "SELECT count(*) FROM flight WHERE scheduled_arrival IS NULL")
    if unclocked:
        print(f"emptied    arrivals   {unclocked:>9,} flights with no arrival schedule, or a clock not known")


def one(work: duckdb.DuckDBPyConnection, query: str) -> int:
    """The one number that a query gives."""
    ((number,),) = work.execute(query).fetchall()
    return int(number)


if __name__ == "__main__":
    main()
