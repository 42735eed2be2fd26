"""AWS, as a system."""

from __future__ import annotations

from alchemesh_platform.clouds.aws.identities import AWS_ROLE
from alchemesh_platform.sdk.system.system import System

_OBJECTS = "alchemesh_platform.clouds.aws.objects"

SYSTEM = System(
    name="aws",
    summary="AWS: packages of functions, its errors, identities and objects, and rows in S3.",
    handlers={
        "alchemesh:aws:Package": "alchemesh_platform.clouds.aws.handlers.package:PackageHandler",
        "alchemesh:aws:Reports": "alchemesh_platform.clouds.aws.handlers.reports:ReportsHandler",
    },
    connections={"aws-role": "alchemesh_platform.clouds.aws.connections:RoleConnection"},
    errors="alchemesh_platform.clouds.aws.errors:ERRORS",
    emulation="alchemesh_platform.clouds.aws.emulation.environment:EMULATION",
    import_ids={"aws-native": "alchemesh_platform.clouds.aws.ids:identity_of"},
    data={
        "files/s3": "alchemesh_platform.clouds.aws.data.folder:DATA",
        "tables/parquet": "alchemesh_platform.clouds.aws.data.folder:TABLES",
        "data-api/athena": "alchemesh_platform.clouds.aws.data.folder:ATHENA",
        "topic/kinesis": "alchemesh_platform.clouds.aws.data.streams:DATA",
    },
    probes={
        "files/s3": "alchemesh_platform.clouds.aws.probes:BUCKETS",
        "tables/parquet": "alchemesh_platform.clouds.aws.probes:TABLES",
        "topic/kinesis": "alchemesh_platform.clouds.aws.probes:STREAMS",
        "data-api/athena": "alchemesh_platform.clouds.aws.probes:ATHENA",
    },
    objects={
        "aws-native:s3:Bucket": f"{_OBJECTS}.data:BUCKET",
        "aws-native:kinesis:Stream": f"{_OBJECTS}.data:STREAM",
        "aws-native:secretsmanager:Secret": f"{_OBJECTS}.data:SECRET",
    },
    identities={AWS_ROLE: "a role of IAM, by its name"},
)
