"""The objects of AWS that hold a component's data, as its resources will name them.

Only light modules are imported, so that a manifest is checked without Pulumi.
"""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.aws.names import BUCKET, SECRET, STREAM, resource_name
from alchemesh_components.aws.settings import AwsSettings
from alchemesh_platform.sdk.system.cloud_object import HeldObject
from alchemesh_platform.sdk.wiring import Wiring


def bucket(aws: AwsSettings, wiring: Wiring, name: str = "bucket") -> Iterator[HeldObject]:
    """The bucket of a port or need."""
    yield HeldObject("aws-native:s3:Bucket", name, {"bucketName": resource_name(BUCKET, aws, wiring)})


def streams(aws: AwsSettings, wiring: Wiring) -> Iterator[HeldObject]:
    """A stream for each model of a port."""
    for model in wiring.models:
        yield HeldObject("aws-native:kinesis:Stream", model, {"name": resource_name(STREAM, aws, wiring, model)})


def secret(aws: AwsSettings, wiring: Wiring) -> Iterator[HeldObject]:
    """The secret of a need."""
    yield HeldObject("aws-native:secretsmanager:Secret", "secret", {"name": resource_name(SECRET, aws, wiring)})
