"""The code of aviation/flights on all 336,776 departures, checked against the operational files themselves."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest
from deltalake import DeltaTable
from staging import Product, Run, set_up_flights

from alchemesh_platform.systems.local.landing.record import read_landing

pytestmark = pytest.mark.slow

HEADER = (
    "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,"
    "carrier,flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour"
)
GOOD = "2013,7,4,602,600,2,800,755,5,UA,1,N12345,EWR,ORD,100,719,6,0,2013-07-04T10:00:00Z"


@pytest.fixture
def small(tmp_path: Path, operations: Path) -> Product:
    """The product with one departure, and the complete weather, airports and airlines."""
    return small_product(tmp_path, operations, GOOD)


def small_product(folder: Path, operations: Path, *departures: str) -> Product:
    data = folder / "data"
    data.mkdir()
    for table in ("weather", "airports", "airlines"):
        (data / table).symlink_to(operations / table)
    (data / "flights").mkdir()
    (data / "flights/flights.csv").write_text("\n".join([HEADER, *departures, ""]))
    return set_up_flights(folder / "product", data)


def rows(product: Product, query: str) -> list[tuple[object, ...]]:
    with product.opened("flights-table") as work:
        return work.execute(query).fetchall()


def assert_refused(run: Run, *words: str) -> None:
    """The run failed with a message that contains the words, and without a traceback."""
    assert run.status == 1
    assert run.errors.startswith("error: ")
    assert "Traceback" not in run.errors
    for word in words:
        assert word in run.errors


def test_the_run_reports_landed_dropped_and_written_rows(flights_run: tuple[Product, Run]) -> None:
    _, run = flights_run
    assert (run.status, run.errors) == (0, "")
    said = [" ".join(line.split()) for line in run.output.splitlines()]
    assert "landed departures 336,776 rows" in said
    assert "landed weather 26,115 rows" in said
    assert "dropped departures 0 rows" in said
    assert "emptied wind speed 1 readings below 0 or above 200 mph" in said
    assert "written flight 336,776 rows, version 1" in said


def test_the_table_keeps_the_schema_that_the_platform_gave_it(flights: Product) -> None:
    tables = flights.tables("flights-table")
    (port,) = (port for port in flights.manifest.output_ports if port.name == "flights-table")
    assert tables.keys() == set(port.models)
    for model, folder in tables.items():
        table = DeltaTable(str(folder))
        declared = flights.manifest.models[model].properties
        assert [field.name for field in table.schema().fields] == list(declared)
        assert [field.nullable for field in table.schema().fields] == [not one.required for one in declared.values()]


def test_every_departure_is_the_one_that_dispatch_wrote_down(flights: Product, operations: Path) -> None:
    """In both directions, for each column that comes from the file alone; its UTC hour gives the departure."""
    with flights.opened("flights-table") as work:
        work.execute(f"""
            CREATE VIEW expected AS
            SELECT carrier, flight AS flight_number, origin, dest AS destination,
                time_hour + to_minutes(minute) AS scheduled_departure,
                time_hour + to_minutes(minute + dep_delay) AS actual_departure,
                dep_delay AS departure_delay_minutes, arr_delay AS arrival_delay_minutes,
                air_time AS air_time_minutes, distance AS distance_miles, tailnum AS tail_number,
                dep_time IS NULL AS cancelled
            FROM read_csv('{operations}/flights/flights.csv', nullstr = 'NA')
        """)
        columns = ", ".join(work.table("expected").columns)
        for one, other in (("expected", "flight"), ("flight", "expected")):
            differences = f"(SELECT {columns} FROM {one}) EXCEPT ALL (SELECT {columns} FROM {other})"
            assert work.execute(f"{differences} LIMIT 3").fetchall() == []


def test_arrivals_are_right_by_the_clock_of_each_destination(flights: Product, operations: Path) -> None:
    """One flight in 97 is computed again with Python's own time zones, from the files."""
    with (operations / "airports/airports.csv").open(newline="") as text:
        zones = {row["faa"]: ZoneInfo(row["tzone"]) for row in csv.DictReader(text) if row["tzone"] != "NA"}
    zones |= dict.fromkeys(("BQN", "PSE", "SJU", "STT"), ZoneInfo("America/Puerto_Rico"))
    new_york = ZoneInfo("America/New_York")
    expected = {}
    with (operations / "flights/flights.csv").open(newline="") as text:
        for row in list(csv.DictReader(text))[::97]:
            day = date(int(row["year"]), int(row["month"]), int(row["day"]))
            departure = datetime.combine(day, clock(row["sched_dep_time"]), new_york).astimezone(UTC)
            zone = zones[row["dest"]]
            local_day = departure.astimezone(zone).date()
            arrivals = (
                datetime.combine(local_day + timedelta(days=later), clock(row["sched_arr_time"]), zone).astimezone(UTC)
                for later in (0, 1)
            )
            scheduled = next(arrival for arrival in arrivals if arrival >= departure)
            delay = row["arr_delay"]
            name = f"{row['carrier']}-{row['flight']}-{row['origin']}-{departure:%Y%m%dT%H%M}Z"
            expected[name] = (scheduled, None if delay == "NA" else scheduled + timedelta(minutes=int(delay)))
    found = {
        name: (scheduled, actual)
        for name, scheduled, actual in rows(
            flights,
            "SELECT flight_id, epoch_us(scheduled_arrival), epoch_us(actual_arrival) FROM flight",
        )
        if name in expected
    }
    assert len(expected) > 3_400
    assert found == {name: (micros(one), micros(other)) for name, (one, other) in expected.items()}


