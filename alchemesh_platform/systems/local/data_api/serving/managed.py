"""A serving copy in a PostgreSQL that somebody else runs: a managed server, or one for many ports.

The platform creates a database of its own for each port, and roles for its consumers. The administrator of the server
needs the rights CREATEDB and CREATEROLE. It has no rights over the server itself, so some limits of a consumer are not
enforced there. :func:`unenforced` names them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.machine.files import write_if_changed
from alchemesh_platform.systems.local.data_api.serving.consumers.hardening import FUNCTIONS
from alchemesh_platform.systems.local.data_api.serving.consumers.limits import Limits
from alchemesh_platform.systems.local.data_api.serving.place import (
    LOADED,
    LOADING,
    SCHEMA,
    Managed,
    Place,
    connect,
    new_managed,
)

VERSION_MIN = 15  # the schema public belongs to the owner of the database
_CONNECT_SECONDS = 10


class ManagedFailed(Failure):
    """Raised when a managed PostgreSQL refuses what a serving copy needs."""


def set_up(place: Place, url: str, limits: Limits) -> tuple[str, ...]:
    """Create the database of a serving copy with its rights, unless it is there, and set the limits of its consumers.

    Returns:
        The limits that the server does not enforce, each in a sentence.

    Raises:
        ManagedFailed: when the server does not answer, or refuses.
    """
    import psycopg
    from psycopg import sql

    before = place.managed
    if before is not None and before.url != url:
        drop(place)
        before = None
    managed = before or new_managed(url)
    _write(place, managed)
    try:
        with _administered(managed.url) as session:
            if session.info.server_version < VERSION_MIN * 10_000:
                version = session.info.server_version // 10_000
                raise ManagedFailed(
                    f"the PostgreSQL at {managed.where} has version {version}, expected {VERSION_MIN} or newer"
                )
            managed = replace(managed, created=True)
            _write(place, managed)
            found = session.execute("SELECT FROM pg_database WHERE datname = %s", (managed.database,)).fetchone()
            if found is None:
                session.execute(
                    sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0").format(
                        sql.Identifier(managed.database)
                    )
                )
        with connect(place) as session:
            _prepare(session, managed)
            for name, value in _settings(limits).items():
                _limit(session, managed, name, value)
            missing = tuple(unenforced(session, managed))
    except psycopg.Error as error:
        raise ManagedFailed(
            f"the PostgreSQL at {managed.where} does not take the serving copy: {_line(error)}",
            hint="correct `postgresql_server` in platform.yaml, or give its user the rights CREATEDB and CREATEROLE",
        ) from error
    _write(place, replace(managed, unenforced=missing))
    return missing


def drop(place: Place) -> None:
    """Remove the database and the roles of a serving copy from a managed server.

    Raises:
        ManagedFailed: when the server does not answer, or refuses.
    """
    import psycopg
    from psycopg import sql

    managed = place.managed
    if managed is None:
        return
    if not managed.created:
        place.server_file.unlink(missing_ok=True)
        return
    try:
        with _administered(managed.url) as session:
            pattern = managed.prefix.replace("_", r"\_") + "%"
            roles = session.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE %s", (pattern,)).fetchall()
            session.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(managed.database)))
            for (role,) in roles:
                session.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
    except psycopg.Error as error:
        raise ManagedFailed(
            f"the serving copy in the PostgreSQL at {managed.where} cannot be removed: {_line(error)}",
            hint="make the server answer, then run the command again",
        ) from error
    place.server_file.unlink(missing_ok=True)


def keep_role(session: Any, place: Place, role: str, secret: str, *, exists: bool) -> None:
    """Create the role of a consumer with its credential, or give it another credential.

    PgBouncer signs in to the server with the keys that a consumer signs in to PgBouncer with: both have the same hash.
    """
    from psycopg import sql

    name = sql.Identifier(role)
    if exists:
        session.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, sql.Literal(secret)))
        return
    with session.transaction():
        create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {}")
        session.execute(create.format(name, sql.Literal(secret), sql.Identifier(place.names.readers)))
        # To end its connections, the administrator has to be a member.
        session.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(name))


def pooler_database(place: Place, user: str, secret: str) -> str:
    """The part of PgBouncer's configuration that leads a consumer to its role."""
    managed = place.managed
    assert managed is not None  # noqa: S101 - the caller asked
    address = managed.parameters
    values = {
        "host": address.get("hostaddr") or address.get("host", "localhost"),
        "port": address.get("port", "5432"),
        "dbname": managed.database,
        "user": place.names.role_of(user),
        "password": secret,
    }
    return f"{user} = " + " ".join(f"{name}='{_quoted(str(value))}'" for name, value in values.items())


