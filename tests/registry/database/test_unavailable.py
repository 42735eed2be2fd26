"""An unusable registry is reported with address, reason and fix; no message has a password, and no data is lost."""

from __future__ import annotations

import os
import sqlite3
import threading
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from alchemesh_cli.main import invoke
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.machine.servers.ports import free_port
from alchemesh_platform.registry.audit import Act, links, record_act
from alchemesh_platform.registry.records import ProductRecord
from alchemesh_platform.registry.store import Registry
from alchemesh_platform.registry.unavailable import RecordDamaged, RegistryLocked, RegistryUnavailable
from tests.ordinary import as_an_ordinary_user, closed_folder
from tests.waiting import LONGEST

__all__ = ["closed_folder"]

PASSWORD = "correct-horse-battery"


def product(environment: str, name: str = "p", description: str = "") -> ProductRecord:
    return ProductRecord(
        environment=environment,
        address=f"d/{name}",
        team="team",
        owner="owner@example.org",
        version="1.0.0",
        lifecycle="stable",
        description=description,
    )


def test_an_unwritable_folder_is_named(closed_folder: Path) -> None:
    for path in (closed_folder / "registry.db", closed_folder / "below" / "registry.db"):
        with as_an_ordinary_user(), pytest.raises(RegistryUnavailable) as said:
            Registry.open(f"sqlite:///{path}")

        assert said.value.message.startswith(f"cannot write the registry {path}: ")
        assert said.value.hint is not None
        assert "platform file" in said.value.hint
        assert said.value.exit_code == ExitCode.FAILED
    assert list(closed_folder.iterdir()) == []


def test_a_registry_that_becomes_read_only_keeps_its_records(closed_folder: Path) -> None:
    path = closed_folder / "registry.db"
    closed_folder.chmod(0o777)
    with Registry.open(f"sqlite:///{path}") as registry:
        registry.put(product("local"))
    path.chmod(0o444)
    with (
        as_an_ordinary_user(),
        pytest.raises(RegistryUnavailable, match=f"cannot write the registry {path}: .*readonly"),
        Registry.open(f"sqlite:///{path}") as registry,
    ):
        assert registry.all(ProductRecord) == [product("local")]
        registry.put(product("local", "another"))

    path.chmod(0o644)
    with Registry.open(f"sqlite:///{path}") as registry:
        assert registry.all(ProductRecord) == [product("local")]
        assert registry.put(product("local", "another")) == "created"


def test_a_full_disk_loses_nothing_and_the_next_try_succeeds(tmp_path: Path) -> None:
    """SQLite reports the limit on pages as it reports a full disk: SQLITE_FULL."""
    path = tmp_path / "registry.db"
    url = f"sqlite:///{path}"
    with Registry.open(url) as registry:
        registry.put(product("local"))

    def limit_pages(connection: sqlite3.Connection, _record: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 1}")

    large = product("local", "large", description="x" * 100_000)
    event.listen(Pool, "connect", limit_pages)
    try:
        with Registry.open(url) as registry:
            with pytest.raises(RegistryUnavailable, match="its disk is full") as said:
                registry.put(large)
            assert said.value.message == f"cannot write the registry {path}: its disk is full"
            assert registry.all(ProductRecord) == [product("local")]
            assert len(registry.history()) == 1
    finally:
        event.remove(Pool, "connect", limit_pages)

    with Registry.open(url) as registry:
        assert registry.put(large) == "created"


def test_a_full_disk_of_a_server_is_reported(postgresql, environment: str) -> None:
    """A trigger makes the server report the code of a full disk."""
    url = postgresql.url(postgresql.create_database())
    with Registry.open(url) as registry:
        registry.put(product(environment))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$"
            )
            connection.execute("CREATE TRIGGER full_disk BEFORE INSERT ON changes EXECUTE FUNCTION full_disk()")

        with pytest.raises(RegistryUnavailable, match="its disk is full"):
            registry.put(product(environment, "another"))

        assert registry.all(ProductRecord, environment) == [product(environment)]


def test_a_lock_held_for_too_long_times_out_with_an_error(fresh_url: str, environment: str) -> None:
    with Registry.open(fresh_url) as holder, Registry.open(fresh_url, patience=timedelta(milliseconds=200)) as registry:
        registry.put(product(environment))
        held, release = threading.Event(), threading.Event()

        def hold() -> None:
            with holder._database.writing() as connection:
                connection.exec_driver_sql("UPDATE products SET team = 'held'")
                held.set()
                release.wait(LONGEST)

        thread = threading.Thread(target=hold)
        thread.start()
        assert held.wait(LONGEST)
        try:
            with pytest.raises(RegistryLocked, match="another process holds the lock of the registry") as said:
                registry.put(product(environment, description="changed"))
            assert registry.get(ProductRecord, environment, "d/p") == product(environment), "reading is never locked"
        finally:
            release.set()
            thread.join()

        assert said.value.exit_code == ExitCode.LOCKED
        assert registry.put(product(environment, description="changed")) == "updated"


