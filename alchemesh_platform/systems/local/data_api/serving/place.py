"""Where a serving copy lives: the folders, sockets and accounts of its PostgreSQL."""

from __future__ import annotations

import json
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

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

    def admin_dsn(self) -> str:
        """The address of the superuser, with its password.

        Raises:
            OSError: when there is no cluster yet.
        """
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
