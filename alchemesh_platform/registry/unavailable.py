"""Errors of the registry, with its name, the reason and the fix. They never contain a password."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.files.home import ANOTHER_FOLDER
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.base.secrets import mask

if TYPE_CHECKING:
    from sqlalchemy import URL
    from sqlalchemy.exc import DBAPIError

SMALLEST_FREE_BYTES = 64 * 1024  # SQLite's shared memory file, its largest single allocation, is 32 KiB
AGAIN = "then run the same command again; all records are kept"


class RegistryUnavailable(Failure):
    """Raised when the registry cannot be opened, read or written. No record is lost."""


class RegistryMissing(RegistryUnavailable):
    """Raised when the registry to read does not exist yet."""


class RecordDamaged(RegistryUnavailable):
    """Raised when one record of the registry cannot be decoded. The other records are intact."""


class RegistryLocked(RegistryUnavailable):
    """Raised when another process held the lock of the registry for too long."""

    exit_code = ExitCode.LOCKED


def shown(url: URL) -> str:
    """The registry's name in messages: the file's path, or the address without its password and options."""
    if url.get_backend_name() == "sqlite":
        return url.database or ""
    # Remove the options too: libpq accepts passwords there.
    return url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)


@contextmanager
def reading_records_of(product: str, environment: str) -> Iterator[None]:
    """Convert errors in the content of a product's records to :class:`RecordDamaged`.

    A record holds documents of components, such as connections. Their form is checked where they are used.
    """
    from pydantic import ValidationError

    try:
        yield
    except (ValidationError, KeyError, TypeError, AttributeError) as error:
        raise RecordDamaged(
            f"a record of {product} in {environment} cannot be read: {_first(error)}",
            hint=remedy("{} records it again", command("up", about_product=True)),
        ) from error


def _first(error: Exception) -> str:
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        found = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, found['loc']))}: {found['msg'].removeprefix('Value error, ')}"
    return f"no {error}" if isinstance(error, KeyError) else str(error)


@contextmanager
def unavailable_as(url: URL) -> Iterator[None]:
    """Convert errors of a database or file system to :class:`RegistryUnavailable`; other exceptions pass unchanged."""
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.exc import TimeoutError as PoolTimeout

    try:
        yield
    except DBAPIError as error:
        failure = _sqlite_failure(url, error) if url.get_backend_name() == "sqlite" else _postgresql_failure(url, error)
        if failure is None:
            raise
        raise failure from error
    except PoolTimeout as error:
        raise RegistryLocked(
            f"every connection to the registry {shown(url)} is in use", hint="run fewer commands at the same time"
        ) from error
    except OSError as error:
        raise _file_system_failure(url, error) from error


def _file_system_failure(url: URL, error: OSError) -> RegistryUnavailable:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return _disk_full(url)
    return _not_writable(url, error.strerror or str(error))


def _disk_full(url: URL) -> RegistryUnavailable:
    return RegistryUnavailable(
        f"cannot write the registry {shown(url)}: its disk is full",
        hint=f"free some space there, {AGAIN}",
    )


def _no_space_left(url: URL) -> bool:
    """Whether the disk is full: SQLite reports "disk I/O error" for the files next to its database."""
    try:
        return shutil.disk_usage(Path(url.database or "").parent).free < SMALLEST_FREE_BYTES
    except OSError:
        return False


def _not_writable(url: URL, reason: str) -> RegistryUnavailable:
    return RegistryUnavailable(
        f"cannot write the registry {shown(url)}: {reason}",
        hint=f"{ANOTHER_FOLDER}; or name another registry in the platform file, such as "
        "registry: sqlite:////var/lib/alchemesh/registry.db",
    )


def _locked(url: URL) -> RegistryLocked:
    return RegistryLocked(
        f"another process holds the lock of the registry {shown(url)} for too long",
        hint=f"wait until the other `alchemesh` command ends, {AGAIN}",
    )


def _sqlite_failure(url: URL, error: DBAPIError) -> RegistryUnavailable | None:
    import sqlite3

    # The low byte is the primary code: https://www.sqlite.org/rescode.html
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return _locked(url)
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _no_space_left(url)):
        return _disk_full(url)
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
        return _not_writable(url, str(error.orig))
    if code == sqlite3.SQLITE_NOTADB:
        return RegistryUnavailable(
            f"{shown(url)} is not a registry: the file is not a SQLite database",
            hint="move the file away, or name another one in the platform file under `registry`",
        )
    if code == sqlite3.SQLITE_CORRUPT:
        return RegistryUnavailable(
            f"the registry {shown(url)} is damaged: {error.orig}",
            hint="restore a backup, or rescue the readable records: "
            f"sqlite3 {shown(url)} .recover | sqlite3 rescued.db",
        )
    if code in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PROTOCOL}:
        return RegistryUnavailable(f"the registry {shown(url)} failed: {error.orig}", hint=f"check the disk, {AGAIN}")
    return None


def _postgresql_failure(url: URL, error: DBAPIError) -> RegistryUnavailable | None:
    from sqlalchemy.exc import InterfaceError, OperationalError

    # https://www.postgresql.org/docs/current/errcodes-appendix.html; a failed connection has a text and no code.
    state = getattr(error.orig, "sqlstate", None)
    secrets = [url.password, *(url.query.get(option) for option in ("password", "sslpassword"))]
    text = mask(str(error.orig), [str(secret) for secret in secrets if secret])
    refused = ("password authentication failed", "no password supplied", "no pg_hba.conf entry", "is not permitted to")
    if state in {"28P01", "28000"} or (state is None and any(part in text for part in refused)):
        return RegistryUnavailable(
            f"the registry {shown(url)} refuses the user: {_essence(text)}",
            hint="check the user in the address, and the password in PGPASSWORD or ~/.pgpass",
        )
    if state == "3D000" or (state is None and f'database "{url.database}" does not exist' in text):
        return RegistryUnavailable(
            f"the registry {shown(url)} does not exist: the server has no database {url.database!r}",
            hint=f"create it once: createdb --host {url.host or 'HOST'} {url.database}",
        )
    if state == "53100":
        return _disk_full(url)
    if state in {"55P03", "40P01"}:  # lock_not_available, deadlock_detected
        return _locked(url)
    if state in {"42501", "25006"}:  # insufficient_privilege, read_only_sql_transaction
        return RegistryUnavailable(
            f"cannot write the registry {shown(url)}: {_essence(text)}",
            hint="grant the user the right to create and write tables in this database",
        )
    if isinstance(error, OperationalError | InterfaceError):
        return RegistryUnavailable(
            f"cannot reach the registry {shown(url)}: {_essence(text)}",
            hint=f"check that the PostgreSQL server runs and accepts connections from this machine, {AGAIN}",
        )
    return None


def _essence(text: str) -> str:
    """The informative line of libpq's message: the first, without the address."""
    line = text.strip().splitlines()[0] if text.strip() else "no reason given"
    for lead in ("failed: FATAL:", "failed: "):
        line = line.rpartition(lead)[2] if lead in line else line
    return line.strip()
