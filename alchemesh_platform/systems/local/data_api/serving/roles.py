"""The roles of consumers in a serving copy: one for each user of the gateway, with SELECT and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from alchemesh_platform.systems.local.data_api.serving.place import ADMIN, HTTP, READERS, Place, connect

_GRANT_OPTIONS = 160000  # before, NOINHERIT of the role has the same effect
_OWN = (ADMIN, HTTP, READERS)


def is_reserved(user: str) -> bool:
    """Whether PostgreSQL, or the platform in it, has a role of this name."""
    return user in _OWN or user.startswith("pg_") or user in ("public", "none")


def keep_roles(place: Place, users: Iterable[str]) -> None:
    """Make the roles of the users with access, and remove all others with their connections.

    Raises:
        psycopg.Error: when PostgreSQL does not answer, or refuses.
    """
    wanted = {user for user in users if not is_reserved(user)}
    with connect(place) as session:
        present = {
            name
            for (name,) in session.execute(
                "SELECT r.rolname FROM pg_roles r JOIN pg_auth_members m ON m.member = r.oid"
                " WHERE m.roleid = %s::regrole AND r.rolname <> %s",
                (READERS, HTTP),
            )
        }
        for user in sorted(wanted - present):
            _create(session, user)
        for user in sorted(present - wanted):
            _remove(session, user)


def _create(session: Any, user: str) -> None:
    from psycopg import sql

    name = sql.Identifier(user)
    group, http = sql.Identifier(READERS), sql.Identifier(HTTP)
    with session.transaction():
        session.execute(sql.SQL("CREATE ROLE {} LOGIN IN ROLE {}").format(name, group))
        # HTTP has no rights of its own. It takes on the role of a consumer for each of its requests.
        options = " WITH SET TRUE, INHERIT FALSE" if session.info.server_version >= _GRANT_OPTIONS else ""
        session.execute(sql.SQL("GRANT {} TO {}" + options).format(name, http))


def _remove(session: Any, user: str) -> None:
    from psycopg import sql

    session.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(user)))
    session.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (user,))
    session.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(user)))
