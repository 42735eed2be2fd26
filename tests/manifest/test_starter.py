"""The files of `alchemesh init`: the manifest is valid, and the code does what its text says."""

from __future__ import annotations

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from deltalake import DeltaTable

from alchemesh_platform.compose.compose import compose
from alchemesh_platform.connections import (
    CONNECTIONS_VARIABLE,
    Connections,
    FilesConnection,
    PortConnections,
    TablesConnection,
)
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.manifest.starter import SCHEMA_PATH, starter, starter_files
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.sdk.connections.ports import schema_of_models
from alchemesh_platform.systems.local.tables.columns import Column
from alchemesh_platform.systems.local.tables.delta import evolve_table
from alchemesh_platform.systems.local.tables.evolution import wanted_schema
from tests.builtin import ROOT, builtin_catalog


@pytest.fixture
def product(tmp_path: Path) -> Path:
    for name, text in starter_files("orders", "sales").items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def test_starter_has_no_problem_and_composes_on_local(product: Path) -> None:
    loaded = load_manifest(product / "alchemesh.yaml")
    assert loaded.warnings == ()
    plan = compose(loaded, load_platform(None, "local", product / "home"), builtin_catalog())
    assert plan.project == "sales.orders"
    assert plan.assets == ("sales/orders/sales-table/sale",)


def test_starter_describes_the_new_product_and_names_what_to_replace() -> None:
    """It once called every product the sales of a shop."""
    manifest = starter("parcels", "logistics")
    assert (
        "description: The product parcels of domain logistics, started from an example with a few sales.\n" in manifest
    )
    assert "an example of sales: replace them with your own." in manifest


def test_first_line_names_the_schema_for_editors() -> None:
    assert starter("orders", "sales").splitlines()[0] == f"# yaml-language-server: $schema={SCHEMA_PATH}"


@pytest.mark.parametrize(("name", "domain"), [("a", "b"), ("x" * 63, "y" * 36)])
def test_any_name_fits(tmp_path: Path, name: str, domain: str) -> None:
    (tmp_path / "alchemesh.yaml").write_text(starter(name, domain))
    assert load_manifest(tmp_path / "alchemesh.yaml").product.address == f"{domain}/{name}"


def test_code_cleans_landed_files(product: Path) -> None:
    (product / "landed").mkdir()
    duckdb.read_csv(str(product / "data" / "sales.csv")).write_parquet(str(product / "landed" / "sales.parquet"))
    sale = load_manifest(product / "alchemesh.yaml").product.models["sale"]
    assert (sale.properties["amount"].precision, sale.properties["amount"].scale) == (10, 2), "money is a decimal"
    properties = {name: each.model_dump(exclude_none=True) for name, each in sale.properties.items()}
    columns = [Column.model_validate({"name": name, **declared}) for name, declared in properties.items()]
    (product / "sale").mkdir()
    evolve_table(product / "sale", wanted_schema(columns))
    connections = Connections(
        product="sales/orders",
        environment="local",
        inputs={"sales": PortConnections(storage=FilesConnection(url=(product / "landed").as_uri()))},
        outputs={
            "sales-table": PortConnections(
                storage=TablesConnection(format="delta", tables={"sale": (product / "sale").as_uri()})
            )
        },
        schemas={"sales-table": schema_of_models({"sale": sale})},
    )
    (product / "connections.json").write_text(connections.model_dump_json())
    run = subprocess.run(
        [sys.executable, "clean.py"],
        cwd=product,
        env={**os.environ, CONNECTIONS_VARIABLE: str(product / "connections.json"), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == "4 of 6 sales are clean\n"
    written = duckdb.read_parquet(DeltaTable(str(product / "sale")).file_uris())
    assert written.aggregate("count(*), count(DISTINCT sale_id), sum(amount)").fetchall() == [(4, 4, Decimal("48.90"))]
