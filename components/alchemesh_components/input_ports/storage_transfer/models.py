"""Arguments of storage-transfer."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from alchemesh_components.files.reading import TextArgs, ValueArgs
from alchemesh_platform.base.units import Duration

# https://cloud.google.com/storage/docs/buckets#naming; Storage Transfer takes folders, no globs
SOURCE_PATTERN = r"^gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](/|/[^*?\[\]]*/)?$"
# https://cloud.google.com/storage-transfer/docs/reference/rest/v1/transferJobs#schedule
REPEAT_MIN = timedelta(hours=1)


def _long_enough(span: timedelta) -> timedelta:
    if span < REPEAT_MIN:
        raise ValueError("expected at least 1h, the shortest that Storage Transfer knows")
    return span


class Args(ValueArgs, TextArgs):
    """Arguments of file ingestion."""

    path: Annotated[str, StringConstraints(pattern=SOURCE_PATTERN)] = Field(
        description="Source bucket, or a folder in it: gs://bucket or gs://bucket/folder/",
        examples=["gs://acme-dispatch/departures/"],
    )
    format: Literal["csv", "json", "parquet"] = Field(
        description="Format of the files, which are copied as they are; json is one object for each line."
    )
    mirror: bool = Field(default=False, description="Whether files that were removed at the source are removed too.")
    every: Annotated[Duration, AfterValidator(_long_enough)] = Field(
        default=timedelta(hours=1), description="Interval between copies of new and changed files."
    )
    ask_source: bool = Field(
        default=True,
        description=(
            "Whether the right to read the source is granted too; set to false if the owner of the source grants it."
        ),
    )
    keep_on_destroy: bool = Field(default=True, description="Whether the copied files stay when the port is removed.")
