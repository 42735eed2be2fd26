"""The rights that reading or writing an object needs, as statements of IAM: no more than these."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pulumi

from alchemesh_components.aws.access import Statement, allow, literal

# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
READ_OBJECTS = ("s3:GetObject",)
WRITE_OBJECTS = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload")
LIST_OBJECTS = ("s3:ListBucket", "s3:GetBucketLocation")
# https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
DECRYPT = ("kms:Decrypt",)
ENCRYPT = ("kms:Decrypt", "kms:GenerateDataKey")


def files(
    bucket: pulumi.Input[str], key: str | None, *, write: bool = False, folder: str = "", partition: str = "aws"
) -> Iterator[Statement]:
    """The rights on the objects of a bucket, or of a folder in it.

    Args:
        bucket: Name of the bucket.
        key: The key that encrypts them; None for a key of AWS, which needs no right.
        write: Whether objects are written too.
        folder: The folder, with a slash at its end; empty for the whole bucket.
        partition: Partition of the bucket's ARN.
    """
    arn = pulumi.Output.concat(f"arn:{partition}:s3:::", bucket)
    inside = f"{literal(folder)}*"
    yield allow(WRITE_OBJECTS if write else READ_OBJECTS, pulumi.Output.concat(arn, f"/{inside}"))
    limit: dict[str, Any] = {"StringLike": {"s3:prefix": [inside]}} if folder else {}
    if folder:
        yield allow(LIST_OBJECTS[:1], arn, limit)
        yield allow(LIST_OBJECTS[1:], arn)
    else:
        yield allow(LIST_OBJECTS, arn)
    yield from with_key(key, "s3", write=write)


def with_key(key: str | None, service: str, *, write: bool) -> Iterator[Statement]:
    """The rights on the key of encrypted data, through its service only; none for a key of AWS.

    Args:
        key: The key's ARN.
        service: ``s3``, ``kinesis`` or ``secretsmanager``.
        write: Whether data is written too.

    Source: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    """
    if key is not None:
        _, partition, _, region, *_ = key.split(":")
        through = f"{service}.{region}.amazonaws.com{'.cn' if partition == 'aws-cn' else ''}"
        yield allow(ENCRYPT if write else DECRYPT, key, {"StringEquals": {"kms:ViaService": through}})
