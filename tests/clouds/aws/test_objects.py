"""Objects of AWS: their owner by tags, their data, and their deletion, against moto."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from alchemesh_platform.clouds.aws.ids import identity_of
from alchemesh_platform.clouds.aws.objects.data import BUCKET, SECRET, STREAM
from alchemesh_platform.clouds.aws.services import SignInFailed, answered
from alchemesh_platform.platform_file.models import Platform
from alchemesh_platform.sdk.system.cloud_object import ObjectOwner

REGION = "eu-central-1"
OWN = {"managed_by": "alchemesh", "environment": "prod", "domain": "shop", "product": "orders", "port": "files"}
TAGS = [{"Key": name, "Value": value} for name, value in OWN.items()]


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    settings = {"aws": {"account": "123456789012", "region": REGION}}
    with mock_aws():
        yield Platform.model_construct(environment="prod", settings=settings, emulated=False)


def client(name: str) -> Any:
    return boto3.client(name, region_name=REGION)  # type: ignore[call-overload]


def test_a_bucket_has_the_owner_that_its_tags_name_and_goes_with_all_versions(platform: Platform) -> None:
    s3 = client("s3")
    assert BUCKET.owner(platform, "sales") is None
    s3.create_bucket(Bucket="sales", CreateBucketConfiguration={"LocationConstraint": REGION})
    assert BUCKET.owner(platform, "sales") == ObjectOwner(), "made by hand"
    s3.put_bucket_tagging(Bucket="sales", Tagging={"TagSet": TAGS})
    s3.put_bucket_versioning(Bucket="sales", VersioningConfiguration={"Status": "Enabled"})
    assert BUCKET.owner(platform, "sales") == ObjectOwner("shop/orders/files", "prod")
    assert BUCKET.contents(platform, "sales") is None, "it is empty"
    for content in (b"one", b"two"):
        s3.put_object(Bucket="sales", Key="a.csv", Body=content)
    s3.put_object(Bucket="sales", Key="b.csv", Body=b"three")
    s3.delete_object(Bucket="sales", Key="b.csv")
    found = BUCKET.contents(platform, "sales")
    assert found is not None and (found.words, found.files) == ("1 file", 1)
    BUCKET.delete(platform, "sales")
    assert BUCKET.owner(platform, "sales") is None
    assert BUCKET.contents(platform, "sales") is None
    BUCKET.delete(platform, "sales")


def test_a_stream_and_a_secret_have_the_owner_that_their_tags_name(platform: Platform) -> None:
    kinesis, secrets = client("kinesis"), client("secretsmanager")
    assert STREAM.owner(platform, "sales") is None
    kinesis.create_stream(StreamName="sales", ShardCount=1)
    kinesis.add_tags_to_stream(StreamName="sales", Tags=OWN)
    arn = secrets.create_secret(Name="token", Tags=TAGS)["ARN"]
    assert STREAM.owner(platform, "sales") == ObjectOwner("shop/orders/files", "prod")
    assert SECRET.owner(platform, arn) == ObjectOwner("shop/orders/files", "prod")
    contents = STREAM.contents(platform, "sales")
    assert contents is not None and contents.words == "messages of unknown number"
    STREAM.delete(platform, "sales")
    assert STREAM.owner(platform, "sales") is None


def test_an_unmarked_object_says_how_it_is_marked() -> None:
    assert BUCKET.claim("shop/orders/files", "prod") == (
        "tag it with managed_by=alchemesh, environment=prod, domain=shop, product=orders, port=files"
    )


@pytest.mark.parametrize(
    ("type_", "inputs", "identity"),
    [
        ("aws-native:s3:Bucket", {"bucketName": "sales"}, "sales"),
        ("aws-native:iam:RolePolicy", {"policyName": "p", "roleName": "r"}, "p|r"),
        ("aws-native:iam:RolePolicy", {"policyName": "p"}, None),
        ("aws-native:secretsmanager:Secret", {"name": "token"}, None),
        ("aws-native:ec2:Instance", {}, None),
    ],
)
def test_ids_follow_from_names_unless_aws_generates_them(
    type_: str, inputs: dict[str, str], identity: str | None
) -> None:
    assert identity_of(type_, inputs) == identity


def test_the_error_of_a_shell_without_credentials_says_how_to_sign_in() -> None:
    from botocore.exceptions import NoCredentialsError

    with pytest.raises(SignInFailed) as refused, answered("bucket sales"):
        raise NoCredentialsError
    assert refused.value.hint == "`aws sso login`, or set AWS_PROFILE or AWS_ACCESS_KEY_ID"
