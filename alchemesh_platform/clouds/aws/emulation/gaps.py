"""Differences of MiniStack: properties that it leaves out, no TLS, and no managed results of Athena."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

BUCKET = "AWS::S3::Bucket"
ROLE = "AWS::IAM::Role"
BUCKET_POLICY = "AWS::S3::BucketPolicy"
WORKGROUP = "AWS::Athena::WorkGroup"
# Attributes that MiniStack has as numbers, which no stack can output.
NO_TEXT = {"AWS::IAM::ManagedPolicy": ("AttachmentCount", "IsAttachable", "PermissionsBoundaryUsageCount")}
UNNAMED_REGION = "us-east-1"  # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
RESULTS = "emulated-athena-results"  # bucket with the results that Athena itself would keep


def fill(type_: str, properties: Mapping[str, Any], client_for: Callable[[str], Any]) -> None:
    """Set the properties of a resource that its stack left out: tags and rules of a bucket, the limit of a role.

    Args:
        type_: Type of CloudFormation.
        properties: The declared properties, with the names of CloudFormation.
        client_for: Returns boto3's client of a service.
    """
    if type_ == ROLE and (boundary := properties.get("PermissionsBoundary")):
        client_for("iam").put_role_permissions_boundary(RoleName=properties["RoleName"], PermissionsBoundary=boundary)
    if type_ != BUCKET or "BucketName" not in properties:
        return
    s3, name = client_for("s3"), properties["BucketName"]
    if tags := properties.get("Tags"):
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": list(tags)})
    rules = (properties.get("LifecycleConfiguration") or {}).get("Rules")
    if rules:
        s3.put_bucket_lifecycle_configuration(
            Bucket=name, LifecycleConfiguration={"Rules": [_rule(each) for each in rules]}
        )


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule of CloudFormation, as S3's own interface takes it.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-rule.html
    """
    found: dict[str, Any] = {"ID": rule["Id"], "Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    expiration: dict[str, Any] = {}
    if "ExpirationInDays" in rule:
        expiration["Days"] = int(rule["ExpirationInDays"])
    if rule.get("ExpiredObjectDeleteMarker"):
        expiration["ExpiredObjectDeleteMarker"] = True
    if expiration:
        found["Expiration"] = expiration
    for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if name in rule:
            found[name] = {key: int(value) for key, value in rule[name].items()}
    return found


def with_results(properties: Mapping[str, Any], client_for: Callable[[str], Any]) -> dict[str, Any]:
    """The properties of a workgroup of Athena, with a place for results that Athena itself would keep."""
    configuration = dict(properties.get("WorkGroupConfiguration") or {})
    if not (configuration.pop("ManagedQueryResultsConfiguration", None) or {}).get("Enabled"):
        return dict(properties)
    _ensure_bucket(client_for("s3"), RESULTS)
    configuration["ResultConfiguration"] = {"OutputLocation": f"s3://{RESULTS}/{properties['Name']}/"}
    return {**properties, "WorkGroupConfiguration": configuration}


def _ensure_bucket(s3: Any, name: str) -> None:
    region = s3.meta.region_name
    place = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region != UNNAMED_REGION else {}
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket=name, **place)


def without_tls(properties: Mapping[str, Any]) -> dict[str, Any] | None:
    """The properties of a bucket's policy without statements that refuse requests without TLS; None if nothing is left.

    The emulated services are on this machine's loopback address, without TLS: these statements would refuse everything.
    """
    document = properties.get("PolicyDocument") or {}
    statements = [each for each in document.get("Statement") or () if not _refuses_plain(each)]
    return {**properties, "PolicyDocument": {**document, "Statement": statements}} if statements else None


def _refuses_plain(statement: Mapping[str, Any]) -> bool:
    condition = (statement.get("Condition") or {}).get("Bool") or {}
    return statement.get("Effect") == "Deny" and str(condition.get("aws:SecureTransport")).lower() == "false"
