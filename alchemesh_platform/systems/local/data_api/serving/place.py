"""Where a serving copy lives: the folders, sockets and accounts of its PostgreSQL."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from alchemesh_platform.machine.files import storage_errors, write_if_changed

DATABASE = "serving"
ADMIN = "alchemesh"  # the superuser: the loader, and the gateway for roles
READERS = "alchemesh_reader"  # the group of all consumers
HTTP = "alchemesh_http"
SCHEMA = "public"
LOADING = "alchemesh_loading"  # the schema of tables that are not complete yet
PORT = 5432
SOCKET = f".s.PGSQL.{PORT}"
_START_SECONDS = 30.0
_ROLE_MAX = 63  # NAMEDATALEN - 1
_ANSWER_SECONDS = 5.0
LOADED = (
    "CREATE TABLE IF NOT EXISTS alchemesh.loaded (table_name text PRIMARY KEY, version bigint, columns jsonb NOT NULL,"
    " committed_at timestamptz NOT NULL, loaded_at timestamptz NOT NULL, source jsonb NOT NULL)"
)


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a serving copy in its server.

    Args:
        database: The database.
        admin: The role of the loader and of the gateway.
        readers: The group of all consumers.
        prefix: The beginning of the role of each consumer.
    """

    database: str = DATABASE
    admin: str = ADMIN
    readers: str = READERS
    prefix: str = ""

    def role_of(self, user: str) -> str:
        """The role of a user of the gateway."""
        role = f"{self.prefix}{user}"
        if len(role) <= _ROLE_MAX:
            return role
        digest = hashlib.sha256(user.encode()).hexdigest()[:8]
        return f"{role[: _ROLE_MAX - len(digest) - 1]}_{digest}"


@dataclass(frozen=True, slots=True)
class Managed:
    """A PostgreSQL that somebody else runs, and the part of it that belongs to one serving copy.

    Args:
        url: Address of its administrator, without a password: libpq reads it from a `passfile`, or a certificate.
        identity: Identity of the copy. It is in the name of its database and its roles.
        created: Whether the server has answered, so that it may hold the database.
        unenforced: The limits that the server does not enforce, each in a sentence.
    """

    url: str
    identity: str
    created: bool = False
    unenforced: tuple[str, ...] = ()

    @property
    def prefix(self) -> str:
        """The beginning of the names of its roles."""
        return f"alchemesh_{self.identity}_"

    @property
    def database(self) -> str:
        """Its database."""
        return f"alchemesh_{self.identity}"

    @property
    def readers(self) -> str:
        """The group of all consumers."""
        return f"{self.prefix}reader"

    @property
    def where(self) -> str:
        """The server, for messages."""
        return f"{self.parameters.get('host', 'localhost')}:{self.parameters.get('port', 5432)}"

    @property
    def described_limits(self) -> str:
        """The server, and the limits that it does not enforce."""
        return f"the PostgreSQL at {self.where} does not enforce every limit: {'; '.join(self.unenforced)}"

    @property
    def parameters(self) -> dict[str, Any]:
        """The parts of its address."""
        from psycopg.conninfo import conninfo_to_dict

        return conninfo_to_dict(self.url)

    @property
    def names(self) -> Names:
        """The names of the copy."""
        return Names(self.database, str(self.parameters.get("user", "")), self.readers, f"{self.prefix}u_")

    def dsn(self) -> str:
        """The address of the copy's database, as the administrator."""
        address = urlsplit(self.url)
        return address._replace(path=f"/{self.database}").geturl()

    def described(self) -> dict[str, Any]:
        """The form of it in a file."""
        return {**asdict(self), "unenforced": list(self.unenforced)}


def new_managed(url: str) -> Managed:
    """A new serving copy in a server."""
    return Managed(url, secrets.token_hex(5))


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of one serving copy.

    Args:
        folder: Its folder, which only its user can read.
        sockets: Folder of the gateway's sockets.
    """

    folder: Path
    sockets: Path

    @property
    def cluster(self) -> Path:
        """The folder of PostgreSQL's data."""
        return self.folder / "cluster"

    @property
    def settings_file(self) -> Path:
        """The file with the settings of the copy."""
        return self.folder / "settings.json"

    @property
    def state_file(self) -> Path:
        """The file in which the loader says what is loaded."""
        return self.folder / "state.json"

    @property
    def consumers_socket(self) -> Path:
        """The folder of the socket that leads consumers to PostgreSQL."""
        return self.sockets / "sql"

    @property
    def admin_socket(self) -> Path:
        """The folder of the socket of the loader and of the gateway."""
        return self.sockets / "admin"

    @property
    def web_socket(self) -> Path:
        """The folder of the socket of the HTTP server."""
        return self.sockets / "web"

    @property
    def server_file(self) -> Path:
        """The file that names the managed server of the copy."""
        return self.folder / "server.json"

    @property
    def managed(self) -> Managed | None:
        """The managed server of the copy; None if it has a PostgreSQL of its own."""
        try:
            found = json.loads(self.server_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return Managed(**{**found, "unenforced": tuple(found["unenforced"])})

    @property
    def names(self) -> Names:
        """The names of the copy in its server."""
        managed = self.managed
        return managed.names if managed is not None else Names()

    def admin_dsn(self) -> str:
        """The address of the administrator, with its password unless libpq finds it.

        Raises:
            OSError: when there is no cluster yet.
        """
        managed = self.managed
        if managed is not None:
            return managed.dsn()
        password = json.loads(self.admin_file.read_text(encoding="utf-8"))["password"]
        host = quote(str(self.admin_socket), safe="")
        return f"postgresql://{ADMIN}:{password}@/{DATABASE}?host={host}&port={PORT}"

    @property
    def admin_file(self) -> Path:
        """The file of the superuser's password."""
        return self.folder / "admin.json"

    def prepare(self) -> None:
        """Make the folders, and the password of the superuser.

        Raises:
            StorageFailed: when the file system refuses.
        """
        with storage_errors(f"make {self.folder}"):
            for folder in (self.folder, self.consumers_socket, self.admin_socket, self.web_socket):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.admin_file.is_file():
            write_if_changed(self.admin_file, json.dumps({"password": secrets.token_urlsafe(32)}) + "\n")

    def answers(self) -> bool:
        """Whether PostgreSQL listens."""
        import socket

        managed = self.managed
        if managed is not None:
            address = managed.parameters
            host, port = str(address.get("hostaddr") or address.get("host", "localhost")), address.get("port", PORT)
            try:
                socket.create_connection((host, int(port)), timeout=_ANSWER_SECONDS).close()
            except OSError:
                return False
            return True
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                return probe.connect_ex(os.fspath(self.admin_socket / SOCKET)) == 0
            except OSError:
                return False


def connect(place: Place) -> Any:
    """A connection of the superuser, in which each statement is a transaction.

    Raises:
        psycopg.OperationalError: when PostgreSQL does not answer.
    """
    import psycopg

    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            return psycopg.connect(place.admin_dsn(), autocommit=True, connect_timeout=10)
        except psycopg.OperationalError as error:
            if "starting up" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
