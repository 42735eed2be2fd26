"""A mesh of any size, put into a registry in bulk: domains, products, ports, contracts, grants and their history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from alchemesh_platform.registry.records import (
    ContractRecord,
    GrantRecord,
    LineageRecord,
    PortRecord,
    ProductRecord,
    Record,
    ValueScoreRecord,
)
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.tables import TABLES, changes

ENVIRONMENT = "local"
PRODUCTS_OF_A_DOMAIN = 100
CONTRACTS_OF_A_PRODUCT = 5
GRANTS_OF_A_PRODUCT = 20
BATCH = 5000
NOW = datetime(2026, 1, 1, tzinfo=UTC)
OWNER = "bench@bench.example"


def write_mesh_repo(folder: Path, domains: int) -> Path:
    """A mesh repo with that many domains, each with ten teams and a hundred users of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ["bench", *(f"domain-{number:03}" for number in range(domains))]
    for name in names:
        teams = "\n".join(f"  - {{name: team-{number}, members: [{OWNER}]}}" for number in range(10))
        (folder / f"{name}.yaml").write_text(
            f"kind: Domain\nname: {name}\ntype: aggregated\nowner: {OWNER}\nteams:\n  - {{name: benchers}}\n{teams}\n"
        )
    users = [OWNER, *(f"user-{number}@{name}.example" for name in names for number in range(100))]
    lines = "\n".join(f"  - {{email: {email}, name: Somebody, personas: [data_product_owner]}}" for email in users)
    (folder / "users.yaml").write_text(f"kind: Users\nusers:\n{lines}\n")
    return folder


def fill(url: str, domains: int) -> None:
    """Put the products of that many domains into a registry, and all that belongs to them."""
    with Registry.open(url) as registry, registry.writing() as connection:
        records = _records(domains)
        while batch := list(islice(records, BATCH)):
            for kind in dict.fromkeys(map(type, batch)):
                rows = [row_of(record) for record in batch if type(record) is kind]
                connection.execute(insert(TABLES[kind]), rows)
            connection.execute(insert(changes), list(_history(batch)))
        # Statistics, which a database would collect by itself in time.
        connection.exec_driver_sql("ANALYZE")


def _records(domains: int) -> Iterator[Record]:
    for domain in range(domains):
        for number in range(PRODUCTS_OF_A_DOMAIN):
            yield from _of_product(f"domain-{domain:03}/product-{number:03}", number)


def _of_product(product: str, number: int) -> Iterator[Record]:
    common: dict[str, Any] = {"environment": ENVIRONMENT}
    of_it = {**common, "product": product}
    yield ProductRecord(**common, address=product, team="benchers", owner=OWNER, version="1.0.0", lifecycle="stable")
    yield ValueScoreRecord(**of_it, address=product, value=100, policies="0")
    for port in range(CONTRACTS_OF_A_PRODUCT):
        address = f"{product}/port-{port}"
        yield PortRecord(**of_it, address=address, direction="output", models=("thing",))
        yield ContractRecord(
            **of_it, address=address, version="1.0.0", lifecycle="active", access="internal", document={}
        )
    if number:
        source = f"{product.partition('/')[0]}/product-{number - 1:03}/port-0"
        target = f"{product}/in"
        yield PortRecord(**of_it, address=target, direction="input", origin=source, from_product=True)
        yield LineageRecord(
            **of_it, address=f"{source} -> {target}", source=source, source_kind="output_port", target=target
        )
    for grant in range(GRANTS_OF_A_PRODUCT):
        yield GrantRecord(
            **of_it,
            address=f"req-{product.replace('/', '-')}-{grant:02}",
            port=f"{product}/port-{grant % CONTRACTS_OF_A_PRODUCT}",
            requester_kind="user",
            requester=f"user-{grant}@bench.example",
        )


def row_of(record: Record) -> dict[str, Any]:
    """The row of a record in its table."""
    table = TABLES[type(record)]
    columns = {name: getattr(record, name) for name in type(record).model_fields if name in table.c}
    return {**columns, "document": record.model_dump_json()}


def change_of(record: Record, at: datetime) -> dict[str, Any]:
    """The creation of a record in the history."""
    return {
        "at": at,
        "environment": record.environment,
        "kind": record.kind,
        "address": record.address,
        "product": getattr(record, "product", record.address),
        "change": "created",
        "document": record.model_dump_json(),
    }


def _history(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
    for record in records:
        if isinstance(record, ProductRecord | GrantRecord):
            yield change_of(record, NOW)
