"""The configuration of the server: one JSON file, which the platform writes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from alchemesh_platform.systems.local.data_api.http.kinds import kind_of

NAME_BYTES_MAX = 63  # PostgreSQL truncates longer names

MEGABYTE = 1024 * 1024
CONSUMER_HEADER = "X-Alchemesh-Consumer"  # the gateway sets it, and removes the one of a client
ROWS_HEADER = "Alchemesh-Rows"  # the number of rows of an answer; after the rows of a stream


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ServedColumn(_Part):
    """A column of a table."""

    name: str = Field(min_length=1, description="Name of the column.")
    type: str = Field(description="Type in PostgreSQL, as `format_type` prints it.")
    nullable: bool = Field(default=True, description="Whether a row may have no value.")
    description: str = Field(default="", description="Meaning of the column.")

    @model_validator(mode="after")
    def _is_known(self) -> ServedColumn:
        kind_of(self.type)
        return self


class ConfiguredTable(_Part):
    """A table that the platform asks to serve."""

    name: str = Field(min_length=1, description="Name of the table.")
    schema_name: str = Field(default="public", alias="schema", description="Schema of the table.")
    columns: tuple[ServedColumn, ...] | None = Field(
        default=None, description="Columns, in the order of the model; None: as the serving copy has them."
    )
    key: tuple[str, ...] = Field(default=(), description="Columns of the key.")
    description: str = Field(default="", description="Meaning of a row.")
    delta: str | None = Field(default=None, description="Folder of the Delta table that the copy was loaded from.")

    def with_columns(self, columns: tuple[ServedColumn, ...]) -> ServedTable:
        """The table as it is served, with the part of the key that exists."""
        names = {column.name for column in columns}
        return ServedTable(
            **{
                **self.model_dump(by_alias=True),
                "columns": columns,
                "key": tuple(name for name in self.key if name in names),
            }
        )


class ServedTable(ConfiguredTable):
    """A table of the serving copy, with its columns."""

    columns: tuple[ServedColumn, ...] = Field(description="Columns, in the order of the model.")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> ServedColumn:
        """The column of this name, which exists."""
        return next(column for column in self.columns if column.name == name)

    @model_validator(mode="after")
    def _is_consistent(self) -> ServedTable:
        for name in (self.name, self.schema_name, *self.names):
            # asyncpg replaces `$1` in the text of a COPY, so a name must not contain it.
            if len(name.encode()) > NAME_BYTES_MAX or "$" in name or "\0" in name:
                raise ValueError(f"{name!r} is not a name that can be served")
        if len(set(self.names)) < len(self.columns):
            raise ValueError(f"table {self.name} has two columns of one name")
        if missing := set(self.key) - set(self.names):
            raise ValueError(f"the key of table {self.name} has no column {sorted(missing)[0]}")
        return self


class Limits(_Part):
    """Limits of one request and of the server."""

    statement_seconds: Annotated[float, Field(gt=0)] = Field(default=60.0, description="Time for one statement.")
    rows_max: Annotated[int, Field(gt=0)] = Field(default=20_000_000, description="Rows of one answer.")
    page_rows_max: Annotated[int, Field(gt=0)] = Field(default=10_000, description="Rows of a page with a next link.")
    answer_bytes_max: Annotated[int, Field(gt=0)] = Field(
        default=64 * MEGABYTE, description="Bytes of an answer that the server holds in memory: a page, GraphQL."
    )
    body_bytes_max: Annotated[int, Field(gt=0)] = Field(default=MEGABYTE, description="Bytes of a request's body.")
    connections_max: Annotated[int, Field(gt=0)] = Field(default=12, description="Requests that use PostgreSQL.")
    consumer_connections_max: Annotated[int, Field(gt=0)] = Field(default=6, description="Those of one consumer.")
    wait_seconds: Annotated[float, Field(gt=0)] = Field(default=10.0, description="Time that a request waits for one.")
    graphql_rows_max: Annotated[int, Field(gt=0)] = Field(default=10_000, description="Rows of one field in GraphQL.")
    graphql_depth_max: Annotated[int, Field(gt=0)] = Field(
        default=20, description="Nested fields in a query; those of GraphiQL's introspection have 13."
    )
    graphql_fields_max: Annotated[int, Field(gt=0)] = Field(default=500, description="Fields, fragments expanded.")
    graphql_values_max: Annotated[int, Field(gt=0)] = Field(
        default=1_000_000, description="Values that a query may read: rows times columns, of all its fields."
    )
    graphql_tokens_max: Annotated[int, Field(gt=0)] = Field(default=3_000, description="Tokens of a query.")


class Address(_Part):
    """An address of TCP."""

    host: str = Field(description="Address to listen on.")
    port: int = Field(ge=0, le=65535, description="Port to listen on.")


class Configuration(_Part):
    """The configuration of the server."""

    dsn: str = Field(description="The serving copy, as the role that serves HTTP.")
    socket: Address | str = Field(description="Path of the Unix socket, or an address.")
    tables: tuple[ConfiguredTable, ...] = Field(description="Served tables.")
    limits: Limits = Field(default_factory=Limits, description="Limits.")
    title: str = Field(default="Data API", description="Title of the OpenAPI document.")
    version: str = Field(default="1.0.0", description="Version of the port's contract.")
    statements: bool = Field(default=True, description="Whether consumers can run statements of their own.")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tables."""
        return tuple(table.name for table in self.tables)


def read_configuration(path: Path) -> Configuration:
    """Read the configuration.

    Raises:
        OSError: when the file cannot be read.
        pydantic.ValidationError: when it is not as expected.
    """
    return Configuration.model_validate_json(path.read_bytes())