@pytest.mark.parametrize("content", ["to be, or not to be: that is not a database. " * 100, "short"])
def test_a_file_that_is_not_a_database_is_refused_and_unchanged(tmp_path: Path, content: str) -> None:
    path = tmp_path / "registry.db"
    path.write_text(content)

    with pytest.raises(RegistryUnavailable, match="is not a registry: the file is not a SQLite database"):
        Registry.open(f"sqlite:///{path}")

    assert path.read_text() == content


def test_a_damaged_file_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    with Registry.open(f"sqlite:///{path}") as registry:
        for number in range(200):
            registry.put(product("local", f"p{number}", "x" * 500))
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)

    with pytest.raises(RegistryUnavailable, match=f"the registry {path} is damaged"):
        Registry.open(f"sqlite:///{path}").all(ProductRecord)


def test_a_folder_in_the_place_of_the_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(RegistryUnavailable, match=f"cannot write the registry {tmp_path}: "):
        Registry.open(f"sqlite:///{tmp_path}")


def test_a_record_of_another_version_is_reported(fresh_url: str, environment: str) -> None:
    with Registry.open(fresh_url) as registry:
        registry.put(product(environment))
        with registry._database.writing() as connection:
            connection.exec_driver_sql('UPDATE products SET document = \'{"colour": "blue"}\'')

        with pytest.raises(RegistryUnavailable, match="holds a ProductRecord that this alchemesh cannot read"):
            registry.all(ProductRecord, environment)


