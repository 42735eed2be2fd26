"""New data of a deployed product, without a deployment."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, NoReturn

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from alchemesh_platform.app.product.run import NotDue, run
from alchemesh_platform.base.failure import Failure
from alchemesh_platform.deployment.code.new_data import due_from, land_new_data, remove_expired
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.provider import operations
from alchemesh_platform.provider.catalog import HANDLERS
from alchemesh_platform.provider.handler import Context
from alchemesh_platform.registry.records import ContractRecord, ProductRecord
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.systems.local.landing.ingestion import landed
from tests.provider.wire import connected
from tests.systems.local.tables.aged import age

TYPE = "alchemesh:local:Ingestion"
TABLE = "alchemesh:local:DeltaTable"
PRODUCT = "shop/orders"
ADA = "ada@shop.example"


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
    deploy(tmp_path, {TYPE: inputs})
    return inputs


def deploy(folder: Path, declared: dict[str, dict[str, Any]]) -> None:
    """Create resources, and write the state of the product with them."""
    resources = []
    with connected(folder / "wire") as wire:
        for kind, inputs in declared.items():
            made = wire.create(kind, inputs)
            resources.append(
                {"type": kind, "urn": made.urn, "id": made.id, "custom": True, "inputs": dict(made.inputs)}
            )
    state = folder / "home" / "local" / "state" / ".pulumi" / "stacks" / "shop.orders" / "local.json"
    state.parent.mkdir(parents=True)
    state.write_text(json.dumps({"version": 3, "checkpoint": {"latest": {"resources": resources}}}))


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
        run = registry.start_deployment("local", PRODUCT, "run", ADA)
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


def test_files_older_than_the_retention_of_a_storage_are_removed(tmp_path: Path, registry: Registry) -> None:
    """A folder removed them in a deployment only, and a table never."""
    table, files = tmp_path / "sale", tmp_path / "files"
    columns = [{"name": "id", "type": "integer"}]
    sale = {"path": str(table), "owner": f"{PRODUCT}/sales/sale", "table": "sale", "columns": columns}
    work = {"path": str(files), "owner": f"{PRODUCT}/files", "retentionSeconds": 7200}
    deploy(tmp_path, {TABLE: {**sale, "retentionHours": 24}, "alchemesh:local:Directory": work})
    for number in (1, 2):
        write_deltalake(table, pa.table({"id": [number]}), mode="overwrite")
    (files / "old.txt").write_text("x")
    os.utime(files / "old.txt", (0, 0))
    age(table, 25)
    lines = list[str]()
    platform = load_platform(None, "local", tmp_path / "home")
    remove_expired(platform, PRODUCT, registry, lines.append)
    assert lines == [
        f"removed 1 file of former versions of {PRODUCT}/sales/sale, older than 1 day",
        f"removed 1 file of {PRODUCT}/files, older than 2h",
    ]
    assert [row["id"] for row in DeltaTable(table).to_pyarrow_table().to_pylist()] == [2]
    assert len([*table.glob("*.parquet")]) == 1
    lines.clear()
    remove_expired(platform, PRODUCT, registry, lines.append)
    assert lines == []
    (table / "_delta_log" / f"{DeltaTable(table).version() + 1:020}.json").write_text("{")
    remove_expired(platform, PRODUCT, registry, lines.append)
    assert [line.split(" in ")[0] for line in lines] == [
        "expired files stay until the next run: cannot remove former files of the table"
    ]


def test_inputs_of_a_resource_that_expires_nothing_are_not_read() -> None:
    """`run` reported that the secrets of a dataflow, which the engine has encrypted, do not fit."""
    encrypted = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc"}
    handler = HANDLERS.of("alchemesh:nifi:Dataflow")
    context = Context("urn", threading.Event(), never, lambda _severity, _line: None)
    assert operations.expire(handler, {"sensitiveParameters": {"gcp.key": encrypted}}, context) is None


def never() -> NoReturn:
    raise AssertionError("the registry is not asked")


def test_run_that_is_not_due_removes_expired_files(tmp_path: Path) -> None:
    """The schedule starts `run --if-due` more often than the contract promises."""
    platform = load_platform(None, "local", tmp_path / "home")
    files = tmp_path / "files"
    work = {"path": str(files), "owner": f"{PRODUCT}/files", "retentionSeconds": 7200}
    deploy(tmp_path, {"alchemesh:local:Directory": work})
    (files / "old.txt").write_text("x")
    os.utime(files / "old.txt", (0, 0))
    with Registry.open(platform.registry) as registry:
        fields = {"environment": "local", "address": PRODUCT, "team": "t", "owner": ADA}
        registry.put(ProductRecord(version="1.0.0", lifecycle="active", **fields))
        levels = {"service_levels": {"update_frequency": "1d"}}
        document = {"version": "1.0.0", "lifecycle": "active", "access": "internal", **levels}
        contract = {"environment": "local", "address": f"{PRODUCT}/table", "product": PRODUCT, "document": document}
        registry.put(ContractRecord(version="1.0.0", lifecycle="active", access="internal", **contract))
        started = registry.start_deployment("local", PRODUCT, "run", ADA)
        registry.finish_deployment(started.id, "succeeded")
    lines = list[str]()
    done = run(platform, PRODUCT, Identity(ADA, "local"), if_due=True, report=lines.append)
    assert isinstance(done, NotDue)
    assert lines[0] == f"removed 1 file of {PRODUCT}/files, older than 2h"
    assert not (files / "old.txt").exists()
