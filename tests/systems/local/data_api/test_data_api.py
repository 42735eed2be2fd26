"""A real data API, queried over its three protocols."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import psutil
import psycopg
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from alchemesh_platform.connections import DataApiConnection
from alchemesh_platform.machine.servers import processes
from alchemesh_platform.machine.servers.ports import PortInUse, free_port, is_free
from alchemesh_platform.systems.local.data_api import server as data_api
from alchemesh_platform.systems.local.data_api.server import (
    DataApi,
    DataApiFailed,
    Endpoints,
    deploy_product,
    endpoints_of,
    is_configured,
    observe_api,
    take_down,
    trouble,
)
from alchemesh_platform.systems.local.data_api.serving.consumers.limits import Limits
from alchemesh_platform.systems.local.data_api.tables import ServedTable, TableNotServed
from alchemesh_platform.systems.local.tables.columns import Column
from alchemesh_platform.systems.local.tables.delta import evolve_table
from alchemesh_platform.systems.local.tables.evolution import wanted_schema
from tests.machine.supervised import named_below, ports_below, supervisor_pid
from tests.waiting import arguments_of, gone, until

pytestmark = pytest.mark.slow

SCHEMA = wanted_schema([Column.model_validate({"name": "id", "type": "string"})], (), "flight")
WIDER = wanted_schema(
    [Column.model_validate({"name": name, "type": kind}) for name, kind in (("id", "string"), ("gate", "integer"))],
    (),
    "flight",
)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[DataApi]:
    """A data API over an empty table, not started yet."""
    evolve_table(tmp_path / "flight", SCHEMA)
    table = ServedTable("flight", (tmp_path / "flight").as_uri(), "delta")
    wanted = DataApi("flights-table", tmp_path / "run", (table,), ("sql", "rest", "graphql"))
    yield wanted
    take_down(wanted)


def rest(endpoints: Endpoints, path: str, body: str | None = None) -> Any:
    return answer(f"{endpoints.rest}{path}", body, endpoints)


def sql(endpoints: Endpoints, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(own(endpoints).dsn(), autocommit=True) as connection:
        return psycopg.ClientCursor(connection).execute(query).fetchall()


def graphql(endpoints: Endpoints, query: str) -> Any:
    return answer(endpoints.graphql or "", query, endpoints)


def answer(url: str, body: str | None, endpoints: Endpoints) -> Any:
    request = urllib.request.Request(url, body.encode() if body else None, own(endpoints).headers())
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def own(endpoints: Endpoints) -> DataApiConnection:
    """The data API as its own product reaches it."""
    return DataApiConnection(**endpoints.offered(), tables=("flight",), credential_file=endpoints.credential_file)


def server_pid(api: DataApi) -> int:
    pid = processes.status(api.run_directory, api.process).pid
    assert pid is not None
    return pid


def test_an_empty_table_answers_over_all_three_protocols_and_rows_are_seen_soon(api: DataApi, tmp_path: Path) -> None:
    endpoints = deploy_product(api)
    assert sql(endpoints, "SELECT count(*) FROM flight") == [(0,)]
    assert rest(endpoints, "/tables/flight") == []
    assert graphql(endpoints, "{ flight { id } }") == []
    write_deltalake(tmp_path / "flight", pa.table({"id": ["UA1"]}), mode="append")
    until(lambda: rest(endpoints, "/tables/flight") == [{"id": "UA1"}], "the row is seen")
    assert sql(endpoints, "SELECT id FROM flight") == [("UA1",)]
    assert graphql(endpoints, "{ flight(limit: 1) { id } }") == [{"id": "UA1"}]


def test_starting_it_again_leaves_it_running_on_its_ports(api: DataApi) -> None:
    endpoints = deploy_product(api)
    pid = server_pid(api)
    assert deploy_product(api) == endpoints
    assert server_pid(api) == pid
    assert trouble(api, endpoints) is None


def test_an_evolved_table_is_served_with_its_new_column(api: DataApi, tmp_path: Path) -> None:
    """The server follows the columns of its tables without a restart."""
    endpoints = deploy_product(api)
    write_deltalake(tmp_path / "flight", pa.table({"id": ["UA1"]}), mode="append")
    evolve_table(tmp_path / "flight", WIDER)
    write_deltalake(tmp_path / "flight", pa.table({"id": ["UA2"], "gate": [4]}), mode="append")
    until(lambda: {"id": "UA2", "gate": 4} in rest(endpoints, "/tables/flight"), "the new column is seen")
    assert trouble(api, endpoints) is None
    assert sorted(sql(endpoints, "SELECT id, gate FROM flight")) == [("UA1", None), ("UA2", 4)]


def test_a_replaced_table_is_served_with_its_new_content(api: DataApi, tmp_path: Path) -> None:
    endpoints = deploy_product(api)
    write_deltalake(tmp_path / "flight", pa.table({"id": ["UA1"]}), mode="append")
    until(lambda: rest(endpoints, "/tables/flight"), "the row is seen")
    other = wanted_schema([Column.model_validate({"name": "number", "type": "integer"})], (), "flight")
    evolve_table(tmp_path / "flight", other, replace=True)
    until(lambda: [field["name"] for field in rest(endpoints, "/schema/flight")["fields"]] == ["number"], "new schema")
    assert rest(endpoints, "/tables/flight") == []


def test_a_killed_server_restarts_on_its_ports(api: DataApi) -> None:
    endpoints = deploy_product(api)
    pid = server_pid(api)
    os.kill(pid, signal.SIGKILL)
    until(lambda: processes.status(api.run_directory, api.process).pid != pid, "its end is noticed")
    assert deploy_product(api) == endpoints
    assert server_pid(api) != pid
    assert trouble(api, endpoints) is None


def test_a_killed_supervisor_is_detected_and_repaired(api: DataApi) -> None:
    endpoints = deploy_product(api)
    os.kill(supervisor_pid(api.run_directory), signal.SIGKILL)
    until(lambda: trouble(api, endpoints), "it is noticed")
    assert "its supervisor is not running" in (trouble(api, endpoints) or "")
    assert deploy_product(api) == endpoints
    assert trouble(api, endpoints) is None


@pytest.mark.parametrize("hangs", ["http", "postgres"])
def test_a_hanging_server_is_detected_and_restarted(api: DataApi, hangs: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`up` reported a restart that did not happen: an unchanged program continued to hang."""
    monkeypatch.setattr(
        "alchemesh_platform.machine.servers.processes.STOP_SECONDS", 2
    )  # a suspended process ends by a kill
    endpoints = deploy_product(api)
    servers = (
        named_below(api.run_directory, "postgres")
        if hangs == "postgres"
        else [
            process
            for process in named_below(api.run_directory, "python")
            if "alchemesh_platform.systems.local.data_api.http" in arguments_of(process)
        ]
    )
    assert servers
    for server in servers:
        with suppress(psutil.NoSuchProcess):  # the process of a closed connection
            server.suspend()
    with monkeypatch.context() as hasty:
        hasty.setattr("alchemesh_platform.systems.local.data_api.server.ANSWER_SECONDS", 2.0)
        assert "does not answer" in (trouble(api, endpoints) or "")
        assert deploy_product(api) == endpoints
    assert trouble(api, endpoints) is None
    assert all(gone(server.pid) for server in servers)


