"""Iceberg tables as resources: created, changed, refused, kept, found again, expired, erased, observed and measured."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pulumi.runtime.proto import provider_pb2

from alchemesh_components.output_ports.iceberg_table.observe import observe
from alchemesh_platform.connections import NotReadable
from alchemesh_platform.manifest.models import Property
from alchemesh_platform.quality.measuring import measured
from alchemesh_platform.quality.rows import by_rows
from alchemesh_platform.quality.tables import MeasuredPort
from alchemesh_platform.sdk.connections.ports import PortConnections
from alchemesh_platform.sdk.probes.probe import NoAnswer, ProbedPort
from alchemesh_platform.sdk.system.erasure import NotErasable
from alchemesh_platform.systems.local.iceberg import tables
from alchemesh_platform.systems.local.iceberg.catalog import Place, local_file
from alchemesh_platform.systems.local.iceberg.erasing import ERASURE
from alchemesh_platform.systems.local.iceberg.former import remove_expired, remove_former
from alchemesh_platform.systems.local.probes import ICEBERG_TABLES
from parts.postgresql import PASSWORD, PostgresqlServer
from tests.data.products import iceberg_place, iceberg_shop
from tests.data.test_writers import KEYED
from tests.provider.wire import CheckFailed, Wire

TABLE = "alchemesh:local:IcebergTable"
NONE = provider_pb2.DiffResponse.DIFF_NONE
SCHEMA = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("delay", pa.float64())])


def table(path: Path, catalog: str | None = None, **others: Any) -> dict[str, Any]:
    return {
        "path": str(path),
        "owner": "aviation/flights/flights-table/flight",
        "table": "flight",
        "columns": [{"name": "id", "type": "string", "required": True}, {"name": "delay", "type": "number"}],
        "catalog": catalog or f"sqlite:///{path.parent}/catalog.db",
        "catalogName": "local",
        "namespace": "aviation__flights__flights_table",
        **others,
    }


def place(inputs: dict[str, Any]) -> Place:
    return Place(Path(inputs["path"]), inputs["catalog"], inputs["catalogName"], inputs["namespace"], inputs["table"])


def append(inputs: dict[str, Any], *ids: str) -> None:
    place(inputs).open().append(pa.table({"id": ids, "delay": [0.5] * len(ids)}, schema=SCHEMA))


def found(inputs: dict[str, Any]) -> list[str]:
    return sorted(place(inputs).open().scan().to_arrow()["id"].to_pylist())


@pytest.mark.slow("it uses a server")
def test_a_table_lives_through_changes_refusals_and_another_catalog(
    wire: Wire, tmp_path: Path, postgresql: PostgresqlServer
) -> None:
    """The whole life of a table, which moves from SQLite to PostgreSQL."""
    inputs = table(tmp_path / "t", description="One departure.")
    with pytest.raises(CheckFailed, match="partitions would round"):
        wire.check(TABLE, {**inputs, "partitionBy": ["delay"]})
    assert not (tmp_path / "catalog.db").exists(), "a preview creates no catalog"
    made = wire.create(TABLE, inputs)
    assert (made.state["url"], found(inputs), wire.diff(made, inputs).changes) == ((tmp_path / "t").as_uri(), [], NONE)
    append(inputs, "a", "b")

    wider = {**inputs, "description": "A departure.", "retentionHours": 24}
    wider["columns"] = [
        {"name": "id", "type": "string"},
        {"name": "delay", "type": "number", "description": "Minutes"},
        {"name": "gate", "type": "object", "properties": {"n": {"type": "integer"}}},
        {"name": "legs", "type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
    ]
    made = wire.update(made, wider)
    deeper = {**wider, "columns": [dict(each) for each in wider["columns"]]}
    for at, part in ((2, deeper["columns"][2]), (3, deeper["columns"][3]["items"])):
        changed = {**part, "properties": {**part["properties"], "name": {"type": "string"}}}
        deeper["columns"][at] = changed if at == 2 else {**deeper["columns"][3], "items": changed}
    made = wire.update(made, deeper)
    state = tables.read_table(place(deeper))
    assert state is not None
    assert wire.diff(made, deeper).changes == NONE
    assert tables.plan_table(place(deeper), state.schema).steps == ()  # type: ignore[union-attr]
    assert (state.rows, state.schema.description, state.schema.retention_hours) == (2, "A departure.", 24)
    assert [field["nullable"] for field in state.schema.fields] == [True] * 4

    with pytest.raises(CheckFailed) as refused:
        wire.diff(made, {**deeper, "columns": [{"name": "delay", "type": "integer"}], "partitionBy": []})
    assert "has 2 rows and cannot follow: its type would change from double to long" in str(refused.value.failures)
    assert "keep it in the model" in refused.value.failures["columns"]
    made = wire.update(
        made, {**deeper, "columns": [{**deeper["columns"][0], "required": True}, *deeper["columns"][1:]]}
    )
    assert place(deeper).open().schema().find_field("id").required, "no row lacks a value"

    secret = tmp_path / "pgpass"
    secret.write_text(f"127.0.0.1:{postgresql.port}:*:registrar:{PASSWORD}\n")
    secret.chmod(0o600)
    address = postgresql.url(postgresql.create_database(), "x").replace(":x@", "@") + f"?passfile={secret}"
    moved = {**deeper, "catalog": address}
    made = wire.update(made, moved)
    assert (found(moved), place(inputs).table_or_none()) == (["a", "b"], None)
    append(moved, "c")

    wire.delete(made)
    said = f"kept 3 rows of table flight in {tmp_path / 't'}; a later `up` finds them again"
    assert wire.engine.messages()[-1] == said
    made = wire.create(TABLE, moved)
    assert found(moved) == ["a", "b", "c"]
    place(moved).forget()  # the catalog was lost
    made = wire.create(TABLE, {**moved, "keepOnDelete": False})
    assert found(moved) == ["a", "b", "c"]
    with pytest.raises(CheckFailed, match="holds an Iceberg table"):
        wire.check(
            "alchemesh:local:DeltaTable",
            {name: value for name, value in inputs.items() if name not in ("catalog", "catalogName", "namespace")},
        )


def test_a_table_without_rows_and_a_removed_folder_are_made_again(wire: Wire, tmp_path: Path) -> None:
    inputs = table(tmp_path / "t")
    made = wire.create(TABLE, inputs)
    other = {**inputs, "columns": [{"name": "id", "type": "integer"}], "partitionBy": []}
    made = wire.update(made, other)
    assert place(other).open().schema().find_field("id").field_type.__class__.__name__ == "LongType"
    (tmp_path / "t").rename(tmp_path / "elsewhere")
    assert wire.read(made) is None
    made = wire.create(TABLE, other)
    assert found(other) == []
    wire.delete(made)
    assert not (tmp_path / "t").exists()
    assert place(other).table_or_none() is None


def test_former_versions_expire_and_erased_rows_leave_every_file(tmp_path: Path) -> None:
    port = iceberg_shop(tmp_path, KEYED, retention_hours=1)
    where = iceberg_place(tmp_path)
    for number in range(3):
        port.write("sale", [{"id": number, "name": "Ulm"}], "overwrite")
    changed = tables.read_table(where)
    assert changed is not None
    assert remove_expired(where) == 0, "the versions are younger than the retention"
    lasting = where.open()
    moved = [each.model_copy(update={"timestamp_ms": each.timestamp_ms - 7_200_000}) for each in lasting.snapshots()]
    assert lasting.metadata_location
    # A clock cannot be set here: the metadata of the same table say that its versions are older.
    metadata = lasting.metadata.model_copy(update={"snapshots": moved})
    local_file(lasting.metadata_location).write_text(metadata.model_dump_json())
    (overdue,) = observe(port.storage).tables.values()
    assert (overdue.retention, overdue.overdue_files >= 4) == (timedelta(hours=1), True)
    assert remove_expired(where) >= 4
    assert [row["id"] for row in port.read("sale").pylist()] == [2]
    assert len(list((tmp_path / "sale").rglob("*.parquet"))) == 1

    port.write("sale", [{"id": 7, "name": "Bonn"}, {"id": 8, "name": "Ulm"}])
    known = PortConnections(storage=port.storage)
    with pytest.raises(NotErasable, match="does not fit the table"):
        ERASURE.count(known, "sale", "name = 'Ulm' AN id = 7")
    with pytest.raises(NotErasable, match="does not fit the table") as unknown:
        ERASURE.count(known, "sale", "town = 'Ulm'")
    assert str(unknown.value.hint).startswith("the columns are id, name")
    said: list[str] = []
    assert ERASURE.erase(known, "sale", "name = 'Ulm'", said.append, lambda _rows: None).rows == 2
    assert [row["id"] for row in port.read("sale").pylist()] == [7]
    assert not [file for file in (tmp_path / "sale").rglob("*.parquet") if b"Ulm" in file.read_bytes()]
    assert ERASURE.erase(known, "sale", "name = 'Ulm'", said.append, lambda _rows: None).rows == 0


def test_a_compaction_is_no_change_and_a_removed_file_is_noticed(tmp_path: Path) -> None:
    """A snapshot `replace` has the same rows in other files."""
    port = iceberg_shop(tmp_path, KEYED)
    where = iceberg_place(tmp_path)
    assert tables.read_table(where).changed_at is None  # type: ignore[union-attr]
    port.write("sale", [{"id": 1}], "overwrite", fingerprint="first")
    port.write("sale", [{"id": 1}, {"id": 2}], "overwrite", fingerprint="second")
    before = tables.read_table(where)
    time.sleep(0.01)
    table = where.open()
    fingerprint = tables.fingerprint_of(table)
    assert fingerprint is not None
    table.overwrite(table.scan().to_arrow(), overwrite_filter="id > 0")
    assert tables.changed_at(table) != before.changed_at  # type: ignore[union-attr]
    # The library cannot write the operation of a compaction by Spark: the metadata get its name.
    metadata = local_file(table.metadata_location)
    written = json.loads(metadata.read_text())
    for each in written["snapshots"][-2:]:  # one that deletes, one that adds
        each["summary"]["operation"] = "replace"
    metadata.write_text(json.dumps(written))
    after = tables.read_table(where)
    assert before is not None
    assert after is not None
    assert (after.changed_at, after.rows, after.version) == (before.changed_at, 2, before.version + 2)
    assert tables.fingerprint_of(where.open()) == fingerprint
    assert remove_former(where) > 0, "the change was in a version that is removed now"
    removed = tables.read_table(where)
    assert removed is not None
    assert (removed.changed_at, tables.fingerprint_of(where.open())) == (before.changed_at, fingerprint)

    model = {name: Property.model_validate(each) for name, each in KEYED.items()}
    measured_port = MeasuredPort(
        product="retail/orders", name="shop", connection=port.storage, models={"sale": model}, read=port.read
    )
    with by_rows(measured_port) as counted:
        values = {each.measure: each.good for each in measured(counted, "sale", model, 60)}
    assert (values["completeness"], values["uniqueness"]) == (2, 2)
    probed = ProbedPort(address="retail/orders/shop", connection=port.storage, models=("sale",))
    ask = ICEBERG_TABLES.question(probed, "iceberg")
    ask(1)
    assert observe(port.storage).health == "healthy"
    (task,) = tables.data_files(where.open())
    local_file(task.file.file_path).unlink()
    with pytest.raises(NoAnswer, match="table sale lacks 1 of its files"):
        ask(1)
    assert observe(port.storage).reason.startswith("missing files: 1 of table sale")
    with pytest.raises(NotReadable, match="cannot be read"):
        port.read("sale").pylist()
