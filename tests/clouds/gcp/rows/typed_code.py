"""A product's code on emulated Google Cloud, as functions that run in a process of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery, storage

from alchemesh_platform.connections import CONNECTIONS_VARIABLE, Connections, OutputPort, connections
from alchemesh_platform.manifest.models import SemanticModel
from alchemesh_platform.systems.bigquery.columns import fields_of

PROJECT = "acme-mesh"
Properties = Mapping[str, Mapping[str, Any]]


def warehouse() -> bigquery.Client:
    """A client of the emulator."""
    return bigquery.Client(project=PROJECT, credentials=AnonymousCredentials())


def buckets() -> storage.Client:
    """A client of the emulator."""
    return storage.Client(project=PROJECT, credentials=AnonymousCredentials())


def product(**ports: Any) -> Connections:
    """A product, as its code sees it: ``outputs={…}``, ``inputs={…}`` and ``schemas={…}`` of a document."""
    known = {"product": "retail/orders", "environment": "prod", **ports}
    return connections({CONNECTIONS_VARIABLE: json.dumps(known)})


def table(dataset: str, properties: Properties, model: str = "sale") -> None:
    """Create a table again, as `up` does."""
    client = warehouse()
    client.create_dataset(dataset, exists_ok=True)
    client.delete_table(f"{dataset}.{model}", not_found_ok=True)
    fields = fields_of(SemanticModel.model_validate({"properties": properties}))
    schema = [bigquery.SchemaField.from_api_repr(field) for field in fields]
    client.create_table(bigquery.Table(f"{PROJECT}.{dataset}.{model}", schema=schema))


def shop(dataset: str, properties: Properties) -> OutputPort:
    """The output port `shop`, whose model `sale` is in a table of BigQuery."""
    storage = {"kind": "tables", "format": "bigquery", "tables": {"sale": f"bigquery://{PROJECT}/{dataset}/sale"}}
    known = product(outputs={"shop": {"storage": storage}}, schemas={"shop": {"models": {"sale": properties}}})
    return known.output("shop")
