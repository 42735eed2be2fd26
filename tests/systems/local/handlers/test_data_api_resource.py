"""A data API as a resource, with a real server."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from alchemesh_platform.connections import DataApiConnection, WrongConnection
from alchemesh_platform.machine.servers import processes
from alchemesh_platform.machine.servers.reservations import Reservation, release, reserve
from alchemesh_platform.machine.servers.supervisor import config_folder, shut_down
from alchemesh_platform.provider.values import UNKNOWN, Secret
from alchemesh_platform.systems.local.data_api.gateway.consumers import Entry, read_entry, write_entry
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.tables.columns import Column
from alchemesh_platform.systems.local.tables.delta import evolve_table
from alchemesh_platform.systems.local.tables.evolution import wanted_schema
from tests.provider.wire import CheckFailed, Wire
from tests.waiting import until

pytestmark = pytest.mark.slow

TYPE = "alchemesh:local:DataApi"
NONE, SOME = provider_pb2.DiffResponse.DIFF_NONE, provider_pb2.DiffResponse.DIFF_SOME


@pytest.fixture
def inputs(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A data API over an empty table; its server is stopped with the test."""
    columns = [Column.model_validate({"name": "id", "type": "string"})]
    evolve_table(tmp_path / "flight", wanted_schema(columns, (), "flight"))
    yield {
        "process": "flights-table",
        "owner": "aviation/flights/flights-table",
        "runDirectory": str(tmp_path / "run"),
        "protocols": ["sql", "rest", "graphql"],
        "tables": [{"name": "flight", "url": (tmp_path / "flight").as_uri(), "format": "delta"}],
    }
    shut_down(tmp_path / "run")


def ask(state: Any) -> Any:
    api = DataApiConnection(rest=state["endpoints"]["rest"], credential_file=state["credentialFile"])
    request = urllib.request.Request(f"{api.rest}/tables/flight", headers=api.headers())
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def test_a_data_api_is_healthy_when_created_and_keeps_its_ports(wire: Wire, inputs: dict[str, Any]) -> None:
    planned = wire.preview(TYPE, inputs)
    assert (planned["httpPort"], planned["endpoints"]) == (UNKNOWN, UNKNOWN)
    made = wire.create(TYPE, inputs)
    assert ask(made.state) == []
    assert made.state["endpoints"]["sql"] == f"postgresql://127.0.0.1:{made.state['postgresPort']}"
    assert wire.diff(made, inputs).changes == NONE
    assert wire.read(made) == made
    assert wire.create(TYPE, inputs).state == made.state
    wire.delete(made)
    assert wire.read(made) is None
    again = wire.create(TYPE, inputs)
    assert again.state["endpoints"] == made.state["endpoints"], "a client keeps its address through destroy and up"
    wire.delete(again)
    with pytest.raises(WrongConnection, match="cannot read the credential"):
        ask(made.state)


def test_port_of_another_product_is_refused(wire: Wire, inputs: dict[str, Any]) -> None:
    reserve(Reservation(8091, "shop/orders/orders-table", "local", "http_port"))
    with pytest.raises(
        CheckFailed, match="port 8091, for HTTP, belongs to shop/orders/orders-table in environment local"
    ):
        wire.check(TYPE, {**inputs, "httpPort": 8091})
    release("shop/orders/orders-table", "local", forget=False)
    wire.check(TYPE, {**inputs, "httpPort": 8091})


def test_a_preview_knows_configured_ports(wire: Wire, inputs: dict[str, Any]) -> None:
    planned = wire.preview(TYPE, {**inputs, "httpPort": 8091, "protocols": ["rest"]})
    assert planned["endpoints"] == {"rest": "http://127.0.0.1:8091/api"}
    assert planned["postgresPort"] is None
    assert wire.preview(TYPE, {**inputs, "httpPort": 8091})["endpoints"] is UNKNOWN


def test_a_dead_data_api_is_reported_and_restarted_on_its_ports(wire: Wire, inputs: dict[str, Any]) -> None:
    made = wire.create(TYPE, inputs)
    run = Path(inputs["runDirectory"])
    server = processes.status(run, "flights-table").pid
    assert server is not None
    for pid in (int((config_folder(run) / "supervisord.pid").read_text()), server):
        os.kill(pid, signal.SIGKILL)
    until(lambda: processes.status(run, "flights-table").state == "UNSUPERVISED", "the supervisor is gone")
    answer = wire.diff(made, inputs)
    assert (answer.changes, list(answer.replaces)) == (SOME, [])
    assert wire.engine.messages() == [
        "data API aviation/flights/flights-table: its server is not running: its supervisor is not running; "
        "it is started again"
    ]
    assert wire.update(made, inputs).state == made.state
    assert ask(made.state) == []


