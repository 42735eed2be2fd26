"""Statements of policies on AWS: no wider than the folder, the key, and the account that they name."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from alchemesh_components.aws.access import Principal, literal
from alchemesh_components.aws.rights import with_key
from alchemesh_components.aws.settings import AwsSettings, Settings
from alchemesh_components.aws.tags import tags_of
from alchemesh_components.code.lambda_function.models import Args as FunctionArgs
from alchemesh_components.infrastructure.service_role.models import Args as RoleArgs
from alchemesh_components.input_ports.s3_files.check import check
from alchemesh_components.input_ports.s3_files.models import Args as FilesArgs
from alchemesh_platform.sdk.wiring import Wiring

ACCOUNT = "123456789012"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1111"
CHINA = f"arn:aws-cn:kms:cn-north-1:{ACCOUNT}:key/1111"


def aws(**more: Any) -> AwsSettings:
    return AwsSettings(account=ACCOUNT, region="eu-central-1", **more)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("departures/", "departures/"),
        ("${aws:username}/", "${$}{aws:username}/"),
        ("user/*@acme.example", "user/${*}@acme.example"),
        ("a?b", "a${?}b"),
    ],
)
def test_iam_reads_a_name_as_it_is_written(text: str, written: str) -> None:
    assert literal(text) == written


@pytest.mark.parametrize(
    ("key", "service", "through"),
    [
        (KEY, "s3", "s3.eu-central-1.amazonaws.com"),
        (KEY, "kinesis", "kinesis.eu-central-1.amazonaws.com"),
        (
            KEY.replace(":aws:", ":aws-cn:").replace("eu-central-1", "cn-north-1"),
            "s3",
            "s3.cn-north-1.amazonaws.com.cn",
        ),
    ],
)
def test_a_key_is_used_through_its_service_only(key: str, service: str, through: str) -> None:
    (statement,) = with_key(key, service, write=False)
    assert statement["Action"] == ["kms:Decrypt"]
    assert statement["Condition"] == {"StringEquals": {"kms:ViaService": through}}
    assert list(with_key(None, service, write=True)) == []


@pytest.mark.parametrize(
    ("prefix", "bucket", "refused"),
    [
        ("acme", "acme--prod--sales--orders--orders-table", True),
        ("acme", "acme-dispatch", False),
        ("", f"{ACCOUNT}--prod--sales--orders--orders-table", True),
        ("", f"x{ACCOUNT}--prod--sales--orders--abcdefghij", True),
        ("", "999999999999--prod--sales--orders--orders-table", False),
    ],
)
def test_an_input_port_of_files_reads_no_bucket_of_another_product(prefix: str, bucket: str, refused: bool) -> None:
    args = FilesArgs(path=f"s3://{bucket}/order/", format="parquet")
    found = list(check(args, Settings(aws=aws(name_prefix=prefix)), Wiring()))
    assert [each.path for each in found] == ([("path",)] if refused else [])


def test_two_people_of_one_grant_have_resources_of_their_own() -> None:
    people = [Principal("user", name) for name in ("a.b@acme.example", "a-b@acme.example", "cy@acme.example")]
    assert people[0].slug == "user-a-b-acme-example"
    assert re.fullmatch(r"user-a-b-acme-example-[0-9a-f]{8}", people[1].slug)
    assert people[2].slug == "user-cy-acme-example"


def test_tag_keys_that_differ_in_case_only_are_one_key() -> None:
    tags = {each["key"]: each["value"] for each in tags_of(aws(tags={"Product": "x"}), Wiring(product="orders"))}
    assert tags["product"] == "orders"
    assert "Product" not in tags
    with pytest.raises(ValidationError, match="found 46 tags, expected at most 44"):
        aws(tags={f"k{number}": "x" for number in range(46)})
    with pytest.raises(ValidationError, match="found the keys Team and team"):
        aws(tags={"Team": "a", "team": "b"})


def test_a_description_that_iam_refuses_is_refused_before() -> None:
    assert RoleArgs(description="Überträgt Flüge").description == "Überträgt Flüge"
    with pytest.raises(ValidationError, match="description"):
        RoleArgs(description="nightly — export")


@pytest.mark.parametrize("pattern", ["../*.py", "/etc/*", "job/../../*.py", ""])
def test_a_package_has_files_of_the_manifest_folder_only(pattern: str) -> None:
    with pytest.raises(ValidationError, match="expected a pattern of files in the manifest's folder"):
        FunctionArgs(entrypoint="job:main", include=(pattern,))
