"""The delivery of a DAG into a folder, into S3 for MWAA, and into Cloud Storage for Composer."""

from __future__ import annotations

import stat
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from alchemesh_platform.systems.airflow.delivery import Delivery, DeliveryFailed, Folder, delivery

FIRST = {"dag.py": "# one\n", "connections.json": "{}\n"}
SECOND = {"dag.py": "# two\n", "connections.json": "{}\n"}


def check_round_trip(found: Delivery, beside: Delivery) -> None:
    """Write, read, change and remove the files of a DAG, beside those of another one."""
    beside.write(FIRST)
    assert found.read() == {}
    found.write(FIRST)
    assert found.read() == FIRST
    found.write(SECOND)
    assert found.read() == SECOND
    found.remove()
    found.remove()
    assert found.read() == {}
    assert beside.read() == FIRST


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket of moto."""
    import boto3
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    try:
        bucket = f"mwaa-{uuid.uuid4().hex}"  # moto's buckets outlive its server in one process
        boto3.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        yield f"s3://{bucket}"
    finally:
        server.shutdown()


def test_a_folder_of_this_machine(tmp_path: Path) -> None:
    check_round_trip(delivery(str(tmp_path), "a__b"), delivery(str(tmp_path), "a__b2"))


def test_a_bucket_of_s3(s3: str) -> None:
    check_round_trip(delivery(f"{s3}/dags", "a__b"), delivery(f"{s3}/dags", "a__b2"))
    check_round_trip(delivery(s3, "a__b"), delivery(s3, "a__b2"))


def test_a_missing_bucket_is_an_error_that_names_it(s3: str) -> None:
    with pytest.raises(DeliveryFailed, match=r"the folder of DAGs s3://none/dags/a__b cannot be used: .*NoSuchBucket"):
        delivery("s3://none/dags", "a__b").write(FIRST)


def test_the_dag_comes_last_and_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from alchemesh_platform.systems.airflow import delivery as deliveries

    written: list[str] = []
    monkeypatch.setattr(deliveries, "write_text", lambda path, _text, mode: written.append(path.name))
    Folder(tmp_path).write({"dag.py": "", "owner.json": "", "connections.json": ""})
    assert written == ["connections.json", "owner.json", "dag.py"]


def test_a_folder_without_a_right_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a__b").write_text("a file")
    with pytest.raises(Exception, match=f"cannot write in {tmp_path}/a__b"):
        delivery(str(tmp_path), "a__b").write(FIRST)


def test_airflow_of_another_user_reads_the_delivered_files(tmp_path: Path) -> None:
    delivery(str(tmp_path), "a__b").write(FIRST)
    assert {stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "a__b").iterdir()} == {0o644}


def test_a_file_that_is_no_text_beside_a_dag_is_no_error(tmp_path: Path) -> None:
    found = delivery(str(tmp_path), "a__b")
    found.write(FIRST)
    (tmp_path / "a__b" / ".dag.py.swp").write_bytes(b"b0VIM\xff\xfe")
    assert FIRST.items() <= found.read().items()
    found.write(SECOND)
    assert SECOND.items() <= found.read().items()