def test_changed_protocols_keep_the_ports_and_a_changed_run_folder_replaces(
    wire: Wire, inputs: dict[str, Any], tmp_path: Path
) -> None:
    made = wire.create(TYPE, inputs)
    fewer = {**inputs, "protocols": ["rest"]}
    planned = wire.update(made, fewer, preview=True)
    changed = wire.update(made, fewer)
    assert planned.state["endpoints"] == changed.state["endpoints"]
    assert changed.state["httpPort"] == made.state["httpPort"]
    assert set(changed.state["endpoints"]) == {"rest"}
    answer = wire.diff(changed, {**fewer, "runDirectory": str(tmp_path / "elsewhere")})
    assert (list(answer.replaces), answer.deleteBeforeReplace) == (["runDirectory"], True)


def test_a_failed_creation_gives_its_reason_and_leaves_nothing_running(
    wire: Wire, inputs: dict[str, Any], tmp_path: Path
) -> None:
    broken = {**inputs, "tables": [{"name": "flight", "url": str(tmp_path / "gone"), "format": "delta"}]}
    with pytest.raises(grpc.RpcError) as failed:
        wire.create(TYPE, broken)
    assert "table flight: there is no folder" in failed.value.details()
    assert processes.status(tmp_path / "run", "flights-table").state == "UNSUPERVISED"
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(grpc.RpcError) as taken:
        wire.create(TYPE, {**inputs, "httpPort": other.getsockname()[1]})
    assert f"is taken by process {os.getpid()}" in taken.value.details()


def test_a_start_that_takes_too_long_is_cancelled(wire: Wire, inputs: dict[str, Any]) -> None:
    """The engine's `customTimeouts` reach the server's start."""
    started = time.monotonic()
    with pytest.raises(grpc.RpcError) as failed:
        wire.create(TYPE, {**inputs, "startTimeoutSeconds": 600}, timeout=0.001)
    assert failed.value.code() == grpc.StatusCode.CANCELLED
    assert time.monotonic() - started < 300


@pytest.mark.parametrize(
    ("wrong", "at"),
    [
        ({"host": "localhost"}, "host"),
        ({"host": "0.0.0.0"}, "host"),  # noqa: S104 - refused is the point
        ({"httpPort": 70000}, "httpPort"),
        ({"httpPort": 8091, "postgresPort": 8091}, "postgresPort"),
        ({"postgresPort": 5433, "protocols": ["rest"]}, "postgresPort"),
        ({"protocols": []}, "protocols"),
        ({"protocols": ["soap"]}, "protocols[0]"),
        ({"tables": []}, "tables"),
        ({"tables": [{"name": "flight", "url": "s3://bucket/flight", "format": "delta"}]}, "tables[0].url"),
        ({"process": "Bad Name"}, "process"),
        ({"owner": Secret("hunter2")}, "owner"),
    ],
)
def test_a_wrong_data_api_is_refused_at_its_property(
    wire: Wire, inputs: dict[str, Any], wrong: dict[str, Any], at: str
) -> None:
    with pytest.raises(CheckFailed) as refused:
        wire.check(TYPE, {**inputs, **wrong})
    assert list(refused.value.failures) == [at]


def test_refresh_reports_users_without_a_grant_and_keeps_them(wire: Wire, inputs: dict[str, Any]) -> None:
    made = wire.create(TYPE, inputs)
    gateway = Gateway(Path(inputs["runDirectory"]), "flights-table")
    write_entry(gateway.folder, Entry(user="a_friend", consumer="a friend"))
    (gateway.folder / "consumers" / "broken.json").write_text("{}")
    found = wire.read(made)
    assert found is not None
    assert (made.state["letInByHand"], found.state["letInByHand"]) == ([], ["a_friend"])
    broken, by_hand = wire.engine.messages()
    assert "broken.json" in broken
    assert by_hand == "data API aviation/flights/flights-table: users with access and without a grant: a_friend"
    assert wire.diff(found, inputs).changes == NONE
    assert wire.update(found, inputs).state["letInByHand"] == ["a_friend"]
    assert read_entry(gateway.folder, "a_friend") is not None


def test_a_preview_accepts_unknown_tables(wire: Wire, inputs: dict[str, Any]) -> None:
    later = {**inputs, "tables": [{"name": "flight", "url": UNKNOWN, "format": "delta"}], "httpPort": 8091}
    assert wire.preview(TYPE, {**later, "protocols": ["rest"]})["endpoints"] == {"rest": "http://127.0.0.1:8091/api"}