def test_changed_tables_and_protocols_restart_it_on_the_same_ports(api: DataApi, tmp_path: Path) -> None:
    first = deploy_product(replace(api, protocols=("rest",)))
    assert (first.sql, first.graphql, first.postgres_port) == (None, None, None)
    evolve_table(tmp_path / "gate", SCHEMA)
    gate = ServedTable("gate", str(tmp_path / "gate"), "delta")
    second = deploy_product(replace(api, tables=(*api.tables, gate)))
    assert second.http_port == first.http_port
    assert sql(second, "SELECT count(*) FROM gate") == [(0,)]


def test_a_protocol_that_is_not_offered_has_no_well_known_port(api: DataApi) -> None:
    endpoints = deploy_product(replace(api, protocols=("rest",)))
    assert ports_below(api.run_directory) == {("127.0.0.1", endpoints.http_port)}


def test_configured_ports_are_used(api: DataApi) -> None:
    http_port, postgres_port = free_port("127.0.0.1"), free_port("127.0.0.1")
    endpoints = deploy_product(replace(api, http_port=http_port, postgres_port=postgres_port))
    assert (endpoints.http_port, endpoints.postgres_port) == (http_port, postgres_port)
    assert endpoints == endpoints_of(api, http_port, postgres_port)


def test_a_port_of_another_process_is_named_with_that_process(api: DataApi) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert not is_free("127.0.0.1", port)
        with pytest.raises(
            PortInUse, match=rf"port {port} of 127.0.0.1, for HTTP, is taken by process {os.getpid()}"
        ) as no:
            deploy_product(replace(api, http_port=port))
        assert "`http_port`" in (no.value.hint or "")


