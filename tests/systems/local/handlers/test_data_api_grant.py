"""A grant at a data API, as a resource. Its gateway does not run; tests/systems/local/gateway has running ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from alchemesh_platform.machine.servers.supervisor import shut_down
from alchemesh_platform.provider.values import UNKNOWN
from alchemesh_platform.systems.local.data_api.gateway.consumers import Entry, read_entries, read_entry, write_entry
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.data_api.gateway.issue import issue
from tests.provider.wire import CheckFailed, Wire
from tests.systems.local.data_api.gateways import written_gateway

TYPE = "alchemesh:local:DataApiGrant"
NONE, SOME = provider_pb2.DiffResponse.DIFF_NONE, provider_pb2.DiffResponse.DIFF_SOME
USER = "operations_punctuality_9ddda306"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """A gateway; its process that waits for the end of an access is stopped with the test."""
    yield written_gateway(tmp_path / "run")
    shut_down(tmp_path / "run")


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Any]:
    return {
        "process": "flights-table",
        "runDirectory": str(tmp_path / "run"),
        "request": "req-0a1b2c3d",
        "consumer": "operations/punctuality",
    }


def users(gateway: Gateway) -> list[str]:
    """Users with access by HTTP and by SQL."""
    document = json.loads((gateway.folder / "caddy.json").read_text())
    routes = document["apps"]["http"]["servers"]["api"]["routes"]
    accounts = routes[0]["handle"][0]["providers"]["http_basic"]["accounts"]
    web = [account["username"] for account in accounts]
    sql = [line.split('"')[1] for line in (gateway.folder / "pgbouncer.users").read_text().splitlines()]
    assert web == sql
    return web


def test_a_grant_is_an_entry_without_a_credential_until_one_is_issued(
    wire: Wire, inputs: dict[str, Any], gateway: Gateway
) -> None:
    assert wire.preview(TYPE, inputs) == {**inputs, "user": USER}
    assert read_entry(gateway.folder, USER) is None
    made = wire.create(TYPE, inputs)
    assert made.state["user"] == USER
    assert users(gateway) == ["health", "owner"]
    password = issue(gateway, USER).password
    assert users(gateway) == ["health", USER, "owner"]
    assert wire.diff(made, inputs).changes == NONE
    assert wire.read(made) == made
    assert wire.create(TYPE, inputs).state == made.state
    assert users(gateway) == ["health", USER, "owner"], "made again, it keeps the credential"
    assert password not in str(made)
    wire.delete(made)
    assert users(gateway) == ["health", "owner"]
    assert wire.read(made) is None
    wire.delete(made)


def test_a_grant_removed_by_hand_is_detected_and_re_created(
    wire: Wire, inputs: dict[str, Any], gateway: Gateway
) -> None:
    made = wire.create(TYPE, inputs)
    (gateway.folder / "consumers" / f"{USER}.json").unlink()
    assert wire.diff(made, inputs).changes == SOME
    assert wire.engine.messages() == ["operations/punctuality lost its granted access; `up` grants it again"]
    wire.update(made, inputs)
    assert read_entry(gateway.folder, USER) is not None


def test_a_changed_end_keeps_the_credential(wire: Wire, inputs: dict[str, Any], gateway: Gateway) -> None:
    made = wire.create(TYPE, inputs)
    issue(gateway, USER)
    before = read_entry(gateway.folder, USER)
    assert before is not None
    later = {**inputs, "endsAt": "2099-01-01T00:00:00Z"}
    assert list(wire.diff(made, later).replaces) == []
    changed = wire.update(made, later)
    assert read_entry(gateway.folder, USER) == before.model_copy(update={"ends_at": datetime(2099, 1, 1, tzinfo=UTC)})
    assert wire.diff(changed, later).changes == NONE
    ended = wire.update(changed, {**inputs, "endsAt": "2001-01-01T00:00:00Z"})
    assert users(gateway) == ["health", "owner"]
    assert wire.read(ended) == ended


def test_a_changed_request_replaces_the_grant(wire: Wire, inputs: dict[str, Any], gateway: Gateway) -> None:
    made = wire.create(TYPE, inputs)
    other = wire.create(TYPE, {**inputs, "request": "req-other"})
    assert list(wire.diff(made, {**inputs, "request": "req-other"}).replaces) == ["request"]
    wire.delete(made)
    assert [entry.request for entry in read_entries(gateway.folder) if entry.request] == ["req-other"]
    wire.delete(other)


def test_a_grant_without_a_data_api_is_reported(wire: Wire, inputs: dict[str, Any]) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        wire.create(TYPE, inputs)
    assert "there is no data API flights-table" in refused.value.details()


def test_a_manually_granted_name_is_not_adopted(wire: Wire, inputs: dict[str, Any], gateway: Gateway) -> None:
    write_entry(gateway.folder, Entry(user=USER, consumer="a friend"))
    with pytest.raises(grpc.RpcError) as refused:
        wire.create(TYPE, inputs)
    assert f"{USER} was added to flights-table by hand" in refused.value.details()


@pytest.mark.parametrize(
    ("wrong", "at"),
    [
        ({"endsAt": "tomorrow"}, "endsAt"),
        ({"endsAt": "2099-01-01T00:00:00"}, "endsAt"),
        ({"request": ""}, "request"),
        ({"consumer": ""}, "consumer"),
        ({"runDirectory": "run"}, "runDirectory"),
    ],
)
def test_a_wrong_grant_is_refused_at_its_property(
    wire: Wire, inputs: dict[str, Any], wrong: dict[str, Any], at: str
) -> None:
    with pytest.raises(CheckFailed) as refused:
        wire.check(TYPE, {**inputs, **wrong})
    assert list(refused.value.failures) == [at]


def test_a_preview_accepts_unknown_inputs(wire: Wire, inputs: dict[str, Any]) -> None:
    planned = wire.preview(TYPE, {**inputs, "runDirectory": UNKNOWN, "endsAt": UNKNOWN})
    assert planned["user"] == USER
