"""New data of a deployed product, without a deployment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.deployment.new_data import due_from, land_new_data
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.registry.records import ContractRecord
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.systems.local.landing.ingestion import landed
from tests.provider.wire import connected

TYPE = "alchemesh:local:Ingestion"
PRODUCT = "shop/orders"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with Registry.open(f"sqlite:///{tmp_path / 'mesh.db'}") as opened:
        yield opened


@pytest.fixture
def landing(tmp_path: Path) -> dict[str, Any]:
    """A deployed landing area with one file, and the state of its product."""
    (tmp_path / "incoming").mkdir()
    (tmp_path / "incoming" / "monday.csv").write_text("id\n1\n2\n")
    inputs = {
        "source": "incoming/*.csv",
        "root": str(tmp_path),
        "format": "csv",
        "target": str(tmp_path / "landed"),
        "owner": "shop/orders/sales",
    }
    with connected(tmp_path / "wire") as wire:
        made = wire.create(TYPE, inputs)
        resource = {"type": TYPE, "urn": made.urn, "id": made.id, "custom": True, "inputs": dict(made.inputs)}
    state = tmp_path / "home" / "local" / "state" / ".pulumi" / "stacks" / "shop.orders" / "local.json"
    state.parent.mkdir(parents=True)
    state.write_text(json.dumps({"version": 3, "checkpoint": {"latest": {"resources": [resource]}}}))
    return inputs


def land(folder: Path, registry: Registry) -> list[str]:
    lines = list[str]()
    assert land_new_data(load_platform(None, "local", folder / "home"), PRODUCT, registry, lines.append) == 1
    return lines


def test_new_files_are_landed_and_unchanged_ones_are_not_read_again(
    tmp_path: Path, registry: Registry, landing: dict[str, Any]
) -> None:
    """A file of today needed a deployment."""
    assert land(tmp_path, registry) == []
    (tmp_path / "incoming" / "tuesday.csv").write_text("id\n3\n")
    assert land(tmp_path, registry) == ["landed new data of shop/orders/sales: now 3 rows of 2 files, before 2 rows"]
    assert land(tmp_path, registry) == []


def test_a_file_that_does_not_fit_is_named(tmp_path: Path, registry: Registry, landing: dict[str, Any]) -> None:
    (tmp_path / "incoming" / "tuesday.csv").write_bytes(b"id,more\n3,\xff\xfe\n")
    with pytest.raises(Failure, match=r"tuesday\.csv"):
        land(tmp_path, registry)
    now = landed(tmp_path / "landed")
    assert now is not None
    assert now.rows == 2


def test_landing_area_of_another_environment_is_left(
    tmp_path: Path, registry: Registry, landing: dict[str, Any]
) -> None:
    (tmp_path / "landed" / ".alchemesh-owner.json").write_text('{"owner": "shop/orders/sales", "environment": "dev"}')
    with pytest.raises(Failure, match="is missing"):
        land(tmp_path, registry)


def test_a_product_without_a_state_lands_nothing(tmp_path: Path, registry: Registry) -> None:
    assert land_new_data(load_platform(None, "local", tmp_path / "home"), PRODUCT, registry, print) == 0


def test_a_run_is_due_by_the_shortest_promised_frequency(registry: Registry) -> None:
    def promise(port: str, frequency: str | None) -> None:
        levels = {"service_levels": {"update_frequency": frequency}} if frequency else {}
        document = {"version": "1.0.0", "lifecycle": "active", "access": "internal", **levels}
        registry.put(
            ContractRecord(
                environment="local",
                address=f"{PRODUCT}/{port}",
                product=PRODUCT,
                version="1.0.0",
                lifecycle="active",
                access="internal",
                document=document,
            )
        )

    def ran(outcome: Literal["succeeded", "failed"]) -> Any:
        run = registry.start_deployment("local", PRODUCT, "run", "ada@shop.example")
        registry.finish_deployment(run.id, outcome)
        return run.started_at

    last = ran("succeeded")
    assert due_from(registry, "local", PRODUCT) is None, "no contract promises a frequency"
    promise("table", None)
    promise("daily", "1d")
    promise("hourly", "1h")
    ran("failed")
    assert due_from(registry, "local", PRODUCT) == last + timedelta(hours=1, seconds=-30)
    assert due_from(registry, "dev", PRODUCT) is None
