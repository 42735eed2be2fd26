"""Objects of a bucket as rows: the schema that the port declares is enforced when the code reads them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from alchemesh_platform.connections import NotReadable, RowsRefused, WriteConflict
from alchemesh_platform.systems.local.landing.ingestion import ingest
from alchemesh_platform.systems.local.landing.on_read import reading_of
from alchemesh_platform.systems.local.landing.source_files import SourceFailed
from tests.clouds.gcp.rows.own_process import OwnProcess, own_process

if TYPE_CHECKING:
    from alchemesh_platform.clouds.gcp.emulation.servers.servers import Emulators

pytestmark = [pytest.mark.slow]

DECLARED: dict[str, dict[str, Any]] = {
    "sale_id": {"type": "string", "required": True, "column": "Sale"},
    "amount": {"type": "number", "precision": 8, "scale": 2},
    "sold_at": {"type": "timestamp"},
}
JULY = b"Sale;amount;sold_at\n0017;1,10;2024-07-01 10:00:00\n"
AUGUST = b"Sale;amount;sold_at\n0018;;2024-08-01 10:00:00\n0019;1,999;2024-08-02 10:00:00\n"
OPTIONS = {"delimiter": ";", "decimal_separator": ",", "time_zone": "Europe/Berlin"}
MISFIT = "2024/august.csv:3: column amount: '1,999' is no number of 8 digits with 2 decimals"


@pytest.fixture(scope="module")
def code(emulators: Emulators) -> Iterator[OwnProcess]:
    emulators.address_of("storage")
    with own_process(emulators.variables()) as process:
        yield process


def test_rows_of_copied_files_are_those_that_a_landing_gives(code: OwnProcess, tmp_path: Path) -> None:
    code.run(_copied_files)
    (tmp_path / "landed").mkdir()
    (tmp_path / "2024").mkdir()
    (tmp_path / "2024" / "august.csv").write_bytes(AUGUST)
    from alchemesh_platform.manifest.models import SourceProperty

    declared = {name: SourceProperty.model_validate(each) for name, each in DECLARED.items()}
    with pytest.raises(SourceFailed) as refused:
        ingest("2024/*.csv", tmp_path, tmp_path / "landed", reading_of("csv", OPTIONS, declared))
    assert refused.value.message == f"{tmp_path}/{MISFIT}", "the same message, whoever reads the file"


def _copied_files() -> None:
    from tests.clouds.gcp.rows.typed_code import buckets

    bucket = buckets().create_bucket("typed-sales")
    bucket.blob("2024/july.csv").upload_from_string(JULY)
    bucket.blob("2024/_SUCCESS").upload_from_string(b"no data")
    found = [{"sale_id": "0017", "amount": Decimal("1.10"), "sold_at": datetime(2024, 7, 1, 8, tzinfo=UTC)}]
    port = _port("gs://typed-sales", "csv", OPTIONS, DECLARED)
    assert port.read().pylist() == found
    assert port.read(columns=["amount"], where={"sale_id": "0017"}).pylist() == [{"amount": Decimal("1.10")}]
    bucket.blob("2024/august.csv").upload_from_string(AUGUST)
    with pytest.raises(NotReadable) as refused:
        port.read()
    assert str(refused.value).splitlines()[0] == f"input port 'sales': gs://typed-sales/{MISFIT}"

    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("alchemesh").addHandler(handler)
    rows = _port("gs://typed-sales", "csv", {**OPTIONS, "on_bad_row": "reject"}, DECLARED).read()
    logging.getLogger("alchemesh").removeHandler(handler)
    assert sorted(row["sale_id"] for row in rows.pylist()) == ["0017", "0018"]
    assert lines == [
        "1 row rejected, which did not fit the schema\n"
        "  gs://typed-sales/2024/august.csv:3: column amount: '1,999': no number of 8 digits with 2 decimals"
    ]
    texts = _port("gs://typed-sales", "csv", {"delimiter": ";"}, None).read(columns=["Sale", "amount"]).pylist()
    assert {"Sale": "0017", "amount": "1,10"} in texts, "without a declared schema, text stays text"


def _port(url: str, form: str, options: dict[str, Any], declared: dict[str, Any] | None) -> Any:
    from tests.clouds.gcp.rows.typed_code import product

    files = {"kind": "files", "url": url, "format": form, "reading": options}
    known = product(inputs={"sales": {"storage": files}}, schemas={"sales": {"declared": declared}})
    return known.input("sales")


def test_messages_that_an_ingestion_wrote_are_rows(code: OwnProcess) -> None:
    code.run(_messages)


def _messages() -> None:
    from tests.clouds.gcp.rows.typed_code import buckets

    declared = {"sale_id": {"type": "string"}, "amount": {"type": "number", "precision": 20, "scale": 2}}
    bucket = buckets().create_bucket("typed-events")
    port = _port("gs://typed-events", "json", {"folder": "ops.sales/", "on_new_column": "ignore"}, declared)
    assert port.read().arrow().num_rows == 0, "no object has arrived yet"
    bucket.blob("ops.sales/date=2024-01-01/1.jsonl").upload_from_string(
        b'{"sale_id":"a","amount":900719925474099300.10}\n\n{"sale_id":"b","new":1}\n'
    )
    bucket.blob("dead-letter/2.txt").upload_from_string(b"no event\n")
    assert port.read().pylist() == [
        {"sale_id": "a", "amount": Decimal("900719925474099300.10")},
        {"sale_id": "b", "amount": None},
    ]
    with pytest.raises(NotReadable, match="input port 'sales': no object has arrived yet in gs://typed-events/none/"):
        _port("gs://typed-events", "json", {"folder": "none"}, None).read()


SALE: dict[str, dict[str, Any]] = {
    "id": {"type": "string", "key": True, "required": True},
    "shop": {"type": "string"},
    "amount": {"type": "number", "precision": 8, "scale": 2},
}


def test_readers_of_a_bucket_see_the_files_of_its_manifest_and_writers_a_conflict(code: OwnProcess) -> None:
    code.run(_bucket_with_a_manifest)


def _bucket_with_a_manifest() -> None:
    from tests.clouds.gcp.rows.typed_code import buckets, product

    bucket = buckets().create_bucket("typed-shop")
    storage = {"kind": "files", "url": "gs://typed-shop/out", "format": "parquet"}
    known = product(outputs={"shop": {"storage": storage}}, schemas={"shop": {"models": {"sale": SALE}}})
    port = known.output("shop")

    def rows() -> list[str]:
        return sorted(f"{row['id']} {row['shop']} {row['amount']}" for row in port.read("sale").pylist())

    first = port.write("sale", [_sale("a", "north"), _sale("b", "north")], run="monday")
    again = port.write("sale", [_sale("a", "north"), _sale("b", "north")], run="monday")
    assert (first.rows, first.version, again.rows, again.repeated) == (2, 1, 0, True)
    with pytest.raises(RowsRefused, match=r"row 1 \(id 'a'\): id: another row in the table has the same id"):
        port.write("sale", [_sale("a", "south")])
    port.write("sale", [_sale("b", "south"), _sale("c", "south")], "merge")
    assert rows() == ["a north 1.10", "b south 1.10", "c south 1.10"]
    port.write("sale", [_sale("d", "south")], "replace_where", where={"shop": "south"})
    assert rows() == ["a north 1.10", "d south 1.10"]

    def while_another_writes() -> Iterator[dict[str, Any]]:
        yield _sale("e", "north")
        known.output("shop").write("sale", [_sale("f", "west")], "overwrite")

    with pytest.raises(WriteConflict, match="another writer changed the table of model 'sale' meanwhile"):
        port.write("sale", while_another_writes())
    assert rows() == ["f west 1.10"]
    bucket.blob("out/sale/00000009-half.parquet").upload_from_string(b"what a killed writer left")
    assert rows() == ["f west 1.10"]
    names = [blob.name for blob in buckets().list_blobs("typed-shop") if "half" not in blob.name]
    assert len(names) == 2, "the manifest and one file: replaced files and those of the conflict are gone"
    empty = {"kind": "files", "url": "gs://typed-shop/none", "format": "parquet"}
    known = product(outputs={"shop": {"storage": empty}}, schemas={"shop": {"models": {"sale": SALE}}})
    assert known.output("shop").read("sale").pylist() == []


def _sale(key: str, place: str) -> dict[str, Any]:
    return {"id": key, "shop": place, "amount": Decimal("1.10")}
