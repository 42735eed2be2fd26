"""Migrations from an empty database, or one of an older alchemesh, to this version."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from alchemesh_platform.registry import migrations
from alchemesh_platform.registry.database import Database
from alchemesh_platform.registry.migrations import HEAD, VERSION_TABLE
from alchemesh_platform.registry.records import DomainRecord, ProductRecord
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.tables import metadata
from alchemesh_platform.registry.unavailable import RegistryMissing, RegistryUnavailable
from tests.waiting import LONGEST


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    return ScriptDirectory.from_config(config)


def set_version(url: str, version: str) -> None:
    database = Database(url)
    with database.writing() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = :version"), {"version": version})
    database.close()


def test_migrations_create_the_tables_of_the_store(fresh_url: str) -> None:
    Registry.open(fresh_url).close()

    database = Database(fresh_url)
    with database.reading() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []
    database.close()


def test_head_is_the_newest_revision_and_revisions_count_up() -> None:
    """HEAD is written down so that a registry opens without Alembic; the number distinguishes newer and older."""
    revisions = [script.revision for script in scripts().walk_revisions()]

    assert scripts().get_heads() == [HEAD]
    assert revisions == sorted(revisions, reverse=True)
    assert all(len(revision) == len(HEAD) and revision.isdigit() for revision in revisions)


def test_registry_that_is_up_to_date_opens_without_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'registry.db'}"
    Registry.open(url).close()
    program = (
        "import sys\n"
        "from alchemesh_platform.registry.store import Registry\n"
        "Registry.open(sys.argv[1]).close()\n"
        "print('alembic' in sys.modules)\n"
    )
    assert subprocess.check_output([sys.executable, "-c", program, url], text=True).strip() == "False"


def test_concurrent_threads_migrate_a_new_registry_once(fresh_url: str) -> None:
    barrier = threading.Barrier(6, timeout=LONGEST)

    def opened(_: int) -> list[ProductRecord]:
        barrier.wait()
        with Registry.open(fresh_url) as registry:
            return registry.all(ProductRecord)

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(opened, range(6))) == [[]] * 6


def test_writer_of_the_file_delays_a_new_registry_and_does_not_stop_it(tmp_path: Path) -> None:
    """When another process writes, a switch to a write-ahead log fails as locked immediately, without waiting."""
    path = tmp_path / "registry.db"
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        with (
            closing(sqlite3.connect(path, timeout=30)) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            other.execute("PRAGMA journal_mode = WAL")
        assert time.monotonic() - started < 10
        leaving = threading.Timer(0.3, lambda: writer.execute("COMMIT"))
        leaving.start()

        with Registry.open(f"sqlite:///{path}") as registry:
            assert registry.all(ProductRecord) == []
        leaving.join()

    with closing(sqlite3.connect(path)) as after:
        assert after.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_failed_migration_leaves_the_database_as_it_was(fresh_url: str) -> None:
    database = Database(fresh_url)
    with database.writing() as connection:
        connection.execute(text("CREATE TABLE changes (somebody_elses TEXT)"))  # conflicts with the last table

    with pytest.raises(Exception, match="changes"):
        Registry.open(fresh_url)

    with database.writing() as connection:
        assert migrations.version_of(connection) is None
        connection.execute(text("DROP TABLE changes"))
    database.close()
    Registry.open(fresh_url).close()


def test_a_newer_registry_is_refused_with_a_fix(fresh_url: str) -> None:
    Registry.open(fresh_url).close()
    set_version(fresh_url, "9999")

    with pytest.raises(
        RegistryUnavailable, match=f"newer alchemesh: it has version 9999, and this one supports {HEAD}"
    ) as said:
        Registry.open(fresh_url)

    assert said.value.hint == "upgrade: pip install --upgrade alchemesh-platform"
    set_version(fresh_url, HEAD)
    Registry.open(fresh_url).close()


def test_an_older_registry_is_unchanged_without_permission_to_migrate(fresh_url: str) -> None:
    Registry.open(fresh_url).close()
    set_version(fresh_url, "0000")

    with pytest.raises(RegistryUnavailable, match="has version 0000; this alchemesh needs"):
        Registry.open(fresh_url, migrate=False)


def test_reading_creates_no_registry(fresh_url: str, tmp_path: Path) -> None:
    with pytest.raises(RegistryMissing, match="there is no registry"):
        Registry.open(fresh_url, create=False)

    assert list(tmp_path.iterdir()) == []
    Registry.open(fresh_url).close()
    Registry.open(fresh_url, create=False).close()


def test_registry_in_use_is_not_disturbed_by_another_that_opens(fresh_url: str, environment: str) -> None:
    with Registry.open(fresh_url) as first, Registry.open(fresh_url) as second:
        started = time.monotonic()
        for number in range(20):
            registry = (first, second)[number % 2]
            registry.start_deployment(environment, "d/p", "up", f"user-{number}")
        assert len(first.deployments(environment=environment)) == 20
        assert time.monotonic() - started < 20


def test_folder_names_with_special_characters_can_contain_a_registry(tmp_path: Path) -> None:
    folder = tmp_path / "50% of a #folder, it's é"
    with Registry.open(f"sqlite:///{folder / 'registry.db'}") as registry:
        assert registry.all(ProductRecord) == []
    assert (folder / "registry.db").is_file()


def test_a_registry_of_the_first_version_is_migrated_with_its_records(fresh_url: str) -> None:
    database = Database(fresh_url)
    database.prepare_file()
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with database.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        assert migrations.version_of(connection) == "0001"
    product = ProductRecord(
        environment="local", address="d/p", team="team", owner="o@example.org", version="1.0.0", lifecycle="stable"
    )
    Registry(database).put(product)

    with Registry.open(fresh_url) as registry:
        assert registry.all(ProductRecord) == [product]
        assert [line.change for line in registry.history()] == ["created"]
        assert registry.all(DomainRecord) == []
    with database.reading() as connection:
        assert migrations.version_of(connection) == HEAD
    database.close()
