"""Folders, tables, landing areas, jobs and data APIs of two environments."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from pulumi.runtime.proto import provider_pb2

from alchemesh_platform.machine.directory import OWNER_FILE, Holder, holder_of, mark_of
from alchemesh_platform.registry.records import PortRecord
from alchemesh_platform.sdk.code.description import read_job
from tests.provider.wire import CheckFailed, Wire, connected

DIRECTORY = "alchemesh:local:Directory"
TABLE = "alchemesh:local:DeltaTable"
INGESTION = "alchemesh:local:Ingestion"
JOB = "alchemesh:local:Job"
API = "alchemesh:local:DataApi"
SOME, NONE = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE


@pytest.fixture
def resources(tmp_path: Path) -> dict[str, dict[str, Any]]:
    """The inputs of each resource that holds data or a process of a product."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "monday.csv").write_text("id\n1\n")
    (tmp_path / "source" / "clean.py").write_text("def main(): ...\n")
    columns = [{"name": "id", "type": "integer"}]
    return {
        DIRECTORY: {"path": str(tmp_path / "folder"), "owner": "shop/orders/workspace"},
        TABLE: {
            "path": str(tmp_path / "table"),
            "owner": "shop/orders/orders-table/order",
            "table": "order",
            "columns": columns,
        },
        INGESTION: {
            "source": "*.csv",
            "root": str(tmp_path / "source"),
            "format": "csv",
            "target": str(tmp_path / "landed"),
            "owner": "shop/orders/sales",
        },
        JOB: {
            "directory": str(tmp_path / "run"),
            "owner": "shop/orders/code",
            "python": sys.executable,
            "workingDirectory": str(tmp_path / "source"),
            "entrypoint": "clean:main",
        },
    }


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Wire]:
    """The provider of environment dev."""
    with connected(tmp_path, stack="dev") as wire:
        yield wire


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Wire]:
    """The provider of environment local, which deletes data with its resource."""
    with connected(tmp_path, stack="local", delete_data=True) as wire:
        yield wire


@pytest.mark.parametrize("type_", [DIRECTORY, TABLE, INGESTION, JOB])
def test_folder_of_another_environment_is_refused_and_named(
    dev: Wire, local: Wire, resources: dict[str, dict[str, Any]], type_: str
) -> None:
    """Two environments with the same folders wrote into each other's data."""
    dev.create(type_, resources[type_])
    with pytest.raises(CheckFailed, match=r"belongs to shop/orders/\S+ in environment dev, not in local") as refused:
        local.check(type_, resources[type_])
    [(name, reason)] = refused.value.failures.items()
    assert name in ("path", "target", "directory")
    assert "set other folders in settings.local of environment local" in reason


def test_data_api_of_another_environment_is_refused(dev: Wire, local: Wire, tmp_path: Path) -> None:
    (tmp_path / "run" / "orders-table.gateway").mkdir(parents=True)
    (tmp_path / "run" / "orders-table.gateway" / OWNER_FILE).write_text(mark_of("shop/orders/orders-table", "dev"))
    inputs = {
        "process": "orders-table",
        "owner": "shop/orders/orders-table",
        "runDirectory": str(tmp_path / "run"),
        "protocols": ["sql"],
        "tables": [{"name": "order", "url": str(tmp_path / "table"), "format": "delta"}],
    }
    dev.check(API, inputs)
    with pytest.raises(CheckFailed, match="belongs to shop/orders/orders-table in environment dev, not in local"):
        local.check(API, inputs)


@pytest.mark.parametrize("type_", [DIRECTORY, TABLE, INGESTION, JOB])
def test_deletion_leaves_what_another_environment_holds(
    dev: Wire, local: Wire, resources: dict[str, dict[str, Any]], tmp_path: Path, type_: str
) -> None:
    """`destroy -e local --delete-data` deleted the rows that `dev` was serving."""
    made = dev.create(type_, resources[type_])
    made.urn = local.urn(type_)
    before = sorted(tmp_path.rglob("*"))
    local.delete(made)
    assert sorted(tmp_path.rglob("*")) == before


def test_mark_of_an_earlier_version_gets_its_environment_by_an_update(
    dev: Wire, resources: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    made = dev.create(TABLE, resources[TABLE])
    (tmp_path / "table" / OWNER_FILE).write_text(json.dumps({"owner": "shop/orders/orders-table/order"}))
    version = DeltaTable(tmp_path / "table").version()
    assert dev.diff(made, resources[TABLE]).changes == SOME
    assert dev.engine.messages() == ["table order does not name its environment; `up` marks it"]
    dev.update(made, resources[TABLE])
    assert holder_of(tmp_path / "table") == Holder("shop/orders/orders-table/order", "dev")
    assert DeltaTable(tmp_path / "table").version() == version
    assert dev.diff(made, resources[TABLE]).changes == NONE


def test_job_of_an_earlier_version_gets_its_environment_by_an_update(
    dev: Wire, resources: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    made = dev.create(JOB, resources[JOB])
    description = json.loads((tmp_path / "run" / "job.json").read_text())
    assert description.pop("environment") == "dev"
    (tmp_path / "run" / "job.json").write_text(json.dumps(description))
    assert dev.diff(made, resources[JOB]).changes == SOME
    dev.update(made, resources[JOB])
    assert read_job(tmp_path / "run" / "job.json").environment == "dev"


def test_data_without_an_environment_stays_if_another_environment_records_it(
    local: Wire, resources: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    """Before the first `up` of this version, marks do not say which environment the rows belong to."""
    made = local.create(TABLE, resources[TABLE])
    (tmp_path / "table" / OWNER_FILE).write_text(json.dumps({"owner": "shop/orders/orders-table/order"}))
    tables = {"kind": "tables", "format": "delta", "tables": {"order": (tmp_path / "table").as_uri()}}
    local.registry.put(
        PortRecord(
            environment="dev",
            address="shop/orders/orders-table",
            product="shop/orders",
            direction="output",
            connections={"storage": tables},
        )
    )
    local.delete(made)
    assert DeltaTable(tmp_path / "table").version() == 0
    [note] = local.engine.messages()
    assert note.endswith("as it is: shop/orders/orders-table/order uses it in environment dev too")
    local.registry.remove(PortRecord, "dev", "shop/orders/orders-table")
    local.delete(made)
    assert not (tmp_path / "table").exists()
