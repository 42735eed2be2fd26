"""Rows of Parquet files in buckets are erased with all former versions of the files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.clouds.gcp import erasure_of_files
from alchemesh_platform.clouds.gcp.emulation.api.storage import StorageRest
from alchemesh_platform.clouds.gcp.erasure_of_files import BucketErasure, without
from alchemesh_platform.data.folder import MANIFEST, Manifest
from alchemesh_platform.platform_file.load import load_platform
from alchemesh_platform.sdk.connections.files import FilesConnection
from alchemesh_platform.sdk.connections.ports import PortConnections
from alchemesh_platform.sdk.system.erasure import ErasedRows, NotErasable
from tests.clouds.gcp.erasure.versioned_bucket import Bucket, serving

BUCKET = "acme-orders"
PORT = PortConnections(storage=FilesConnection(url=f"gs://{BUCKET}"))
SCHEMA = pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("paid", pa.decimal128(20, 2))])


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def storage(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[StorageRest]:
    """A bucket with versions, as components create it."""
    with serving(bucket) as url:
        service = StorageRest("storage", url)
        monkeypatch.setattr(erasure_of_files, "storage", lambda _platform: service)
        yield service


@pytest.fixture
def erasure(tmp_path: Path) -> BucketErasure:
    return BucketErasure(load_platform(None, "local", tmp_path))


def parquet(*ids: int) -> bytes:
    sink = io.BytesIO()
    rows = [{"id": number, "paid": None} for number in ids]
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), sink)
    return sink.getvalue()


def put(storage: StorageRest, name: str, content: bytes) -> None:
    storage.write(BUCKET, f"order/{name}", content, "application/octet-stream")


def ids_in(bucket: Bucket) -> list[int]:
    """The ids in all versions of all files."""
    files = [each for each in bucket.versions if each.name.endswith(".parquet")]
    return sorted(number for each in files for number in pq.read_table(io.BytesIO(each.content))["id"].to_pylist())


def erase(erasure: BucketErasure, where: str) -> tuple[ErasedRows, list[int]]:
    begun: list[int] = []
    return erasure.erase(PORT, "order", where, lambda _line: None, begun.append), begun


def test_rows_of_files_with_a_manifest_are_erased_in_one_step(
    storage: StorageRest, bucket: Bucket, erasure: BucketErasure
) -> None:
    for name, ids in (("a.parquet", (1, 2)), ("b.parquet", (3, 7)), ("c.parquet", (7,))):
        put(storage, name, parquet(*ids))
    put(storage, "remains-of-a-killed-writer.parquet", parquet(7, 8))
    put(storage, MANIFEST, Manifest(4, {"a.parquet": 2, "b.parquet": 2, "c.parquet": 1}, ("run-1",)).content())
    storage.write(BUCKET, "of-another-model/a.parquet", parquet(7))
    assert erasure.count(PORT, "order", "id = 7") == 2
    done, begun = erase(erasure, "id = 7")
    assert (done.rows, done.files, begun) == (2, 3, [2]), "two former files, and one of a killed writer"
    manifest = Manifest.read(storage.read(BUCKET, f"order/{MANIFEST}") or b"")
    assert (manifest.version, manifest.writes, sorted(manifest.files.values())) == (5, ("run-1",), [1, 2])
    assert manifest.files["a.parquet"] == 2, "a file without such rows stays"
    assert ids_in(bucket) == [1, 2, 3, 7], "the file of another model stays"
    again, begun = erase(erasure, "id = 7")
    assert (again.rows, again.files, begun) == (0, 0, [0])


def test_a_repeated_erasure_deletes_what_a_killed_one_left(
    storage: StorageRest, bucket: Bucket, erasure: BucketErasure
) -> None:
    put(storage, "former.parquet", parquet(7))
    put(storage, "b.parquet", parquet(1))
    put(storage, MANIFEST, Manifest(5, {"b.parquet": 1}).content())
    assert erase(erasure, "id = 7")[0] == ErasedRows(0, 1)
    assert ids_in(bucket) == [1]
    put(storage, "of-a-writer-that-works-now.parquet", parquet(9))
    assert erase(erasure, "id = 7")[0] == ErasedRows(0, 0)
    assert ids_in(bucket) == [1, 9]


def test_files_without_a_manifest_are_replaced_with_their_former_versions(
    storage: StorageRest, bucket: Bucket, erasure: BucketErasure
) -> None:
    put(storage, "a.parquet", parquet(1, 7))
    put(storage, "b.parquet", parquet(2))
    done, _begun = erase(erasure, "id = 7")
    assert done.rows == 1
    assert ids_in(bucket) == [1, 2]


def test_a_writer_in_between_is_a_conflict_and_nothing_is_lost(
    storage: StorageRest, bucket: Bucket, erasure: BucketErasure
) -> None:
    put(storage, "a.parquet", parquet(1, 7))
    put(storage, MANIFEST, Manifest(1, {"a.parquet": 2}).content())

    def begun(_rows: int) -> None:
        put(storage, "b.parquet", parquet(8))
        put(storage, MANIFEST, Manifest(2, {"a.parquet": 2, "b.parquet": 1}).content())

    with pytest.raises(Failure, match="a writer replaced the files of gs://acme-orders/order/ meanwhile"):
        erasure.erase(PORT, "order", "id = 7", lambda _line: None, begun)
    manifest = Manifest.read(storage.read(BUCKET, f"order/{MANIFEST}") or b"")
    assert manifest.files == {"a.parquet": 2, "b.parquet": 1}
    assert erase(erasure, "id = 7")[0].rows == 1
    assert ids_in(bucket) == [1, 8]


def test_a_folder_without_parquet_files_is_refused(
    storage: StorageRest, bucket: Bucket, erasure: BucketErasure
) -> None:
    storage.write(BUCKET, "order/a.csv", b"7")
    with pytest.raises(NotErasable, match="gs://acme-orders/order/ has no Parquet files"):
        erasure.count(PORT, "order", "id = 7")


@pytest.mark.parametrize("where", ["idd = 7", "id = 7 --", "id IN (SELECT id FROM read_csv('/etc/passwd'))", "id ="])
def test_a_condition_that_does_not_fit_is_refused(where: str) -> None:
    with pytest.raises(NotErasable):
        without(parquet(1, 7), where)


def test_a_row_for_which_the_condition_is_null_stays_and_the_schema_too() -> None:
    content, erased, left = without(parquet(1, 7), "paid > 0")
    assert (erased, left) == (0, 2)
    assert pq.read_table(io.BytesIO(content)).schema == SCHEMA
