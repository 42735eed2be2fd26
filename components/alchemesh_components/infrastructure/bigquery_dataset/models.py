"""Arguments of bigquery-dataset."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from alchemesh_platform.base.units import Duration
from alchemesh_platform.sdk.models import Strict

# https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets#Dataset.FIELDS.default_table_expiration_ms
EXPIRATION_MIN = timedelta(hours=1)


def _long_enough(span: timedelta) -> timedelta:
    if span < EXPIRATION_MIN:
        raise ValueError("expected at least 1h, the shortest that BigQuery knows")
    return span


class Args(Strict):
    """Arguments of a dataset in between."""

    expiration: Annotated[Duration, AfterValidator(_long_enough)] = Field(
        default=timedelta(days=7), description="Time after which a table expires."
    )
    keep_on_destroy: bool = Field(
        default=True,
        description="Whether the dataset stays when the need is removed. Its tables still expire.",
    )
