"""The rules of a landed topic: declared columns, forms of values, and the handling of messages that do not fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from alchemesh_platform.machine.landing.source_columns import SourceColumn
from alchemesh_platform.manifest.models import LogicalType

OnBadRow = Literal["reject", "fail"]
OnNewColumn = Literal["add", "refuse", "ignore"]
OnAmbiguousTime = Literal["refuse", "earlier", "later"]
_NO_TYPES = {"description", "classification", "key", "unique"}


class Rules(BaseModel):
    """How messages become rows. Without declared columns, values land as the producer wrote them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[SourceColumn, ...] | None = Field(default=None, description="The declared columns.")
    date_format: str | None = Field(default=None, description="Form of dates whose property has none.")
    timestamp_format: str | None = Field(default=None, description="Form of timestamps whose property has none.")
    time_zone: str | None = Field(default=None, description="Time zone of timestamps without one.")
    on_ambiguous_time: OnAmbiguousTime = Field(default="refuse", description="Handling of a time that occurs twice.")
    on_bad_row: OnBadRow = Field(default="reject", description="reject: a dead letter. fail: the consumer stops.")
    on_new_column: OnNewColumn = Field(default="add", description="Handling of a name that the schema lacks.")

    @property
    def decimal_separator(self) -> str:
        """The character before the decimals of a number, as JSON has it."""
        return "."

    def form_of(self, kind: LogicalType) -> str | None:
        """The form of values of a type whose property says nothing."""
        if kind is LogicalType.DATE:
            return self.date_format
        return self.timestamp_format if kind is LogicalType.TIMESTAMP else None

    def declaration(self) -> dict[str, Any] | None:
        """The part that decides about landed values, as it is recorded; None without declared columns."""
        if self.columns is None:
            return None
        columns = [column.model_dump(mode="json", exclude=_NO_TYPES, exclude_none=True) for column in self.columns]
        forms = self.model_dump(include={"date_format", "timestamp_format", "time_zone", "on_ambiguous_time"})
        return {"columns": columns, **forms}

    def split(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The values of declared columns, by their names in the source, and all others."""
        names = {column.source_name.casefold(): column.source_name for column in self.columns or ()}
        declared = {names[name.casefold()]: value for name, value in values.items() if name.casefold() in names}
        return declared, {name: value for name, value in values.items() if name.casefold() not in names}

    def refused_name(self, others: Mapping[str, Any], known: Mapping[str, Any]) -> str | None:
        """The reason why a message may not have a name; None if it may have all its names.

        Args:
            others: Its values of columns that are not declared.
            known: Columns of the landed files that are not declared.
        """
        landed = {column.name.casefold(): column for column in self.columns or ()}
        for name in others:
            column = landed.get(name.casefold())
            if column is not None:
                return f"found the name {name!r}; the schema reads this column from {column.source_name!r}"
        fresh = self.new_names(others, known)
        if fresh and self.on_new_column == "refuse":
            where = "the schema of the port" if self.columns is not None else "the landed files"
            return f"column {fresh[0]} is not in {where}"
        return None

    def new_names(self, others: Mapping[str, Any], known: Mapping[str, Any]) -> list[str]:
        """Names that the schema lacks. The first batch of a port without declared columns defines its schema."""
        if self.columns is None and not known:
            return []
        spelt = {name.casefold() for name in known}
        return [name for name in others if name.casefold() not in spelt]
