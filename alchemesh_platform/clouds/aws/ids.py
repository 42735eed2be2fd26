"""Ids of resources, as Cloud Control joins the primary identifier of a type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Type: the inputs that its id consists of. https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/resource-identifier.html
IDENTIFIERS: dict[str, tuple[str, ...]] = {
    "aws-native:athena:WorkGroup": ("name",),
    "aws-native:ecr:Repository": ("repositoryName",),
    "aws-native:glue:Database": ("databaseName",),
    "aws-native:iam:GroupPolicy": ("policyName", "groupName"),
    "aws-native:iam:Role": ("roleName",),
    "aws-native:iam:RolePolicy": ("policyName", "roleName"),
    "aws-native:iam:UserPolicy": ("policyName", "userName"),
    "aws-native:kinesis:Stream": ("name",),
    "aws-native:s3:Bucket": ("bucketName",),
    "aws-native:s3:BucketPolicy": ("bucket",),
}


def identity_of(pulumi_type: str, inputs: Mapping[str, Any]) -> str | None:
    """The id of a resource; None if AWS generates it (as for secrets), or the type is unknown.

    Args:
        pulumi_type: ``aws-native:s3:Bucket``.
        inputs: Its inputs.
    """
    parts = [inputs.get(name) for name in IDENTIFIERS.get(pulumi_type, ())]
    if not parts or not all(isinstance(part, str) and part for part in parts):
        return None
    return "|".join(str(part) for part in parts)
