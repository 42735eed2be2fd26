"""Migrations of the registry, from the version of a database to this software's version.

A new field of a record needs a migration too, even an empty one. Older software does not understand the record; the
migration makes it refuse the registry with a reason.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.registry.database import Database
from alchemesh_platform.registry.unavailable import RegistryMissing, RegistryUnavailable, shown

HEAD = "0014"  # the newest revision in versions/, known without loading Alembic; a test checks it
VERSION_TABLE = "alchemesh_version"  # not Alembic's default name, which another application in the database may use
MIGRATION_LOCK = 0xA1C4E5  # an arbitrary number that no other application should use as an advisory lock


def update_all(database: Database, *, migrate: bool, create: bool) -> None:
    """Check that the registry has this software's version; create or migrate it if requested.

    Raises:
        RegistryMissing: when the registry does not exist, and `create` is false.
        RegistryUnavailable: when the registry is newer, or is older and `migrate` is false.
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
        raise RegistryMissing(f"there is no registry {name} yet", hint=remedy("{} creates it", command("up")))
    _refuse_newer(found, name)
    if not migrate:
        raise RegistryUnavailable(
            f"the registry {name} has version {found or 'none'}; this alchemesh needs {HEAD}",
            hint=remedy("{} migrates it", command("up")),
        )
    database.prepare_file()
    with database.writing() as connection:
        if not database.on_sqlite:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
        found = version_of(connection)  # another process may have migrated it first
        _refuse_newer(found, name)
        if found != HEAD:
            _upgrade(connection)


def version_of(connection: Connection) -> str | None:
    """The revision of a database; None if it contains no registry."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    return found


def _refuse_newer(found: str | None, name: str) -> None:
    if found is not None and found > HEAD:
        raise RegistryUnavailable(
            f"the registry {name} was migrated by a newer alchemesh: it has version {found}, and this one supports "
            f"{HEAD}",
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
