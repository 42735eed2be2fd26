"""The wiring of each component: its place in the product, from the manifest alone."""

from __future__ import annotations

import copy
from datetime import timedelta
from pathlib import Path
from typing import Any

from alchemesh_platform.compose.planned import FoundationRef
from alchemesh_platform.compose.wiring import wiring_of
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.sdk.spec import Role
from alchemesh_platform.sdk.wiring import Wiring
from tests.manifest.documents import COMPLETE, written


def wired(folder: Path, role: Role, port: str) -> Wiring:
    document: dict[str, Any] = copy.deepcopy(COMPLETE)
    document["output_ports"][0]["contract"]["service_levels"]["freshness"] = "1h"
    document["output_ports"].append({**copy.deepcopy(document["output_ports"][0]), "name": "other"})
    del document["output_ports"][1]["contract"], document["output_ports"][1]["proxy"]
    (folder / "alchemesh.yaml").write_text(written(document))
    product = load_manifest(folder / "alchemesh.yaml").product
    foundations = [FoundationRef(Role.PLATFORM, "mesh_platform")]
    return wiring_of(product, "prod", "/repo", foundations, role, port, {"flights-table": "table", "other": "disk"})


def test_a_proxy_knows_its_place_its_models_and_the_promises_of_its_port(tmp_path: Path) -> None:
    wiring = wired(tmp_path, Role.PROXY, "flights-table")
    assert (wiring.environment, wiring.domain, wiring.product, wiring.team) == (
        "prod",
        "aviation",
        "flights",
        "flight-data",
    )
    assert (wiring.port, wiring.role, wiring.product_version, wiring.product_root) == (
        "flights-table",
        "proxy",
        "1.2.0",
        "/repo",
    )
    assert (list(wiring.models), wiring.protocols, wiring.access) == (["flight"], ("sql", "rest"), "internal")
    assert (wiring.freshness, wiring.storage_component) == (timedelta(hours=1), "table")
    assert (wiring.needs, wiring.foundations) == ({"workspace": "object-storage"}, {"platform": {}})


def test_a_port_without_a_contract_and_a_proxy_promises_nothing(tmp_path: Path) -> None:
    wiring = wired(tmp_path, Role.STORAGE, "other")
    assert (list(wiring.models), wiring.protocols, wiring.access, wiring.freshness) == (["flight"], (), "", None)
    assert wiring.storage_component == "disk"


def test_an_input_port_knows_its_origin_and_has_no_models(tmp_path: Path) -> None:
    wiring = wired(tmp_path, Role.INPUT_PORT, "airports")
    assert (wiring.origin, wiring.models, wiring.storage_component) == ("geography/airports/airports-table", {}, "")
    assert wired(tmp_path, Role.INPUT_PORT, "departures").origin is None


def test_a_need_with_the_name_of_an_output_port_has_none_of_its_promises(tmp_path: Path) -> None:
    wiring = wired(tmp_path, Role.INFRASTRUCTURE, "flights-table")
    assert (wiring.role, wiring.models, wiring.access, wiring.origin) == ("infrastructure", {}, "", None)
