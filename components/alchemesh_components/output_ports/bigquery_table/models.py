"""Arguments of bigquery-table."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from alchemesh_platform.base.units import Duration
from alchemesh_platform.sdk.models import Identifier, Strict

CLUSTERINGS_MAX = 4  # https://cloud.google.com/bigquery/docs/clustered-tables#limitations


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


OneOrMany = Annotated[
    tuple[Identifier, ...],
    BeforeValidator(_one_or_many, json_schema_input_type=Identifier | tuple[Identifier, ...]),
]


class Args(Strict):
    """Arguments of columnar tables."""

    partition_by: OneOrMany = Field(
        default=(),
        description="Property, a date or timestamp, to partition rows by its day; ignored for models without it.",
    )
    cluster_by: Annotated[OneOrMany, Field(max_length=CLUSTERINGS_MAX)] = Field(
        default=(), description="Properties to sort rows by; ignored for models without them."
    )
    expiration: Duration | None = Field(
        default=None, description="Retention of a partition after its day; by default unlimited."
    )
    on_incompatible_change: Literal["refuse", "replace"] = Field(
        default="refuse",
        description="Handling of a model change that the table cannot follow: replace loses the rows.",
    )
    keep_on_destroy: bool = Field(default=True, description="Whether the rows stay when the tables are removed.")
