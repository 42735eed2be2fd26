"""Records of the mesh as resources."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from alchemesh_platform.provider.values import UNKNOWN, Secret
from alchemesh_platform.registry.records import (
    AssetRecord,
    ContractRecord,
    LineageRecord,
    PortRecord,
    ProductRecord,
    Record,
)
from tests.provider.wire import CheckFailed, Wire

PORT: dict[str, Any] = {
    "environment": "local",
    "address": "aviation/flights/flights-table",
    "product": "aviation/flights",
    "direction": "output",
    "models": ["flight"],
    "storageType": "columnar-table",
    "connections": {"storage": {"kind": "tables", "format": "delta", "tables": {"flight": "file:///data/flight"}}},
}
RECORDS: list[tuple[str, type[Record], dict[str, Any]]] = [
    (
        "Product",
        ProductRecord,
        {
            "environment": "local",
            "address": "aviation/flights",
            "team": "flight-data",
            "owner": "amelia@airport.example",
            "version": "1.2.0",
            "lifecycle": "stable",
            "sourceSystems": ["aviation/dispatch"],
            "needs": {"workspace": {"component_type": "object-storage"}},
        },
    ),
    ("Port", PortRecord, PORT),
    (
        "Asset",
        AssetRecord,
        {
            "environment": "local",
            "address": "aviation/flights/flights-table/flight",
            "product": "aviation/flights",
            "port": "aviation/flights/flights-table",
            "model": "flight",
            "definition": {"properties": {"delay_minutes": {"type": "number"}}},
        },
    ),
    (
        "Contract",
        ContractRecord,
        {
            "environment": "local",
            "address": "aviation/flights/flights-table",
            "product": "aviation/flights",
            "version": "2.0.0",
            "lifecycle": "active",
            "access": "restricted",
            "document": {"quality": [{"mustBe": 0}], "terms": {"billing": {"price": 0.4}}},
        },
    ),
    (
        "Lineage",
        LineageRecord,
        {
            "environment": "local",
            "address": "aviation/dispatch -> aviation/flights/departures",
            "product": "aviation/flights",
            "source": "aviation/dispatch",
            "sourceKind": "source_system",
            "target": "aviation/flights/departures",
        },
    ),
]
EVERY_RECORD = pytest.mark.parametrize(("name", "kind", "inputs"), RECORDS, ids=[name for name, _, _ in RECORDS])
TYPE = "alchemesh:mesh:Port"


@EVERY_RECORD
def test_a_record_is_written_kept_and_removed(
    wire: Wire, name: str, kind: type[Record], inputs: dict[str, Any]
) -> None:
    made = wire.create(f"alchemesh:mesh:{name}", inputs)
    assert made.id == f"local:{inputs['address']}"
    found = wire.registry.get(kind, "local", inputs["address"])
    assert found is not None
    assert (
        found.model_dump(mode="json").items() >= {key: value for key, value in inputs.items() if key.islower()}.items()
    )
    assert wire.diff(made, inputs).changes == provider_pb2.DiffResponse.DIFF_NONE
    assert wire.read(made) == made
    wire.delete(made)
    assert wire.registry.get(kind, "local", inputs["address"]) is None
    wire.delete(made)


def test_documents_keep_their_keys(wire: Wire) -> None:
    wire.create("alchemesh:mesh:Contract", RECORDS[3][2])
    contract = wire.registry.get(ContractRecord, "local", "aviation/flights/flights-table")
    assert contract is not None
    assert contract.document == {"quality": [{"mustBe": 0}], "terms": {"billing": {"price": 0.4}}}


def test_creating_an_existing_record_adopts_it(wire: Wire) -> None:
    """An engine that is killed after a creation has no record of it."""
    wire.create(TYPE, PORT)
    repeated = wire.create(TYPE, {**PORT, "description": "Departures"})
    found = wire.registry.get(PortRecord, "local", PORT["address"])
    assert found is not None
    assert found.description == "Departures"
    assert len(wire.registry.history("local", address=PORT["address"])) == 2
    assert repeated.id == f"local:{PORT['address']}"


def test_a_change_names_its_property_and_updates_in_place(wire: Wire) -> None:
    made = wire.create(TYPE, PORT)
    changed = {**PORT, "models": ["flight", "delay"], "connections": {"storage": {"kind": "files", "url": "file:///x"}}}
    answer = wire.diff(made, changed)
    assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert list(answer.replaces) == []
    assert {path: found.kind for path, found in answer.detailedDiff.items()} == {
        "models[1]": provider_pb2.PropertyDiff.ADD,
        "connections.storage.kind": provider_pb2.PropertyDiff.UPDATE,
        "connections.storage.format": provider_pb2.PropertyDiff.DELETE,
        "connections.storage.tables": provider_pb2.PropertyDiff.DELETE,
        "connections.storage.url": provider_pb2.PropertyDiff.ADD,
    }
    assert all(found.inputDiff for found in answer.detailedDiff.values())
    wire.update(made, changed)
    found = wire.registry.get(PortRecord, "local", PORT["address"])
    assert found is not None
    assert found.models == ("flight", "delay")


def test_a_changed_address_replaces_the_record(wire: Wire) -> None:
    made = wire.create(TYPE, PORT)
    answer = wire.diff(made, {**PORT, "address": "aviation/flights/other", "description": "x"})
    assert list(answer.replaces) == ["address"]
    assert answer.detailedDiff["address"].kind == provider_pb2.PropertyDiff.UPDATE_REPLACE
    assert answer.detailedDiff["description"].kind == provider_pb2.PropertyDiff.UPDATE


def test_a_record_removed_by_hand_is_detected_by_refresh_and_repaired_without_one(wire: Wire) -> None:
    made = wire.create(TYPE, PORT)
    wire.registry.remove(PortRecord, "local", PORT["address"])
    assert wire.read(made) is None
    answer = wire.diff(made, PORT)
    assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert "not in the registry any more" in wire.engine.messages()[-1]
    wire.update(made, PORT)
    assert wire.registry.get(PortRecord, "local", PORT["address"]) is not None


def test_refresh_detects_a_record_changed_by_hand(wire: Wire) -> None:
    made = wire.create(TYPE, PORT)
    found = wire.registry.get(PortRecord, "local", PORT["address"])
    assert found is not None
    wire.registry.put(found.model_copy(update={"description": "by hand"}))
    seen = wire.read(made)
    assert seen is not None
    assert seen.inputs["description"] == "by hand"
    assert seen.inputs["connections"] == PORT["connections"]


def test_wrong_inputs_are_refused_by_property(wire: Wire) -> None:
    with pytest.raises(CheckFailed) as refused:
        wire.check(TYPE, {**PORT, "direction": "sideways", "storage_type": "x", "address": None})
    assert set(refused.value.failures) == {"direction", "storage_type", "address"}


def test_a_preview_shows_known_outputs_and_writes_nothing(wire: Wire) -> None:
    inputs = {**PORT, "connections": {"proxy": {"rest": UNKNOWN, "kind": "data-api"}}}
    assert wire.preview(TYPE, inputs)["connections"] == {"proxy": {"rest": UNKNOWN, "kind": "data-api"}}
    assert wire.registry.all(PortRecord) == []
    made = wire.create(TYPE, PORT)
    answer = wire.diff(made, inputs)
    assert answer.detailedDiff["connections.proxy"].kind == provider_pb2.PropertyDiff.ADD
    assert wire.update(made, inputs, preview=True).state["connections"]["proxy"]["rest"] is UNKNOWN


def test_a_secret_is_masked_in_the_registry_and_stays_secret_in_the_state(wire: Wire) -> None:
    inputs = {**PORT, "connections": {"storage": {"url": Secret("postgresql://me:hunter2@db")}}}
    made = wire.create(TYPE, inputs)
    assert made.state["connections"] == inputs["connections"]
    found = wire.registry.get(PortRecord, "local", PORT["address"])
    assert found is not None
    assert found.connections == {"storage": {"url": "[secret]"}}
    assert wire.read(made) == made
    assert wire.diff(made, inputs).changes == provider_pb2.DiffResponse.DIFF_NONE
    assert b"hunter2" not in (wire.folder / "registry.db").read_bytes()
