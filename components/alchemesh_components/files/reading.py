"""How the files of an input port are read: the same arguments wherever they are, so that one manifest fits all."""

from __future__ import annotations

import codecs
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from alchemesh_platform.documents.patterns import TIME_ZONE_PATTERN
from alchemesh_platform.manifest.source_formats import specifiers
from alchemesh_platform.sdk.models import Strict

Character = Annotated[str, StringConstraints(min_length=1, max_length=1)]


def _known_encoding(name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError:
        raise ValueError(f"unknown encoding {name!r}; well-known ones are utf-8, latin-1, cp1252 and utf-16") from None
    return name


def _date(form: str) -> str:
    specifiers(form, "date")
    return form


def _timestamp(form: str) -> str:
    specifiers(form, "timestamp")
    return form


class TextArgs(Strict):
    """How text becomes fields."""

    path: str = Field(
        min_length=1, description="File or glob that the data is read from, relative to the manifest's folder."
    )
    format: Literal["csv", "json", "parquet"] = Field(
        description="Format of the files; json is one object for each line."
    )
    null_values: tuple[str, ...] = Field(
        default=("",), description="CSV: texts that mean *no value*, outside of quotes; an empty list for none."
    )
    delimiter: Character | None = Field(
        default=None, description="CSV: separator of fields; by default the only one of , ; | and tab in the header."
    )
    quote: Annotated[str, StringConstraints(max_length=1)] = Field(
        default='"', description="CSV: character around fields; an empty text for none."
    )
    escape: Annotated[str, StringConstraints(max_length=1)] = Field(
        default='"', description="CSV: character before a quote inside a field."
    )
    header: bool = Field(default=True, description="CSV: whether the first line names the columns.")
    skip_lines: int = Field(default=0, ge=0, description="CSV: lines before the header.")
    encoding: Annotated[str, AfterValidator(_known_encoding)] = Field(
        default="utf-8", description="CSV and JSON: encoding of the text, by its name in Python."
    )
    decimal_separator: Literal[".", ","] = Field(
        default=".", description="CSV: character before the decimals of a number."
    )

    @model_validator(mode="after")
    def _distinct_characters(self) -> Self:
        if self.delimiter is not None and self.delimiter in {self.quote, self.escape}:
            raise ValueError("delimiter, quote and escape have to differ: a delimiter cannot be a quote")
        if self.delimiter is not None and self.delimiter == self.decimal_separator:
            raise ValueError(f"delimiter and decimal_separator are both {self.delimiter!r}: set another delimiter")
        return self


class TimeArgs(Strict):
    """How dates and times of a source are read."""

    date_format: Annotated[str, AfterValidator(_date)] | None = Field(
        default=None, description="Form of dates whose property has no `format`; ISO 8601 by default."
    )
    timestamp_format: Annotated[str, AfterValidator(_timestamp)] | None = Field(
        default=None, description="Form of timestamps whose property has no `format`; ISO 8601 by default."
    )
    time_zone: Annotated[str, StringConstraints(pattern=TIME_ZONE_PATTERN)] | None = Field(
        default=None, description="Time zone of timestamps without one, as in Europe/Berlin."
    )
    on_ambiguous_time: Literal["refuse", "earlier", "later"] = Field(
        default="refuse", description="Handling of a local time that occurs twice, when the clock is set back."
    )


class ValueArgs(TimeArgs):
    """How values are read, and what happens with those that do not fit."""

    on_bad_row: Literal["fail", "reject"] = Field(
        default="fail", description="Handling of a row that does not fit the schema; reject keeps it in a reject file."
    )
    on_new_column: Literal["refuse", "add", "ignore"] = Field(
        default="refuse", description="Handling of a column that not all files have."
    )

    def reading(self) -> dict[str, Any]:
        """The options that are set, for code that reads the files itself."""
        names = {*TextArgs.model_fields, *ValueArgs.model_fields} - {"path", "format"}
        return self.model_dump(mode="json", include=names, exclude_defaults=True)