def test_a_recorded_port_taken_by_another_process_is_named(api: DataApi) -> None:
    endpoints = deploy_product(api)
    processes.halt(api.run_directory, "flights-table.web")
    with (
        socket.create_server(("127.0.0.1", endpoints.http_port)),
        pytest.raises(PortInUse, match=f"port {endpoints.http_port}"),
    ):
        deploy_product(api)


@pytest.mark.parametrize("stolen", [0, 1])
def test_a_free_port_that_is_taken_before_the_server_listens_is_replaced(
    api: DataApi, monkeypatch: pytest.MonkeyPatch, stolen: int
) -> None:
    """Another process may take a port between its choice and the start of the server."""
    with socket.create_server(("127.0.0.1", 0)) as quicker:
        chosen = [free_port("127.0.0.1"), free_port("127.0.0.1")]
        chosen[stolen] = quicker.getsockname()[1]
        monkeypatch.setattr(data_api, "free_port", lambda host: chosen.pop(0) if chosen else free_port(host))
        monkeypatch.setattr(data_api, "becomes_free", lambda host, port: True)
        endpoints = deploy_product(api)
        assert quicker.getsockname()[1] not in (endpoints.http_port, endpoints.postgres_port)
    assert trouble(api, endpoints) is None


def test_a_folder_of_files_is_served_while_it_is_still_empty(api: DataApi, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / ".alchemesh-owner.json").write_text("{}")
    served = replace(api, tables=(ServedTable("departure", (tmp_path / "files").as_uri(), "parquet"),))
    endpoints = deploy_product(served)
    assert trouble(served, endpoints) is None
    duckdb.sql("SELECT 1 AS a").write_parquet(str(tmp_path / "files" / "a.parquet"))
    until(lambda: rest(endpoints, "/tables/departure") == [{"a": 1}], "the file is seen")


