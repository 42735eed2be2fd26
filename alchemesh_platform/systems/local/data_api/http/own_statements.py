"""SQL over REST: a consumer's own statement, run on a connection of that consumer alone."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import AsyncIterator, Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import asyncpg

from alchemesh_platform.systems.local.data_api.http.database import Database
from alchemesh_platform.systems.local.data_api.http.problems import Problem
from alchemesh_platform.systems.local.data_api.http.rows import arrow, statements
from alchemesh_platform.systems.local.data_api.http.rows.formats import Format
from alchemesh_platform.systems.local.data_api.http.rows.streams import CHUNK_BYTES, RowCount, as_array, from_thread

_FETCHED_ROWS = 500
_JSON_TYPES = ("json", "jsonb")


async def rows(
    database: Database, consumer: str, statement: str, format_: Format, count: RowCount
) -> AsyncIterator[bytes]:
    """The rows of a statement, in pieces. ``count`` has their number when all are read.

    Raises:
        Problem: when PostgreSQL refuses the statement.
    """
    if format_ in (Format.ARROW, Format.PARQUET):
        chunks = _arrow(database, consumer, statement, format_, count)
    else:
        lines = _lines(database, consumer, statement, format_, count)
        chunks = as_array(lines) if format_ is Format.JSON else lines
    try:
        async for chunk in chunks:
            yield chunk
    finally:
        await chunks.aclose()  # type: ignore[attr-defined]


async def _lines(
    database: Database, consumer: str, statement: str, format_: Format, count: RowCount
) -> AsyncIterator[bytes]:
    async with database.connected_as(consumer) as connection:
        try:
            # The extended protocol takes one statement only.
            prepared = await connection.prepare(statement)
            columns = prepared.get_attributes()
            if prepared.get_parameters():
                raise Problem(HTTPStatus.BAD_REQUEST, "the statement has parameters, which SQL over REST does not take")
            if not columns:
                raise Problem(HTTPStatus.BAD_REQUEST, "the statement returns no rows, and this API only reads")
            names = [column.name for column in columns]
            if double := next((name for at, name in enumerate(names) if name in names[:at]), None):
                raise Problem(HTTPStatus.BAD_REQUEST, f"two columns of the answer are named {double!r}: rename one")
            raw = [column.type.name.removesuffix("[]") in _JSON_TYPES for column in columns]
            write = _csv_row if format_ is Format.CSV else _json_row
            held = [",".join(map(_quoted, names)) + "\n"] if format_ is Format.CSV else []
            size = 0
            async for row in prepared.cursor(prefetch=_FETCHED_ROWS):
                count.rows += 1
                if count.rows > database.limits.rows_max:
                    raise Problem(
                        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                        f"the answer has more than {database.limits.rows_max} rows",
                        hint="add LIMIT to the statement",
                    )
                held.append(write(names, tuple(row.values()), raw))
                size += len(held[-1])
                if size >= CHUNK_BYTES:
                    yield "".join(held).encode()
                    held.clear()
                    size = 0
            if held:
                yield "".join(held).encode()
        except asyncpg.InsufficientPrivilegeError:
            raise
        except (
            asyncpg.SyntaxOrAccessError,
            asyncpg.ReadOnlySQLTransactionError,
            asyncpg.FeatureNotSupportedError,
        ) as e:
            raise Problem(HTTPStatus.BAD_REQUEST, f"the statement is refused: {e}") from e


async def _arrow(
    database: Database, consumer: str, statement: str, format_: Format, count: RowCount
) -> AsyncIterator[bytes]:
    # The checks of the statement, and its errors, are those of the other formats.
    async with database.connected_as(consumer) as connection:
        try:
            prepared = await connection.prepare(statement)
        except asyncpg.InsufficientPrivilegeError:
            raise
        except asyncpg.SyntaxOrAccessError as error:
            raise Problem(HTTPStatus.BAD_REQUEST, f"the statement is refused: {error}") from error
        if not prepared.get_attributes() or prepared.get_parameters():
            raise Problem(HTTPStatus.BAD_REQUEST, "expected a statement that returns rows and has no parameters")
    async with database.place(consumer):
        source = arrow.ArrowSource(
            database.uri_as(consumer),
            statements.time_limit(database.limits.statement_seconds),
            statements.Statement(statement, ()),
        )
        batches = arrow.counted(arrow.typed(source.batches(), {}, False), count)
        chunks = from_thread(arrow.encoded(batches, format_), source.cancel)
        try:
            async for chunk in chunks:
                yield chunk
        finally:
            await chunks.aclose()  # type: ignore[attr-defined]


def _json_row(names: list[str], values: tuple[Any, ...], raw: list[bool]) -> str:
    parts = (
        f"{json.dumps(name, ensure_ascii=False)}:{json_of(value, is_json)}"
        for name, value, is_json in zip(names, values, raw, strict=True)
    )
    return "{" + ",".join(parts) + "}\n"


def _csv_row(names: list[str], values: tuple[Any, ...], raw: list[bool]) -> str:
    return ",".join(_field(value, is_json) for value, is_json in zip(values, raw, strict=True)) + "\n"


def _field(value: Any, is_json: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _quoted(value)
    text = json_of(value, is_json)
    return _quoted(json.loads(text) if text.startswith('"') else text)


def _quoted(text: str) -> str:
    """A field of CSV, as RFC 4180 writes it. The empty text has quotes, and null has none."""
    if text and not any(character in text for character in ',"\r\n'):
        return text
    return '"' + text.replace('"', '""') + '"'


def json_of(value: Any, is_json: bool) -> str:
    """A value of PostgreSQL as JSON, exactly.

    Args:
        value: The value.
        is_json: Whether a text is JSON already.
    """
    if value is None:
        return "null"
    if isinstance(value, str):
        return " ".join(value.splitlines()) if is_json else json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return json.dumps({"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[repr(value)])
    if isinstance(value, list | tuple) and not isinstance(value, asyncpg.Record):
        return "[" + ",".join(json_of(item, is_json) for item in value) + "]"
    if isinstance(value, asyncpg.Record):
        parts = (f"{json.dumps(name)}:{json_of(part, False)}" for name, part in value.items())
        return "{" + ",".join(parts) + "}"
    for type_, write in _WRITERS.items():
        if isinstance(value, type_):
            return write(value)
    return json.dumps(str(value), ensure_ascii=False)


def _decimal(value: Decimal) -> str:
    return format(value, "f") if value.is_finite() else json.dumps(str(value))


def _timestamp(value: datetime) -> str:
    text = value.isoformat()
    return json.dumps(text.replace("+00:00", "Z") if value.tzinfo else text)


_WRITERS: dict[type, Callable[[Any], str]] = {
    int: str,
    float: repr,
    Decimal: _decimal,
    datetime: _timestamp,
    date: lambda value: json.dumps(value.isoformat()),
    time: lambda value: json.dumps(value.isoformat()),
    timedelta: lambda value: json.dumps(str(value)),
    bytes: lambda value: json.dumps(base64.b64encode(value).decode()),
}
