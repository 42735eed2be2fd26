"""Arguments of delta-table."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from alchemesh_platform.base.units import Duration
from alchemesh_platform.sdk.models import Identifier, Strict


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _whole_hours(age: timedelta) -> timedelta:
    if age < timedelta(hours=1) or age % timedelta(hours=1):
        raise ValueError("expected whole hours, at least 1h: a reader may still read the former version")
    return age


class Args(Strict):
    """Arguments of columnar tables."""

    partition_by: Annotated[
        tuple[Identifier, ...],
        BeforeValidator(_one_or_many, json_schema_input_type=Identifier | tuple[Identifier, ...]),
    ] = Field(
        default=(), description="Property or properties to group rows by on disk; ignored for models without them."
    )
    retention: Annotated[Duration, AfterValidator(_whole_hours)] | None = Field(
        default=None,
        examples=["7d"],
        description="Age after which files of former versions of a table are removed, in whole hours; by default they "
        "stay. Consumers read the current version.",
    )
    on_incompatible_change: Literal["refuse", "replace"] = Field(
        default="refuse",
        description="Handling of a model change that the table cannot follow: replace loses the rows.",
    )
    keep_on_destroy: bool = Field(default=True, description="Whether the rows stay when the tables are removed.")
