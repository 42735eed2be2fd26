"""The examples' products, built with the platform's own code: landed files, empty tables, a server, connections."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import duckdb
from deltalake import DeltaTable

from alchemesh_platform.compose.wiring import schema_of
from alchemesh_platform.connections import (
    CONNECTIONS_VARIABLE,
    Connections,
    DataApiConnection,
    FilesConnection,
    PortConnections,
    TablesConnection,
)
from alchemesh_platform.machine.landing.source_columns import SourceColumn
from alchemesh_platform.manifest.load import load_manifest
from alchemesh_platform.manifest.models import DataProduct, InputPort, SemanticModel
from alchemesh_platform.sdk.connections.ports import PortSchema, schema_of_models
from alchemesh_platform.systems.local.data_api.server import DataApi, deploy_product, take_down
from alchemesh_platform.systems.local.data_api.tables import ServedTable
from alchemesh_platform.systems.local.landing.ingestion import ingest
from alchemesh_platform.systems.local.landing.reading import Reading
from alchemesh_platform.systems.local.tables.columns import Column, delta_field
from alchemesh_platform.systems.local.tables.delta import evolve_table
from alchemesh_platform.systems.local.tables.evolution import TableSchema

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = REPOSITORY / "examples"
DEADLINE_SECONDS = 180


def manifest(product: str) -> DataProduct:
    """The manifest of an example."""
    return load_manifest(EXAMPLES / product / "alchemesh.yaml").product


def create_table(folder: Path, model: SemanticModel) -> str:
    """An empty table with a model's schema, made by the platform; returns its address."""
    columns = [
        Column(name=name, **declared.model_dump(exclude_none=True)) for name, declared in model.properties.items()
    ]
    fields = tuple(delta_field(column, column.name) for column in columns)
    evolve_table(folder, TableSchema(fields, description=model.description))
    return folder.as_uri()


@dataclass(frozen=True, slots=True)
class Run:
    """The result of a run of a job."""

    status: int
    output: str
    errors: str


@dataclass(slots=True)
class Product:
    """An example's product, set up in a folder."""

    name: str
    folder: Path
    connections: Connections
    manifest: DataProduct = field(init=False)

    def __post_init__(self) -> None:
        self.manifest = manifest(self.name)

    def run(self) -> Run:
        """Run the product's code in a separate process, as `alchemesh run` does."""
        file = self.folder / "connections.json"
        file.write_text(self.connections.model_dump_json())
        assert self.manifest.code is not None
        module, _, function = self.manifest.code.args["entrypoint"].partition(":")
        done = subprocess.run(
            [sys.executable, "-c", f"from {module} import {function}; {function}()"],
            cwd=EXAMPLES / self.name,
            env={**os.environ, CONNECTIONS_VARIABLE: str(file), "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return Run(done.returncode, done.stdout, done.stderr)

    def input(self, port: str) -> Path:
        """Landing area of an input port."""
        return self.connections.input(port).files.path

    def tables(self, port: str) -> dict[str, Path]:
        """Model: folder of its table."""
        tables = self.connections.output(port).tables
        return {model: tables.path(model) for model in tables.tables}

    def versions(self, port: str) -> dict[str, int]:
        """Model: version of its table."""
        return {model: DeltaTable(str(table)).version() for model, table in self.tables(port).items()}

    def opened(self, port: str) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection in which each model of a port is a view, read from the table's own Parquet files."""
        work = duckdb.connect()
        work.execute("SET TimeZone = 'UTC'")
        for model, table in self.tables(port).items():
            files = [unquote(urlsplit(uri).path) for uri in DeltaTable(str(table)).file_uris()]
            work.read_parquet(files).create_view(model)
        return work


def set_up_tables(product: str, port: str, folder: Path) -> PortConnections:
    """The empty tables of an output port."""
    declared = manifest(product)
    models = next(output.models for output in declared.output_ports if output.name == port)
    tables = {model: create_table(folder / port / model, declared.models[model]) for model in models}
    return PortConnections(storage=TablesConnection(format="delta", tables=tables))


def set_up_folder(folder: Path) -> PortConnections:
    """An empty folder."""
    folder.mkdir(parents=True)
    return PortConnections(storage=FilesConnection(url=folder.as_uri()))


def reading_of(product: DataProduct, port: InputPort) -> Reading:
    """How `up` reads the files of an input port."""
    columns = tuple(
        SourceColumn.model_validate({"name": name, **each.model_dump()})
        for name, each in (schema_of(product, port) or {}).items()
    )
    arguments = {name: tuple(value) if isinstance(value, list) else value for name, value in port.args.items()}
    return Reading(**{name: value for name, value in arguments.items() if name != "path"}, columns=columns or None)


def schemas_of(product: DataProduct) -> dict[str, PortSchema]:
    """The types of the ports' data, as code receives them."""
    outputs = {
        port.name: schema_of_models({name: product.models[name] for name in port.models})
        for port in product.output_ports
    }
    return outputs | {port.name: schema_of_models({}, schema_of(product, port)) for port in product.input_ports}


def set_up_flights(folder: Path, data: Path) -> Product:
    """The product flights with the files of ``data`` landed."""
    declared = manifest("flights")
    inputs = {}
    for port in declared.input_ports:
        inputs[port.name] = set_up_folder(folder / port.name)
        table = Path(port.args["path"]).parent.name
        ingest(f"{table}/*.csv", data, folder / port.name, reading_of(declared, port))
    return Product(
        "flights",
        folder,
        Connections(
            product=declared.address,
            environment="test",
            inputs=inputs,
            outputs={
                "flights-table": set_up_tables("flights", "flights-table", folder),
                "raw-files": set_up_folder(folder / "raw-files"),
            },
            infrastructure={"workspace": set_up_folder(folder / "workspace")},
            schemas=schemas_of(declared),
        ),
    )


def set_up_punctuality(folder: Path, api: DataApiConnection) -> Product:
    """The product punctuality, whose input is a data API."""
    return Product(
        "punctuality",
        folder,
        Connections(
            product=manifest("punctuality").address,
            environment="test",
            inputs={"flights": PortConnections(proxy=api)},
            outputs={"punctuality-table": set_up_tables("punctuality", "punctuality-table", folder)},
            schemas=schemas_of(manifest("punctuality")) | {"flights": schemas_of(manifest("flights"))["flights-table"]},
        ),
    )


@contextmanager
def serving(folder: Path, tables: dict[str, Path]) -> Iterator[DataApiConnection]:
    """A data API over tables, as `up` deploys it; it stops at the end of the block."""
    served = tuple(ServedTable(name, table.as_uri(), "delta") for name, table in tables.items())
    api = DataApi("flights", folder / "run", served, ("sql", "rest", "graphql"))
    try:
        endpoints = deploy_product(api)
        yield DataApiConnection(**endpoints.offered(), tables=tuple(tables), credential_file=endpoints.credential_file)
    finally:
        take_down(api)
