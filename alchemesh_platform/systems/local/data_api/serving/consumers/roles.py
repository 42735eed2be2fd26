"""The roles of consumers in a serving copy: one for each user of the gateway, with SELECT and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from alchemesh_platform.systems.local.data_api.serving.managed import keep_role
from alchemesh_platform.systems.local.data_api.serving.place import ADMIN, HTTP, READERS, Place, connect

_GRANT_OPTIONS = 160000  # before, NOINHERIT of the role has the same effect
_OWN = (ADMIN, HTTP, READERS)


def is_reserved(user: str) -> bool:
    """Whether PostgreSQL, or the platform in it, has a role of this name."""
    return user in _OWN or user.startswith("pg_") or user in ("public", "none")


def keep_roles(place: Place, users: Iterable[str], secrets: Mapping[str, str] | None = None) -> None:
    """Make the roles of the users with access, and remove all others with their connections.

    Args:
        place: The serving copy.
        users: The users.
        secrets: The hash of each user's credential. A managed server has it too.

    Raises:
        psycopg.Error: when PostgreSQL does not answer, or refuses.
    """
    names = place.names
    wanted = {names.role_of(user): user for user in users if not is_reserved(user)}
    with connect(place) as session:
        present = {
            name
            for (name,) in session.execute(
                "SELECT r.rolname FROM pg_roles r JOIN pg_auth_members m ON m.member = r.oid"
                " WHERE m.roleid = %s::regrole AND r.rolname <> %s",
                (_identifier(names.readers), HTTP),
            )
            if name != names.admin
        }
        for role in sorted(wanted):
            if place.managed is not None:
                keep_role(session, place, role, (secrets or {})[wanted[role]], exists=role in present)
            elif role not in present:
                _create(session, role)
        for role in sorted(present - set(wanted)):
            _remove(session, role)


def _identifier(name: str) -> str:
    return f'"{name}"'


def add_role(place: Place, user: str) -> None:
    """Make the role of one user, unless it is there.

    Raises:
        ValueError: when the name belongs to PostgreSQL or to the platform.
        psycopg.Error: when PostgreSQL does not answer, or refuses.
    """
    if is_reserved(user):
        raise ValueError(f"{user} is no name of a consumer")
    with connect(place) as session:
        if session.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (user,)).fetchone() is None:
            _create(session, user)


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
