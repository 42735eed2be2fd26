"""Rows in S3 and Kinesis for a product's code, against moto."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import boto3
import pytest
from moto import mock_aws

from alchemesh_platform.connections import Connections, NotReadable, NotWritable, RowsRefused, WriteConflict

REGION = "eu-central-1"
SALE: dict[str, dict[str, Any]] = {
    "id": {"type": "string", "key": True, "required": True},
    "shop": {"type": "string"},
    "amount": {"type": "number", "precision": 8, "scale": 2},
}
DECLARED: dict[str, dict[str, Any]] = {
    "sale_id": {"type": "string", "required": True, "column": "Sale"},
    "amount": {"type": "number", "precision": 8, "scale": 2},
    "sold_at": {"type": "timestamp"},
}
OPTIONS = {"delimiter": ";", "decimal_separator": ",", "time_zone": "Europe/Berlin"}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3", region_name=REGION)
        client.create_bucket(Bucket="typed", CreateBucketConfiguration={"LocationConstraint": REGION})
        yield client


def product(**parts: Any) -> Connections:
    return Connections.model_validate(
        {"product": "shop/sales", "environment": "local", "inputs": {}, "outputs": {}, "infrastructure": {}, **parts}
    )


def sale(key: str, place: str) -> dict[str, Any]:
    return {"id": key, "shop": place, "amount": Decimal("1.10")}


BUCKET = {"kind": "files", "url": "s3://typed/out", "format": "parquet"}
TABLE = {"kind": "tables", "format": "parquet", "tables": {"sale": "s3://typed/out/sale"}}


@pytest.mark.parametrize("storage", [BUCKET, TABLE], ids=["bucket", "table"])
def test_readers_see_the_files_of_the_manifest_and_writers_a_conflict(s3: Any, storage: dict[str, Any]) -> None:
    known = product(outputs={"shop": {"storage": storage}}, schemas={"shop": {"models": {"sale": SALE}}})
    port = known.output("shop")

    def rows() -> list[str]:
        return sorted(f"{row['id']} {row['shop']} {row['amount']}" for row in port.read("sale").pylist())

    assert rows() == []
    first = port.write("sale", [sale("a", "north"), sale("b", "north")], run="monday")
    again = port.write("sale", [sale("a", "north"), sale("b", "north")], run="monday")
    assert (first.rows, first.version, again.rows, again.repeated) == (2, 1, 0, True)
    with pytest.raises(RowsRefused, match=r"row 1 \(id 'a'\): id: another row in the table has the same id"):
        port.write("sale", [sale("a", "south")])
    port.write("sale", [sale("b", "south"), sale("c", "south")], "merge")
    assert rows() == ["a north 1.10", "b south 1.10", "c south 1.10"]
    port.write("sale", [sale("d", "south")], "replace_where", where={"shop": "south"})
    assert rows() == ["a north 1.10", "d south 1.10"]

    def while_another_writes() -> Iterator[dict[str, Any]]:
        yield sale("e", "north")
        known.output("shop").write("sale", [sale("f", "west")], "overwrite")

    with pytest.raises(WriteConflict, match="another writer changed the table of model 'sale' meanwhile"):
        port.write("sale", while_another_writes())
    assert rows() == ["f west 1.10"]
    s3.put_object(Bucket="typed", Key="out/sale/00000009-half.parquet", Body=b"what a killed writer left")
    assert rows() == ["f west 1.10"]
    names = [item["Key"] for item in s3.list_objects_v2(Bucket="typed")["Contents"] if "half" not in item["Key"]]
    assert len(names) == 2, "the manifest and one file: replaced files and those of the conflict are gone"


def test_of_two_first_writers_one_gets_a_conflict(s3: Any) -> None:
    known = product(outputs={"shop": {"storage": TABLE}}, schemas={"shop": {"models": {"sale": SALE}}})

    def while_another_begins() -> Iterator[dict[str, Any]]:
        yield sale("a", "north")
        known.output("shop").write("sale", [sale("b", "west")])

    with pytest.raises(WriteConflict):
        known.output("shop").write("sale", while_another_begins())
    assert [row["id"] for row in known.output("shop").read("sale").pylist()] == ["b"]


def test_objects_are_checked_and_typed_when_the_code_reads_them(s3: Any) -> None:
    files = {"kind": "files", "url": "s3://typed/in", "format": "csv", "reading": OPTIONS}
    known = product(inputs={"sales": {"storage": files}}, schemas={"sales": {"declared": DECLARED}})
    port = known.input("sales")
    assert port.read().arrow().num_rows == 0, "no object has arrived yet"
    s3.put_object(Bucket="typed", Key="in/2024/july.csv", Body=b"Sale;amount;sold_at\n0017;1,10;2024-07-01 10:00:00\n")
    s3.put_object(Bucket="typed", Key="in/2024/_SUCCESS", Body=b"no data")
    s3.put_object(Bucket="typed", Key="in/empty/", Body=b"")
    s3.put_object(Bucket="typed", Key="inside/other.csv", Body=b"another folder")
    found = [{"sale_id": "0017", "amount": Decimal("1.10"), "sold_at": datetime(2024, 7, 1, 8, tzinfo=UTC)}]
    assert port.read().pylist() == found
    s3.put_object(Bucket="typed", Key="in/2024/august.csv", Body=b"Sale;amount;sold_at\n0018;1,999;\n")
    with pytest.raises(NotReadable) as refused:
        port.read()
    assert str(refused.value).splitlines()[0] == (
        "input port 'sales': s3://typed/in/2024/august.csv:2: column amount: '1,999' is no number of 8 digits with 2 "
        "decimals"
    )


def test_a_bucket_that_is_missing_is_named(s3: Any) -> None:
    files = {"kind": "files", "url": "s3://nothing-here", "format": "csv", "reading": {}}
    with pytest.raises(NotReadable, match="s3://nothing-here/ or an object in it is missing"):
        product(inputs={"sales": {"storage": files}}).input("sales").read()


def test_messages_of_a_stream_are_all_checked_before_the_first_is_sent(s3: Any) -> None:
    kinesis = boto3.client("kinesis", region_name=REGION)
    kinesis.create_stream(StreamName="sales", ShardCount=1)
    storage = {"kind": "topic", "broker": "kinesis", "topics": {"sale": "sales"}}
    known = product(outputs={"shop": {"storage": storage}}, schemas={"shop": {"models": {"sale": SALE}}})
    port = known.output("shop")
    with pytest.raises(RowsRefused):
        port.write("sale", [sale("a", "north"), {"id": None, "shop": "x", "amount": None}])
    written = port.write("sale", [sale(f"{number:04}", "north") for number in range(1_100)])
    shard = kinesis.list_shards(StreamName="sales")["Shards"][0]["ShardId"]
    start = kinesis.get_shard_iterator(StreamName="sales", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    records = kinesis.get_records(ShardIterator=start["ShardIterator"], Limit=10_000)["Records"]
    assert written.rows == len(records) == 1_100
    assert (records[0]["PartitionKey"], records[0]["Data"]) == ("0000", b'{"id":"0000","shop":"north","amount":1.10}')
    missing = {"kind": "topic", "broker": "kinesis", "topics": {"sale": "nothing"}}
    other = product(outputs={"shop": {"storage": missing}}, schemas={"shop": {"models": {"sale": SALE}}})
    with pytest.raises(NotWritable, match="stream nothing or an object in it is missing"):
        other.output("shop").write("sale", [sale("a", "north")])
