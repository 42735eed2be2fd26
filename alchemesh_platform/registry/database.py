"""The database of a registry: its address, its connections and its transactions."""

from __future__ import annotations

import os
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, OperationalError

from alchemesh_platform.base.packages.extras import install_command
from alchemesh_platform.registry.unavailable import RegistryUnavailable, unavailable_as

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection

PATIENCE = timedelta(seconds=30)
CONNECT_SECONDS = 10
WAL_RETRY_SECONDS = 0.02
# The most memory for pages of an SQLite registry. Ids are random: with less, each insert reads its page from the file.
CACHE_KIB = 64 * 1024
TURN_LOCKS = 0xA1C4E6  # the advisory locks of our transactions, separate from other applications' locks
ADDRESSES = "sqlite:///PATH or postgresql://USER@HOST/DATABASE"


class Database:
    """Connections to one database, with actionable errors.

    Args:
        url: ``sqlite:///path`` or ``postgresql://host/database``.
        patience: How long to wait for a lock of another process.

    Raises:
        RegistryUnavailable: when the kind of address is unknown, or its driver is not installed.
    """

    def __init__(self, url: str, patience: timedelta = PATIENCE) -> None:
        self.url = _parsed(url)
        self.patience = patience
        self.on_sqlite = self.url.get_backend_name() == "sqlite"
        self._engine = self._sqlite_engine() if self.on_sqlite else self._postgresql_engine()
        self._writer = self._engine.execution_options(alchemesh_begin="BEGIN IMMEDIATE")
        # SQLite has one writer at a time, and waits by polling. Threads of one process queue here instead.
        self._turn = threading.Lock()

    @property
    def file(self) -> Path | None:
        """The file of an SQLite registry."""
        return Path(self.url.database or "") if self.on_sqlite else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection in a transaction that sees one state of the registry."""
        with unavailable_as(self.url), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection in a write transaction, which commits at the end or rolls back after an exception."""
        if self.on_sqlite:
            with self._turn, unavailable_as(self.url), self._writer.begin() as connection:
                yield connection
        else:
            with unavailable_as(self.url), self._engine.begin() as connection:
                # Set it for the transaction, not the session: a connection pooler may give the session to another
                # client.
                connection.execute(text(f"SET LOCAL lock_timeout = {round(self.patience / timedelta(milliseconds=1))}"))
                yield connection

    @contextmanager
    def transaction(self, lock: str) -> Iterator[Database]:
        """This database with all reads and writes in one transaction. Transactions with the same lock take turns."""
        with self.writing() as connection:
            if not self.on_sqlite:  # SQLite has one writer at a time anyway
                number = zlib.crc32(lock.encode()) - 2**31
                connection.execute(text(f"SELECT pg_advisory_xact_lock({TURN_LOCKS}, {number})"))
            yield _Joined(self, connection)

    def prepare_file(self) -> None:
        """Create the folder of an SQLite registry, and allow reads during a write."""
        if self.file is None:
            return
        with unavailable_as(self.url):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            deadline = time.monotonic() + self.patience.total_seconds()
            while not self._in_wal_mode():
                if time.monotonic() > deadline:
                    break  # a registry without WAL mode works too, but blocks reads during a write
                time.sleep(WAL_RETRY_SECONDS)

    def _in_wal_mode(self) -> bool:
        import sqlite3

        with self._engine.connect().execution_options(alchemesh_begin="") as connection:
            try:
                return str(connection.exec_driver_sql("PRAGMA journal_mode = WAL").scalar()) == "wal"
            except OperationalError as error:
                # SQLite does not wait for another writer here, even with a timeout.
                if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                    return False
                raise

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _sqlite_engine(self) -> Engine:
        engine = create_engine(self._sqlite_url(), connect_args={"timeout": self.patience.total_seconds()})

        # A damaged text must not hide the other columns of its row. The record that it belongs to is reported.
        @event.listens_for(engine, "connect")
        def _connect(connection: DBAPIConnection, _record: object) -> None:
            connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")

        # By default the driver begins a transaction too late for a read before a write, and never before DDL.
        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            statement = connection.get_execution_options().get("alchemesh_begin", "BEGIN")
            if statement:
                connection.exec_driver_sql(statement)

        return engine

    def _sqlite_url(self) -> URL:
        """The address for the driver. SQLite reads a registry that this user cannot write in another mode.

        In WAL mode, SQLite otherwise needs to write a file next to the database even to read it.
        Source: https://www.sqlite.org/wal.html#read_only_databases
        """
        file = self.file
        if file is None or not file.is_file() or (_is_writable(file) and _is_writable(file.parent)):
            return self.url
        log = file.with_name(f"{file.name}-wal")
        in_use = log.is_file() and log.stat().st_size > 0  # a writer has not yet copied its changes into the file
        query = {"mode": "ro", "uri": "true", **({} if in_use else {"immutable": "1"})}
        return self.url.set(database=f"file:{quote(str(file))}", query=query)

    def _postgresql_engine(self) -> Engine:
        try:
            return create_engine(
                self.url,
                connect_args={"connect_timeout": CONNECT_SECONDS, "application_name": "alchemesh"},
                pool_pre_ping=True,  # an `up` may take longer than the server keeps an idle connection
            )
        except ModuleNotFoundError as error:
            raise RegistryUnavailable(
                "a registry in PostgreSQL needs the package psycopg, which is not installed",
                hint=install_command("alchemesh-platform[postgresql]"),
            ) from error


class _Joined(Database):
    """A database within a transaction that the caller begins and ends."""

    def __init__(self, outer: Database, connection: Connection) -> None:
        self.url = outer.url
        self.patience = outer.patience
        self.on_sqlite = outer.on_sqlite
        self._connection = connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """The connection of the transaction."""
        yield self._connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """The connection of the transaction, which commits the writes."""
        yield self._connection

    def close(self) -> None:
        """Do nothing: the caller owns the connection."""


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _parsed(address: str) -> URL:
    try:
        url = make_url(address)
        backend = url.get_backend_name()
    except (ArgumentError, ValueError) as error:  # without the address, which may contain a password
        raise RegistryUnavailable("the address of the registry cannot be read", hint=f"expected {ADDRESSES}") from error
    if backend in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    if backend == "sqlite" and url.database and url.database != ":memory:":
        return url.set(drivername="sqlite+pysqlite")
    raise RegistryUnavailable(
        f"no registry can be kept in {url.set(query={}).render_as_string(hide_password=True)}",
        hint=f"expected {ADDRESSES}",
    )
