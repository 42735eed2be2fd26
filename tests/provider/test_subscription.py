"""A consumer's view of another product's output port."""

from __future__ import annotations

import pytest
from pulumi.runtime.proto import provider_pb2

from alchemesh_platform.provider.values import UNKNOWN
from alchemesh_platform.registry.records import ContractRecord, PortRecord

from .wire import CheckFailed, Wire

TYPE = "alchemesh:mesh:Subscription"
INPUTS = {
    "environment": "local",
    "origin": "aviation/flights/flights-table",
    "consumer": "aviation/punctuality/flights",
}
STORAGE = {"kind": "tables", "format": "delta", "tables": {"flight": "file:///data/flight"}}
PROXY = {
    "kind": "data-api",
    "sql": "postgresql://127.0.0.1:5433",
    "rest": None,
    "graphql": None,
    "tables": ["flight"],
    "credential_file": None,
}


def deploy(wire: Wire, *, proxy: bool, version: str | None = None) -> None:
    """Record the origin as its own deployment would."""
    wire.registry.put(
        PortRecord(
            environment="local",
            address=INPUTS["origin"],
            product="aviation/flights",
            direction="output",
            connections={"storage": STORAGE, "proxy": PROXY if proxy else None},
        )
    )
    if version is not None:
        wire.registry.put(
            ContractRecord(
                environment="local",
                address=INPUTS["origin"],
                product="aviation/flights",
                version=version,
                lifecycle="active",
                access="public",
                document={},
            )
        )


def test_a_consumer_gets_the_proxy_where_there_is_one(wire: Wire) -> None:
    deploy(wire, proxy=True, version="2.0.0")
    made = wire.create(TYPE, INPUTS)
    assert made.id == "local:aviation/punctuality/flights <- aviation/flights/flights-table"
    assert made.state["connections"] == {"storage": None, "proxy": PROXY}
    assert made.state["contractVersion"] == "2.0.0"


def test_a_consumer_gets_the_storage_where_there_is_no_proxy(wire: Wire) -> None:
    deploy(wire, proxy=False)
    made = wire.create(TYPE, INPUTS)
    assert made.state["connections"] == {"storage": STORAGE, "proxy": None}
    assert made.state["contractVersion"] == ""


def test_a_preview_knows_the_connections_already(wire: Wire) -> None:
    deploy(wire, proxy=True)
    assert wire.preview(TYPE, INPUTS)["connections"]["proxy"] == PROXY
    assert wire.preview(TYPE, {**INPUTS, "origin": UNKNOWN})["connections"] is UNKNOWN


def test_a_product_that_is_not_deployed_is_named_with_the_command_in_the_preview(wire: Wire) -> None:
    with pytest.raises(CheckFailed) as refused:
        wire.check(TYPE, INPUTS)
    assert refused.value.failures == {
        "origin": "aviation/flights is not deployed in environment 'local'; "
        "deploy it first: `alchemesh up -e local` in its folder"
    }


def test_a_port_that_the_product_has_not_is_named_with_those_that_it_has(wire: Wire) -> None:
    deploy(wire, proxy=True)
    with pytest.raises(CheckFailed, match="no output port 'raw'; it has aviation/flights/flights-table"):
        wire.check(TYPE, {**INPUTS, "origin": "aviation/flights/raw"})


def test_a_change_of_the_origin_is_noticed_with_its_reason(wire: Wire) -> None:
    deploy(wire, proxy=True, version="1.0.0")
    made = wire.create(TYPE, INPUTS)
    assert wire.diff(made, INPUTS).changes == provider_pb2.DiffResponse.DIFF_NONE
    deploy(wire, proxy=True, version="2.0.0")
    answer = wire.diff(made, INPUTS)
    assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert list(answer.detailedDiff) == ["contractVersion"]
    assert wire.engine.messages() == ["the contract of aviation/flights/flights-table went from 1.0.0 to 2.0.0"]
    made = wire.update(made, INPUTS)
    deploy(wire, proxy=False)
    assert list(wire.diff(made, INPUTS).detailedDiff) == ["connections"]
    assert wire.update(made, INPUTS).state["connections"]["storage"] == STORAGE


def test_refresh_forgets_a_subscription_whose_origin_went(wire: Wire) -> None:
    deploy(wire, proxy=True)
    made = wire.create(TYPE, INPUTS)
    assert wire.read(made) == made
    wire.registry.remove(PortRecord, "local", INPUTS["origin"])
    assert wire.read(made) is None
    wire.delete(made)
