"""The code of operations/punctuality: reads through the data API of flights, checked against the operational files."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from deltalake import DeltaTable
from staging import Product, Run, serving, set_up_punctuality, set_up_tables

from alchemesh_platform.connections import DataApiConnection
from alchemesh_platform.machine.servers.ports import free_port

pytestmark = pytest.mark.slow

MEASURES = """
    count(*), round(100.0 * count(*) FILTER (dep_delay < 15) / count(*), 2),
    round(100.0 * count(*) FILTER (dep_time IS NULL) / count(*), 2), median(dep_delay), round(avg(dep_delay), 2)
"""
MEASURED = "flights, on_time_percent, cancelled_percent, median_delay_minutes, mean_delay_minutes"


@pytest.fixture(scope="module")
def files(operations: Path) -> duckdb.DuckDBPyConnection:
    """The operational files as tables, read by DuckDB with no code of ours in between."""
    work = duckdb.connect()
    for table in ("flights", "airlines", "airports"):
        source = operations / table / f"{table}.csv"
        work.execute(f"CREATE TABLE {table} AS FROM read_csv('{source}', nullstr = 'NA')")
    return work


def rows(product: Product, query: str) -> list[tuple[object, ...]]:
    with product.opened("punctuality-table") as work:
        return work.execute(query).fetchall()


def test_the_run_reports_read_and_written_rows(punctuality_run: tuple[Product, Run]) -> None:
    product, run = punctuality_run
    assert (run.status, run.errors) == (0, "")
    assert "reading    336,776 flights through http://127.0.0.1:" in run.output
    assert product.versions("punctuality-table") == dict.fromkeys(product.tables("punctuality-table"), 1)


def test_carriers_match_counts_from_the_files(punctuality: Product, files: duckdb.DuckDBPyConnection) -> None:
    expected = files.execute(f"""
        SELECT carrier, name, {MEASURES} FROM flights JOIN airlines USING (carrier) GROUP BY ALL ORDER BY carrier
    """).fetchall()
    assert len(expected) == 16
    assert rows(punctuality, f"SELECT carrier, name, {MEASURED} FROM carrier_punctuality ORDER BY carrier") == expected


def test_airports_match_counts_from_the_files(punctuality: Product, files: duckdb.DuckDBPyConnection) -> None:
    expected = files.execute(f"""
        SELECT origin, 'from', name, {MEASURES} FROM flights LEFT JOIN airports ON faa = origin GROUP BY ALL
        UNION ALL
        SELECT dest, 'to', name, {MEASURES} FROM flights LEFT JOIN airports ON faa = dest GROUP BY ALL
        ORDER BY 2, 1
    """).fetchall()
    assert len(expected) == 3 + 105
    query = f"SELECT airport, direction, name, {MEASURED} FROM airport_punctuality ORDER BY direction, airport"
    assert rows(punctuality, query) == expected


def test_hours_are_those_of_new_yorks_clock_in_summer_and_winter(
    punctuality: Product, files: duckdb.DuckDBPyConnection
) -> None:
    expected = files.execute(f"SELECT hour, {MEASURES} FROM flights GROUP BY hour ORDER BY hour").fetchall()
    assert rows(punctuality, f"SELECT hour, {MEASURED} FROM hour_punctuality ORDER BY hour") == expected


def test_values_match_their_models(punctuality: Product) -> None:
    with punctuality.opened("punctuality-table") as work:
        for model, folder in punctuality.tables("punctuality-table").items():
            declared = punctuality.manifest.models[model].properties
            assert [field.name for field in DeltaTable(str(folder)).schema().fields] == list(declared)
            keys = ", ".join(name for name, one in declared.items() if one.key)
            doubled = f"SELECT {keys} FROM {model} GROUP BY {keys} HAVING count(*) > 1"
            assert work.execute(doubled).fetchall() == []
            for name, one in declared.items():
                if one.enum:
                    other = f"SELECT count(*) FROM {model} WHERE {name} NOT IN {one.enum}"
                    assert work.execute(other).fetchall() == [(0,)]


def test_the_contract_is_kept(punctuality: Product) -> None:
    (port,) = punctuality.manifest.output_ports
    assert port.contract is not None
    queries = [rule.query for rule in port.contract.quality if rule.query]
    assert [rows(punctuality, query) for query in queries] == [[(0,)], [(0,)]]
    assert rows(punctuality, "SELECT count(*) FROM carrier_punctuality WHERE name IS NULL") == [(0,)]


def test_running_again_writes_nothing(punctuality: Product) -> None:
    repeated = punctuality.run()
    assert repeated.status == 0
    assert [line.split()[0] for line in repeated.output.splitlines()] == [
        "reading",
        "unchanged",
        "unchanged",
        "unchanged",
    ]
    assert set(punctuality.versions("punctuality-table").values()) == {1}


def test_a_data_api_that_does_not_answer_is_named_with_a_hint(tmp_path: Path) -> None:
    rest = f"http://127.0.0.1:{free_port('127.0.0.1')}/api"
    run = set_up_punctuality(tmp_path, DataApiConnection(rest=rest)).run()

    assert (run.status, run.output) == (1, "")
    assert run.errors.startswith(f"error: input port 'flights': {rest} does not answer")
    assert "hint: the team of the product that is read sees its health with `alchemesh status`" in run.errors


def test_a_port_without_rest_is_read_over_sql_and_named_if_it_does_not_answer(tmp_path: Path) -> None:
    sql = f"postgresql://127.0.0.1:{free_port('127.0.0.1')}"
    run = set_up_punctuality(tmp_path, DataApiConnection(sql=sql)).run()

    assert (run.status, run.output) == (1, "")
    assert run.errors.startswith(f"error: input port 'flights': {sql} cannot be read: ")


def test_a_port_with_neither_is_named(tmp_path: Path) -> None:
    run = set_up_punctuality(tmp_path, DataApiConnection(graphql="http://127.0.0.1/graphql")).run()

    expected = "error: input port 'flights': its data API offers neither REST nor SQL of PostgreSQL"
    assert (run.status, run.errors.splitlines()[0]) == (1, expected)


def test_a_source_without_flights_is_reported_and_nothing_is_written(tmp_path: Path) -> None:
    tables = set_up_tables("flights", "flights-table", tmp_path).tables
    with serving(tmp_path, {model: tables.path(model) for model in tables.tables}) as api:
        product = set_up_punctuality(tmp_path / "punctuality", api)
        run = product.run()

    assert (run.status, run.output) == (1, "")
    assert "there are no flights yet" in run.errors
    assert "`alchemesh run -C examples/flights`" in run.errors
    assert set(product.versions("punctuality-table").values()) == {0}


def test_a_query_that_the_data_api_refuses_is_reported_with_its_reason(flights: Product, tmp_path: Path) -> None:
    with serving(tmp_path, {"flight": flights.tables("flights-table")["flight"]}) as api:
        product = set_up_punctuality(tmp_path / "punctuality", api)
        run = product.run()

    assert run.status == 1
    assert "/api refused to give 'airline': " in run.errors
    assert "Traceback" not in run.errors
    assert set(product.versions("punctuality-table").values()) == {0}
