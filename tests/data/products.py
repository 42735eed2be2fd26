"""A product with one output port of Delta tables, as its code sees it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alchemesh_platform.connections import CONNECTIONS_VARIABLE, Connections, OutputPort, connections
from alchemesh_platform.systems.local.iceberg import tables as iceberg_tables
from alchemesh_platform.systems.local.iceberg.catalog import Place
from alchemesh_platform.systems.local.tables.columns import Column
from alchemesh_platform.systems.local.tables.delta import evolve_table
from alchemesh_platform.systems.local.tables.evolution import wanted_schema

Properties = Mapping[str, Mapping[str, Any]]


def document(folder: Path, models: Mapping[str, Properties]) -> dict[str, Any]:
    """The connections of a product whose output port `shop` has these models."""
    tables = {name: (folder / name).as_uri() for name in models}
    return {
        "product": "retail/orders",
        "environment": "local",
        "outputs": {"shop": {"storage": {"kind": "tables", "format": "delta", "tables": tables}}},
        "schemas": {"shop": {"models": models}},
    }


def read(known: Mapping[str, Any]) -> Connections:
    """A document of connections, as code reads it."""
    return connections({CONNECTIONS_VARIABLE: json.dumps(known)})


def create(folder: Path, properties: Properties, *partition_by: str) -> None:
    """Create or evolve a table, as `up` does."""
    columns = [Column.model_validate({"name": name, **each}) for name, each in properties.items()]
    folder.mkdir(parents=True, exist_ok=True)
    evolve_table(folder, wanted_schema(columns, partition_by))


def shop(folder: Path, properties: Properties, *partition_by: str) -> OutputPort:
    """The output port `shop` with the table `sale`."""
    create(folder / "sale", properties, *partition_by)
    return read(document(folder, {"sale": properties})).output("shop")


def iceberg_document(folder: Path, models: Mapping[str, Properties]) -> dict[str, Any]:
    """The same connections, whose tables are in a catalog of Iceberg."""
    known = document(folder, models)
    known["outputs"]["shop"]["storage"].update(
        format="iceberg",
        catalog=f"sqlite:///{folder}/catalog.db",
        catalog_name="local",
        namespace="retail__orders__shop",
    )
    return known


def iceberg_place(folder: Path, model: str = "sale") -> Place:
    """The place of a table of these connections."""
    return Place(folder / model, f"sqlite:///{folder}/catalog.db", "local", "retail__orders__shop", model)


def create_iceberg(folder: Path, properties: Properties, *partition_by: str, **more: Any) -> None:
    """Create or evolve the table `sale`, as `up` does."""
    columns = [Column.model_validate({"name": name, **each}) for name, each in properties.items()]
    (folder / "sale").mkdir(parents=True, exist_ok=True)
    iceberg_tables.evolve_table(iceberg_place(folder), wanted_schema(columns, partition_by, "sale", **more))


def iceberg_shop(folder: Path, properties: Properties, *partition_by: str, **more: Any) -> OutputPort:
    """The output port `shop` with the Iceberg table `sale`."""
    create_iceberg(folder, properties, *partition_by, **more)
    return read(iceberg_document(folder, {"sale": properties})).output("shop")
