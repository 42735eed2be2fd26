"""Answers with rows of a table: a page in memory, or a stream."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from alchemesh_platform.systems.local.data_api.http.configuration import ServedTable
from alchemesh_platform.systems.local.data_api.http.database import Database, copy, fetch
from alchemesh_platform.systems.local.data_api.http.problems import Problem
from alchemesh_platform.systems.local.data_api.http.rows import arrow, statements
from alchemesh_platform.systems.local.data_api.http.rows.formats import Format
from alchemesh_platform.systems.local.data_api.http.rows.paging import next_cursor
from alchemesh_platform.systems.local.data_api.http.rows.query import Query
from alchemesh_platform.systems.local.data_api.http.rows.streams import RowCount, as_array, from_thread, produced

_FETCHED_ROWS = 500
_LOG = logging.getLogger("alchemesh.http")


@dataclass(frozen=True, slots=True)
class Page:
    """Rows as JSON objects, and the cursor of the next page if there is one."""

    rows: list[str]
    cursor: str | None


async def page(connection: Any, database: Database, table: ServedTable, query: Query) -> Page:
    """One page. Its query has a limit.

    Raises:
        Problem: when it is larger than the server may hold.
    """
    limits = database.limits
    wanted = query.limit or 0
    statement = statements.json_page(table, replace(query, limit=wanted + 1))
    rows: list[str] = []
    places: list[str] = []
    size = 0
    async for row, place in connection.cursor(
        statement.text, *statement.values, prefetch=min(_FETCHED_ROWS, wanted + 1)
    ):
        size += len(row)
        if size > limits.answer_bytes_max:
            raise Problem(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"the rows have more than {limits.answer_bytes_max} bytes",
                parameter="limit",
                hint="ask for fewer rows or columns, or accept application/x-ndjson without a limit",
            )
        rows.append(row)
        places.append(place)
    if len(rows) <= wanted or not wanted:
        return Page(rows[:wanted], None)
    return Page(rows[:wanted], next_cursor(table, query, places[:wanted]))


async def stream(
    database: Database, consumer: str, table: ServedTable, query: Query, format_: Format, count: RowCount
) -> AsyncIterator[bytes]:
    """All rows of a query, in pieces. ``count`` has their number when all are read.

    Raises:
        Problem: when the first rows cannot be read, or there are too many.
    """
    if format_ in (Format.ARROW, Format.PARQUET):
        async for chunk in _arrow(database, consumer, table, query, format_, count):
            yield chunk
        return
    chunks = _copied(database, consumer, table, query, format_, count)
    source = as_array(chunks) if format_ is Format.JSON else chunks
    try:
        async for chunk in source:
            yield chunk
    finally:
        await source.aclose()  # type: ignore[attr-defined]


def _copied(
    database: Database, consumer: str, table: ServedTable, query: Query, format_: Format, count: RowCount
) -> AsyncIterator[bytes]:
    as_csv = format_ is Format.CSV
    statement = statements.text_rows(table, query) if as_csv else statements.json_rows(table, query)

    async def produce(put: Callable[[bytes], Awaitable[None]]) -> None:
        async with database.reading(consumer) as connection:
            await check_count(connection, database, table, query)
            count.rows = await copy(connection, statement, put, as_csv=as_csv, header=as_csv)

    return produced(produce)


async def _arrow(
    database: Database, consumer: str, table: ServedTable, query: Query, format_: Format, count: RowCount
) -> AsyncIterator[bytes]:
    async with AsyncExitStack() as held:
        async with database.reading(consumer) as connection:
            await check_count(connection, database, table, query)
            await fetch(connection, statements.readable(table))
        version = await _delta_version(database, table, query)
        await held.enter_async_context(database.place(consumer))
        batches, cancel = await _source(database, consumer, table, query, version)
        typed = arrow.typed(batches, arrow.kinds_of(table), query.decimals_as_text)
        chunks = from_thread(arrow.encoded(arrow.counted(typed, count), format_), cancel)
        try:
            async for chunk in chunks:
                yield chunk
        finally:
            await chunks.aclose()  # type: ignore[attr-defined]


async def _source(
    database: Database, consumer: str, table: ServedTable, query: Query, version: int | None
) -> tuple[Iterator[Any], Callable[[], None]]:
    """The batches of a query, and a function that cancels them."""
    if version is not None and table.delta is not None:
        files = arrow.delta_batches(table.delta, version, statements.delta_rows(query))
        try:
            return await asyncio.to_thread(arrow.opened, files), _nothing
        except Exception as error:  # noqa: BLE001 - files may be removed, and PostgreSQL has the same rows
            _LOG.warning("table %s is read from PostgreSQL: %s", table.name, error)
    settings = statements.settings(consumer, database.limits.statement_seconds)
    source = arrow.ArrowSource(database.uri_as(), settings, statements.plain_rows(table, query))
    return source.batches(), source.cancel


async def _delta_version(database: Database, table: ServedTable, query: Query) -> int | None:
    """The version of the Delta table that holds the rows of a whole table; None for other queries.

    Reading 5 million rows out of PostgreSQL takes several times as long as reading the files.
    """
    whole = not (query.filters or query.sort or query.offset or query.cursor) and query.limit is None
    if table.delta is None or not whole or query.decimals_as_text or not arrow.is_plain(table, query.columns):
        return None
    async with (await database.pool()).acquire(timeout=database.limits.wait_seconds) as connection:
        found = await fetch(connection, statements.loaded_version(table))
    return found[0][0] if found else None


async def check_count(connection: Any, database: Database, table: ServedTable, query: Query) -> None:
    """Check the number of rows of an answer without a limit, where it may be too large.

    Raises:
        Problem: when there are too many.
    """
    rows_max = database.limits.rows_max
    if query.limit is not None:
        return
    found = await fetch(connection, statements.estimated(table))
    if found and 0 <= found[0][0] * 2 < rows_max:
        return
    counted = await fetch(connection, statements.counted(table, query, rows_max))
    if counted[0][0] > rows_max:
        raise Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"the answer has more than {rows_max} rows",
            parameter="limit",
            hint="add a filter, or read page by page with limit and the next link",
        )


def _nothing() -> None:
    """Files are read in short steps, which end by themselves."""
