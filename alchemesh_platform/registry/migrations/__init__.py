"""Migrations of the registry: from whatever a database holds to what this software works with.

A field added to a record comes with a migration too, if only an empty one: older software, which would not understand
the record, is then refused with a reason.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from alchemesh_platform.registry.database import Database
from alchemesh_platform.registry.unavailable import RegistryMissing, RegistryUnavailable, shown

HEAD = "0005"  # the newest revision in versions/, known without loading Alembic; a test holds it
VERSION_TABLE = "alchemesh_version"  # not Alembic's own name, which another application in the database may use
MIGRATION_LOCK = 0xA1C4E5  # any number that nobody else takes as an advisory lock in the same database


def update_all(database: Database, *, migrate: bool, create: bool) -> None:
    """Check that the registry is of this software's version; create or migrate it where that is wanted.

    Raises:
        RegistryMissing: when there is no registry, and none is to be made.
        RegistryUnavailable: when it is of a newer version, or older and not to be migrated.
    """
    name = shown(database.url)
    file = database.file
    found = None
    if file is None or file.exists():
        with database.reading() as connection:
            found = version_of(connection)
    if found == HEAD:
        return
    if found is None and not create:
        raise RegistryMissing(f"there is no registry {name} yet", hint="`alchemesh up` makes it")
    _refuse_newer(found, name)
    if not migrate:
        raise RegistryUnavailable(
            f"the registry {name} is of version {found or 'none'}, and {HEAD} is needed",
            hint="`alchemesh up` migrates it",
        )
    database.prepare_file()
    with database.writing() as connection:
        if not database.on_sqlite:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
        found = version_of(connection)  # another process may have been quicker
        _refuse_newer(found, name)
        if found != HEAD:
            _upgrade(connection)


def version_of(connection: Connection) -> str | None:
    """The revision that a database is at; None when it holds no registry."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    return found


def _refuse_newer(found: str | None, name: str) -> None:
    if found is not None and found > HEAD:
        raise RegistryUnavailable(
            f"the registry {name} was migrated by a newer alchemesh: it is of version {found}, this one knows {HEAD}",
            hint="upgrade: pip install --upgrade alchemesh-platform",
        )


def _upgrade(connection: Connection) -> None:
    """Run the missing migrations in the transaction of the connection: all of them, or none."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
