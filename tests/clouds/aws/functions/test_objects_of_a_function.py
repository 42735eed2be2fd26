"""The objects in the bucket of a function: its packages and the reports of its runs. S3 is that of moto."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from alchemesh_platform.clouds.aws.handlers.reports import ReportsHandler, ReportsInputs, ReportsOutputs
from alchemesh_platform.clouds.aws.handlers.sign_in import SignIn, remove_objects
from alchemesh_platform.provider.handler import Context, NotDone

INPUTS = ReportsInputs(sign_in=SignIn(region="us-east-1"), bucket="acme")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="acme")
        for key in ("packages/a.zip", "runs/1.json", "runs/2.json"):
            client.put_object(Bucket="acme", Key=key, Body=b"{}")
        yield client


def keys(bucket: Any) -> list[str]:
    return [each["Key"] for each in bucket.list_objects_v2(Bucket="acme").get("Contents", ())]


def test_the_reports_go_with_the_function_so_that_its_bucket_can_go(bucket: Any) -> None:
    handler, context = ReportsHandler(), Context("urn", threading.Event(), pytest.fail, print)
    made = handler.create(INPUTS, context)
    assert keys(bucket) == ["packages/a.zip", "runs/1.json", "runs/2.json"]
    handler.delete(INPUTS, made, context)
    assert keys(bucket) == ["packages/a.zip"]
    handler.delete(INPUTS.model_copy(update={"bucket": "gone"}), ReportsOutputs(folder="runs/"), context)


def test_objects_that_are_in_use_stay(bucket: Any) -> None:
    remove_objects(bucket, "acme", "runs/", keep=("runs/2.json", None))
    assert keys(bucket) == ["packages/a.zip", "runs/2.json"]


def test_an_object_that_s3_does_not_delete_is_an_error(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = {"Errors": [{"Key": "runs/1.json", "Message": "Access Denied"}]}
    monkeypatch.setattr(bucket, "delete_objects", lambda **_: refused)
    with pytest.raises(NotDone, match=r"runs/1\.json of acme cannot be deleted: Access Denied"):
        remove_objects(bucket, "acme", "runs/")