def pooler_tls(place: Place) -> Iterator[str]:
    """The settings of PgBouncer for the connection to a managed server."""
    if place.managed is None:
        return
    address = place.managed.parameters
    yield f"server_tls_sslmode = {address.get('sslmode', 'prefer')}"
    if address.get("sslrootcert"):
        yield f"server_tls_ca_file = {address['sslrootcert']}"


def unenforced(session: Any, managed: Managed) -> Iterator[str]:
    """The limits that the server does not enforce, because its administrator has no right to them."""
    readers = managed.readers
    functions = session.execute(
        "SELECT count(*) FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ %s"
        " AND has_function_privilege(%s, oid, 'EXECUTE')",
        (FUNCTIONS, readers),
    ).fetchone()[0]
    if functions:
        yield "consumers can create large objects, and take locks by number"
    languages = session.execute(
        "SELECT count(*) FROM pg_language WHERE lanname = 'plpgsql' AND has_language_privilege(%s, oid, 'USAGE')",
        (readers,),
    ).fetchone()[0]
    if languages:
        yield "consumers can run blocks of plpgsql"
    (temporary,) = session.execute("SELECT current_setting('temp_file_limit')").fetchone()
    if temporary == "-1":
        yield "the disk that a statement may use has no limit"
    yield "memory and fairness between consumers are those of the server"
    yield "a consumer who reaches the server can sign in without the gateway, with the same rights"


def _prepare(session: Any, managed: Managed) -> None:
    """The rights of the database. Each statement can run again."""
    from psycopg import sql

    database, readers = sql.Identifier(managed.database), sql.Identifier(managed.readers)
    if session.execute("SELECT FROM pg_roles WHERE rolname = %s", (managed.readers,)).fetchone() is None:
        session.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(readers))
    for statement in (
        "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
        f"REVOKE ALL ON SCHEMA {SCHEMA} FROM PUBLIC",
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO {{readers}}",
        f"CREATE SCHEMA IF NOT EXISTS {LOADING}",
        "CREATE SCHEMA IF NOT EXISTS alchemesh",
        LOADED,
    ):
        session.execute(sql.SQL(statement).format(database=database, readers=readers))


def _settings(limits: Limits) -> Mapping[str, str]:
    """The settings of the database. The guard of the loader and PgBouncer enforce the times."""
    return {
        name: value
        for name, value in limits.settings().items()
        if name in ("statement_timeout", "idle_in_transaction_session_timeout", "temp_file_limit")
    }


def _limit(session: Any, managed: Managed, name: str, value: str) -> None:
    import psycopg
    from psycopg import sql

    names = {"database": sql.Identifier(managed.database), "name": sql.Identifier(name), "value": sql.Literal(value)}
    try:
        session.execute(sql.SQL("ALTER DATABASE {database} SET {name} = {value}").format(**names))
    except psycopg.errors.InsufficientPrivilege:
        return  # `unenforced` reports it
    # The loader takes as long as it needs. Its own setting comes before that of the database.
    if name != "temp_file_limit":
        session.execute(sql.SQL("ALTER ROLE CURRENT_USER IN DATABASE {database} SET {name} = 0").format(**names))


def _administered(url: str) -> Any:
    import psycopg

    return psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_SECONDS)


def _write(place: Place, managed: Managed) -> None:
    write_if_changed(place.server_file, json.dumps(managed.described()) + "\n")


def _quoted(value: str) -> str:
    return value.replace("'", "''")


def _line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
