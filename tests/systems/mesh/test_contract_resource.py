"""The record of a contract, with its stored version and the notices that it settles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from alchemesh_platform.identity.machine import USER_VARIABLE
from alchemesh_platform.registry.records import ContractRecord, ContractVersionRecord, NoticeRecord
from tests.provider.wire import Wire, connected

TYPE = "alchemesh:mesh:Contract"
PORT = "aviation/flights/flights-table"


def contract(version: str = "2.0.0", lifecycle: str = "active", **more: Any) -> dict[str, Any]:
    return {
        "environment": "local",
        "address": PORT,
        "product": "aviation/flights",
        "version": version,
        "lifecycle": lifecycle,
        "access": "restricted",
        "document": {"version": version, "lifecycle": lifecycle, "terms": {"notice_period": "30d"}},
        "models": {"flight": {"properties": {"tail_number": {"type": "string"}}}},
        "protocols": ["sql"],
        **more,
    }


def versions(wire: Wire) -> list[tuple[str, str]]:
    return [(kept.version, kept.lifecycle) for kept in wire.registry.all(ContractVersionRecord, "local")]


def test_each_version_is_stored_and_outlives_the_contract(wire: Wire) -> None:
    made = wire.create(TYPE, contract())
    made = wire.update(made, contract("2.1.0"))
    wire.delete(made)
    assert wire.registry.get(ContractRecord, "local", PORT) is None
    assert versions(wire) == [("2.0.0", "active"), ("2.1.0", "active")]
    wire.delete(made)


def test_other_content_of_an_active_version_is_refused_and_nothing_is_written(wire: Wire) -> None:
    """The checks before the engine report this first; plain Pulumi has only this one."""
    made = wire.create(TYPE, contract())
    with pytest.raises(grpc.RpcError, match=r"found 2\.0\.0 with another promise"):
        wire.update(made, contract(protocols=[]))
    with pytest.raises(grpc.RpcError, match=r"write `version: 3\.0\.0`"):
        wire.create(TYPE, contract(protocols=[]))
    found = wire.registry.get(ContractRecord, "local", PORT)
    assert found is not None
    assert found.protocols == ("sql",)
    assert versions(wire) == [("2.0.0", "active")]


def test_a_draft_is_stored_in_its_current_form(wire: Wire) -> None:
    made = wire.create(TYPE, contract(lifecycle="draft"))
    wire.update(made, contract(lifecycle="draft", protocols=[]))
    [kept] = wire.registry.all(ContractVersionRecord, "local")
    assert kept.protocols == ()


def test_a_version_that_is_no_longer_stored_is_stored_again(wire: Wire) -> None:
    made = wire.create(TYPE, contract())
    wire.registry.remove(ContractVersionRecord, "local", f"{PORT}@2.0.0")
    answer = wire.diff(made, contract())
    assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert "is not kept" in wire.engine.messages()[-1]
    wire.update(made, contract())
    assert versions(wire) == [("2.0.0", "active")]


def test_a_contract_changed_by_hand_is_corrected_under_its_version(wire: Wire) -> None:
    made = wire.create(TYPE, contract())
    found = wire.registry.get(ContractRecord, "local", PORT)
    assert found is not None
    wire.registry.put(found.model_copy(update={"version": "9.0.0"}))
    wire.update(made, contract())
    restored = wire.registry.get(ContractRecord, "local", PORT)
    assert restored is not None
    assert restored.version == "2.0.0"


def test_a_deprecation_is_a_notice_of_the_runs_actor_and_is_removed_with_the_contract(tmp_path: Path) -> None:
    """The actor once came from the latest running deployment, even from a killed one of another user."""
    with connected(tmp_path, actor="amelia@airport.example") as wire:
        wire.registry.start_deployment("local", "aviation/flights", "up", "bo@airport.example")
        made = wire.create(TYPE, contract())
        made = wire.update(made, contract(lifecycle="deprecated"))
        [reported] = wire.registry.all(NoticeRecord, "local")
        assert (reported.what, reported.version, reported.given_by) == (
            "deprecation",
            "2.0.0",
            "amelia@airport.example",
        )
        assert reported.period_seconds == 30 * 24 * 3600
        wire.delete(made)
        assert wire.registry.all(NoticeRecord, "local") == []


def test_under_plain_pulumi_a_notice_names_the_user_of_this_machine(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(USER_VARIABLE, "cleo@airport.example")
    made = wire.create(TYPE, contract())
    wire.update(made, contract(lifecycle="deprecated"))
    [reported] = wire.registry.all(NoticeRecord, "local")
    assert reported.given_by == "cleo@airport.example"


def test_a_record_of_an_earlier_version_without_models_can_be_removed(wire: Wire) -> None:
    made = wire.create(TYPE, contract())
    old = {name: value for name, value in made.inputs.items() if name not in {"models", "protocols"}}
    made.inputs, made.state = old, old
    wire.delete(made)
    assert wire.registry.get(ContractRecord, "local", PORT) is None
