"""Two environments of one machine."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from alchemesh_platform.machine.directory import OWNER_FILE
from alchemesh_platform.registry.audit import acts_of
from tests.end_to_end.harness import PORT_ALONE, Shop, write_shop

pytestmark = pytest.mark.engine

BEFORE = """\
kind: Platform
name: acme
environments:
  dev:
    extends: builtin/local
    settings: {{local: {{root: "{home}/local/data", run: "{home}/local/run"}}}}
"""
TWO_ORDERS = pa.table({"order_id": pa.array([1, 2], pa.int64()), "amount": pa.array([1.5, 2.5], pa.float64())})
NOW = "kind: Platform\nname: acme\nenvironments:\n  dev: {extends: builtin/local}\n"


@pytest.fixture
def pair(tmp_path: Path) -> Shop:
    """A product without processes, and a platform file with a second environment."""
    shop = write_shop(tmp_path / "orders", tmp_path / "home", PORT_ALONE)
    (shop.folder / "platform.yaml").write_text(NOW)
    return shop


def table_of(shop: Shop, folder: str) -> Path:
    return shop.home / folder / "data" / "shop" / "orders" / "orders-table" / "order"


def test_environments_of_one_machine_share_no_data(pair: Shop) -> None:
    """`destroy -e local --delete-data` deleted what `dev` was serving."""
    pair.done("up", "--yes", "-e", "dev")
    write_deltalake(str(table_of(pair, "dev")), TWO_ORDERS, mode="append")
    pair.done("up", "--yes")
    assert DeltaTable(table_of(pair, "local")).count() == 0
    pair.done("destroy", "--yes", "--delete-data")
    assert not table_of(pair, "local").exists()
    assert DeltaTable(table_of(pair, "dev")).count() == 2
    assert pair.json("up", "--yes", "-e", "dev")["changes"].keys() == {"same"}


def test_installation_of_an_earlier_version_keeps_its_folders_and_rows(pair: Shop) -> None:
    """Earlier versions gave every environment that extends builtin/local the folders of `local`."""
    (pair.folder / "platform.yaml").write_text(BEFORE.format(home=pair.home))
    pair.done("up", "--yes", "-e", "dev")
    table = table_of(pair, "local")
    write_deltalake(str(table), TWO_ORDERS, mode="append")
    marks = sorted((pair.home / "local" / "data").rglob(OWNER_FILE))
    for mark in marks:  # as the earlier version wrote them
        mark.write_text(json.dumps({"owner": json.loads(mark.read_text())["owner"]}) + "\n")
    files = sorted(path for path in table.rglob("*") if path.is_file())
    (pair.folder / "platform.yaml").write_text(NOW)

    migrated = pair.json("up", "--yes", "-e", "dev")
    assert migrated["changes"] == {"same": migrated["changes"]["same"], "update": len(marks)}
    assert sorted(path for path in table.rglob("*") if path.is_file()) == files
    assert DeltaTable(table).count() == 2
    assert {json.loads(mark.read_text())["environment"] for mark in marks} == {"dev"}
    assert not (pair.home / "dev" / "data").exists()
    assert pair.json("up", "--yes", "-e", "dev")["changes"].keys() == {"same"}

    refused = pair.run("up", "--yes")
    assert refused.returncode == 1
    # The engine stops at the first refusal, which is one of the three.
    at_its_line = r"alchemesh\.yaml:\d+:\d+  .*: \S+ belongs to shop/orders/\S+ in environment dev, not in local"
    assert re.search(at_its_line, refused.stderr), refused.stderr
    pair.run("destroy", "--yes", "--delete-data")
    assert DeltaTable(table).count() == 2

    pair.done("destroy", "--yes", "-e", "dev")
    assert pair.json("up", "--yes", "-e", "dev")["outcome"] == "succeeded", "retained data is found where it is"
    assert DeltaTable(table).count() == 2


def test_product_is_destroyed_from_its_record_when_its_folder_is_gone(pair: Shop, tmp_path: Path) -> None:
    pair.done("up", "--yes", "-e", "dev")
    pair.folder.rename(tmp_path / "moved")
    elsewhere = replace(pair, folder=tmp_path / "elsewhere")
    elsewhere.folder.mkdir()
    unknown = elsewhere.run("destroy", "shop/orders", "--yes")
    assert (unknown.returncode, "no manifest of shop/orders is recorded in local" in unknown.stderr) == (1, True)
    platform = ("-e", "dev", "--platform", str(tmp_path / "moved" / "platform.yaml"))
    elsewhere.done("destroy", "shop/orders", "--yes", "--delete-data", *platform)
    assert not table_of(pair, "dev").exists()
    assert not pair.deployed("shop.orders")


def test_retained_data_is_listed_and_deleted_later(pair: Shop) -> None:
    """Data that `destroy` kept could only be deleted by hand."""
    pair.done("up", "--yes")
    assert pair.json("data", "list")["retained"] == []
    write_deltalake(str(table_of(pair, "local")), TWO_ORDERS, mode="append")
    pair.done("destroy", "--yes")
    retained = pair.json("data", "list")["retained"]
    assert [(one["address"], one["kind"]) for one in retained] == [
        ("shop/orders/orders-table/order", "Delta table"),
        ("shop/orders/sales", "folder"),
    ]
    assert retained[0] == {
        "address": "shop/orders/orders-table/order",
        "kind": "Delta table",
        "name": str(table_of(pair, "local")),
        "contents": "2 rows",
        "environment": "local",
        "deletable": True,
    }
    [deleted] = pair.json("data", "delete", "shop/orders/orders-table", "--yes")["deleted"]
    assert deleted == retained[0]
    assert not table_of(pair, "local").exists()
    assert [one["address"] for one in pair.json("data", "list", "shop/orders")["retained"]] == ["shop/orders/sales"]
    nothing = pair.run("data", "delete", "shop/orders/orders-table", "--yes")
    assert (nothing.returncode, nothing.stderr.strip()) == (0, "no data of shop/orders/orders-table to delete in local")
    with pair.registry() as registry:
        assert [act.operation for act in acts_of(registry, product="shop/orders")][:1] == ["data delete"]