def clock(text: str) -> time:
    return time(int(text) // 100, int(text) % 100)


def micros(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp()) * 1_000_000


def test_the_weather_is_that_of_the_hour_of_departure(flights: Product, operations: Path) -> None:
    found = rows(
        flights,
        f"""
        SELECT count(*), count(w.temp), count(temperature_fahrenheit),
            count_if(temperature_fahrenheit IS DISTINCT FROM w.temp OR visibility_miles IS DISTINCT FROM w.visib
                OR precipitation_inches IS DISTINCT FROM w.precip),
            count_if(wind_speed_mph IS DISTINCT FROM w.wind_speed AND w.wind_speed < 1000)
        FROM flight LEFT JOIN read_csv('{operations}/weather/weather.csv', nullstr = 'NA') w
            ON w.origin = flight.origin AND w.time_hour = date_trunc('hour', scheduled_departure)
        """,
    )
    assert found == [(336_776, 335_203, 335_203, 0, 0)]


def test_a_flight_across_a_clock_change_keeps_its_duration(flights: Product) -> None:
    """Dispatch wrote an arrival at 2:03 that night, a time that no clock in Florida showed."""
    found = rows(
        flights,
        """
        SELECT date_diff('minute', actual_departure, actual_arrival), air_time_minutes,
            strftime(actual_arrival, '%H:%M')
        FROM flight WHERE flight_id = 'B6-35-JFK-20130310T0245Z'
        """,
    )
    assert found == [(177, 141, "07:03")]


def test_values_match_their_models(flights: Product) -> None:
    wrong: list[str]
    with flights.opened("flights-table") as work:
        (port,) = (port for port in flights.manifest.output_ports if port.name == "flights-table")
        assert flights.tables("flights-table").keys() == set(port.models)
        for model in port.models:
            for name, declared in flights.manifest.models[model].properties.items():
                wrong = []
                if declared.required or declared.key:
                    wrong.append(f"{name} IS NULL")
                if declared.pattern:
                    wrong.append(f"NOT regexp_full_match({name}, '{declared.pattern}')")
                if declared.enum:
                    wrong.append(f"{name} NOT IN {declared.enum}")
                if declared.unique:
                    wrong.append(f"{name} IN (SELECT {name} FROM {model} GROUP BY ALL HAVING count(*) > 1)")
                for condition in wrong:
                    assert work.execute(f"SELECT count(*) FROM {model} WHERE {condition}").fetchall() == [(0,)], (
                        condition
                    )


def test_the_contract_is_kept_except_for_one_promise_of_severity_warning(flights: Product) -> None:
    (port,) = (port for port in flights.manifest.output_ports if port.name == "flights-table")
    assert port.contract is not None
    measured = {rule.name: rows(flights, rule.query)[0][0] for rule in port.contract.quality if rule.query}
    assert measured == {
        "no-ghost-flights": 0,
        "time-runs-forward": 0,
        "weather-is-known": pytest.approx(99.533, abs=0.001),
        "destinations-are-registered": pytest.approx(97.743, abs=0.001),
        "aircraft-are-of-the-us-register": 4,
    }
    broken = [rule for rule in port.contract.quality if rule.name == "aircraft-are-of-the-us-register"]
    assert [rule.severity for rule in broken] == ["warning"]


def test_raw_files_have_the_landed_rows(flights: Product) -> None:
    for model, port in (("departure", "departures"), ("weather_observation", "weather")):
        raw = flights.connections.output("raw-files").read(model)
        assert raw.schema.names == list(flights.manifest.models[model].properties)
        assert raw.arrow().equals(flights.connections.input(port).read().arrow())


def test_running_again_writes_nothing(small: Product) -> None:
    assert small.run().status == 0
    before = small.versions("flights-table")

    repeated = small.run()
    assert repeated.status == 0
    assert "unchanged  flights-table" in repeated.output
    assert small.versions("flights-table") == before == {"flight": 1, "airline": 1, "airport": 1}


def test_a_new_description_does_not_make_a_table_written_again_but_lost_rows_do(small: Product) -> None:
    small.run()
    table = DeltaTable(str(small.tables("flights-table")["flight"]))
    table.alter.set_column_metadata("carrier", {"comment": "who flies"})
    table.alter.set_table_properties({"delta.logRetentionDuration": "interval 7 days"})

    assert "unchanged  flights-table" in small.run().output
    assert small.versions("flights-table")["flight"] == 3

    table.update_incremental()
    table.delete()
    repeated = small.run().output
    assert "written    flight             1 rows" in repeated
    assert "written    airline" not in repeated
    assert rows(small, "SELECT flight_number FROM flight") == [(1,)]


def test_new_input_is_one_new_version_in_place_of_the_old_rows(tmp_path: Path, operations: Path) -> None:
    product = small_product(tmp_path, operations, GOOD)
    product.run()
    with duckdb.connect() as work:
        landed = product.input("departures") / "flights.parquet"
        work.execute(
            f"COPY (SELECT * REPLACE (2::BIGINT AS flight) FROM '{landed}') TO '{landed.with_name('new.parquet')}'"
        )

    run = product.run()
    assert run.status == 0
    assert product.versions("flights-table")["flight"] == 2
    assert rows(product, "SELECT flight_number FROM flight ORDER BY ALL") == [(1,), (2,)]
    raw = product.connections.output("raw-files").read("departure", columns=["flight"])
    assert sorted(row["flight"] for row in raw.pylist()) == [1, 2]


def test_rows_that_cannot_be_trusted_are_dropped_with_the_reason(tmp_path: Path, operations: Path) -> None:
    product = small_product(
        tmp_path,
        operations,
        GOOD.replace("ORD", "Chicago"),  # an invalid duplicate in the first place must not replace the valid rows
        GOOD,
        GOOD,
        GOOD.replace("EWR", "BOS"),
        GOOD.replace(",UA,1,", ",ZZ,1,"),
        GOOD.replace(",UA,1,", ",UA,NA,"),
        GOOD.replace("2013,7,4", "2013,2,30"),
        GOOD.replace(",600,", ",2570,"),
    )
    run = product.run()
    assert run.status == 0
    said = [" ".join(line.split()) for line in run.output.splitlines()]
    assert "dropped departures 7 rows" in said
    for reason in (
        "2 no scheduled departure",
        "1 carrier is not in the register of airlines",
        "1 departure appears twice",
        "1 destination is no airport code",
        "1 no flight number",
        "1 origin is not EWR, JFK or LGA",
    ):
        assert reason in said
    assert rows(product, "SELECT flight_id FROM flight") == [("UA-1-EWR-20130704T1000Z",)]
    kept = product.connections.need("workspace").files.path / "dropped-departures.parquet"
    assert duckdb.read_parquet(str(kept)).aggregate("count(*)").fetchall() == [(7,)]


def test_a_row_with_an_invalid_cell_is_kept_aside_and_is_no_cancellation(tmp_path: Path, operations: Path) -> None:
    product = small_product(tmp_path, operations, GOOD, GOOD.replace(",UA,1,", ",UA,2,").replace(",602,", ",six,"))

    assert product.run().status == 0
    assert rows(product, "SELECT flight_number, cancelled, departure_delay_minutes FROM flight") == [(1, False, 2)]
    (rejected,) = read_landing(product.input("departures")).files.values()
    assert (rejected.rows, rejected.rejected) == (1, 1)


def test_a_run_that_would_drop_every_row_writes_nothing(tmp_path: Path, operations: Path) -> None:
    product = small_product(tmp_path, operations, GOOD.replace("EWR", "BOS"))

    assert_refused(product.run(), "input port 'departures': every row was dropped, so nothing is written")
    assert product.versions("flights-table") == {"flight": 0, "airline": 0, "airport": 0}


def test_a_destination_whose_clock_is_not_known_has_no_arrival(tmp_path: Path, operations: Path) -> None:
    product = small_product(tmp_path, operations, GOOD.replace("ORD", "XQX"))

    run = product.run()
    assert "1 flights with no arrival schedule, or a clock not known" in run.output
    assert rows(product, "SELECT scheduled_arrival, actual_arrival FROM flight") == [(None, None)]


def test_an_input_port_with_no_files_is_named(small: Product) -> None:
    for file in small.input("weather").iterdir():
        file.unlink()

    assert_refused(small.run(), "input port 'weather': no row has landed", "hint: `alchemesh up`")
    assert small.versions("flights-table")["flight"] == 0


def test_missing_columns_are_named_with_those_that_are_there(small: Product) -> None:
    landed = small.input("departures") / "flights.parquet"
    renamed = duckdb.read_parquet(str(landed)).project("* EXCLUDE (dep_delay, origin)")
    renamed.write_parquet(str(landed.with_name("other.parquet")))
    landed.unlink()

    missing = "input port 'departures': the landed files have no column 'dep_delay'; they have year, month, day"
    assert_refused(small.run(), missing)
    assert small.versions("flights-table")["flight"] == 0


def test_a_file_that_is_no_parquet_is_named(small: Product) -> None:
    (small.input("airports") / "airports.parquet").write_bytes(b"faa,name\n")

    assert_refused(small.run(), "input port 'airports': ", "airports.parquet cannot be read")


def test_files_without_rows_are_refused_rather_than_published(small: Product) -> None:
    landed = small.input("departures") / "flights.parquet"
    duckdb.read_parquet(str(landed)).filter("false").write_parquet(str(landed.with_name("none.parquet")))
    landed.unlink()

    assert_refused(small.run(), "input port 'departures': no row has landed")
    assert small.versions("flights-table")["flight"] == 0


def test_a_missing_table_is_named(small: Product) -> None:
    folder = small.tables("flights-table")["flight"]
    folder.rename(folder.with_name("elsewhere"))

    assert_refused(small.run(), "flights-table/flight")
