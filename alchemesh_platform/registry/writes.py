"""Write records, with one line of history for every change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Connection, Insert, Table, delete, insert, literal, select, update

from alchemesh_platform.registry.records import ProductRecord, Record
from alchemesh_platform.registry.tables import TABLES, changes

Written = Literal["created", "updated", "unchanged"]

SEVERAL = 2  # from this number of records of a kind, new ones are written in a batch


@dataclass(frozen=True, slots=True)
class Key:
    """The name of a record: kind, environment and address."""

    kind: type[Record]
    environment: str
    address: str

    @property
    def order(self) -> tuple[str, str, str]:
        """The order in which every writer locks records, so that two writers never deadlock."""
        return self.kind.kind, self.environment, self.address


def put_new(connection: Connection, kind: type[Record], wanted: list[tuple[Key, Record]]) -> set[Key]:
    """Insert the new records of a kind in one batch; returns their names.

    Writing them one by one needs a look-up for each, which takes a minute for a large mesh.
    """
    if len(wanted) < SEVERAL:
        return set()
    table = TABLES[kind]
    rows = {key: _columns(key, record) for key, record in reversed(wanted)}  # of records with the same name, the first
    keys = sorted(rows, key=lambda key: key.order)
    added = insert_if_absent(connection, table).returning(table.c.environment, table.c.address)
    found = {tuple(row) for row in connection.execute(added, [rows[key] for key in keys])}
    new = [key for key in keys if (key.environment, key.address) in found]
    if new:
        lines = [_line(key, _product_of(key, rows[key]), "created", rows[key]["document"]) for key in new]
        connection.execute(insert(changes), lines)
    return set(new)


def put(connection: Connection, key: Key, record: Record) -> Written:
    """Write a record. An identical record is left unchanged."""
    table = TABLES[key.kind]
    its_name = named(table, key.environment, key.address)
    columns = _columns(key, record)
    document = columns["document"]
    product = _product_of(key, columns)
    while True:
        found = connection.execute(select(table.c.document).where(*its_name).with_for_update()).scalar()
        if found == document:
            return "unchanged"
        if found is not None:
            connection.execute(update(table).where(*its_name), columns)
            _remember(connection, key, product, "updated", document)
            return "updated"
        added = insert_if_absent(connection, table).returning(table.c.address)
        if connection.execute(added, columns).one_or_none() is not None:
            _remember(connection, key, product, "created", document)
            return "created"
        # In PostgreSQL, another writer inserted the record between the read and the insert. Read it again.


def _columns(key: Key, record: Record) -> dict[str, Any]:
    """The columns of a record in its table."""
    table = TABLES[key.kind]
    columns = {name: getattr(record, name) for name in key.kind.model_fields if name in table.c}
    columns["document"] = record.model_dump_json()  # the whole record, even if it has a field called `document`
    return columns


def _product_of(key: Key, columns: Mapping[str, Any]) -> str:
    return str(columns.get("product", _own_product(key)))


def insert_if_absent(connection: Connection, table: Table) -> Insert:
    """An insert that leaves rows with the same primary key as they are."""
    # Both modules have the same insert function. Importing the second one would double the time to open a registry.
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table).on_conflict_do_nothing()
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table).on_conflict_do_nothing()


def remove(connection: Connection, key: Key) -> bool:
    """Delete a record and keep its history; False if it does not exist."""
    table = TABLES[key.kind]
    product = table.c.product if "product" in table.c else literal(_own_product(key))
    gone = delete(table).where(*named(table, key.environment, key.address)).returning(product, table.c.document)
    row = connection.execute(gone).one_or_none()
    if row is None:
        return False
    _remember(connection, key, row[0], "removed", row[1])
    return True


def _own_product(key: Key) -> str:
    """The product of a history line whose record names none. A team may have the same address as a product."""
    return key.address if key.kind is ProductRecord else ""


def _remember(connection: Connection, key: Key, product: str, change: str, document: str) -> None:
    connection.execute(insert(changes), _line(key, product, change, document))


def _line(key: Key, product: str, change: str, document: str) -> dict[str, Any]:
    """One line of the history."""
    return {
        "at": datetime.now(UTC),
        "environment": key.environment,
        "kind": key.kind.kind,
        "address": key.address,
        "product": product,
        "change": change,
        "document": document,
    }


def named(table: Table, environment: str, address: str) -> tuple[Any, Any]:
    """The columns that identify a record in its table."""
    return table.c.environment == environment, table.c.address == address
