"""Arguments of s3-files."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from alchemesh_components.aws.settings import KmsKey
from alchemesh_components.files.reading import TextArgs, ValueArgs

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; a folder, no globs
SOURCE_PATTERN = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/|/[^*?\[\]]*/)?$"


class Args(ValueArgs, TextArgs):
    """Arguments of file ingestion."""

    path: Annotated[str, StringConstraints(pattern=SOURCE_PATTERN)] = Field(
        description="Source bucket, or a folder in it: s3://bucket or s3://bucket/folder/",
        examples=["s3://acme-dispatch/departures/"],
    )
    format: Literal["csv", "json", "parquet"] = Field(
        description="Format of the files, which are read where they are; json is one object for each line."
    )
    key: KmsKey | None = Field(default=None, description="Key of KMS that encrypts the files, if it is not one of AWS.")
