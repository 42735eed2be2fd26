"""Resources beside BigQuery's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pulumi
from pulumi import Input, Output

from alchemesh_platform.sdk.resource import PlatformResource


class TableSchema(PlatformResource):
    """Refuses a change of a BigQuery table's schema that the table cannot follow, before anything runs."""

    pulumi_type = "alchemesh:bigquery:TableSchema"

    table: Output[str]
    fields: Output[list[dict[str, Any]]]
    partition_by: Output[str | None]
    encryption_key: Output[str | None]
    location: Output[str | None]
    on_incompatible_change: Output[str]

    def __init__(
        self,
        name: str,
        *,
        table: Input[str],
        fields: Input[Sequence[Input[Mapping[str, Any]]]],
        partition_by: Input[str] | None = None,
        encryption_key: Input[str] | None = None,
        location: Input[str] | None = None,
        on_incompatible_change: Input[Literal["refuse", "replace"]] = "refuse",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "table": table,
            "fields": fields,
            "partition_by": partition_by,
            "encryption_key": encryption_key,
            "location": location,
            "on_incompatible_change": on_incompatible_change,
        }
        super().__init__(name, inputs, opts)
