"""Connections to the serving copy: one transaction for each request, in the role of its consumer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import asyncpg
from sqlalchemy.engine import make_url

from alchemesh_platform.systems.local.data_api.http.configuration import Limits
from alchemesh_platform.systems.local.data_api.http.problems import Problem
from alchemesh_platform.systems.local.data_api.http.rows.statements import Statement, settings, time_limit

ROLE = re.compile(r"[a-z][a-z0-9_]{0,62}")
_NO_ROLE = "none"  # SET ROLE NONE would go back to the role of the server
_SESSION = {"timezone": "UTC", "datestyle": "ISO", "intervalstyle": "iso_8601", "application_name": "alchemesh_http"}
_CONNECT_SECONDS = 10.0
_GRACE_SECONDS = 5.0  # PostgreSQL ends a statement by itself; the driver gives up only after it did not
# Characters that JSON always escapes, so a row of JSON needs no quotes in the format CSV.
_NO_QUOTE, _NO_DELIMITER = "\x01", "\x02"


class Database:
    """The serving copy, with a pool of connections and a limit for each consumer."""

    def __init__(self, dsn: str, limits: Limits) -> None:
        self.dsn = dsn
        self.limits = limits
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._opening = asyncio.Lock()
        self._all = asyncio.Semaphore(limits.connections_max)
        self._of_consumer: dict[str, asyncio.Semaphore] = {}

    async def close(self) -> None:
        """Close all connections."""
        if self._pool is not None:
            self._pool.terminate()

    async def pool(self) -> asyncpg.Pool[asyncpg.Record]:
        """The pool. It opens with the first request, so the server starts before PostgreSQL does."""
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self.dsn,
                    min_size=0,
                    max_size=self.limits.connections_max,
                    statement_cache_size=0,  # a swapped table would invalidate a kept plan
                    timeout=_CONNECT_SECONDS,
                    server_settings=_SESSION,
                    reset=_end_transaction,
                )
            return self._pool

    @asynccontextmanager
    async def place(self, consumer: str) -> AsyncIterator[None]:
        """Wait until a consumer may use PostgreSQL.

        Raises:
            Problem: when too many requests run for too long.
        """
        own = self._of_consumer.setdefault(consumer, asyncio.Semaphore(self.limits.consumer_connections_max))
        held: list[asyncio.Semaphore] = []
        try:
            async with asyncio.timeout(self.limits.wait_seconds):
                for each in (own, self._all):
                    await each.acquire()
                    held.append(each)
        except TimeoutError:
            for each in held:
                each.release()
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "too many requests run at once",
                hint="try again in a moment",
                headers={"Retry-After": "5"},
            ) from None
        except BaseException:
            for each in held:
                each.release()
            raise
        try:
            yield
        finally:
            for each in held:
                each.release()

    @asynccontextmanager
    async def reading(self, consumer: str) -> AsyncIterator[asyncpg.pool.PoolConnectionProxy[asyncpg.Record]]:
        """A transaction that only reads, with the rights of a consumer."""
        pool = await self.pool()
        async with (
            self.place(consumer),
            pool.acquire(timeout=self.limits.wait_seconds) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await fetch(connection, settings(consumer, self.limits.statement_seconds))
            yield connection

    @asynccontextmanager
    async def connected_as(self, consumer: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        """A connection of the consumer itself, which has no other role to take, for one statement of its own."""
        async with self.place(consumer):
            connection = await asyncpg.connect(
                self.dsn, user=consumer, statement_cache_size=0, timeout=_CONNECT_SECONDS, server_settings=_SESSION
            )
            try:
                async with connection.transaction(readonly=True):
                    await fetch(connection, time_limit(self.limits.statement_seconds))
                    yield connection
            finally:
                connection.terminate()

    def uri_as(self, consumer: str | None = None) -> str:
        """The address of the serving copy for ADBC, as the server or as a consumer."""
        url = make_url(self.dsn)
        return (url if consumer is None else url.set(username=consumer)).render_as_string(hide_password=False)


async def _end_transaction(connection: Any) -> None:
    """Everything that a request sets ends with its transaction. asyncpg's own reset calls revoked functions."""
    if connection.is_in_transaction():
        await connection.execute("ROLLBACK")


async def fetch(connection: Any, statement: Statement) -> list[asyncpg.Record]:
    """All rows of a statement."""
    rows: list[asyncpg.Record] = await connection.fetch(statement.text, *statement.values)
    return rows


async def copy(
    connection: Any, statement: Statement, output: Callable[[bytes], Awaitable[None]], *, as_csv: bool, header: bool
) -> int:
    """Copy the rows of a statement out of PostgreSQL: as CSV, or one JSON value a line. Returns their number."""
    form = {} if as_csv else {"delimiter": _NO_DELIMITER, "quote": _NO_QUOTE}
    done: str = await connection.copy_from_query(
        statement.text, *statement.values, output=output, format="csv", header=header or None, **form
    )
    return int(done.removeprefix("COPY "))


def consumer_of(values: list[str]) -> str:
    """The consumer that the gateway names in a header.

    Raises:
        Problem: when it names none, or several.
    """
    if len(values) != 1 or not ROLE.fullmatch(values[0]) or values[0] == _NO_ROLE:
        raise Problem(HTTPStatus.UNAUTHORIZED, "the request does not come through the gateway of this data API")
    return values[0]