DAMAGES = {
    "truncated": '{"environment": "local", "addr',
    "empty": "",
    "no object": "[1, 2]",
    "with a null byte": '{"environment": "local\x00',
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_record_is_named_with_its_remedy(tmp_path: Path, damage: str) -> None:
    """It was once reported as a record of another version, without its address."""
    path = tmp_path / "registry.db"
    with Registry.open(f"sqlite:///{path}") as registry:
        registry.write([product("local"), product("local", "intact")])
        with registry._database.writing() as connection:
            connection.exec_driver_sql("UPDATE products SET document = ? WHERE address = 'd/p'", (DAMAGES[damage],))
        for read in (
            lambda: registry.all(ProductRecord),
            lambda: registry.get(ProductRecord, "local", "d/p"),
        ):
            with pytest.raises(RecordDamaged) as said:
                read()
            assert said.value.message == (
                f"the registry {path} holds a damaged record: ProductRecord d/p in local cannot be decoded"
            )
            assert said.value.hint == (
                "restore a backup; or delete its row of the table products: then `alchemesh up` records it again"
            )
        assert registry.get(ProductRecord, "local", "d/intact") == product("local", "intact")


def test_a_record_that_is_no_text_is_named(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 once were an unexpected error of the driver."""
    path = tmp_path / "registry.db"
    with Registry.open(f"sqlite:///{path}") as registry:
        registry.put(product("local", description="pâté"))
        registry.start_deployment("local", "d/p", "up", "ada@shop.example")
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TRIGGER changes_stay")
        for table in ("products", "changes"):
            connection.execute(f"UPDATE {table} SET document = CAST(replace(document, 'â', x'e2') AS TEXT)")
    with Registry.open(f"sqlite:///{path}") as registry:
        with pytest.raises(RecordDamaged, match="ProductRecord d/p in local cannot be decoded"):
            registry.all(ProductRecord)
        with pytest.raises(RecordDamaged, match="line 1 of the history, about product d/p in local"):
            registry.history()
        assert len(registry.deployments()) == 1


def test_a_damaged_act_of_the_audit_log_is_named(tmp_path: Path) -> None:
    with Registry.open(f"sqlite:///{tmp_path / 'registry.db'}") as registry:
        act = Act(environment="local", product="d/p", operation="up", address="d/p", actor="ada", issuer="local")
        record_act(registry, act)
        with registry.writing() as connection:
            connection.exec_driver_sql("DROP TRIGGER acts_stay")
            connection.exec_driver_sql("UPDATE acts SET document = '{'")
        with pytest.raises(RecordDamaged, match="act 1 of the audit log cannot be decoded") as said:
            links(registry)
        assert said.value.hint == "`alchemesh mesh audit --check` lists damaged acts; restore a backup of the registry"


@pytest.mark.parametrize("arguments", [["status"], ["status", "d/p"], ["access", "list"]])
def test_a_registry_that_nobody_may_write_is_read(
    closed_folder: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Reading in WAL mode writes a file next to the database, so a read-only registry once could not be read."""
    path = closed_folder / "registry.db"
    closed_folder.chmod(0o777)
    with Registry.open(f"sqlite:///{path}") as registry:
        registry.put(product("prod"))
    file = closed_folder / "platform.yaml"
    environment = f"{{extends: builtin/local, registry: 'sqlite:///{path}'}}"
    file.write_text(f"kind: Platform\nname: acme\nenvironments: {{prod: {environment}}}\n", "utf-8")
    for each in (path, file):
        each.chmod(0o444)
    closed_folder.chmod(0o555)
    monkeypatch.setenv("ALCHEMESH_HOME", str(closed_folder / "home"))
    line = [*arguments, "--platform", str(file), "-e", "prod", "-C", str(closed_folder)]
    invoke(line)  # an ordinary user may be unable to import Python's modules of root
    capsys.readouterr()
    with as_an_ordinary_user():
        status = invoke(line)
    shown = capsys.readouterr()
    assert (shown.err, status) == ("", 0)
    assert "d/p" in shown.out or arguments[0] == "access"


def test_a_server_that_is_down_is_reported_without_the_password(environment: str) -> None:
    port = free_port("127.0.0.1")
    with pytest.raises(RegistryUnavailable) as said:
        Registry.open(f"postgresql://registrar:{PASSWORD}@127.0.0.1:{port}/mesh")

    address = f"postgresql://registrar:***@127.0.0.1:{port}/mesh"
    assert said.value.message.startswith(f"cannot reach the registry {address}: ")
    assert "refused" in said.value.message
    assert_secret(said.value, PASSWORD)


def test_a_wrong_password_is_reported_and_not_repeated(postgresql) -> None:
    with pytest.raises(RegistryUnavailable, match="refuses the user: password authentication failed") as said:
        Registry.open(postgresql.url("postgres", "open-sesame"))

    assert said.value.hint is not None
    assert "PGPASSWORD" in said.value.hint
    assert_secret(said.value, "open-sesame")


def test_password_among_the_options_is_not_repeated(postgresql) -> None:
    url = postgresql.url("postgres").replace(f":{PASSWORD}", "")

    with pytest.raises(RegistryUnavailable, match="refuses the user") as said:
        Registry.open(f"{url}?password=open-sesame")

    assert_secret(said.value, "open-sesame")


def test_a_missing_password_is_reported(postgresql, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.setenv("PGPASSFILE", os.devnull)
    url = postgresql.url("postgres").replace(f":{PASSWORD}", "")

    with pytest.raises(RegistryUnavailable, match="refuses the user"):
        Registry.open(url)

    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    Registry.open(postgresql.url(postgresql.create_database()).replace(f":{PASSWORD}", "")).close()


def test_a_missing_database_is_reported_with_the_command_that_creates_it(postgresql) -> None:
    with pytest.raises(RegistryUnavailable, match="the server has no database 'mesh'") as said:
        Registry.open(postgresql.url("mesh"))

    assert said.value.hint == "create it once: createdb --host 127.0.0.1 mesh"


def test_a_read_only_user_is_reported(postgresql, environment: str) -> None:
    url = postgresql.url(postgresql.create_database())
    with Registry.open(url) as registry, psycopg.connect(url, autocommit=True) as connection:
        registry.put(product(environment))
        reader = f"reader_{environment.replace('-', '_')}"
        connection.execute(f"CREATE ROLE {reader} LOGIN PASSWORD 'read-only'")
        connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}")

    with Registry.open(url.replace(f"registrar:{PASSWORD}", f"{reader}:read-only")) as registry:
        assert registry.all(ProductRecord, environment) == [product(environment)]
        with pytest.raises(RegistryUnavailable, match=r"cannot write the registry .*: permission denied") as said:
            registry.put(product(environment, "another"))
    assert_secret(said.value, "read-only@")


def test_a_dropped_connection_to_the_server_is_reopened(postgresql, environment: str) -> None:
    url = postgresql.url(postgresql.create_database())
    with Registry.open(url) as registry:
        registry.put(product(environment))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

        assert registry.put(product(environment, "another")) == "created"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("mysql://root:hunter22@localhost/mesh", "no registry can be kept in mysql://root:\\*\\*\\*@localhost/mesh"),
        ("mysql://localhost/mesh?password=hunter22", "no registry can be kept in mysql://localhost/mesh"),
        ("sqlite://", "no registry can be kept in sqlite://"),
        ("sqlite:///:memory:", "no registry can be kept in"),
        ("/var/lib/registry.db", "the address of the registry cannot be read"),
        ("postgresql://user:hunter22@host:port/mesh", "the address of the registry cannot be read"),
    ],
)
def test_address_of_another_kind_is_refused(address: str, said: str) -> None:
    with pytest.raises(RegistryUnavailable, match=said) as refused:
        Registry.open(address)

    assert refused.value.hint == "expected sqlite:///PATH or postgresql://USER@HOST/DATABASE"
    assert_secret(refused.value, "hunter22")


def assert_secret(error: BaseException, password: str) -> None:
    """Neither the message nor its causes contain the password."""
    cause: BaseException | None = error
    while cause is not None:
        assert password not in str(cause)
        assert password not in repr(cause)
        cause = cause.__cause__
    assert password not in str(getattr(error, "hint", ""))
