"""The steps of ``flights.clean`` in Spark, for more departures than one process holds. It writes the same rows.

`alchemesh run` starts it by `spark-submit`, see ``orchestrators/alchemesh.spark.yaml``. The landed rows are views of
the session, and the tables of the port flights-table are ``flights_table.flight`` and so on.
"""

from __future__ import annotations

from zoneinfo import available_timezones

from pyspark.sql import SparkSession

from alchemesh_platform.connections import connections
from flights.clean import ORIGIN_CLOCK, RAW_FILES, UNREGISTERED_CLOCKS, WIND_MAX_MPH

AIRLINE = """
SELECT carrier, name FROM (
    SELECT carrier, name, row_number() OVER (PARTITION BY carrier ORDER BY name) AS number
    FROM airlines WHERE carrier RLIKE '^[A-Z0-9]{2}$' AND name IS NOT NULL
) WHERE number = 1
"""

AIRPORT = """
SELECT airport, name, CAST(latitude AS DOUBLE) AS latitude, CAST(longitude AS DOUBLE) AS longitude,
    altitude_feet, time_zone
FROM (
    SELECT *, row_number() OVER (PARTITION BY airport ORDER BY name) AS number
    FROM airports WHERE airport RLIKE '^[A-Z0-9]{3}$' AND name IS NOT NULL
) WHERE number = 1
"""

OBSERVED = f"""
SELECT origin, hour_of_reading AS hour,
    temp AS temperature_fahrenheit,
    CASE WHEN wind_speed BETWEEN 0 AND {WIND_MAX_MPH} THEN wind_speed END AS wind_speed_mph,
    visib AS visibility_miles,
    precip AS precipitation_inches
FROM (
    SELECT *, date_trunc('HOUR', time_hour) AS hour_of_reading,
        row_number() OVER (PARTITION BY origin, date_trunc('HOUR', time_hour) ORDER BY time_hour) AS number
    FROM weather WHERE origin IS NOT NULL AND time_hour IS NOT NULL
) WHERE number = 1
"""

CLOCKED = f"""
SELECT *, timestampadd(MINUTE, dep_delay, scheduled_departure) AS actual_departure
FROM (
    SELECT /*+ BROADCAST(clock, known) */ departures.*, known.name AS airline, clock.time_zone,
        try_make_timestamp(
            year, month, day, sched_dep_time DIV 100, sched_dep_time % 100, 0, '{ORIGIN_CLOCK}'
        ) AS scheduled_departure
    FROM departures
    LEFT JOIN clock ON clock.airport = departures.dest
    LEFT JOIN flights_table.airline AS known ON known.carrier = departures.carrier
)
"""

JUDGED = """
SELECT *,
    CASE
        WHEN fault IS NOT NULL THEN fault
        WHEN row_number() OVER (
            PARTITION BY flight_id, fault IS NULL
            ORDER BY actual_departure NULLS LAST, dest NULLS LAST, tailnum NULLS LAST
        ) > 1 THEN 'departure appears twice'
    END AS reason
FROM (
    SELECT *,
        concat_ws(
            '-', carrier, CAST(flight AS STRING), origin, date_format(scheduled_departure, "yyyyMMdd'T'HHmm'Z'")
        ) AS flight_id,
        CASE
            WHEN flight IS NULL THEN 'no flight number'
            WHEN scheduled_departure IS NULL THEN 'no scheduled departure'
            WHEN origin IS NULL OR origin NOT IN ('EWR', 'JFK', 'LGA') THEN 'origin is not EWR, JFK or LGA'
            WHEN dest IS NULL OR NOT dest RLIKE '^[A-Z0-9]{3}$' THEN 'destination is no airport code'
            WHEN airline IS NULL THEN 'carrier is not in the register of airlines'
        END AS fault
    FROM clocked
)
"""

# The clock of the destination on the wall is a timestamp that Spark, in UTC, takes for one of UTC.
FLIGHT = """
WITH arrival AS (
    SELECT *,
        CASE WHEN sched_arr_time BETWEEN 0 AND 2400 AND sched_arr_time % 100 < 60
            THEN timestampadd(
                MINUTE, sched_arr_time DIV 100 * 60 + sched_arr_time % 100, date_trunc('DAY', departure_there)
            )
        END AS same_day
    FROM (
        SELECT *, from_utc_timestamp(scheduled_departure, time_zone) AS departure_there FROM judged WHERE reason IS NULL
    )
),
scheduled AS (
    SELECT *,
        to_utc_timestamp(
            CASE WHEN same_day < departure_there THEN timestampadd(DAY, 1, same_day) ELSE same_day END, time_zone
        ) AS scheduled_arrival,
        dep_time IS NULL AND dep_delay IS NULL AS cancelled
    FROM arrival
)
SELECT
    flight_id,
    carrier,
    flight AS flight_number,
    scheduled.origin,
    dest AS destination,
    scheduled_departure,
    actual_departure,
    dep_delay AS departure_delay_minutes,
    scheduled_arrival,
    timestampadd(MINUTE, arr_delay, scheduled_arrival) AS actual_arrival,
    arr_delay AS arrival_delay_minutes,
    air_time AS air_time_minutes,
    distance AS distance_miles,
    tailnum AS tail_number,
    cancelled,
    NOT cancelled AND air_time IS NULL AS diverted,
    observed.temperature_fahrenheit,
    observed.wind_speed_mph,
    observed.visibility_miles,
    observed.precipitation_inches
FROM scheduled
LEFT JOIN observed
    ON observed.origin = scheduled.origin AND observed.hour = date_trunc('HOUR', scheduled.scheduled_departure)
"""


def main() -> None:
    """Clean the landed rows, and replace the rows of the output ports."""
    here, spark = connections(), SparkSession.builder.getOrCreate()
    for model, port in RAW_FILES.items():
        rows = here.input(port).read()
        here.output("raw-files").write(model, rows, "overwrite", fingerprint=rows.fingerprint())
    replace(spark, "airline", AIRLINE)
    replace(spark, "airport", AIRPORT)
    clocks = spark.sql("SELECT airport, time_zone FROM flights_table.airport").collect()
    known = {row.airport: row.time_zone for row in clocks if row.time_zone in available_timezones()}
    clock = spark.createDataFrame(list({**UNREGISTERED_CLOCKS, **known}.items()), "airport STRING, time_zone STRING")
    clock.createOrReplaceTempView("clock")
    for name, step in (("observed", OBSERVED), ("clocked", CLOCKED), ("judged", JUDGED)):
        spark.sql(step).createOrReplaceTempView(name)
    replace(spark, "flight", FLIGHT)


def replace(spark: SparkSession, model: str, rows: str) -> None:
    """Replace the rows of a model."""
    spark.sql(f"INSERT OVERWRITE flights_table.{model} BY NAME {rows}")
    print(f"written    {model:<10} {spark.table(f'flights_table.{model}').count():>9,} rows")


if __name__ == "__main__":
    main()
