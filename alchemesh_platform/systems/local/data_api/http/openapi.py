"""The OpenAPI description of the tables: parameters, rows and formats."""

from __future__ import annotations

from typing import Any

from alchemesh_platform.systems.local.data_api.http.configuration import Limits, ServedColumn, ServedTable
from alchemesh_platform.systems.local.data_api.http.kinds import ColumnKind, Kind, kind_of
from alchemesh_platform.systems.local.data_api.http.problems import MEDIA_TYPE
from alchemesh_platform.systems.local.data_api.http.rows.formats import NAMES, Format
from alchemesh_platform.systems.local.data_api.http.rows.parameters import operators_of
from alchemesh_platform.systems.local.data_api.http.rows.query import Operator

_SCHEMAS: dict[Kind, dict[str, Any]] = {
    Kind.INTEGER: {"type": "integer", "format": "int64"},
    Kind.FLOAT: {
        "anyOf": [
            {"type": "number", "format": "double"},
            {"type": "string", "enum": ["NaN", "Infinity", "-Infinity"]},
        ]
    },
    Kind.DECIMAL: {"type": "number", "description": "Exact. With `decimals=text`, a text."},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.TEXT: {"type": "string"},
    Kind.DATE: {"type": "string", "format": "date"},
    Kind.TIME: {"type": "string", "format": "time"},
    Kind.LOCAL: {"type": "string", "description": "ISO 8601 without a zone."},
    Kind.ZONED: {"type": "string", "format": "date-time"},
    Kind.BYTES: {"type": "string", "format": "byte"},
    Kind.JSON: {"description": "An object or an array."},
}
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "parameter": {"type": "string"},
        "hint": {"type": "string"},
    },
}
ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "The request is wrong.", "content": {MEDIA_TYPE: {"schema": PROBLEM}}},
    "5XX": {"description": "Try again.", "content": {MEDIA_TYPE: {"schema": PROBLEM}}},
}


def value_schema(kind: ColumnKind, nullable: bool) -> dict[str, Any]:
    """The JSON Schema of a value."""
    schema = dict(_SCHEMAS[kind.kind])
    for _ in range(kind.dimensions):
        schema = {"type": "array", "items": _or_null(schema)}
    return _or_null(schema) if nullable else schema


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    if "type" in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]} if "anyOf" in schema else schema


def row_schema(table: ServedTable) -> dict[str, Any]:
    """The JSON Schema of a row."""
    return {
        "type": "object",
        "title": table.name,
        "description": table.description,
        "required": list(table.names),
        "properties": {column.name: _column(column) for column in table.columns},
    }


def _column(column: ServedColumn) -> dict[str, Any]:
    schema = value_schema(kind_of(column.type), column.nullable)
    return {**schema, "description": column.description} if column.description else schema


def responses(table: ServedTable) -> dict[int | str, dict[str, Any]]:
    """The answers with rows of a table."""
    rows = {"type": "array", "items": row_schema(table)}
    texts: dict[str, Any] = {NAMES[each][0]: {"schema": {"type": "string"}} for each in (Format.CSV, Format.NDJSON)}
    binary: dict[str, Any] = {
        NAMES[each][0]: {"schema": {"type": "string", "format": "binary"}} for each in (Format.ARROW, Format.PARQUET)
    }
    content = {NAMES[Format.JSON][0]: {"schema": rows}, **texts, **binary}
    link = {"description": "The next page, as `rel=next` (RFC 8288).", "schema": {"type": "string"}}
    return {200: {"description": "Rows.", "content": content, "headers": {"Link": link}}, **ERRORS}


def parameters(table: ServedTable, limits: Limits) -> list[dict[str, Any]]:
    """The parameters of a request for rows."""
    listed = {"type": "array", "items": {"type": "string", "enum": list(table.names)}, "uniqueItems": True}
    found = [
        _parameter("columns", "Columns of the answer, between commas.", listed, explode=False),
        _parameter("sort", "Columns to sort by, between commas; `-` before a name sorts descending.", None),
        _parameter(
            "limit",
            f"Rows at most. Up to {limits.page_rows_max}, the answer links to the next page.",
            {"type": "integer", "minimum": 0, "maximum": limits.rows_max},
        ),
        _parameter("offset", "Rows to leave out first.", {"type": "integer", "minimum": 0}),
        _parameter("cursor", "Place after a page, from its `next` link.", {"type": "string"}),
        _parameter("decimals", "Form of decimals in JSON.", {"type": "string", "enum": ["number", "text"]}),
    ]
    for column in table.columns:
        kind = kind_of(column.type)
        for operator in operators_of(kind):
            name = f"filter[{column.name}]{'' if operator is Operator.EQ else operator}"
            found.append(_parameter(name, f"Rows whose {column.name} {_WORDS[operator]}.", {"type": "string"}))
    return found


_WORDS = {
    Operator.EQ: "equals the value; a text may have single quotes",
    Operator.NEQ: "differs from the value",
    Operator.LT: "is less than the value",
    Operator.LTE: "is at most the value",
    Operator.GT: "is greater than the value",
    Operator.GTE: "is at least the value",
    Operator.IN: "is one of the values between commas",
    Operator.LIKE: "matches the pattern of SQL: % stands for any text, _ for one character",
    Operator.NULL: "is null (`true`) or is not (`false`)",
}


def _parameter(name: str, description: str, schema: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema or {"type": "string"},
        **more,
    }


GRAPHQL: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["query"],
                    "properties": {
                        "query": {"type": "string"},
                        "variables": {"type": ["object", "null"]},
                        "operationName": {"type": ["string", "null"]},
                    },
                }
            }
        },
    }
}
STATEMENT: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"text/plain": {"schema": {"type": "string"}}}},
    "responses": {
        "200": {
            "description": "Rows.",
            "content": {NAMES[Format.JSON][0]: {"schema": {"type": "array", "items": {"type": "object"}}}},
        }
    },
}