def test_a_table_that_cannot_be_loaded_is_reported_with_its_reason(api: DataApi, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    broken = replace(api, tables=(ServedTable("flight", str(tmp_path / "empty"), "delta"),))
    with pytest.raises(DataApiFailed, match=r"table flight cannot be loaded: .*No files in log segment") as failed:
        deploy_product(broken)
    assert "flights-table*.log" in (failed.value.hint or "")


def test_a_missing_table_is_named_with_its_folder(api: DataApi, tmp_path: Path) -> None:
    with pytest.raises(TableNotServed, match=rf"table flight: there is no folder {tmp_path}/gone"):
        deploy_product(replace(api, tables=(ServedTable("flight", str(tmp_path / "gone"), "delta"),)))


def test_a_remote_table_is_refused(api: DataApi) -> None:
    with pytest.raises(TableNotServed, match="s3://bucket/flight, which is not on this machine"):
        deploy_product(replace(api, tables=(ServedTable("flight", "s3://bucket/flight", "delta"),)))


def test_a_re_created_folder_is_served_with_its_new_content(api: DataApi, tmp_path: Path) -> None:
    """The enclosure continues to see the folder of its start, even after another one gets its name."""
    endpoints = deploy_product(api)
    shutil.rmtree(tmp_path / "flight")
    evolve_table(tmp_path / "flight", WIDER)
    assert "another configuration, such as other folders of tables" in (trouble(api, endpoints) or "")
    assert deploy_product(api) == endpoints
    assert [field["name"] for field in rest(endpoints, "/schema/flight")["fields"]] == ["id", "gate"]


def test_a_start_can_be_cancelled(api: DataApi) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(DataApiFailed, match="it was stopped"):
        deploy_product(api, cancelled=stop)


@pytest.mark.parametrize("user", ["owner", "health"])
def test_a_missing_credential_of_the_data_api_is_reissued(api: DataApi, user: str) -> None:
    endpoints = deploy_product(api)
    Path(endpoints.credential_file).with_name(f"{user}.credential.json").unlink()
    assert trouble(api, endpoints) == "a credential of its own is gone"
    assert deploy_product(api) == endpoints
    assert rest(endpoints, "/tables/flight") == []
    assert trouble(api, endpoints) is None


def test_removing_it_stops_it_and_removes_its_files(api: DataApi) -> None:
    endpoints = deploy_product(api)
    pid = server_pid(api)
    take_down(api)
    assert gone(pid)
    assert is_free("127.0.0.1", endpoints.http_port)
    assert not is_configured(api)
    assert [path.name for path in api.run_directory.iterdir() if not path.name.startswith(".")] == []
    take_down(api)


def test_it_is_observed_over_the_protocols_that_it_offers(api: DataApi) -> None:
    endpoints = deploy_product(api)
    connection = own(endpoints)
    assert observe_api(connection).health == "healthy"
    assert "gone" in observe_api(connection.model_copy(update={"tables": ("gone",)})).reason
    processes.stop(api.run_directory, "flights-table.sql")
    observed = observe_api(connection)
    assert (observed.health, observed.reason[:4]) == ("unhealthy", "SQL:")
    take_down(api)
    assert "cannot read the credential" in observe_api(connection).reason


def test_many_data_apis_of_one_product_start_concurrently(api: DataApi) -> None:
    wanted = [replace(api, process=f"port-{number}") for number in range(3)]
    found: list[Endpoints] = []
    threads = [threading.Thread(target=lambda one=one: found.append(deploy_product(one))) for one in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        assert len({endpoints.http_port for endpoints in found}) == 3
        assert all(rest(endpoints, "/tables/flight") == [] for endpoints in found)
    finally:
        for one in wanted:
            take_down(one)


def test_a_table_that_cannot_be_loaded_is_named_and_a_raised_limit_loads_it(api: DataApi, tmp_path: Path) -> None:
    write_deltalake(tmp_path / "flight", pa.table({"id": ["UA1" * 100]}), mode="append")
    small = replace(api, limits=Limits(max_gigabytes=1e-7), protocols=("sql",))
    with pytest.raises(DataApiFailed, match="table flight is larger than the limit of its serving copy"):
        deploy_product(small)
    endpoints = deploy_product(replace(small, limits=Limits(max_gigabytes=1, max_lag_seconds=30)))
    assert sql(endpoints, "SELECT count(*) FROM flight") == [(1,)]
    found = observe_api(own(endpoints))
    assert re.search(r"copy of \d+ kB \(limit 1 GB a table\), current \(limit 30 s\)", found.reason)
    assert found.lag_seconds == 0
    write_deltalake(tmp_path / "flight", pa.table({"id": ["UA2"], "ctid": [1]}), mode="append", schema_mode="merge")
    until(lambda: observe_api(own(endpoints)).health == "unhealthy", "the new column is refused")
    assert "column 'ctid' cannot be served" in observe_api(own(endpoints)).reason
    assert sql(endpoints, "SELECT count(*) FROM flight") == [(1,)], "the former rows are served"
