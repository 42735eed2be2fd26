"""Arguments of delta-table."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from alchemesh_platform.sdk.models import Identifier, Strict


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


class Args(Strict):
    """Arguments of columnar tables."""

    partition_by: Annotated[
        tuple[Identifier, ...],
        BeforeValidator(_one_or_many, json_schema_input_type=Identifier | tuple[Identifier, ...]),
    ] = Field(
        default=(), description="Property or properties to group rows by on disk; ignored for models without them."
    )
    on_incompatible_change: Literal["refuse", "replace"] = Field(
        default="refuse",
        description="Handling of a model change that the table cannot follow: replace loses the rows.",
    )
    keep_on_destroy: bool = Field(default=True, description="Whether the rows stay when the tables are removed.")
