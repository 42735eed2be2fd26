"""Rows of a model in a table of BigQuery: written all or nothing, checked first, and read back as they were."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import pytest

from alchemesh_platform.connections import DataError, NotReadable, RowsRefused, SchemaMoved
from tests.clouds.gcp.rows.own_process import OwnProcess, own_process

if TYPE_CHECKING:
    from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators

pytestmark = [pytest.mark.slow]

SALE: dict[str, dict[str, Any]] = {
    "sale_id": {"type": "integer", "key": True, "required": True},
    "article": {"type": "string", "enum": ["Atlas", "Globe"]},
    "amount": {"type": "number", "precision": 12, "scale": 2},
    "ratio": {"type": "number", "precision": 38, "scale": 10},
    "weight": {"type": "number"},
    "paid": {"type": "boolean"},
    "day": {"type": "date"},
    "clock": {"type": "time"},
    "sold_at": {"type": "timestamp"},
    "buyer": {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "clock": {"type": "time"},
            "ages": {"type": "array", "items": {"type": "integer"}},
        },
    },
    "tags": {"type": "array", "items": {"type": "string"}},
    "lines": {
        "type": "array",
        "items": {"type": "object", "properties": {"price": {"type": "number", "precision": 9, "scale": 3}}},
    },
}
SHORT: dict[str, dict[str, Any]] = {
    "id": {"type": "string", "key": True, "required": True},
    "shop": {"type": "string"},
    "code": {"type": "integer", "unique": True},
}
ATLAS: dict[str, Any] = {
    "sale_id": 9_007_199_254_740_993,
    "article": "Atlas",
    "amount": Decimal("1.10"),
    "ratio": Decimal("1234567890123456789.1234567890"),
    "weight": 0.1,
    "paid": True,
    "day": date(2024, 2, 29),
    "clock": "13:45:00",
    "sold_at": datetime(2024, 5, 1, 8, 30, 0, 123456, tzinfo=UTC),
    "buyer": {"name": "A'd\"\\a\n é", "clock": "01:02:03", "ages": [1, 2]},
    "tags": ["old", ""],
    "lines": [{"price": Decimal("0.005")}, {"price": None}],
}
EMPTY = {**dict.fromkeys(SALE), "sale_id": 1, "tags": [], "lines": []}


@pytest.fixture(scope="module")
def code(emulators: Emulators) -> Iterator[OwnProcess]:
    emulators.address_of("bigquery")
    with own_process(emulators.variables()) as process:
        yield process


def test_every_type_is_read_as_it_was_written(code: OwnProcess) -> None:
    code.run(_every_type)


def _every_type() -> None:
    from tests.clouds.gcp.rows.typed_code import product, shop, table, warehouse

    table("types", SALE)
    port = shop("types", SALE)
    port.write("sale", [ATLAS, EMPTY])
    assert sorted(port.read("sale").pylist(), key=lambda row: -row["sale_id"]) == [ATLAS, EMPTY]
    found = port.read("sale", columns=["tags", "amount"], where=[("sold_at", ">", datetime(2024, 1, 1, tzinfo=UTC))])
    assert found.pylist() == [{"tags": ["old", ""], "amount": Decimal("1.10")}]
    assert port.read("sale", where={"clock": "13:45", "amount": Decimal("1.1")}).arrow().num_rows == 1

    warehouse().query(
        "CREATE VIEW types.seen AS SELECT sale_id, lines, clock, TO_JSON(tags) AS more FROM types.sale"
    ).result()
    views = {"proxy": {"kind": "data-api", "sql": "bigquery://acme-mesh/types", "tables": ["seen"]}}
    theirs = product(inputs={"sales": views}).input("sales")
    with pytest.raises(NotReadable, match="column more is JSON, which no type of a model is"):
        theirs.read("seen")
    columns = ["sale_id", "lines", "clock"]
    rows = theirs.read("seen", columns=columns, where={"sale_id": ATLAS["sale_id"]}).pylist()
    assert rows == [{"sale_id": ATLAS["sale_id"], "lines": ATLAS["lines"], "clock": "13:45:00"}]


def test_rows_are_compared_with_a_reference(code: OwnProcess) -> None:
    """The accuracy of a table in BigQuery was unknown."""
    code.run(_compared)


def _compared() -> None:
    import pyarrow as pa

    from alchemesh_platform.clouds.gcp.quality import bigquery
    from alchemesh_platform.data.rows import Rows
    from alchemesh_platform.data.types import arrow_type
    from alchemesh_platform.manifest.models import Property
    from alchemesh_platform.quality.accuracy import accuracy
    from alchemesh_platform.quality.tables import MeasuredPort
    from alchemesh_platform.sdk.connections.tables import TablesConnection
    from tests.clouds.gcp.rows.typed_code import shop, table

    table("compared", SHORT)
    port = shop("compared", SHORT)
    here = [{"id": each, "shop": f"shop of {each}", "code": at} for at, each in enumerate("abcd")]
    port.write("sale", here)
    model = {name: Property.model_validate(each) for name, each in SHORT.items()}
    schema = pa.schema([pa.field(name, arrow_type(model[name])) for name in ("id", "shop")])
    there = [{**here[0]}, {**here[1], "shop": "another"}, {**here[2], "shop": None}, {"id": "x", "shop": "X"}]
    reference = pa.Table.from_pylist([{name: row[name] for name in ("id", "shop")} for row in there], schema)
    notes: list[str] = []
    measured = MeasuredPort(
        product="retail/orders",
        name="shop",
        connection=TablesConnection(format="bigquery", tables={"sale": "bigquery://acme-mesh/compared/sale"}),
        models={"sale": model},
        read=port.read,
        note=notes.append,
    )
    with bigquery.measure(measured) as tables:
        found = accuracy(tables, "sale", model, Rows(schema, reference.to_batches), 60)
    assert (found.good, found.total, found.unknown) == (1, 3, "")
    (note,) = notes
    assert note.startswith("model sale of shop: the comparison with its reference reads ")


def test_rows_that_do_not_fit_are_named_as_for_a_delta_table(code: OwnProcess) -> None:
    code.run(_misfits)


def _misfits() -> None:
    from tests.clouds.gcp.rows.typed_code import shop, table

    table("misfits", SALE)
    port = shop("misfits", SALE)
    port.write("sale", [EMPTY])
    assert _refusal(port, {**EMPTY, "sale_id": 2, "article": "Pen"}) == (
        "row 1 (sale_id 2): article: found 'Pen', expected one of Atlas, Globe"
    )
    assert _refusal(port, EMPTY) == "row 1 (sale_id 1): sale_id: another row in the table has the same sale_id"
    assert _refusal(port, {**EMPTY, "sale_id": 2, "tags": None}) == (
        "row 1 (sale_id 2): tags: found null, and BigQuery stores no array that is null: write an empty array"
    )
    assert _refusal(port, {**EMPTY, "sale_id": 2, "buyer": {"ages": [1, None]}}) == (
        "row 1 (sale_id 2): buyer.ages[]: found null in an array, and BigQuery stores no item that is null: leave it "
        "out"
    )
    assert port.read("sale").pylist() == [EMPTY]


def _refusal(port: Any, row: dict[str, Any]) -> str:
    with pytest.raises(RowsRefused) as refused:
        port.write("sale", [row])
    first, second, *_ = str(refused.value).splitlines()
    assert first == "output port 'shop': rows do not fit model 'sale', so nothing was written"
    return second.strip()


def test_each_mode_is_one_statement_and_a_repeated_run_writes_nothing(code: OwnProcess) -> None:
    code.run(_modes)


def _modes() -> None:
    from tests.clouds.gcp.rows.typed_code import shop, table, warehouse

    table("modes", SHORT)
    port = shop("modes", SHORT)

    def rows() -> list[tuple[Any, ...]]:
        return sorted(tuple(row.values()) for row in port.read("sale").pylist())

    first = port.write("sale", [_sale("a", "north", 1), _sale("b", "north", 2)], run="monday")
    again = port.write("sale", [_sale("a", "north", 1), _sale("b", "north", 2)], run="monday")
    assert (first.rows, first.repeated, again.rows, again.repeated) == (2, False, 0, True)
    before = port.read("sale")
    port.write("sale", [_sale("b", "south", 2), _sale("c", "south", 3)], "merge")
    assert rows() == [("a", "north", 1), ("b", "south", 2), ("c", "south", 3)]
    assert before.arrow().num_rows == 2, "rows that were asked for before a write are those of that moment"
    with pytest.raises(RowsRefused, match=r"row 1 \(code 1\): code: another row in the table has the same code"):
        port.write("sale", [_sale("b", "south", 1)], "merge")
    with pytest.raises(RowsRefused, match=r"row 1 \(id 'a'\): id: another row in the table has the same id"):
        port.write("sale", [_sale("a", "south", 9)], "replace_where", where={"shop": "south"})
    port.write("sale", [_sale("d", "south", 2)], "replace_where", where={"shop": "south"})
    assert rows() == [("a", "north", 1), ("d", "south", 2)]
    port.write("sale", [], "overwrite")
    assert rows() == []
    assert [found.table_id for found in warehouse().list_tables("modes")] == ["sale"], "no staging table is left"


def _sale(key: str, place: str, number: int) -> dict[str, Any]:
    return {"id": key, "shop": place, "code": number}


def test_of_two_writers_of_a_key_the_later_one_is_refused(code: OwnProcess) -> None:
    code.run(_two_writers)


def _two_writers() -> None:
    from tests.clouds.gcp.rows.typed_code import shop, table

    table("writers", SHORT)
    port, other = shop("writers", SHORT), shop("writers", SHORT)

    def while_the_other_writes() -> Iterator[dict[str, Any]]:
        yield _sale("a", "north", 1)
        other.write("sale", [_sale("a", "south", 5)])

    with pytest.raises(RowsRefused, match=r"row 1 \(id 'a'\): id: another row in the table has the same id"):
        port.write("sale", while_the_other_writes())
    assert port.read("sale").pylist() == [_sale("a", "south", 5)]


def test_a_killed_writer_leaves_no_row_and_its_run_can_be_repeated(code: OwnProcess, emulators: Emulators) -> None:
    code.run(_before_the_kill)
    ours, theirs = get_context("spawn").Pipe()
    writer = get_context("spawn").Process(target=_writer, args=(theirs, emulators.variables()))
    writer.start()
    theirs.close()
    assert ours.recv() == "loaded", "all rows are in the staging table, and the statement has not started"
    writer.kill()
    writer.join()
    assert writer.exitcode == -signal.SIGKILL
    code.run(_after_the_kill)


def _before_the_kill() -> None:
    from tests.clouds.gcp.rows.typed_code import table

    table("killed", SHORT)


def _writer(told: Connection, variables: dict[str, str]) -> None:
    os.environ.update(variables)
    from alchemesh_platform.systems.bigquery.data import writing
    from tests.clouds.gcp.rows.typed_code import shop

    def held(_identity: object, _statement: str) -> None:
        told.send("loaded")
        told.recv()  # never comes

    writing._Identity.run = held  # type: ignore[assignment, method-assign]
    shop("killed", SHORT).write("sale", [_sale("a", "north", 1)], run="monday")


def _after_the_kill() -> None:
    from tests.clouds.gcp.rows.typed_code import shop, warehouse

    client = warehouse()
    left = [found.table_id for found in client.list_tables("killed") if found.table_id != "sale"]
    assert [name.startswith("_alchemesh_staging_") for name in left] == [True]
    expires = client.get_table(f"killed.{left[0]}").expires
    assert expires is not None, "it goes by itself"
    port = shop("killed", SHORT)
    assert port.read("sale").pylist() == []
    assert port.write("sale", [_sale("a", "north", 1)], run="monday").rows == 1
    assert port.read("sale").pylist() == [_sale("a", "north", 1)]


def test_a_table_whose_schema_moved_is_refused_before_anything_is_written(code: OwnProcess) -> None:
    code.run(_moved)


def _moved() -> None:
    from tests.clouds.gcp.rows.typed_code import shop, table

    start = "output port 'shop': the table of model 'sale' has another schema than the model: "
    for there, reason in (
        ({name: SHORT[name] for name in ("id", "shop")}, "it has no column code"),
        ({**SHORT, "code": {"type": "string"}}, "column code is string there"),
        ({**SHORT, "shop": {"type": "string", "required": True}}, "column shop is required there"),
        (
            {**SHORT, "day": {"type": "date", "required": True}},
            "it requires a column day, which the model has not",
        ),
    ):
        table("moved", there)
        with pytest.raises(SchemaMoved) as refused:
            shop("moved", SHORT).write("sale", [_sale("a", "north", 1)])
        assert str(refused.value).splitlines()[0] == start + reason
    table("moved", {**SHORT, "day": {"type": "date"}})  # a column that is only there stays empty
    shop("moved", SHORT).write("sale", [_sale("a", "north", 1)])
    assert shop("moved", SHORT).read("sale").pylist() == [_sale("a", "north", 1)]


def test_a_missing_table_is_an_error_that_names_it(code: OwnProcess) -> None:
    code.run(_missing)


def _missing() -> None:
    from tests.clouds.gcp.rows.typed_code import shop, warehouse

    warehouse().create_dataset("missing", exists_ok=True)
    port = shop("missing", SHORT)
    for act in (lambda: port.read("sale"), lambda: port.write("sale", [])):
        with pytest.raises(DataError, match=r"there is no table of model 'sale' in acme-mesh\.missing\.sale"):
            act()
    with pytest.raises(NotReadable, match="there is no column 'shoe'"):
        port.read("sale", columns=["shoe"])
