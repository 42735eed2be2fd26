"""Protocols of a data product, as systems register them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from alchemesh_platform.manifest.models import DataProduct, Protocol
from alchemesh_platform.registration.protocol import addresses_by_protocol, known_protocols, protocol_names
from tests.builtin import builtin_catalog
from tests.sdk.site import install, systems_in

SYSTEM = """
from alchemesh_platform.sdk.system.system import AccessProtocol, System
SYSTEM = System(name="pipes", summary="Pipes.", protocols=(AccessProtocol("pipe", "Pipe", sign_in="as {user}"),))
"""


def test_protocols_of_this_project_are_in_the_order_of_the_docs() -> None:
    assert protocol_names() == ("sql", "rest", "graphql")
    offered = {protocol for spec in builtin_catalog().values() for protocol in spec.protocols}
    assert offered == set(protocol_names())


def test_an_unknown_protocol_lists_the_known_ones() -> None:
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(Protocol).validate_python("odbc")
    (found,) = raised.value.errors()
    assert (found["type"], found["ctx"]) == ("literal_error", {"expected": "'sql', 'rest' or 'graphql'"})


def test_schema_of_the_manifest_lists_them() -> None:
    (proxy,) = (
        part for part in DataProduct.model_json_schema()["$defs"].values() if "protocols" in part.get("properties", {})
    )
    assert proxy["properties"]["protocols"]["items"] == {"enum": ["sql", "rest", "graphql"], "type": "string"}


def test_a_third_party_protocol_is_known_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "acme-pipes", {"pipes_system": SYSTEM}, {"pipes": "pipes_system:SYSTEM"})
    monkeypatch.syspath_prepend(str(tmp_path))
    assert TypeAdapter(Protocol).validate_python("pipe") == "pipe"
    assert TypeAdapter(Protocol).json_schema() == {"enum": ["sql", "rest", "graphql", "pipe"], "type": "string"}
    assert addresses_by_protocol({"kind": "pipes", "pipe": "pipe:///run/orders", "sql": None}) == {
        "pipe": "pipe:///run/orders"
    }
    assert known_protocols()["pipe"].sign_in.format(user="ada") == "as ada"


def test_protocol_of_two_packages_is_reported_with_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("acme-one", "acme-two"):
        name = package.removeprefix("acme-")
        system = SYSTEM.replace('"pipes"', repr(name))
        install(tmp_path, package, {f"shared_{name}": system}, {name: f"shared_{name}:SYSTEM"})
    monkeypatch.syspath_prepend(str(tmp_path))
    found = systems_in(tmp_path)
    assert [system.name for system in found] == ["one", "two"]
    (failure,) = found.broken
    assert failure.message == "protocol 'pipe' is offered more than once, by acme-one and acme-two"
